"""Du et al.'s debates: ``{question: [[chat of agent 1, ...], gold]}``, a chat alternating user and assistant.

An agent's chat is its prompt, whole: a turn has seen its own earlier replies and all that the chat's user messages
quote. Edges are found in the text, so that sparse topologies are read as truly as full ones. What stands behind the
gold answer is kept: DyLAN's files have level and subject there. Biographies have no gold answer, and chats alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from magdi.core.mag import Mag, Message, Question, Seen, Turn
from magdi.plugins.formats.importer import Importer, messages_of
from magdi.plugins.formats.importers.quotations import standing
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item, OnBad, entries

_LEAD = re.compile(r"^Can you (?:answer the following question as accurately as possible|solve .{0,40}?problem)\?\s*")
_TAIL = re.compile(
    r"(?:Answer in English only\.\s*)?(?:(?:Explain|State|Show) your (?:answer|reasoning|work)[.,]"
    r"|Make sure to state your answer).*$",
    re.DOTALL,
)
_FILE = re.compile(
    r"^[a-z]+_(?P<models>.+?)(?:_temp(?P<temperatures>[\d.+]+))?(?:_persona_(?P<personas>.+?))?_agents\d+_rounds\d+"
)
_ASKED = ("question", "problem", "query", "task", "input")
_GOLDS = ("gold", "gold_answer", "ground_truth", "target", "label", "answer")
_EXTRAS = ("level", "subject")


class DuDebates(Importer):
    """Du et al.'s multi-agent debates, and DyLAN's."""

    example = {
        "What is 2 + 3?": [
            [
                [
                    {"role": "user", "content": "What is 2 + 3?"},
                    {"role": "assistant", "content": "2 + 3 = 5. The answer is 5."},
                ]
            ],
            "5",
        ]
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is one debate, or an object of debates by their question."""
        if isinstance(value, dict) and _chats_of(value):
            return True
        return _is_debate(next(iter(value.values()), None) if isinstance(value, dict) else value)

    def discussions(self, items: Iterator[Item], reader: Reader, on_bad: OnBad | None = None) -> Iterator[Item]:
        """Yields a file's values, where it is one object, each with the question as its key; a row that holds chats."""
        for item in items:
            if isinstance(item.value, dict) and (chats := _chats_of(item.value)):
                gold = next((item.value[name] for name in _GOLDS if item.value.get(name) is not None), None)
                asked = next((str(item.value[name]) for name in _ASKED if item.value.get(name)), "")
                yield replace(item, value=[chats, gold], key=asked)
            else:
                yield from entries(item) if isinstance(item.value, dict) else [item]

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one question."""
        if not _is_debate(item.value):
            raise ValueError("it is not [[chat of agent 1, ...], gold]")
        raw, gold, *more = item.value if _are_chats(item.value[0]) else (item.value, None)
        named = list(raw) if isinstance(raw, dict) else []
        chats = [messages_of(chat) for chat in (raw.values() if isinstance(raw, dict) else raw)]
        extras = {name: value for name, value in zip(_EXTRAS, more, strict=False) if value is not None}
        question = reader.question(_asked(item.key if gold is not None else "", chats), gold, **extras)
        names, model = names_from(item.stem, len(chats))
        names = named or names
        turns: list[Turn] = []
        for round, k, at in _in_time_order(chats):
            turns.append(_turn(reader, question, turns, names[k], round, chats[k][: at + 1], model))
        if not turns:
            raise ValueError("no agent has said anything")
        split = {"split": "test"} if set(_EXTRAS) <= set(extras) else {}  # DyLAN's are all of MATH's test set
        return reader.mag(item, question, "debate", turns, stop="rounds", format="du", **split)


def _is_debate(value: Any) -> bool:
    """Returns whether a value is ``[[chat, ...], gold]`` or a list of chats."""
    return isinstance(value, list | tuple) and len(value) > 0 and (_are_chats(value[0]) or _are_chats(value))


def _are_chats(value: Any) -> bool:
    value = list(value.values()) if isinstance(value, dict) else value
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(chat, list | tuple) and len(chat) > 0 and _is_message(chat[0]) for chat in value)
    )


def _chats_of(row: Mapping[str, Any]) -> Any:
    """Returns the chats of several agents that a row holds, in a list or by their names; None where there are none."""
    for held in (row, *row.values()):
        if _are_chats(held):
            chats = list(held.values()) if isinstance(held, dict) else held
            asked = {str(next((said["content"] for said in chat if said["role"] == "user"), "")) for chat in chats}
            answered = all(any(said["role"] == "assistant" for said in chat) for chat in chats)
            if answered and "" not in asked and (isinstance(held, list) or len(chats) > len(asked) == 1):
                return held
    return None


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"role", "content"} <= set(value)


def _asked(key: str, chats: Sequence[Sequence[Message]]) -> str:
    """Returns the question without instructions: the item's key, or what the chats begin with."""
    asked = key or next((message.content for message in chats[0] if message.role == "user"), "")
    _, few_shot, problem = asked.rpartition("\nProblem: ")
    if few_shot:
        return problem.strip().removesuffix("Answer:").strip()
    return _TAIL.sub("", _LEAD.sub("", asked)).strip()


def _in_time_order(chats: Sequence[Sequence[Message]]) -> Iterator[tuple[int, int, int]]:
    """Yields all replies, round by round, as (round, agent, position in its chat)."""
    places = [[at for at, message in enumerate(chat) if message.role == "assistant"] for chat in chats]
    for round in range(max(map(len, places))):
        yield from ((round, k, at[round]) for k, at in enumerate(places) if round < len(at))


def _turn(
    reader: Reader,
    question: Question,
    before: Sequence[Turn],
    name: str,
    round: int,
    chat: Sequence[Message],
    model: str,
) -> Turn:
    prompt = chat[:-1]
    told = [message.content for message in prompt if message.role == "user"][1:]
    # Of the same words those of the round before, the newest: only DyLAN's agents are shown who spoke in this round.
    others = sorted((turn for turn in before if turn.agent != name), key=lambda turn: (turn.round == round, -turn.step))
    shown = standing(others, told, question.text)
    seen = [
        Seen(step=turn.step, kind="self" if turn.agent == name else "content")
        for turn in before
        if turn.agent == name or turn.step in shown
    ]
    return reader.turn(
        question, len(before), name, chat[-1].content, round=round, seen=seen, prompt=prompt, model=model
    )


def names_from(stem: str, count: int) -> tuple[list[str], str]:
    """Returns the agents' names and their model, as far as a file's name says them.

    Such a name is ``task_MODEL[_tempT+T][_persona_NAME+NAME]_agentsN_roundsR``; several models, joined by +,
    stand in no order that says who was which, and each agent has them all.
    """
    found = _FILE.match(stem)
    said = (found["personas"] if found else None) or ""
    personas = said.split("+" if "+" in said else "_")
    fits = bool(said) and len(personas) == count
    names = _told_apart(personas) if fits else [f"agent-{k + 1}" for k in range(count)]
    return names, found["models"] if found else ""


def _told_apart(names: Sequence[str]) -> list[str]:
    """Returns names of which those that come again are numbered."""
    return [name if name not in names[:k] else f"{name}-{names[:k].count(name) + 1}" for k, name in enumerate(names)]
