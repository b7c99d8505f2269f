"""Transcripts of no particular system: who said what, whatever the fields are called.

Everybody is taken to have read all that was said before, but where the log tells more: a prompt, the messages that
another refers to, whom it was for, or rounds, in which nobody has heard the others of the same round. Questions, tools
and instructions are no turns; what is left out is counted. Without a question beside it, the first message asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from magdi.core.decision import last_answer, last_round, vote
from magdi.core.mag import Decision, Mag, Question, Seen, Turn
from magdi.plugins.formats.importer import Importer
from magdi.plugins.formats.importers.asking import PROMPTS, QUESTIONS, Part, asked, asks, by_question
from magdi.plugins.formats.importers.enclosed import opened
from magdi.plugins.formats.importers.harnesses import once, rows_of
from magdi.plugins.formats.importers.items import Item, OnBad, entries
from magdi.plugins.formats.importers.magdi_json import choices_of
from magdi.plugins.formats.importers.otel.dialects import usage_in
from magdi.plugins.formats.importers.otel.messages import messages_in
from magdi.plugins.formats.importers.otel.records import field
from magdi.plugins.formats.importers.quotations import standing
from magdi.plugins.formats.importers.reader import NO_QUESTION, Reader, scalar
from magdi.plugins.formats.importers.tellings import Tellings
from magdi.plugins.formats.importers.utterances import (
    ROUNDS,
    TALK,
    Utterance,
    first_of,
    is_utterance,
    speaker,
    transcript,
)

GOLDS = (
    *("gold", "gold_answer", "ground_truth", "groundtruth", "correct_answer", "expected_answer", "expected", "target"),
)
_LABELS = ("label", "reference", "answer", "Answer")
"""Right answers where they stand beside a transcript; in a message they may be what it says."""
_FINALS = ("final_answer", "finalAnswer", "prediction", "predicted_answer", "consensus", "decision", "Attempt answer")
_OUTPUTS = ("output", "response", "raw", "summary")
_ANSWERS = ("answer", "final_answer", "extracted_answer", "parsed_answer", "prediction")
_TALKS = (
    *("discussion_id", "debate_id", "conversation_id", "dialogue_id", "chat_id", "thread_id", "episode_id"),
    "message_tree_id",
    *("session_id", "sessionId", "run_id", "trace_id", "question_id", "question", "Question", "problem", "query"),
)
_ORDER = (
    *("step", "turn_id", "turn_index", "turn_number", "seq", "sequence", "message_index", "index", "idx", "order"),
    *("position", "turn", "timestamp", "ts", "time", "datetime", "date", "created", "created_at", "createdAt", *ROUNDS),
)
_REFERS = (
    *("seen", "saw", "sees", "shown", "refs", "references", "reply_to", "in_reply_to", "replies_to", "parents"),
    *("parent_ids", "predecessors", "depends_on", "memory_ids", "visible"),
)
_PARENTS = ("parent", "parent_id", "parent_message_id")
_IDS = ("id", "message_id", "turn_id", "step", "index", "turn")
_FOR = ("to", "recipient", "recipients", "receiver", "send_to", "addressed_to", "visible_to")
_IN_ONE = re.compile(r".*(?:rounds?|turns?|iterations?|responses|messages|agents?|events|steps)", re.IGNORECASE)
"""Under such a name may stand parts of one discussion."""
_ALL = {"all", "<all>", "*", "everyone", "everybody", "group", "team", "chat_manager", "groupchatmanager"}


class Chats(Importer):
    """Transcripts, whatever their fields are called; formats that know more go first."""

    example: ClassVar[Any] = {
        "question": "What is 2 + 3?",
        "transcript": [{"speaker": "ann", "text": "The answer is 5."}],
    }
    general = True
    protocol: ClassVar[str] = "chat"

    def recognises(self, value: Any) -> bool:
        """Returns whether something was said in a value."""
        said = transcript(opened(_streamed(value)))
        return any(each.kind in ("assistant", "user") for each in said) or bool(rows_of(value))

    def discussions(self, items: Iterator[Item], reader: Reader, on_bad: OnBad | None = None) -> Iterator[Item]:
        """Yields one item a discussion: messages that are items of their own are put together by what they belong to.

        Of one that was written down again and again, in part or while it grew, the whole is yielded; later questions
        that were put in the same chat are discussions of their own.
        """
        apart: dict[str, list[Item]] = {}
        tellings = Tellings()
        tasks: list[Mapping[str, Any]] = []
        for item in once(each for whole in items for each in _several(whole)):
            said = transcript(item.value)
            if is_utterance(item.value) or len(said) == 1 and said[0].row and (tasks or _is_message(item.value)):
                message = replace(item, value=_named(said[0], item.value))
                apart.setdefault(str(first_of(message.value, _TALKS)), []).append(message)
            elif not said:
                task = first_of(item.value, QUESTIONS) if isinstance(item.value, dict) else None
                tasks += [{"role": "user", "content": task}] if isinstance(task, str) else []
                reader.tally.other += not isinstance(task, str)
            else:
                for each in tellings.add(item, said, beside=bool(apart)):
                    yield from by_question(each.item, each.said)
        parts: list[Item] = []
        for place, (_, talk) in enumerate(sorted(apart.items())):  # whatever order the messages are in
            rows = _in_order([each.value for each in talk])
            if not tellings.have(said := transcript(rows)):
                alone = len(apart) == 1 and not any(each.kind == "user" for each in said)
                asking = tellings.beginning(said) or (tasks[:1] if alone else [])
                parts.append(replace(talk[0], index=place, value=[*asking, *rows]))
        for each in tellings.left():
            yield from by_question(each.item, each.said)
        for part in parts:
            yield from by_question(part, transcript(part.value))

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one transcript."""
        lost: list[Utterance] = []
        value, part = (item.value.value, item.value.part) if isinstance(item.value, Part) else (item.value, slice(None))
        said = transcript(value, lost)[part]
        row = _opened(value) if isinstance(value, dict) and not is_utterance(value) else {}
        text, spoken = asked(row, said, item.key, reader.tally)
        if not spoken:
            raise ValueError("nobody has answered: have a field `question` beside messages with `agent` and `content`")
        golds = [first_of(row, (*GOLDS, *_LABELS)), *(first_of(each.row, GOLDS) for each in said)]
        gold = next((each for each in golds if each is not None and not isinstance(each, dict)), None)
        choices = choices_of(first_of(row, ("choices", "options")), scalar(gold))
        question = reader.question(text or NO_QUESTION, gold, choices=choices)
        rounds, parents = _rounds(spoken), _branches(value, said)
        turns: list[Turn] = []
        for each in spoken:
            shown = _shown(each, turns, spoken, question.text, rounds, parents)
            turns.append(_turn(reader, question, each, shown, turns, rounds))
        reader.tally.other += len(lost) + sum(each.kind != "assistant" for each in said[1:])
        final = first_of(row, (*_FINALS, *_OUTPUTS))
        told = reader.task.extract(final, question) if isinstance(final, str) else None
        result = row["result"] if isinstance(row.get("result"), dict) else {}
        stop = first_of(row, ("stop_reason", "termination_reason")) or result.get("stop_reason")
        decision = _decided(turns, told, by_round=bool(rounds))
        name, won = self.protocol, {"winner": row["winner"]} if isinstance(row.get("winner"), str) else {}
        return reader.mag(item, question, name, turns, decision=decision, stop=str(stop or ""), format=name, **won)


