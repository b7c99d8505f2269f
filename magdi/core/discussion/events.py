"""What a discussion stage tells about itself while it runs, and sums of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from magdi.core.mag import Usage


@dataclass(frozen=True, slots=True)
class Called:
    """A reply came.

    Attributes:
        question: The question's id.
        agent: Who spoke.
        teacher: The identity of the teacher behind the agent.
        usage: Tokens and money.
        kept: Whether the reply came out of the journal and cost nothing now.
        cut: Whether it was cut off at its greatest length.
    """

    question: str
    agent: str
    teacher: str
    usage: Usage
    kept: bool
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call failed and will be made again.

    Attributes:
        agent: Who was asked.
        seconds: How long it is waited for.
        reason: What went wrong.
    """

    agent: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A discussion is over.

    Attributes:
        question: The question's id.
        rounds: Rounds that were held; 0 for a failure before the first one ended.
        failed: Whether it failed.
    """

    question: str
    rounds: int
    failed: bool


Event = Called | Waiting | Ended


@dataclass(slots=True)
class Totals:
    """Sums over events.

    Attributes:
        done, failed: Discussions; those that failed are not among those done.
        rounds: Rounds held in all.
        calls: Replies that teachers gave now.
        kept: Replies that came out of the journal.
        cut: Replies, kept ones too, that were cut off at their greatest length.
        retries: Calls that had to be made again.
        usage: Tokens and money of the replies given now.
    """

    done: int = 0
    failed: int = 0
    rounds: int = 0
    calls: int = 0
    kept: int = 0
    cut: int = 0
    retries: int = 0
    usage: Usage = field(default_factory=Usage)

    def add(self, event: Event) -> None:
        """Counts an event."""
        self.cut += isinstance(event, Called) and event.cut
        match event:
            case Called(kept=True):
                self.kept += 1
            case Called():
                self.calls += 1
                self.usage += event.usage
            case Waiting():
                self.retries += 1
            case Ended():
                self.failed += event.failed
                self.done += not event.failed
                self.rounds += event.rounds
