"""Teachers: language models that answer chat messages. In a discussion a teacher speaks as an agent."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from magdi.core.configurable import Configurable
from magdi.core.mag import Message, Question, Usage


class Sampling(BaseModel):
    """How a teacher samples; None leaves it to the server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=0.7, ge=0, description="0 is greedy.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="Nucleus sampling.")
    top_k: int | None = Field(default=None, ge=1, description="Likeliest tokens to draw from, where that can be set.")
    max_tokens: int | None = Field(default=1024, ge=1, description="Longest reply, in tokens.")
    seed: int | None = Field(default=None, description="Seed, for teachers that take one.")


class Request(BaseModel):
    """One question to a teacher; with the teacher's identity it is the key under which the reply is kept.

    Two requests that are equal in every field get the same reply from the journal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...] = Field(min_length=1)
    sampling: Sampling = Sampling()
    json_schema: dict[str, Any] | None = Field(
        default=None, description="The reply's JSON schema, where one was asked for."
    )
    sample: int = Field(default=0, ge=0, description="Tells repeated draws of one prompt apart.")


class Reply(BaseModel):
    """What a teacher answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    reasoning: str = Field(default="", description="A reasoning model's separate reasoning, where the server gives it.")
    usage: Usage = Usage()
    finish_reason: str = "stop"
    logprobs: tuple[float, ...] | None = None


class Price(BaseModel):
    """What a teacher's tokens cost, in US dollars a million."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(default=0.0, ge=0, description="US dollars per million prompt tokens.")
    output: float = Field(default=0.0, ge=0, description="US dollars per million completion tokens.")
    cached: float | None = Field(default=None, ge=0, description="Of prompt tokens that the server had; as input.")
    reasoning: float | None = Field(default=None, ge=0, description="Of hidden reasoning tokens; as output.")

    def of(self, prompt_tokens: float, completion_tokens: float, *, cached: float = 0, reasoning: float = 0) -> float:
        """Returns US dollars for so many tokens, of whose prompts some were cached and of whose replies some hidden."""
        dearer = 0.0 if self.reasoning is None else reasoning * (self.reasoning - self.output)
        cheaper = 0.0 if self.cached is None else cached * (self.input - self.cached)
        return (prompt_tokens * self.input + completion_tokens * self.output + dearer - cheaper) / 1e6

    def most(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Returns US dollars for so many tokens at most: nothing is cached, and a reply may be all reasoning."""
        return (prompt_tokens * self.input + completion_tokens * max(self.output, self.reasoning or 0.0)) / 1e6


class Teacher(Configurable):
    """Base class of teachers.

    A teacher is named on the command line as ``kind:target`` (``openai:gpt-4o``); ``target`` is read by `from_target`.

    Attributes:
        identity: Kind, model and everything else that decides what is answered (never a secret); part of the
            journal's key.
        aliases: What else it is called where it is the same teacher; its replies are looked for under these names, too.
        simulated: True for a teacher that is no language model; said wherever its results are shown.
        served: True for a teacher that somebody serves, and may charge for; False for what runs in this process and
            costs nothing. The first call to a served one is made alone, so that a wrong key costs one request.
        concurrency: Most requests at once.
        requests_per_minute: Most requests a minute; None for no limit. The driver keeps to it, as to the next one.
        tokens_per_minute: Most tokens a minute, prompts included; None for no limit.
        price: What its tokens cost, where that is known.
    """

    aliases: tuple[str, ...] = ()
    simulated: ClassVar[bool] = False
    served: ClassVar[bool] = True
    concurrency: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    price: Price | None = None

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Returns the settings (fields of ``Config``) that the target in ``kind:target`` stands for.

        Raises:
            ConfigError: The target makes no sense for this kind.
        """
        return {"model": target} if target else {}

    @property
    @abstractmethod
    def identity(self) -> str:
        """Kind, model and settings that decide what is answered, e.g. ``openai:gpt-4o@https://host/v1``."""

    @abstractmethod
    async def complete(self, request: Request) -> Reply:
        """Answers one request.

        Raises:
            TransientTeacherError: Another try may help (429, 5xx, timeout, broken connection).
            TeacherError: It will not (4xx, context too long, content filter).
        """

    def check(self) -> None:
        """Looks whether it can answer at all; called before the first request, so that a run fails before it starts.

        Raises:
            MagdiError: It cannot: there is no key for it, no such file, a package is missing.
        """

    def can_answer(self, question: Question) -> bool:
        """Returns whether it is made for such questions; a few of a run's are shown to it before the first request."""
        return True

    async def close(self) -> None:
        """Gives back connections and memory; called in the event loop of the requests, after the last of them."""
