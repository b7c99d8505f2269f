"""Du et al.'s debates: ``{question: [[chat of agent 1, ...], gold]}``, a chat alternating user and assistant.

An agent's chat is its prompt, whole: a turn has seen its own earlier replies and all that the chat's user messages
quote. Edges are found in the text, so that sparse topologies are read as truly as full ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from magdi.core.corpus.importers.format import Format
from magdi.core.corpus.importers.reader import Reader, split_options
from magdi.core.corpus.importers.source import Item
from magdi.core.mag import Mag, Message, Question, Seen, Turn

FEWEST_CHARACTERS = 40
"""A text shorter than this counts as quoted only where it stands between fences, so that "42" is not found anywhere."""

_LEAD = re.compile(r"^Can you (?:answer the following question as accurately as possible|solve .{0,40}?problem)\?\s*")
_TAIL = re.compile(r"\s*(?:Answer in English only\.\s*)?(?:Explain your (?:answer|reasoning)[.,]).*$", re.DOTALL)
_FILE = re.compile(r"^(?P<task>[a-z]+)_(?P<model>[^_]+)_persona_(?P<personas>.+)_agents(?P<n>\d+)_rounds\d+$")


def recognises(value: Any) -> bool:
    """Returns whether a value is ``[[chat, ...], gold]``."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], list)
        and all(isinstance(chat, list) and chat and {"role", "content"} <= set(chat[0]) for chat in value[0])
    )


def read(item: Item, reader: Reader) -> Mag:
    """Returns the MAG of one question."""
    if not recognises(item.value):
        raise ValueError("it is not [[chat of agent 1, ...], gold]")
    raw, gold = item.value
    chats = [[Message.model_validate(message) for message in chat] for chat in raw]
    text, choices = split_options(_TAIL.sub("", _LEAD.sub("", item.key)))
    question = reader.question(text, str(gold), choices=choices)
    names, model = names_from(item.path.stem, len(chats))
    turns: list[Turn] = []
    for round, replies in enumerate(_rounds(chats)):  # noqa: A001
        turns += [
            _turn(reader, question, turns, names[k], round, step, chats[k][: at + 1], model)
            for step, (k, at) in enumerate(replies, start=len(turns))
        ]
    return reader.mag(item, question, "debate", turns, stop="rounds", format="du")


def _rounds(chats: Sequence[Sequence[Message]]) -> Iterator[list[tuple[int, int]]]:
    """Yields each round's replies as (agent, position in its chat)."""
    places = [[at for at, message in enumerate(chat) if message.role == "assistant"] for chat in chats]
    for round in range(max(map(len, places))):  # noqa: A001
        yield [(k, at[round]) for k, at in enumerate(places) if round < len(at)]


def _turn(
    reader: Reader,
    question: Question,
    before: Sequence[Turn],
    name: str,
    round: int,  # noqa: A002
    step: int,
    chat: Sequence[Message],
    model: str,
) -> Turn:
    prompt = chat[:-1]
    told = "\n".join(message.content for message in prompt if message.role == "user")
    seen = [
        Seen(step=turn.step, kind="self" if turn.agent == name else "content")
        for turn in before
        if turn.agent == name or quoted(turn.text, told)
    ]
    return reader.turn(question, step, name, chat[-1].content, round=round, seen=seen, prompt=prompt, model=model)


def quoted(text: str, prompt: str) -> bool:
    """Returns whether a reply stands in a prompt: between fences, or anywhere if it is long enough."""
    if not text.strip():
        return False
    if f"```{text}```" in prompt or f"```{text.strip()}```" in prompt:
        return True
    return len(text) >= FEWEST_CHARACTERS and text in prompt


def names_from(stem: str, count: int) -> tuple[list[str], str]:
    """Returns the agents' names and their model, as far as a file's name says them."""
    found = _FILE.match(stem)
    personas = found["personas"].split("_") if found else []
    fits = len(personas) == count == len(set(personas))
    return personas if fits else [f"agent-{k + 1}" for k in range(count)], found["model"] if found else ""


FORMAT = Format("du", "Du et al.'s multi-agent debate", recognises, read, keyed=True)