def _several(item: Item) -> Iterator[Item]:
    """Yields the discussions of an object that holds them, by key or as a list; an item that is one as it is."""
    if rows := rows_of(item.value):
        yield from (replace(item, index=item.index + place, value=row) for place, row in enumerate(rows))
        return
    item = replace(item, value=opened(_streamed(item.value)))
    held = list(item.value.values()) if isinstance(item.value, dict) else []
    lists = [each for name, each in item.value.items() if not _IN_ONE.fullmatch(str(name))] if held else []
    listed = next((each for each in lists if isinstance(each, list) and each and all(map(_is_whole, each))), [])
    if listed and not asks(item.value):
        yield from (replace(item, index=place, value=each) for place, each in enumerate(listed))
    elif len(held) > 1 and all(isinstance(each, list | dict) and len(transcript(each)) > 1 for each in held):
        yield from _apart(entries(item))
    else:
        yield item


def _apart(items: Iterable[Item]) -> Iterator[Item]:
    """Yields discussions, of one that stands in the memories of several of its agents the first telling."""
    told = set[tuple[tuple[str, str], ...]]()
    for item in items:
        said = tuple((each.agent, each.text) for each in transcript(item.value))
        if said not in told:
            told.add(said)
            yield item


def _streamed(value: Any) -> Any:
    """Returns what a graph's stream has sent without where and how it was sent; a message is named by its node."""
    while isinstance(value, list) and len(value) in (2, 3) and all(map(_is_label, value[:-1])):
        value = value[-1]
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict) and "langgraph_node" in value[1]:
        return {"agent": value[1]["langgraph_node"], **value[0]} if isinstance(value[0], dict) else value
    return value


