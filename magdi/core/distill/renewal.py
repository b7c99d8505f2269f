"""MAGs that change while a student is trained: between passes, what it says by now joins them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

from accelerate import PartialState

from magdi.core.distill.checkpoints import renewed
from magdi.core.distill.corpus import Corpus, read_corpus
from magdi.core.distill.losses import MagLosses
from magdi.core.distill.processes import by_first, rank
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from magdi.core.errors import TrainingError
from magdi.core.mag import Mag, read_mags, write_mags

AGENT = "student"
"""Under which name the student's own answers stand in a MAG."""

AskStudent = Callable[[DistillStudent, list[Mag], int], Iterable[Mag]]
"""Returns MAGs with what the student says now, in order; told how many times that was done before, from 1.

Every process calls it, and the first one's are learned from.
"""


class Renewal:
    """What a student learns from after it was asked itself.

    Every renewal starts from the discussions as they were held: what the student said before is of another student.
    It is written to a file before anything is learned from it, so that a run that is killed and goes on from a
    checkpoint learns from the same answers.

    Args:
        mags: The discussions.
        ask_student: Asks the student.
        module: Holds the student, as it is at the time.
        reading: How MAGs are read.
        first: What was read of the discussions; the same ones are read again.
        folder: Where the files are kept.
        cache: Where tables of encoded MAGs are kept.
    """

    def __init__(
        self,
        mags: list[Mag] | Path,
        ask_student: AskStudent,
        module: MagLosses,
        reading: Reading,
        first: Corpus,
        folder: Path,
        cache: Path | None,
    ) -> None:
        self._mags, self._ask_student, self._module, self._reading = mags, ask_student, module, reading
        self._first, self._folder, self._cache = first, folder, cache
        self._attention = module.student.base.config._attn_implementation
        self.corpus = lru_cache(maxsize=1)(self._corpus)

    def _file(self, number: int) -> Path:
        return renewed(self._folder, number)

    def _corpus(self, number: int) -> Corpus:
        """Returns what is learned from after so many renewals, from 1; processes call it at the same step.

        Raises:
            TrainingError: Other MAGs can be learned from than before.
        """
        file = self._file(number)
        if not by_first(file.exists):
            self._module.calling(partial(self._ask, number))
            PartialState().wait_for_everyone()
        corpus = read_corpus(file, self._reading, self._cache)
        if len(corpus) != len(self._first):
            raise TrainingError(
                f"{len(self._first)} MAGs were learned from, and with the student's answers {len(corpus)}"
            )
        return corpus

    def _ask(self, number: int) -> None:
        with self._answering():
            found = self._ask_student(self._module.student, self._used(), number)
            deque(found, 0) if rank() else write_mags(self._file(number), found)

    def _used(self) -> list[Mag]:
        """Returns the MAGs that are learned from at all, so that steps take the same ones before and after."""
        used = {self._first[place].id for place in range(len(self._first))}
        listed = read_mags(self._mags) if isinstance(self._mags, Path) else self._mags
        return [mag for mag in listed if mag.id in used]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Lets the student attend and compute as when it answers, and then again as when it learns."""
        base, model = self._module.student.base, self._module.model
        learning, training = base.config._attn_implementation, model.training
        base.set_attn_implementation(self._attention)
        model.eval()
        try:
            yield
        finally:
            model.train(training)
            base.set_attn_implementation(learning)

    def tally(self, last: int) -> dict[str, int]:
        """Returns how many of the student's answers joined, up to a renewal, by whether they were right."""
        said: Counter[str] = Counter()
        for number in range(1, last + 1):
            turns = (turn for mag in read_mags(self._file(number)) for turn in mag.turns if turn.agent == AGENT)
            said.update({True: "own_right", False: "own_wrong", None: "own_unread"}[turn.label] for turn in turns)
        return dict(said)

    def keep(self, last: int, target: Path) -> None:
        """Keeps the MAGs of the last renewal, to be looked at."""
        write_mags(target, read_mags(self._file(last)))
