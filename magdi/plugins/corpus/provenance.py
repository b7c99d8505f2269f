"""Does a prompt hold what the graph says it holds, and nothing else of the discussion?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from magdi.core.mag import Mag, Turn
from magdi.core.quotation import literals, quoted_forms

FEWEST_CHARACTERS = 40
"""A text shorter than this is not looked for where it should not stand: "42" may stand anywhere."""


_BLANK = re.compile(r"[ \t]*(?:\n\s*|[ \t]+)")


def folded(text: str) -> str:
    """Returns a text with every run of blanks as one space or line break: systems quote with others than were said."""
    return _BLANK.sub(lambda blank: "\n" if "\n" in blank[0] else " ", text.strip())


def unquoted(mag: Mag) -> Iterator[str]:
    """Yields what prompts that were kept and edges do not agree on.

    A turn that was shown must stand in the prompt, by its text, its reasoning, or a string of its JSON; one that was
    not must not, unless its words are also those of one that was, or stand in the question.
    """
    for turn in mag.turns:
        if turn.prompt is None:
            continue
        told = folded("\n".join(message.content for message in turn.prompt))
        shown = {seen.step for seen in turn.seen if seen.kind != "control"}
        for step in sorted(shown):
            if not any(words in told for words in (*_words(mag.turns[step]), *_strings(mag.turns[step]))):
                yield f"turn {turn.step}: the prompt does not hold turn {step}, which it is said to have seen"
        held = [words for step in shown for words in _words(mag.turns[step])]
        for other in mag.turns[: turn.step]:
            if other.step not in shown and _stands(other, told, [*held, folded(mag.question.prompt)]):
                yield f"turn {turn.step}: the prompt holds turn {other.step}, which it is not said to have seen"


def _words(turn: Turn) -> list[str]:
    found = [folded(form) for words in (turn.text, turn.reasoning) if words.strip() for form in quoted_forms(words)]
    return [words for words in found if words] or [""]


def _strings(turn: Turn) -> list[str]:
    long = (value for *_, value in literals(turn.text) if len(value.strip()) >= FEWEST_CHARACTERS)
    return [folded(form) for value in long for form in quoted_forms(value)]


def _stands(turn: Turn, told: str, known: list[str]) -> bool:
    words = turn.reasoning.strip() or turn.text.strip()
    return (
        len(words) >= FEWEST_CHARACTERS
        and any(folded(form) in told for form in quoted_forms(words))
        and not any(folded(words) in each for each in known)
    )