def _is_label(value: Any) -> bool:
    return value in ("values", "updates", "messages", "custom", "debug", "tasks", "checkpoints") or value == []


def _is_whole(value: Any) -> bool:
    """Returns whether a value is a discussion with its question or a name, and no message of one."""
    talks = isinstance(value, dict) and first_of(value, (*_TALKS, "id", "eval_id")) is not None
    named = talks and any(isinstance(each, list) and TALK.fullmatch(name) for name, each in value.items())
    return (asks(value) or named) and not is_utterance(value) and bool(transcript(value))


def _opened(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a row with what its question tells, where that is an object: its text, its right answer."""
    asked: dict[str, Any] = next((row[name] for name in QUESTIONS if isinstance(row.get(name), dict)), {})
    text = first_of(asked, (*QUESTIONS, *PROMPTS, "text", "content", "0"))
    return row if text is None else {**row, **asked, **dict.fromkeys(QUESTIONS), "question": text}


def _is_message(value: Any) -> bool:
    """Returns whether an object that holds one utterance, somewhere in it, is a message with a speaker, or a row."""
    return (
        _is_update(value) or isinstance(value, dict) and not asks(value) and (bool(speaker(value)[0]) or _is_row(value))
    )


def _is_update(value: Any) -> bool:
    """Returns whether an object is what one of LangGraph's nodes has added: ``{node: {"messages": [message]}}``."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict)


def _is_row(value: Mapping[str, Any]) -> bool:
    """Returns whether an object is a row of a table of messages, with one in a column of its own."""
    held = [each for each in value.values() if isinstance(each, list | dict)]
    return len(held) == 1 and is_utterance(held[0])


def _named(said: Utterance, value: Any) -> Mapping[str, Any]:
    """Returns the object of an utterance that has an item of its own, with what stands around it.

    LangGraph's updates are named by their node.
    """
    if said.row is value or not isinstance(value, dict):
        return said.row
    around = {name: each for name, each in value.items() if not isinstance(each, list | dict)} if _is_row(value) else {}
    if said.agent != "assistant":
        return {**around, **said.row}
    return {**around, "agent": next(iter(value)) if _is_update(value) else speaker(value)[0], **said.row}


def _in_order(rows: list[Any]) -> list[Any]:
    """Returns messages in the order that they tell; in that of the file where they tell none."""
    for name in _ORDER:
        told = [row.get(name) for row in rows]
        if all(isinstance(each, int | float | str) and each != "" for each in told):
            return [rows[place] for place in sorted(range(len(rows)), key=lambda place: (_number(told[place]), place))]
    return rows


def _number(told: Any) -> tuple[float, str]:
    try:
        return float(told), ""
    except ValueError:
        return 0.0, str(told)


def _rounds(spoken: Sequence[Utterance]) -> list[int]:
    """Returns the rounds that a discussion went by: each turn is in one, and nobody is in one twice."""
    places = [(each.round, each.agent) for each in spoken if each.round is not None]
    rounds = {round for round, _ in places}
    return sorted(rounds) if len(rounds) < len(spoken) == len(set(places)) else []


def _turn(
    reader: Reader, question: Question, said: Utterance, shown: Sequence[Turn], turns: Sequence[Turn], rounds: list[int]
) -> Turn:
    answer = scalar(first_of(said.row, _ANSWERS))
    return reader.turn(
        question,
        len(turns),
        said.agent,
        "\n".join(filter(None, (said.text, said.calls))),
        round=rounds.index(said.round or 0) if rounds else 1 + max((turn.round for turn in shown), default=-1),
        seen=[Seen(step=turn.step, kind="self" if turn.agent == said.agent else "content") for turn in shown],
        role="solver" if said.text else "tool_call",
        answer=answer if answer and answer != said.text else None,
        model=str(field(said.row, "model") or ""),
        usage=usage_in(usage if isinstance(usage := field(said.row, "usage"), dict) else {}),
    )


def _shown(
    said: Utterance,
    turns: Sequence[Turn],
    spoken: Sequence[Utterance],
    question: str,
    rounds: Sequence[int],
    parents: Mapping[str, str],
) -> list[Turn]:
    """Returns the turns that somebody had been shown, as far as the log tells."""
    heard = list(zip(spoken, turns, strict=False))
    if (prompt := first_of(said.row, ("prompt", "messages", "input_messages"))) is not None:
        steps = standing(turns, [each.text for each in messages_in(prompt, "user")], question)
        return [turn for turn in turns if turn.step in steps]
    if (name := _id(said.row)) in parents:
        above = set[str]()
        while (name := parents.get(name, "")) and name not in above:
            above.add(name)
        return [turn for each, turn in heard if _id(each.row) in above]
    if (told := first_of(said.row, _REFERS)) is not None:
        known = {str(each.row[name]): turn for name in _IDS for each, turn in heard if name in each.row}
        named = [str(each) for each in (told if isinstance(told, list) else [told])]
        if all(each in known for each in named):
            return [known[each] for each in dict.fromkeys(named)]
    return [turn for each, turn in heard if _reaches(each, said) and (not rounds or each.round != said.round)]


def _id(row: Mapping[str, Any]) -> str:
    return str(first_of(row, ("id", "message_id")))


def _branches(value: Any, said: Sequence[Utterance]) -> dict[str, str]:
    """Returns what each message of a tree goes on from, by their ids; nothing where none has been answered twice."""
    found: dict[str, str] = {}
    level = [value] if any(first_of(each.row, _PARENTS) is not None for each in said) else []
    while level:
        for each in level:
            if isinstance(each, dict) and isinstance(parent := first_of(each, _PARENTS), str | int):
                found[_id(each)] = str(parent)
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for held in inner for each in held if isinstance(each, dict | list)]
    found |= {_id(each.row): str(parent) for each in said if (parent := first_of(each.row, _PARENTS)) is not None}
    answered = [found[name] for each in said if (name := _id(each.row)) in found]
    return found if len(set(answered)) < len(answered) else {}


def _reaches(said: Utterance, other: Utterance) -> bool:
    """Returns whether an utterance was for somebody: for all, unless it names those that it is for."""
    told = first_of(said.row, _FOR)
    named = {str(each).lower() for each in (told if isinstance(told, list) else [told] if told else [])}
    return not named or bool(named & {*_ALL, other.agent.lower()}) or said.agent == other.agent


def _decided(turns: Sequence[Turn], told: str | None, *, by_round: bool) -> Decision:
    if told:
        return Decision(answer=told, rule="recorded")
    if by_round:
        return vote(last_round(turns), rule="last-round")
    return last_answer(turns)
