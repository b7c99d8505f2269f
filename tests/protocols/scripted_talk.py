"""Drives protocols with scripted replies, without teachers: through the stepper that the driver uses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from magdi.core.decision import DecisionRule
from magdi.core.discussion.stepper import Stepper
from magdi.core.mag import Mag, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Protocol, agents_named
from magdi.core.reply import JsonAnswer, UnreadableReply
from magdi.core.views import View, edges
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.target import resolve

RULES = {each.name: resolve(each.target) for each in BUILTINS["decision"]}
"""The shipped decision rules by name."""

Script = Callable[[Ask, int], str]
"""From an ask and its step to the reply."""


QUESTION = Question(id="q1", text="What is 17 * 3?", answer_type="number", gold="51")


def number(text: str) -> str | None:
    found = re.findall(r"-?\d+", text)
    return found[-1] if found else None


def as_json(answer: object, confidence: float | None = 0.9, reasoning: str = "because") -> str:
    fields: dict[str, object] = {"reasoning": reasoning, "answer": str(answer)}
    return json.dumps(fields if confidence is None else fields | {"confidence": confidence})


def hold(
    protocol: Protocol,
    script: Script | Sequence[str],
    *,
    agents: int | Sequence[Agent] = 3,
    question: Question = QUESTION,
    decide: DecisionRule | None = None,
) -> Mag:
    """Holds one discussion; prompts are kept on the turns."""
    seats = agents_named("ABCDEFGHIJ"[:agents]) if isinstance(agents, int) else list(agents)
    stepper = Stepper(question, protocol, seats, grade=lambda a, gold: a == gold, decide=decide, keep_prompts=True)
    while not stepper.done:
        for step, ask, _, _ in stepper.pending:
            text = script(ask, step) if callable(script) else script[step]
            try:
                stepper.answer(step, ask.reply.parse(text, number), text)
            except UnreadableReply:
                stepper.answer(step, None, text)
    return stepper.result


def disagree(ask: Ask, step: int) -> str:
    """A reply in the form asked for, with a word and an answer of its own."""
    if isinstance(ask.reply, JsonAnswer):
        return as_json(1000 + step, reasoning=f"word{step}word")
    return f"word{step}word. The answer is {1000 + step}."


def counts(mag: Mag, view: View = "exact") -> tuple[int, int]:
    return len(mag.turns), len(edges(mag, view))


def prompt_of(turn: Turn) -> tuple[Message, ...]:
    assert turn.prompt is not None
    return turn.prompt


def provenance(mag: Mag) -> None:
    """Every turn's prompt holds the words of the turns that it says it has seen, and of no other."""
    for turn in mag.turns:
        text = "\n".join(message.content for message in turn.prompt or ())
        held = {other.step for other in mag.turns if f"word{other.step}word" in text}
        assert held == {seen.step for seen in turn.seen if seen.kind != "control"}, turn.step
        assert "gold" not in text
