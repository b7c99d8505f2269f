"""What a call may cost at most; whether what a server says of it can be; a count of our own where it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from magdi.core.errors import ConfigError
from magdi.core.mag import Message
from magdi.core.teacher import Reply, Request, Teacher

PER_MESSAGE = 64  # tokens that a chat template puts around one message, at most
UNSEEN = 2000  # tokens of a server's own in a prompt, at most
SPARSEST = 100  # characters a token, at most, in any text


class Most(NamedTuple):
    """Tokens and US dollars that a call takes at most; infinite where the length of its reply is not limited."""

    tokens: float
    cost: float


class Counted(NamedTuple):
    """Tokens of a prompt and of its reply."""

    prompt: int
    reply: int


def most_of(request: Request, teacher: Teacher) -> Most:
    """Returns what a request takes at most: no token is shorter than a byte, and no reply longer than it may be."""
    prompt = longest_prompt(request.messages, request.json_schema)
    reply = float("inf") if request.sampling.max_tokens is None else float(request.sampling.max_tokens)
    price = teacher.price
    free = price is None or not (price.input or price.output or price.reasoning)
    return Most(prompt + reply, 0.0 if free or price is None else price.most(prompt, reply))


def doubt(request: Request, reply: Reply) -> str:
    """Returns what is wrong with a server's count of tokens; empty where it can be right."""
    prompt, said = reply.usage.prompt_tokens, reply.usage.completion_tokens
    if not prompt and not said:
        return "sends no count of tokens"
    shown = len(reply.text) + len(reply.reasoning)
    longest = request.sampling.max_tokens
    most_said = max(longest, _bytes(reply.text + reply.reasoning)) + PER_MESSAGE if longest else 10**7
    least = sum(len(message.content) for message in request.messages) // SPARSEST
    if not max(1, least) <= prompt <= longest_prompt(request.messages, request.json_schema) + UNSEEN:
        return f"counts {prompt} tokens for a prompt of {least * SPARSEST} characters"
    if not (shown > 0) + (shown - 1) // SPARSEST <= said <= most_said:
        return f"counts {said} tokens for a reply of {shown} characters"
    return ""


def longest_prompt(messages: Sequence[Message], schema: Mapping[str, object] | None) -> int:
    """Returns the tokens of a prompt at most: each of its bytes is one, and a template's own come to each message."""
    asked = _bytes(json.dumps(schema)) if schema is not None else 0
    return asked + sum(_bytes(message.content) + PER_MESSAGE for message in messages)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


class Tokens:
    """Counts tokens of requests and replies by a tokenizer.

    Attributes:
        name: Which: a tokenizer's, or ``bytes`` for one token a byte, which is too many and never too few.
    """

    def __init__(self, name: str = "bytes") -> None:
        self.name = name
        self._count: Callable[[str], int] = _bytes if name == "bytes" else _tokenizer(name)

    @classmethod
    def of(cls, teacher: Teacher) -> Tokens:
        """Returns a teacher's own tokenizer where it is on this machine, bytes otherwise."""
        model = str(getattr(teacher.config, "model", ""))
        try:
            return cls(model) if model else cls()
        except ConfigError:
            return cls()

    def count(self, request: Request, reply: Reply) -> Counted:
        """Returns the tokens of a request and its reply; a chat template's own are taken to be as many as can be."""
        prompt = sum(self._count(message.content) + PER_MESSAGE for message in request.messages)
        return Counted(prompt, self._count(reply.text) + self._count(reply.reasoning))


@cache
def _tokenizer(name: str) -> Callable[[str], int]:
    """Returns a counter by a tokenizer of transformers that is on this machine: nothing is fetched.

    Raises:
        ConfigError: There is none of this name.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"discussion.estimate_usage: there is no tokenizer {name!r} on this machine",
            hint="name a folder, or a model of the hub that is in its cache; bytes counts every byte as a token",
        ) from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))
