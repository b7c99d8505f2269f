"""MAD's debate files (Liang et al.): one object with each player's whole memory under ``players``.

A memory is the player's prompt: what it was told by whom is found in the text. The question is ``debate_topic``, the
gold answer ``gold_answer`` or ``answer`` where somebody has added one; translations have ``source`` and a reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from magdi.core.mag import Decision, Mag, Message, Question, Seen, Turn
from magdi.core.reply import UnreadableReply, read_json_object
from magdi.plugins.formats.importer import Importer, has, messages_of
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.quotations import standing
from magdi.plugins.formats.importers.reader import Reader, scalar

JUDGE, MODERATOR, BASELINE = "Judge", "Moderator", "Baseline"
_ROLES = {"Affirmative side": "affirmative", "Negative side": "negative", MODERATOR: "moderator", JUDGE: "judge"}
_DECIDED = (
    *("debate_answer", "debate_translation", "debate translation"),
    *("Correct Answer", "Correct Translation", "correct_answer"),
)
_TOPIC = ("debate_topic", "question")


class MadDebates(Importer):
    """MAD's debates: affirmative, negative, moderator, judge."""

    example = {
        "debate_topic": "What is 2 + 3?",
        "answer": "5",
        "players": {
            "Affirmative side": [
                {"role": "user", "content": "What is 2 + 3?"},
                {"role": "assistant", "content": "2 + 3 = 5. The answer is 5."},
            ]
        },
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value has players with memories."""
        return has(value, "players") and isinstance(value["players"], dict)

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one debate."""
        row = item.value
        question = _question(row, reader)
        turns: list[Turn] = []
        for said in _in_time_order(row["players"], handed_over=not _first(row, *_TOPIC)):
            turns.append(_turn(reader, question, turns, said, str(row.get("model_name", ""))))
        if not turns:
            raise ValueError("no player has said anything")
        answer = _first(row, *_DECIDED)
        read_answer = reader.task.extract(answer, question) if answer else None
        return reader.mag(item, question, "mad", turns, decision=Decision(answer=read_answer, rule="mad"), format="mad")


class _Said(NamedTuple):
    player: str
    round: int
    place: int
    memory: Sequence[Message]


def _question(row: Mapping[str, Any], reader: Reader) -> Question:
    topic = _first(row, *_TOPIC)
    if topic:
        return reader.question(topic, _first(row, "gold_answer", "answer"))
    if not row.get("source"):
        raise KeyError("debate_topic")
    # A translation is not right or wrong by its letters: the reference is kept, and nothing is graded by it.
    reference = _first(row, "reference", "correct reference")
    return reader.question(f"Translate into English: {row['source']}", "", reference=reference)


def _first(row: Mapping[str, Any], *keys: str) -> str:
    return next((said for key in keys if (said := scalar(row.get(key)).strip())), "")


def _in_time_order(players: Mapping[str, Any], *, handed_over: bool) -> list[_Said]:
    """Returns all replies, round by round, in the order of the players; a judge speaks last.

    Memories are lists of messages; their "assistant" entries are what the player has said. Translation debates give
    the affirmative side a first reply (the base translation) that it was handed, not asked for, unless a baseline
    of its own has made it: it stands in the memory, before what it says in round 1, and is taken as said in round 0.
    A debate that was cut off has a last round that not all have spoken in.
    """
    memories = {name: messages_of(memory) for name, memory in players.items()}
    sides = [memory for name, memory in memories.items() if name not in (JUDGE, MODERATOR, BASELINE)]
    fewest = min(map(_replies, sides), default=0)
    said: list[_Said] = []
    for name, memory in memories.items():
        places = [place for place, message in enumerate(memory) if message.role == "assistant"]
        early = len(places) - fewest if handed_over and memory in sides and BASELINE not in memories else 0
        first = 0 if name == BASELINE else 1 - early
        said += [_Said(name, max(number, 0), place, memory) for number, place in enumerate(places, start=first)]
    last = max((each.round for each in said if each.player != JUDGE), default=0)
    timed = [each._replace(round=last) if each.player == JUDGE else each for each in said]
    return sorted(timed, key=lambda each: (each.player == JUDGE, each.round))


def _replies(memory: Sequence[Message]) -> int:
    return sum(message.role == "assistant" for message in memory)


def _turn(reader: Reader, question: Question, turns: Sequence[Turn], said: _Said, model: str) -> Turn:
    prompt = said.memory[: said.place]
    told = [message.content for message in prompt if message.role == "user"]
    shown = standing([turn for turn in turns if turn.agent != said.player], told, question.text)
    seen = [
        Seen(step=turn.step, kind="self" if turn.agent == said.player else "content")
        for turn in turns
        if turn.agent == said.player or turn.step in shown
    ]
    role = _ROLES.get(said.player, said.player.lower())
    text = said.memory[said.place].content
    judges = role in ("moderator", "judge")
    return reader.turn(
        question,
        len(turns),
        said.player,
        text,
        round=said.round if seen else 0,
        seen=seen,
        role=role if judges else "solver",
        answer=_verdict(text) if judges else None,
        prompt=prompt,
        model=model,
    ).model_copy(update={"role": role})


def _verdict(text: str) -> str | None:
    """Returns the answer that a moderator or judge has decided on, None where it has not."""
    try:
        fields, _ = read_json_object(text)
    except UnreadableReply:
        return None
    return _first(fields, *_DECIDED) or None
