"""Convincing samples are what was wrong alone and right once explained, and nothing else."""

import json
from collections.abc import Callable

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Seat
from magdi.core.errors import DataError
from magdi.core.mag import Question
from magdi.core.protocol import Agent
from magdi.core.teacher import Request, Sampling
from magdi.plugins.tasks.gsm8k import Gsm8k
from magdi.plugins.testing.scripted import ScriptedTeacher
from magdi.protocols.convincing import Sample
from magdi.protocols.mining import mine


def question(number: int, rationale: str = "Count on your fingers.") -> Question:
    text = f"What is {number} + {number}?"
    metadata = {"rationale": rationale} if rationale else {}
    return Question(id=f"q{number}", text=text, gold=str(2 * number), answer_type="number", metadata=metadata)


def says(answer: str) -> str:
    return json.dumps({"reasoning": "so", "answer": answer, "confidence": 0.9})


def stubborn(request: Request) -> str:
    return says("0")


def teachable(request: Request) -> str:
    text = request.messages[-1].content
    number = int(text.split(" + ")[0].rsplit(" ", 1)[1])
    return says(str(2 * number) if "fingers" in text else "0")


def knowing(request: Request) -> str:
    return teachable(request) if "fingers" in request.messages[-1].content else says(str(2 * _asked(request)))


def _asked(request: Request) -> int:
    return int(request.messages[-1].content.split(" + ")[0].rsplit(" ", 1)[1])


def mined(
    questions: list[Question], per_agent: int = 2, **scripts: Callable[[Request], str]
) -> tuple[int, dict[str, list[Sample]]]:
    models = {name: ScriptedTeacher(script, ScriptedTeacher.Config(model=name)) for name, script in scripts.items()}
    seats = [Seat(Agent(name), teacher, Sampling()) for name, teacher in models.items()]
    steps = list(mine(questions, seats=seats, task=Gsm8k(), per_agent=per_agent, settings=Discussion(in_flight=1)))
    return len(steps), steps[-1] if steps else {}


def test_only_who_was_wrong_and_is_convinced_gives_a_sample() -> None:
    count, found = mined([question(n) for n in range(1, 4)], stubborn=stubborn, teachable=teachable, knowing=knowing)
    assert {name: len(samples) for name, samples in found.items()} == {"stubborn": 0, "teachable": 2, "knowing": 0}
    sample = found["teachable"][0]
    assert (sample.question, sample.explanation, sample.answer) == ("What is 1 + 1?", "Count on your fingers.", "2")
    assert count == 3


def test_it_stops_when_all_have_enough() -> None:
    assert mined([question(n) for n in range(1, 40)], per_agent=1, teachable=teachable)[0] == 1


def test_questions_without_an_explanation_are_no_use() -> None:
    assert mined([question(1, ""), question(2)], teachable=teachable)[0] == 1
    with pytest.raises(DataError, match="human explanation"):
        mined([question(1, "")], teachable=teachable)
