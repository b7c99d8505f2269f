"""The MAGDi authors' MAG files and ReConcile's results: ``{question, gold_answer, NAME_output_ROUND: {...}}``.

An output is {reasoning, answer, confidence_level}; a round that did not happen has no key. By the paper's rule a turn
has seen all of the round before; where the file holds the digest that was shown (``debate_prompt_R``, quotes of round
R for round R + 1), only those whose words stand in it: the two largest groups.

ReConcile's run.py writes a pickle of such rows without questions: they are those of the task's test split, in order.
An answer that it has drawn by lot in place of one that could not be read is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from magdi.core.mag import Choice, Decision, Mag, Question, Seen, Turn
from magdi.core.reply import UnreadableReply, read_confidence, read_json_object
from magdi.plugins.formats.importer import Importer
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.pickled import NumpyText
from magdi.plugins.formats.importers.question_options import label_of
from magdi.plugins.formats.importers.reader import Reader, scalar

_OUTPUT = re.compile(r"(?P<agent>.+?)_output_(?P<round>\d+)$")


class ReconcileResults(Importer):
    """MAGDi's and ReConcile's result files."""

    example = {
        "question": "What is 2 + 3?",
        "gold_answer": "5",
        "bard_output_0": {"reasoning": "2 + 3 = 5.", "answer": "5"},
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value has an output of a round."""
        return isinstance(value, dict) and any(_OUTPUT.match(str(key)) for key in value)

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of the rounds that happened."""
        row = item.value
        outputs = {
            (int(found["round"]), found["agent"]): _output(row[key])
            for key in row
            if (found := _OUTPUT.match(str(key))) and row[key] is not None
        }
        question = _question(item, reader)
        agents = list(dict.fromkeys(agent for _, agent in outputs))
        turns: list[Turn] = []
        for round in range(1 + max((round for round, _ in outputs), default=-1)):
            before = [turn for turn in turns if turn.round == round - 1]
            said = [(agent, outputs[round, agent]) for agent in agents if (round, agent) in outputs]
            shown = _shown(before, row, round - 1)
            turns += [
                _turn(reader, question, step, agent, round, output, shown)
                for step, (agent, output) in enumerate(said, start=len(turns))
            ]
        if not turns:
            raise ValueError("no agent has said anything")
        decided = _decided(row, turns, question, reader)
        return reader.mag(item, question, "reconcile", turns, format="reconcile", decision=decided)


def _question(item: Item, reader: Reader) -> Question:
    row = item.value
    if row.get("question"):
        gold = scalar(row.get("gold_answer"))
        return reader.question(
            row["question"], gold, choices=choices_of(row.get("options") or row.get("choices"), gold)
        )
    question = reader.at(item.index)
    gold = _by_number(scalar(row.get("gold_answer")), question)
    read_gold = label_of(gold, question.choices) if question.choices else reader.task.extract(gold, question)
    if gold and question.gold is not None and not reader.task.grade(read_gold, question.gold):
        raise ValueError(
            f"its gold answer is {gold!r}, and that of {question.id} is {question.gold!r}: these are not the questions "
            "that were asked"
        )
    return question


def _by_number(answer: str, question: Question) -> str:
    """Returns the label of an option that is named by its number, as ECQA's are; other answers as they are."""
    labels = [choice.label for choice in question.choices]
    named = answer.isdecimal() and answer not in labels and 1 <= int(answer) <= len(labels)
    return labels[int(answer) - 1] if named else answer


def _output(value: Any) -> Mapping[str, Any]:
    """Returns an output's fields; a reply that was kept as text is read as run.py would have."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        raise ValueError(f"an output is {type(value).__name__}, and no object")
    try:
        return read_json_object(value)[0]
    except UnreadableReply:
        return {"reasoning": value}


def _shown(before: Sequence[Turn], row: Mapping[str, Any], round: int) -> list[Turn]:
    """Returns the turns of a round that its digest quotes, by their explanation as it is written there."""
    digest = str(row.get(f"debate_prompt_{round}") or "")
    if not digest:
        return list(before)
    shown = []
    for turn in before:
        explained = str(row.get(f"{turn.agent}_exp_{round}") or turn.reasoning).strip()
        if explained and explained in digest:
            shown.append(turn)
    return shown


def _turn(
    reader: Reader,
    question: Question,
    step: int,
    agent: str,
    round: int,
    output: Mapping[str, Any],
    shown: Sequence[Turn],
) -> Turn:
    reasoning = output.get("reasoning") or ""
    reasoning = " ".join(map(str, reasoning)) if isinstance(reasoning, list) else str(reasoning)
    confidence = read_confidence(output.get("confidence_level", output.get("confidence")))
    answer = output.get("answer")
    by_lot = isinstance(answer, NumpyText) or not reasoning.strip() and confidence == 0
    return reader.turn(
        question,
        step,
        agent,
        json.dumps(output, ensure_ascii=False, default=str),
        round=round,
        seen=[Seen(step=turn.step, kind="self" if turn.agent == agent else "content") for turn in shown],
        answer="" if by_lot else _by_number(scalar(answer), question),
        reasoning=reasoning,
        confidence=confidence,
        model=agent,
    )


def _decided(row: Mapping[str, Any], turns: Sequence[Turn], question: Question, reader: Reader) -> Decision | None:
    """Returns ReConcile's own decision, the weighted vote of the last round that has one; None where there is none."""
    for round in range(turns[-1].round, -1, -1):
        if f"weighted_max_{round}" in row:
            said = _by_number(scalar(row[f"weighted_max_{round}"]), question)
            votes = (row.get(f"weighted_vote_{round}") or {}).items()
            weights = {_by_number(scalar(answer), question): float(weight) for answer, weight in votes}
            return Decision(answer=reader.task.extract(said, question), rule="weighted", votes=weights)
    return None


def choices_of(options: Any, gold: str) -> list[Choice]:
    """Returns options; they are numbered where the gold answer is a number that is none of them, as in ECQA."""
    if isinstance(options, dict) and {"label", "text"} <= set(options):
        options = dict(zip(options["label"], options["text"], strict=True))
    if isinstance(options, dict):
        return [Choice(label=str(label), text=str(text)) for label, text in options.items()]
    if not isinstance(options, list):
        return []
    texts = [str(option) for option in options]
    first = "1" if gold.isdecimal() and gold not in texts and int(gold) <= len(texts) else "A"
    labels = [chr(ord(first) + place) for place in range(len(texts))]
    marked = zip(labels, texts, strict=True)
    found = [re.match(rf"\(?{label}[).:]\s*(?P<text>.+)", text, re.DOTALL) for label, text in marked]
    texts = [match["text"] for match in found if match] if all(found) else texts
    return [Choice(label=label, text=text) for label, text in zip(labels, texts, strict=True)]
