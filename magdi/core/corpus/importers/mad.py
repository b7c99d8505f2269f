"""MAD's debate files (Liang et al.): one object with each player's whole memory under ``players``.

A memory is the player's prompt: what it was told by whom is found in the text. The question is ``debate_topic``, the
gold answer ``gold_answer`` or ``answer`` where somebody has added one; translations have ``source`` and a reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from magdi.core.corpus.importers.du import quoted
from magdi.core.corpus.importers.format import Format, has
from magdi.core.corpus.importers.reader import Reader
from magdi.core.corpus.importers.source import Item
from magdi.core.mag import Decision, Mag, Message, Question, Seen, Turn
from magdi.core.reply import UnreadableReply, read_json_object

JUDGE = "Judge"
_ROLES = {"Affirmative side": "affirmative", "Negative side": "negative", "Moderator": "moderator", JUDGE: "judge"}


class _Said(NamedTuple):
    player: str
    round: int
    place: int
    memory: Sequence[Message]


def recognises(value: Any) -> bool:
    """Returns whether a value has players with memories."""
    return has(value, "players") and isinstance(value["players"], dict)


def read(item: Item, reader: Reader) -> Mag:
    """Returns the MAG of one debate."""
    row = item.value
    question = _question(row, reader)
    turns: list[Turn] = []
    for said in _in_time_order(row["players"]):
        turns.append(_turn(reader, question, turns, said, str(row.get("model_name", ""))))
    answer = _first(row, "debate_answer", "debate_translation", "debate translation")
    read_answer = reader.task.extract(answer, question) if answer else None
    return reader.mag(item, question, "mad", turns, decision=Decision(answer=read_answer, rule="mad"), format="mad")


def _question(row: Mapping[str, Any], reader: Reader) -> Question:
    topic = _first(row, "debate_topic", "question")
    if topic:
        return reader.question(topic, _first(row, "gold_answer", "answer"))
    if not row.get("source"):
        raise KeyError("debate_topic")
    # A translation is not right or wrong by its letters: the reference is kept, and nothing is graded by it.
    reference = _first(row, "reference", "correct reference")
    return reader.question(f"Translate into English: {row['source']}", "", reference=reference)


def _first(row: Mapping[str, Any], *keys: str) -> str:
    return next((str(row[key]) for key in keys if row.get(key)), "")


def _in_time_order(players: Mapping[str, Sequence[Mapping[str, str]]]) -> list[_Said]:
    """Returns all replies, round by round, in the order of the players; a judge speaks last.

    Memories are lists of messages; their "assistant" entries are what the player has said. Translation debates give
    the affirmative side a first reply (the base translation) that it was handed, not asked for: it stands in the
    memory, before what it says in round 1, and is taken as said in round 0.
    """
    rounds = min((_replies(raw) for name, raw in players.items() if name != JUDGE), default=0)
    said: list[_Said] = []
    for name, raw in players.items():
        memory = [Message.model_validate(dict(message)) for message in raw]
        places = [place for place, message in enumerate(memory) if message.role == "assistant"]
        first = 1 - (0 if name == JUDGE else len(places) - rounds)
        for number, place in enumerate(places, start=first):
            said.append(_Said(name, rounds if name == JUDGE else max(number, 0), place, memory))
    return sorted(said, key=lambda each: (each.player == JUDGE, each.round))


def _replies(memory: Sequence[Mapping[str, str]]) -> int:
    return sum(message.get("role") == "assistant" for message in memory)


def _turn(reader: Reader, question: Question, turns: Sequence[Turn], said: _Said, model: str) -> Turn:
    prompt = said.memory[: said.place]
    told = "\n".join(message.content for message in prompt if message.role != "assistant")
    seen = [
        Seen(step=turn.step, kind="self" if turn.agent == said.player else "content")
        for turn in turns
        if turn.agent == said.player or quoted(turn.text, told)
    ]
    role = _ROLES.get(said.player, said.player.lower())
    text = said.memory[said.place].content
    return reader.turn(
        question,
        len(turns),
        said.player,
        text,
        round=said.round if seen else 0,
        seen=seen,
        role="solver" if role in ("affirmative", "negative") else role,
        answer=None if role in ("affirmative", "negative") else _verdict(text),
        prompt=prompt,
        model=model,
    ).model_copy(update={"role": role})


def _verdict(text: str) -> str | None:
    """Returns the answer that a moderator or judge has decided on, None where it has not."""
    try:
        fields, _ = read_json_object(text)
    except UnreadableReply:
        return None
    return _first(fields, "debate_answer", "debate_translation") or None


FORMAT = Format("mad", "MAD's debates (affirmative, negative, moderator, judge)", recognises, read)
