"""From the prompts that a team's model clients get to magdi's: messages, and which turns stand in them.

A prompt is kept as a *form*: chat messages in which a mark stands wherever an earlier turn was quoted. The marks are
the edges; filling them with the turns' texts gives the prompt back, letter for letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from magdi.core.mag import Message, Turn
from magdi.core.quotation import as_words, literals

_MARK = re.compile("\x02(\\d+)(?::(\\d+):(\\d+))?\x03")
FEWEST_CHARACTERS = 40
"""A shorter text counts as quoted only where it is a whole message of its author's, or follows the author's name."""
FEWEST_OF_A_PARAGRAPH = 12
"""From here on it also does where it is a paragraph, or the last lines of one."""


Role = Literal["system", "user", "assistant"]


class Line(NamedTuple):
    """One message of a prompt, as the team's framework has it.

    Attributes:
        role: Of the chat message that it becomes.
        source: Who said it; "" for system messages.
        text: What it says.
    """

    role: Role
    source: str
    text: str


class Form(NamedTuple):
    """A prompt with marks in place of turns.

    Attributes:
        text: The messages as JSON; what an ask carries as its note.
        steps: The turns that are quoted, in order.
    """

    text: str
    steps: tuple[int, ...]


def plain_name(name: str) -> str:
    """Returns a name that every framework takes: letters, digits and underscores."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain and not plain[0].isdigit() else f"_{plain}"


def make_form(lines: Sequence[Line], turns: Sequence[tuple[str, Turn]], names: Iterable[str]) -> Form:
    """Returns a prompt's form.

    Args:
        lines: The prompt.
        turns: What was said so far, each with the name under which the team knows its speaker.
        names: All speakers; only messages of theirs are introduced by name, the task is not.
    """
    left = {turn.step: (source, turn) for source, turn in turns if turn.text.strip() and turn.status != "invalid"}
    marked: list[tuple[str, str]] = []
    for line in reversed(lines):  # the newest first: of equal texts, a window shows the newest
        body = _mark_whole(line, left) or _mark_literal(line, turns) or _mark_within(line.text, left)
        named = line.role == "user" and line.source in set(names)
        marked.append((line.role, f"{line.source}: {body}" if named else body))
    merged = [
        (role, "\n\n".join(text for _, text in group))
        for role, group in groupby(reversed(marked), key=lambda each: each[0])
    ]
    text = json.dumps(merged, ensure_ascii=False)
    return Form(text, tuple(sorted({int(found[1]) for _, part in merged for found in _MARK.finditer(part)})))


def fill_form(form: str, turns: Iterable[Turn]) -> list[Message]:
    """Returns the prompt that a form was made from; no line of what somebody said introduces somebody else."""
    own = {turn.step: turn.text for turn in turns}
    names = "|".join(re.escape(plain_name(name)) for name in {"user", "system", *(turn.agent for turn in turns)})
    introduction = re.compile(rf"^(?=(?:{names}):)", re.M)

    def filled(role: str, text: str) -> str:
        def words(found: re.Match[str]) -> str:
            said = _said(own[int(found[1])], found)
            return said if role == "assistant" else introduction.sub(r"\\", as_words(said))

        return _MARK.sub(words, text)

    return [Message(role=role, content=filled(role, text)) for role, text in json.loads(form)]


def _said(text: str, mark: re.Match[str]) -> str:
    return text if mark[2] is None else str(json.loads(text[int(mark[2]) : int(mark[3])]))


def _mark_whole(line: Line, left: dict[int, tuple[str, Turn]]) -> str | None:
    for step in sorted(left, reverse=True):
        source, turn = left[step]
        if (source, turn.text.strip()) == (line.source, line.text.strip()):
            del left[step]
            return _mark(step)
    return None


def _mark_literal(line: Line, turns: Sequence[tuple[str, Turn]]) -> str | None:
    """A message that no member signed may be a string of somebody's JSON: an instruction in a Magentic ledger."""
    for source, turn in reversed(turns):
        readable = turn.status != "invalid" and line.source in ("", source)
        for start, end, value in literals(turn.text) if readable else ():
            if value.strip() and value == line.text:
                return f"\x02{turn.step}:{start}:{end}\x03"
    return None


def _mark_within(text: str, left: dict[int, tuple[str, Turn]]) -> str:
    text = _MARK.sub("", text)
    for step in sorted(left, reverse=True):
        source, turn = left[step]
        said = turn.text.strip()
        at = _place(text, source, said)
        if at >= 0:
            text = text[:at] + _mark(step) + text[at + len(said) :]
            del left[step]
    return text


def _place(text: str, source: str, said: str) -> int:
    """Returns where something said stands in a text; -1 where it does not."""
    named = [found.end() for found in re.finditer(rf"(?<!\w){re.escape(source)}\W{{1,4}}(?={re.escape(said)})", text)]
    if named:  # "ann: ", "[ann]: ", "**ann:** "
        return named[-1]
    if len(said) >= FEWEST_CHARACTERS:
        return text.rfind(said)
    paragraphs = list(re.finditer(rf"(?<![^\n]){re.escape(said)}(?=\s*(?:\n\s*\n|\Z))", text))
    return paragraphs[-1].start() if paragraphs and len(said) >= FEWEST_OF_A_PARAGRAPH else -1


def _mark(step: int) -> str:
    return f"\x02{step}\x03"


def with_task(lines: Sequence[Line], task: str) -> list[Line]:
    """Returns a prompt that holds the task: a windowed or filtered context may have dropped it."""
    if any(task in line.text for line in lines):
        return list(lines)
    place = next((place for place, line in enumerate(lines) if line.role != "system"), len(lines))
    return [*lines[:place], Line("user", "user", task), *lines[place:]]
