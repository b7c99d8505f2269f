"""Evaluating what is served: order, failures, retries, and the way back into the file of predictions."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import Evaluation
from magdi.core.discussion.calls import Retry
from magdi.core.errors import TeacherError, TransientTeacherError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.mag import Usage
from magdi.core.task import Task
from magdi.core.teacher import Reply, Request, Teacher
from magdi.plugins.evaluating.teacher_engine import TeacherEngine

SETTINGS = Evaluation(max_new_tokens=50)


class Adder(Teacher):
    """Adds up; fails on questions that it is told to."""

    concurrency = 2
    identity = "adder"

    def __init__(self, fails: str = "", stumbles: int = 0) -> None:
        super().__init__()
        self.fails, self.stumbles, self.asked, self.closed = fails, stumbles, 0, False
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.asked += 1
        self.requests.append(request)
        text = request.messages[-1].content
        if text == self.fails:
            raise TeacherError("content filter")
        if self.asked <= self.stumbles:
            raise TransientTeacherError("busy")
        total = sum(int(part) for part in text.split(" + "))
        usage = Usage(prompt_tokens=5, completion_tokens=7)
        return Reply(text=f"Sum it up. So the answer is {total}. And now something else", usage=usage)

    async def close(self) -> None:
        self.closed = True


def test_asks_a_teacher_as_a_student_is_asked(task: Task) -> None:
    teacher = Adder()
    found = answer_questions(TeacherEngine(teacher), task.questions("test"), task=task, settings=SETTINGS)
    assert all(prediction.correct for prediction in found)
    assert [prediction.id for prediction in found] == [question.id for question in task.questions("test")]
    assert found[0].output == "Sum it up. So the answer is 0."
    assert (found[0].prompt_tokens, found[0].output_tokens, found[0].finish) == (5, 7, "answer")
    assert teacher.closed
    assert teacher.requests[0].sampling.temperature == 0
    assert teacher.requests[0].sampling.max_tokens == 50


def test_samples_are_drawn_apart(task: Task) -> None:
    teacher = Adder()
    settings = Evaluation(samples=3, temperature=0.7)
    answer_questions(TeacherEngine(teacher), task.questions("test")[:2], task=task, settings=settings, seed=4)
    assert len({request.sampling.seed for request in teacher.requests}) == 3
    assert len(teacher.requests) == 6


def test_what_passes_is_tried_again(task: Task) -> None:
    engine = TeacherEngine(Adder(stumbles=3), Retry(attempts=5, base=0.001))
    found = answer_questions(engine, task.questions("test")[:4], task=task, settings=SETTINGS)
    assert all(prediction.correct for prediction in found)


def test_one_failure_fails_alone_and_is_asked_again(task: Task, tmp_path: Path) -> None:
    questions, out = task.questions("test"), tmp_path / "answers.jsonl"
    with pytest.raises(TeacherError, match="did not answer 1 questions: content filter"):
        answer_questions(TeacherEngine(Adder("0 + 1")), questions, task=task, settings=SETTINGS, out=out)
    teacher = Adder()
    found = answer_questions(TeacherEngine(teacher), questions, task=task, settings=SETTINGS, out=out)
    assert len(found) == len(questions)
    assert [request.messages[0].content for request in teacher.requests] == ["0 + 1"]
