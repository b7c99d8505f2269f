"""What was read from a text as its answer, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """The rules that read answers, the surest first; those of silence come last."""

    BARE = "bare"
    """The text is the answer and nothing else."""
    HASHES = "hashes"
    """Behind "####"."""
    BOXED = "boxed"
    r"""In \boxed{}."""
    MARKER = "marker"
    """Behind "the answer is" and the like."""
    CONCLUSION = "conclusion"
    """In "B is correct", "I choose B", "so yes"."""
    OPTION = "option"
    """An option's text, or its mention, behind a marker."""
    OPENING = "opening"
    """The text's first word."""
    CLOSING = "closing"
    """What the closing sentence comes to."""
    RESTATED = "restated"
    """In a conclusion that says a yes-or-no question again as a statement."""
    LAST = "last"
    """The last one in the text, with no marker before it."""
    TASK = "task"
    """A task's own reader, which does not say how."""
    UNDECIDED = "undecided"
    """No answer: the text gives several."""
    ABSTAINS = "abstains"
    """No answer: the text says that it has none."""
    NOTHING = "nothing"
    """No answer: none was found."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a text.

    Attributes:
        answer: The answer in normal form; None where the text gives none.
        rule: The rule that read it, a `Rule` for all that magdi reads itself.
    """

    answer: str | None
    rule: str

    @property
    def doubt(self) -> int:
        """Place of the rule among all, the surest first: what to sort by to see the least certain readings."""
        rules = list(Rule)
        return rules.index(Rule(self.rule) if self.rule in rules else Rule.TASK)

    @property
    def stated(self) -> bool:
        """Whether the text says itself that this is its answer: all that counts of a text that was cut off."""
        return self.answer is not None and self.rule in (Rule.HASHES, Rule.BOXED, Rule.MARKER, Rule.OPTION, Rule.TASK)


NOTHING = Reading(None, Rule.NOTHING)

_noticed: ContextVar[dict[str | None, Reading] | None] = ContextVar("noticed", default=None)


@contextmanager
def noticing() -> Iterator[dict[str | None, Reading]]:
    """Yields what is noticed meanwhile, by answer: `Task.read` learns so by which rule `Task.extract` has read."""
    found: dict[str | None, Reading] = {}
    token = _noticed.set(found)
    try:
        yield found
    finally:
        _noticed.reset(token)


def notice(reading: Reading) -> Reading:
    """Tells whoever wants to know how an answer was read; for readers of answers, which return it."""
    if (found := _noticed.get()) is not None:
        found[reading.answer] = reading
    return reading
