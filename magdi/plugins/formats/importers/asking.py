"""What a transcript is about: its question, and where the same user puts another one in the same chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.matching import asks_anew
from magdi.plugins.formats.importers.otel.messages import ROLES, messages_in
from magdi.plugins.formats.importers.otel.shown import is_long
from magdi.plugins.formats.importers.otel.words import plain_words
from magdi.plugins.formats.importers.tally import Tally
from magdi.plugins.formats.importers.utterances import Utterance, first_of

QUESTIONS = (
    *("question", "Question", "problem", "query", "debate_topic", "topic", "original_task", "task", "idea", "goal"),
    *("description", "task_prompt", "original_input", "problem_statement"),
)
PROMPTS = ("instruction", "input", "prompt")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a transcript.

    Attributes:
        value: What holds the transcript.
        part: Which of its utterances.
    """

    value: Any
    part: slice


def asks(value: Any) -> bool:
    """Returns whether an object tells a question beside what was said."""
    return isinstance(value, dict) and first_of(value, (*QUESTIONS, *PROMPTS)) is not None


def by_question(item: Item, said: Sequence[Utterance]) -> Iterator[Item]:
    """Yields a transcript, or its parts where each message of its user after an answer asks something else."""
    row = item.value if isinstance(item.value, dict) else {}
    places = [] if asks(row) or " " in item.key.strip() else _questions_in(said)
    for place, (start, stop) in enumerate(pairwise([*places, len(said)])) if len(places) > 1 else ():
        part = Part(item.value, slice(start if place else 0, stop))
        yield replace(item, value=part, index=item.index + place)
    if len(places) < 2:
        yield item


def _is_reply(said: Utterance) -> bool:
    """Returns whether an utterance says of itself that it answers."""
    kinds = (str(said.row.get(name)).lower().rpartition(".")[2] for name in ("type", "role", "from"))
    return any(ROLES.get(kind) == "assistant" for kind in kinds)


def _questions_in(said: Sequence[Utterance]) -> list[int]:
    """Returns where questions are put; none where a message of the user after an answer is no question of its own."""
    users = [place for place, each in enumerate(said) if each.kind == "user" and each.agent == _first_user(said)]
    after = [place for place in users[1:] if any(each.kind == "assistant" for each in said[users[0] : place])]
    later = [place for place in after if said[place - 1].kind != "user"]
    texts = [each.text for each in said]
    fresh = all(asks_anew(texts[place], texts[:place]) for place in later)
    return [*users[:1], *later] if later and fresh else []


def _first_user(said: Sequence[Utterance]) -> str:
    return next((each.agent for each in said if each.kind == "user"), "")


def asked(row: Mapping[str, Any], said: Sequence[Utterance], key: str, tally: Tally) -> tuple[str, list[Utterance]]:
    """Returns the question, and those of the utterances that are turns; what is but supposed is counted."""
    both = [row[name] for name in PROMPTS[:2] if isinstance(row.get(name), str) and row[name]]
    within = (told for each in said if (told := first_of(each.row, QUESTIONS)) is not None)
    asking = [each for each in said if each.kind == "user"]
    told = first_of(row, QUESTIONS) or "\n".join(both) or first_of(row, PROMPTS)
    named = " " not in key.strip() and (asking or key in {each.agent for each in said})
    told = told or ("" if named else key) or next(within, "")
    if isinstance(told, list) and all(isinstance(each, str) for each in told):
        told = "\n".join(dict.fromkeys(told))
    text = next((each.text for each in reversed(messages_in(told, "user")) if each.role == "user"), "")
    answering = [each for each in said if each.kind == "assistant"]
    may_ask = asking or ([] if all(map(_is_reply, answering)) else [each for each in answering if each.text])
    first = may_ask[0] if may_ask else None
    tally.doubts.update(_doubts(said, first, known=bool(text or asking)))
    if first is not None and (not text or _puts(first.text, text)):
        return text or first.text, [each for each in answering if each is not first]
    return text, answering


def _puts(text: str, question: str) -> bool:
    """Returns whether a message is the question, or ends with it below instructions."""
    words, asked = plain_words(text), plain_words(question)
    last = plain_words(text.strip().rpartition("\n")[2])
    return asked in (words, last) or is_long(asked) and words.endswith(asked)


def _doubts(said: Sequence[Utterance], first: Utterance | None, *, known: bool) -> Iterator[str]:
    """Yields what a log does not tell, and what was taken for it."""
    if not known:
        yield "whose first message is taken for the question" if first else "of which nothing tells the question"
    kinds = "".join(each.kind[0] for each in said)
    if re.search("u.*a.*u", kinds):
        yield "in which users spoke again: all is taken to be about the first question"
    if {each.agent for each in said if each.kind == "assistant"} == {"assistant"} and _side_by_side(said):
        yield "in which nothing tells the speakers apart: they are taken for one agent"


def _side_by_side(said: Sequence[Utterance]) -> bool:
    """Returns whether somebody seems to have answered himself."""
    return any(one.kind == two.kind == "assistant" and one.text and two.text for one, two in pairwise(said))
