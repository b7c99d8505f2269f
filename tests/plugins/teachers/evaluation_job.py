"""Evaluates a served model in a process of its own, so that it can be killed.

python evaluation_job.py OUT QUESTIONS BASE_URL
"""

from __future__ import annotations

import sys
from pathlib import Path

from magdi.core.config.models import Evaluation, Limits
from magdi.core.errors import MagdiError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.mag import Question
from magdi.core.task import Split, Task
from magdi.plugins.evaluating.teacher_engine import TeacherEngine
from magdi.plugins.teachers.openai import OpenAITeacher


class Echo(Task):
    def questions(self, split: Split) -> list[Question]:
        return []

    def extract(self, text: str, question: Question) -> str | None:
        return text.split()[-1].rstrip(".")


def main() -> None:
    out, count, url = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    engine = TeacherEngine(OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url)), limits=Limits())
    questions = [Question(id=f"q{place}", text=f"Say {place}", gold=str(place)) for place in range(count)]
    sys.stdout.write("go\n")
    sys.stdout.flush()
    try:
        answer_questions(engine, questions, task=Echo(), settings=Evaluation(), out=out)
    except MagdiError as error:
        sys.stdout.write(f"{type(error).__name__}: {error.message}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
