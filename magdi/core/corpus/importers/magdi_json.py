"""The MAGDi authors' MAG files and ReConcile's results: ``{question, gold_answer, NAME_output_ROUND: {...}}``.

An output is {reasoning, answer, confidence_level}; a round that did not happen has no key. By the paper's rule a turn
has seen all of the round before; where the file holds the digest that was shown (``debate_prompt_R``, quotes of round
R for round R + 1), only those whose reasoning stands in it: the two largest groups.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from magdi.core.corpus.importers.format import Format, has
from magdi.core.corpus.importers.reader import Reader
from magdi.core.corpus.importers.source import Item
from magdi.core.mag import Choice, Mag, Question, Seen, Turn
from magdi.core.reply import json_scalar, read_confidence

_OUTPUT = re.compile(r"(?P<agent>\w+?)_output_(?P<round>\d+)$")


def recognises(value: Any) -> bool:
    """Returns whether a value has a gold answer and an output of a round."""
    return has(value, "question", "gold_answer") and any(_OUTPUT.match(key) for key in value)


def read(item: Item, reader: Reader) -> Mag:
    """Returns the MAG of the rounds that happened."""
    row = item.value
    outputs = {(int(found["round"]), found["agent"]): row[key] for key in row if (found := _OUTPUT.match(key))}
    question = reader.question(
        row["question"], json_scalar(row["gold_answer"]), choices=_choices(row.get("options") or row.get("choices"))
    )
    agents = list(dict.fromkeys(agent for _, agent in outputs))
    turns: list[Turn] = []
    for round in range(1 + max((round for round, _ in outputs), default=-1)):  # noqa: A001
        before = [turn for turn in turns if turn.round == round - 1]
        said = [(agent, outputs[round, agent]) for agent in agents if (round, agent) in outputs]
        shown = _shown(before, str(row.get(f"debate_prompt_{round - 1}") or ""))
        turns += [
            _turn(reader, question, step, agent, round, output, shown)
            for step, (agent, output) in enumerate(said, start=len(turns))
        ]
    return reader.mag(item, question, "reconcile", turns, format="reconcile")


def _shown(before: Sequence[Turn], digest: str) -> list[Turn]:
    if not digest:
        return list(before)
    return [turn for turn in before if turn.reasoning and turn.reasoning in digest]


def _turn(
    reader: Reader,
    question: Question,
    step: int,
    agent: str,
    round: int,  # noqa: A002
    output: Mapping[str, Any],
    shown: Sequence[Turn],
) -> Turn:
    if not isinstance(output, Mapping):
        raise ValueError(f"the output of {agent} in round {round} is no object")
    reasoning = output.get("reasoning") or ""
    answer = output.get("answer")
    return reader.turn(
        question,
        step,
        agent,
        json.dumps(output, ensure_ascii=False),
        round=round,
        seen=[Seen(step=turn.step, kind="self" if turn.agent == agent else "content") for turn in shown],
        answer="" if answer is None else json_scalar(answer),
        reasoning=" ".join(map(str, reasoning)) if isinstance(reasoning, list) else str(reasoning),
        confidence=read_confidence(output.get("confidence_level")),
        model=agent,
    )


def _choices(options: Any) -> list[Choice]:
    if isinstance(options, dict) and {"label", "text"} <= set(options):
        options = dict(zip(options["label"], options["text"], strict=True))
    if isinstance(options, dict):
        return [Choice(label=str(label), text=str(text)) for label, text in options.items()]
    if not isinstance(options, list):
        return []
    found = [re.match(r"\(?([A-Z0-9])[).:]\s*(.+)", str(option)) for option in options]
    return [
        Choice(label=match[1], text=match[2]) if match else Choice(label=chr(ord("A") + place), text=str(option))
        for place, (match, option) in enumerate(zip(found, options, strict=True))
    ]


FORMAT = Format("reconcile", "MAGDi's and ReConcile's result files", recognises, read)
