"""Tasks: where questions come from, and how an answer is read and graded."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from magdi.core.configurable import Configurable
from magdi.core.errors import ComponentError, called, raised
from magdi.core.mag import Question
from magdi.core.verdict import Reading, Rule, noticing

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Document:
    """A text for making a base model.

    Attributes:
        text: The text.
        learn: Character spans [start, end) that the loss is on; empty means all of it.
    """

    text: str
    learn: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Primer:
    """What a tiny base model is made from, for tasks that come with one.

    Attributes:
        words: A closed vocabulary, one token each; empty means that a tokenizer is trained on the documents.
        documents: The texts it is trained on before it is ever distilled; they share no question with any split.
        numbers: Numbers below this one are tokens whose embeddings may be given Fourier features; 0 for none.
    """

    documents: Sequence[Document]
    words: tuple[str, ...] = ()
    numbers: int = 0


class Task(Configurable):
    """Base class of tasks.

    Grading never runs what it reads, always ends, and grades what it cannot read as wrong.
    """

    teachers: ClassVar[tuple[str, ...]] = ()
    """``name=kind:target`` of teachers that answer this task on this machine; used when a run names none."""

    lenient: str = ""
    """What `grade` lets pass besides the right answer, as a sentence ("numbers within 1 %"); empty for nothing."""

    @abstractmethod
    def questions(self, split: Split) -> Sequence[Question]:
        """Returns a split's questions: ids unique and stable, no question in two splits.

        Raises:
            DataError: The data is missing or malformed.
        """

    def first(self, split: Split, most: int | None = None) -> Sequence[Question]:
        """Returns the first questions of a split, all where ``most`` is None.

        Raises:
            ComponentError: `questions` gives something else than questions, or two of one id.
        """
        found: object = self.questions(split)
        what = f"task {called(self)}: questions({split!r}) gives"
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise ComponentError(f"{what} {type(found).__name__}, which is no sequence of Question")
        chosen = found[:most]
        if wrong := next((each for each in chosen[:1] if not isinstance(each, Question)), None):
            raise ComponentError(f"{what} {wrong!r:.60}, which is no Question")
        (twice, often), *_ = Counter(each.id for each in chosen).most_common(1) or [("", 0)]
        if often > 1:
            raise ComponentError(f"{what} {often} questions of the id {twice!r}: what was said of one is found by it")
        return chosen

    @abstractmethod
    def extract(self, text: str, question: Question) -> str | None:
        """Returns the answer in a text in normal form (300, "$300.00" and "3e2" are all "300"), or None."""

    def read(self, text: str, question: Question) -> Reading:
        """Returns what `extract` reads, and by which rule: "task" where it was not one of magdi's own readers.

        Raises:
            ComponentError: `extract` gives neither a text nor None, or would end the process.
        """
        with noticing() as noticed:
            answer = self._held(str | None, "extract", text, question)
        return noticed.get(answer) or Reading(answer, Rule.NOTHING if answer is None else Rule.TASK)

    def grade(self, answer: str | None, gold: str) -> bool:
        """Returns whether an extracted answer is right."""
        return answer is not None and answer == gold

    def graded(self, answer: str | None, gold: str) -> bool:
        """Returns what `grade` says.

        Raises:
            ComponentError: That is neither True nor False, a numpy.bool say, or it would end the process.
        """
        return bool(self._held(bool, "grade", answer, gold))

    def _held(self, form: Any, method: str, *given: object) -> Any:
        what = f"task {called(self)}: {method}()"
        try:
            found = getattr(self, method)(*given)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit, which would take the event loop with it
            raise ComponentError(f"{what} raised {raised(error)}") from error
        if not isinstance(found, form):
            kind = f"{type(found).__module__}.{type(found).__qualname__}".removeprefix("builtins.")
            wanted = getattr(form, "__name__", form)
            raise ComponentError(f"{what} gives {found!r:.40}, a {kind}, and has to give {wanted}")
        return found

    def traits(self, text: str, question: Question) -> Mapping[str, bool]:
        """Returns what else an answer is beside right or wrong, by name; suites show each as a share."""
        return {}

    def primer(self, seed: int) -> Primer | None:
        """Returns what a tiny base model for this task is made from; None where it has nothing of the sort."""
        return None

    def role_speech(self, seed: int) -> Sequence[Document]:
        """Returns what a tiny base that is to be a team reads beside its primer: what roles are asked, and say.

        These documents too share no question with any split; there are none where the task has no primer.
        """
        return ()
