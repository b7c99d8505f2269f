"""Teachers, tasks and settings that tests of discussions share."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from magdi.core.discussion.driver import Retry, Seat
from magdi.core.mag import Question, Usage
from magdi.core.protocol import Agent
from magdi.core.task import Split, Task
from magdi.core.teacher import Reply, Request, Teacher

FAST = Retry(attempts=4, base=0.001, longest=0.002)


class Numbers(Task):
    """Answers are what stands after the last space."""

    def questions(self, split: Split) -> Sequence[Question]:
        return numbered(5)

    def extract(self, text: str, question: Question) -> str | None:
        return text.split()[-1].rstrip(".") if text.split() else None


class Speaker(Teacher):
    """Answers by a function of the request, and counts what it was asked."""

    def __init__(self, name: str, say: Callable[[Request], str] | None = None, tokens: int = 10) -> None:
        super().__init__()
        self.name, self.say, self.tokens = name, say or self.opinion, tokens
        self.asked: Counter[str] = Counter()
        self.most = self.now = 0
        self.delay = 0.0
        self.closed = 0

    @property
    def identity(self) -> str:
        return f"speaker:{self.name}"

    @property
    def calls(self) -> int:
        return self.asked.total()

    def opinion(self, request: Request) -> str:
        """Says 1 or 2, by its name and the prompt; 2 of 3 times 1."""
        digest = hashlib.sha256((self.name + request.messages[-1].content).encode()).digest()
        answer = 1 if digest[0] % 3 else 2
        return json.dumps({"reasoning": f"because of {digest[:4].hex()}", "answer": str(answer), "confidence": 0.8})

    async def complete(self, request: Request) -> Reply:
        self.asked[request.model_dump_json()] += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.delay)
            usage = Usage(prompt_tokens=self.tokens, completion_tokens=self.tokens, cost=self.tokens / 1000)
            return Reply(text=self.say(request), usage=usage)
        finally:
            self.now -= 1

    async def close(self) -> None:
        self.closed += 1


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while there is work, and leaps to the next timer when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._look = self._selector.select  # type: ignore[attr-defined]  # of asyncio's own loops
        self._selector.select = self._leap  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    def _leap(self, timeout: float | None = None) -> Any:
        events = self._look(None if timeout is None else 0)
        self._now += timeout or 0.0 if not events else 0.0
        return events


def numbered(count: int) -> list[Question]:
    return [
        Question(id=f"q{number}", text=f"What is {number} + 1?", gold="1", answer_type="number")
        for number in range(count)
    ]


def table(*teachers: Teacher) -> list[Seat]:
    return [Seat(Agent(f"agent{place}"), teacher) for place, teacher in enumerate(teachers)]


def speakers() -> list[Speaker]:
    return [Speaker(name) for name in "abc"]
