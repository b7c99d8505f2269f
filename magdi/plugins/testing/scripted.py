"""A teacher that says what it is told to, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator

from pydantic import BaseModel, Field

from magdi.core.errors import TeacherError
from magdi.core.mag import Message, Usage
from magdi.core.teacher import Reply, Request, Teacher

Script = Iterable[str] | Callable[[Request], str]


class ScriptedTeacher(Teacher):
    """Replies from a script, for tests of protocols and of everything that holds discussions.

        teacher = ScriptedTeacher(['{"reasoning": "2 + 2", "answer": "4", "confidence": 0.9}'])
        teacher = ScriptedTeacher(lambda request: "The answer is 4.")
        teacher = ScriptedTeacher()        # every request gets a reply with a word of its own, always the same one

    Args:
        script: The replies in the order of the calls, or a function from a request to its reply; without one, a JSON
            reply whose reasoning holds `unique_word` of the request.
        config: Settings.

    Attributes:
        prompts: The messages of every call, in the order of the calls.
    """

    class Config(BaseModel, extra="forbid"):
        """Settings of the scripted teacher."""

        model: str = Field("script", description="What the MAG says the model was.")
        answer: str = Field("7", description="The answer of replies that no script gives.")

    config: Config

    def __init__(self, script: Script | BaseModel | None = None, config: BaseModel | None = None) -> None:
        if isinstance(script, BaseModel):  # as every other component is made
            script, config = None, script
        super().__init__(config)
        self.prompts: list[tuple[Message, ...]] = []
        self._reply: Callable[[Request], str] = self._unique
        if callable(script):
            self._reply = script
        elif script is not None:
            self._lines: Iterator[str] = iter(script)
            self._reply = self._next

    @property
    def identity(self) -> str:
        """``scripted:model``."""
        return f"scripted:{self.config.model}"

    async def complete(self, request: Request) -> Reply:
        """Returns the script's reply; a token is a word.

        Raises:
            TeacherError: The script is at its end.
        """
        self.prompts.append(request.messages)
        text = self._reply(request)
        asked = sum(len(message.content.split()) for message in request.messages)
        return Reply(text=text, usage=Usage(prompt_tokens=asked, completion_tokens=len(text.split())))

    def _next(self, request: Request) -> str:
        line = next(self._lines, None)
        if line is None:
            raise TeacherError(f"the script ends after {len(self.prompts) - 1} replies")
        return line

    def _unique(self, request: Request) -> str:
        reply = {"reasoning": f"Because {unique_word(request)}.", "answer": self.config.answer, "confidence": 0.8}
        return json.dumps(reply)


def unique_word(request: Request) -> str:
    """Returns a word that no other request has and that occurs in no prose."""
    return f"zq{hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:12]}qz"
