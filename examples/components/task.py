"""A task in one file: magdi run --plugin examples/components/task.py --task clock --teacher ... --student ...

Your own questions need no class: a JSONL file of {"question", "answer"} is --task jsonl --data FILE.
"""

import re

from magdi import Component, Question, Task, hookimpl


class Clock(Task):
    """What time is it n minutes later? Any usual way to write a time is read."""

    lenient = "9:05, 09:05 and 9.05 are one time"

    def questions(self, split):
        start = 5000 * ("train", "validation", "test").index(split)
        return [self._question(number) for number in range(start, start + 500)]

    def _question(self, number):
        hour, minute, later = number % 12, number // 12 % 60, 10 + number % 7 + 13 * (number // 720)  # no two alike
        then = 60 * hour + minute + later
        return Question(
            id=f"clock-{number}",
            text=f"It is {hour}:{minute:02}. What time is it {later} minutes later? Answer as H:MM, of 24 hours.",
            gold=f"{then // 60 % 24}:{then % 60:02}",
            answer_type="text",
        )

    def extract(self, text, question):
        found = re.findall(r"\b([01]?\d|2[0-3])[:.h]([0-5]\d)\b", text)
        return f"{int(found[-1][0])}:{found[-1][1]}" if found else None


@hookimpl
def magdi_tasks():
    yield Component("clock", Clock, "Minutes added to times of day.")
