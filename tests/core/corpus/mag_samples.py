"""Small MAGs for tests of the corpus."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from magdi.core.discussion.stepper import Stepper
from magdi.core.mag import Decision, Mag, Question, Seen, Turn
from magdi.core.protocol import Ask, Protocol, agents_named
from magdi.core.reply import UnreadableReply

QUESTION = Question(id="q1", text="What is 17 * 3?", answer_type="number", gold="51", task="sums")


def turn(step: int, agent: str, answer: str | None, seen: Sequence[int] = (), round: int = 0, **fields: Any) -> Turn:
    correct = None if answer is None else answer == "51"
    defaults = {
        "text": f"text {step}: {answer}",
        "reasoning": f"reasoning {step}",
        "status": "ok" if answer is not None else "invalid",
        "correct": correct,
        "label": correct,
        "label_source": "none" if correct is None else "gold",
        "seen": tuple(Seen(step=each) for each in seen),
    }
    return Turn(step=step, agent=agent, answer=answer, round=round, **(defaults | fields))


def mag(*turns: Turn, name: str = "m1", answer: str | None = "51", protocol: str = "debate", **fields: Any) -> Mag:
    votes = {} if answer is None else {answer: 2.0}
    decision = Decision(answer=answer, rule="plurality", votes=votes, correct=answer == "51")
    given = {"id": name, "question": QUESTION, "protocol": protocol, "turns": turns, "decision": decision}
    return Mag(**(given | fields))


def talk(name: str = "m1") -> Mag:
    """Three agents, two rounds: B is moved from wrong to right by A and C; C from right to wrong by nobody."""
    first = (turn(0, "A", "51", model="one"), turn(1, "B", "7", model="two"), turn(2, "C", "51", model="two"))
    second = (
        turn(3, "A", "51", (0, 1, 2), 1, model="one", confidence=0.9),
        turn(4, "B", "51", (0, 1, 2), 1, model="two", confidence=0.5),
        turn(5, "C", "8", (0, 1, 2), 1, model="two", confidence=0.9),
    )
    return mag(*first, *second, name=name, stop="rounds")


def held(protocol: Protocol, script: Callable[[Ask, int], str], agents: int = 3, **fields: Any) -> Mag:
    """A discussion held under a protocol with scripted replies, prompts kept."""
    stepper = Stepper(
        QUESTION, protocol, agents_named("ABCDE"[:agents]), grade=lambda a, gold: a == gold, keep_prompts=True, **fields
    )
    while not stepper.done:
        for step, ask, _, _ in stepper.pending:
            text = script(ask, step)
            try:
                stepper.answer(step, ask.reply.parse(text, _last_word), text)
            except UnreadableReply:
                stepper.answer(step, None, text)
    return stepper.result


def long_reply(ask: Ask, step: int) -> str:
    """A reply with an answer of its own and enough words to be found in prompts."""
    reasoning = f"This is what I think in step {step}, and I would say it in no other words than these."
    return json.dumps({"reasoning": reasoning, "answer": str(step), "confidence": 0.9})


def _last_word(text: str) -> str | None:
    return text.split()[-1].strip('."}') if text.split() else None
