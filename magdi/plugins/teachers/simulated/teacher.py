"""The simulated teacher: a program that answers chat messages about word problems."""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import ClassVar

from magdi.core.mag import Question, Usage
from magdi.core.teacher import Reply, Request, Teacher
from magdi.plugins.tasks.word_problems import read_problems
from magdi.plugins.teachers.simulated.mind import opinion
from magdi.plugins.teachers.simulated.profiles import SimulatedConfig
from magdi.plugins.teachers.simulated.replies import reply_text
from magdi.plugins.teachers.simulated.understanding import understand

TOKEN = re.compile(r"\w+|[^\w\s]")


class SimulatedTeacher(Teacher):
    """A programmatic solver with slips, a style, a confidence and a will of its own; no language model.

    It reads the word problem and what others said out of the chat messages, and knows nothing else: not the gold
    answer, not the protocol, not the round. What it replies is decided by (seed, settings, request) alone.
    """

    Config = SimulatedConfig
    simulated: ClassVar[bool] = True
    served: ClassVar[bool] = False

    config: SimulatedConfig

    def __init__(self, config: SimulatedConfig | None = None) -> None:
        super().__init__(config)
        settings = json.dumps(self.config.model_dump(mode="json", exclude={"guess"}), sort_keys=True)
        self._digest = hashlib.blake2b(settings.encode(), digest_size=6).hexdigest()

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Reads ``simulated:PROFILE``."""
        return {"profile": target} if target else {}

    @property
    def identity(self) -> str:
        """Profile, seed, and a hash over all settings."""
        return f"simulated:{self.config.profile}#{self.config.seed}-{self._digest}"

    def can_answer(self, question: Question) -> bool:
        """Returns whether it can read the question, or is to guess."""
        return self.config.guess or bool(read_problems(question.prompt))

    async def complete(self, request: Request) -> Reply:
        """Answers at once; never fails."""
        return self.answer(request)

    def answer(self, request: Request) -> Reply:
        """Answers without an event loop; tokens are words and signs."""
        rng = random.Random(self._draw(request))
        heard = understand(request)
        text = reply_text(heard, opinion(heard, self.config, rng), self.config, rng)
        prompt_tokens = sum(len(TOKEN.findall(message.content)) for message in request.messages)
        return Reply(text=text, usage=Usage(prompt_tokens=prompt_tokens, completion_tokens=len(TOKEN.findall(text))))

    def _draw(self, request: Request) -> bytes:
        """Returns the seed of a reply; at temperature 0 all samples of one prompt are the same."""
        sample = 0 if request.sampling.temperature == 0 else request.sample
        parts = [self.identity, str(request.sampling.seed), str(sample)]
        parts += [f"{message.role}\x1f{message.content}" for message in request.messages]
        return hashlib.blake2b("\x1e".join(parts).encode(), digest_size=16).digest()
