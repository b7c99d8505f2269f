"""Were the answers of an imported file read in the form in which they were given? If not, its labels mean nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from magdi.core.mag import Mag, Question
from magdi.plugins import answers
from magdi.plugins.formats.importers.question_options import label_of, split_options

FEWEST_TURNS = 10
"""Of fewer turns nothing is concluded."""


class Forms:
    """Watches MAGs go by; those that were not imported are left alone."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Counter[str]] = {}

    def watch(self, mag: Mag) -> Iterator[str]:
        """Yields what is wrong with the form of a question, and counts its turns."""
        if "format" not in mag.metadata or mag.question.gold is None:
            return
        counts = self._counts.setdefault((str(mag.metadata.get("source")), mag.question.answer_type), Counter())
        counts.update(unread=sum(turn.status == "invalid" for turn in mag.turns))
        counts.update(read=sum(turn.answer is not None for turn in mag.turns))
        counts.update(right=sum(turn.correct is True for turn in mag.turns))
        yield from _misread(mag.question, mag.question.gold)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields each source whose answers as a whole cannot have been read as they were meant, and what is wrong."""
        for (source, form), counts in self._counts.items():
            unread, read = counts["unread"], counts["read"]
            if unread > read and unread + read >= FEWEST_TURNS:
                yield source, f"{unread} of {unread + read} turns have no answer that could be read as a {form}"
            if form == "text" and not counts["right"] and read >= FEWEST_TURNS:
                yield source, f"none of {read} answers is right: they were read as text, which may not be their form"


def _misread(question: Question, gold: str) -> Iterator[str]:
    form, labels = question.answer_type, [choice.label for choice in question.choices]
    options = [] if labels else split_options(question.text)[1]
    if options and label_of(gold, options):
        yield f"the question's text lists {len(options)} options, which were not read as such"
    if form == "letter" and labels and gold not in labels:
        yield f"the gold answer {gold!r} is none of the options {', '.join(labels)}"
    elif form in ("number", "boolean") and answers.normal_form(gold, form) is None:
        yield f"the gold answer {gold!r} is no {form}"
