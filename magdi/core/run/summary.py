"""What a run's discussions came to: counts by structure and round, accuracy of turns and teams, tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from magdi.core.mag import Mag, Usage
from magdi.core.run.state import Talk

MOST_TEACHERS = 20
"""Teachers that are kept by name: a file from elsewhere may name one a turn."""


def simulated(mag: Mag) -> list[bool]:
    """Returns by turn whether a simulated teacher said it, as the turn's ``model`` says."""
    return [turn.model.partition(":")[0] == "simulated" for turn in mag.turns]


class Summary:
    """Sums over MAGs, which it is shown one at a time."""

    def __init__(self) -> None:
        self.count = 0
        self.structures: Counter[str] = Counter()
        self.stops: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.decisions: Counter[bool | None] = Counter()
        self.answers: dict[int, Counter[bool]] = {}
        self.usage = Usage()
        self.partly_simulated = 0
        self.wholly_simulated = 0
        self.protocols: Counter[str] = Counter()
        self.tasks: Counter[str] = Counter()
        self.teachers: Counter[str] = Counter()

    def add(self, mag: Mag) -> None:
        """Counts a MAG."""
        self.count += 1
        self.structures[mag.structure] += 1
        self.stops[mag.stop] += 1
        self.decisions[mag.decision.correct] += 1
        self.usage += mag.usage
        self.protocols[mag.protocol] += 1
        self.tasks[mag.question.task] += 1
        said = simulated(mag)
        self.partly_simulated += any(said)
        self.wholly_simulated += bool(said) and all(said)
        for turn in mag.turns:
            self.teachers[turn.model or turn.agent] += 1
            self.statuses[turn.status] += 1
            if turn.correct is not None:
                self.answers.setdefault(turn.round, Counter())[turn.correct] += 1

    def watching(self, mags: Iterable[Mag]) -> Iterator[Mag]:
        """Passes MAGs on, counting them."""
        for mag in mags:
            self.add(mag)
            yield mag

    @property
    def simulated(self) -> bool:
        """Whether every turn of every MAG was said by a simulated teacher."""
        return 0 < self.count == self.wholly_simulated

    def document(self) -> Talk:
        """Returns counts and accuracies; an accuracy is absent where nothing was graded."""
        graded = self.decisions[True] + self.decisions[False]
        return {
            "count": self.count,
            "simulated": self.partly_simulated,
            "structures": dict(sorted(self.structures.items())),
            "protocols": dict(sorted(self.protocols.items())),
            "tasks": dict(sorted(self.tasks.items())),
            "teachers": dict(self.teachers.most_common(MOST_TEACHERS)),
            "stops": dict(self.stops.most_common()),
            "turns": self.statuses.total(),
            "invalid_turns": self.statuses["invalid"],
            "accuracy": self.decisions[True] / graded if graded else None,
            "accuracy_by_round": {
                str(number): counts[True] / counts.total() for number, counts in sorted(self.answers.items())
            },
        }

    def tokens(self) -> dict[str, float]:
        """Returns what the teachers were sent and sent back, in tokens, and what it cost in US dollars."""
        usage = self.usage
        return {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens, "cost": usage.cost}
