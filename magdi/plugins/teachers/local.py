"""A model of transformers on this machine, in batches of whatever is ready: ``hf:PATH_OR_ID``."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, Field

from magdi.core.discussion.journal import canonical
from magdi.core.distill.prompt import chat_prompt
from magdi.core.errors import DataError, TeacherError
from magdi.core.mag import Message, Usage
from magdi.core.quiet import quiet
from magdi.core.teacher import Reply, Request
from magdi.plugins.teachers.batching import InProcessTeacher
from magdi.plugins.teachers.completion import split_thought

NO_LIMIT = 1_000_000  # context length of models that state none
DEFAULT_TOKENS = 1024  # longest reply where the sampling sets no limit


class Decoding(BaseModel, extra="forbid", frozen=True):
    """Settings of all teachers that run here."""

    device: str = Field("auto", description="cpu, cuda, cuda:1, ...; auto takes a GPU where there is one.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="Type of the weights.")
    batch_size: int = Field(256, ge=1, description="Most requests that are taken up at once.")
    batch_tokens: int = Field(16384, ge=64, description="Most tokens of a batch, replies included.")
    seed: int = Field(0, ge=0, description="Seed of sampled replies.")


class TransformersTeacher(InProcessTeacher):
    """Answers requests in batches; a reply depends on its request and the seed, not on who else is in the batch."""

    config: Decoding

    @property
    def _most(self) -> int:
        return self.config.batch_size

    def _cost(self, request: Request) -> int:
        return sum(len(message.content) for message in request.messages)

    @property
    @abstractmethod
    def _loaded(self) -> tuple[Any, Any]:
        """The model, in eval mode where it is to run, and its tokenizer."""

    def _answer(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        """Answers a batch; requests that sample alike are decoded together."""
        replies: dict[int, Reply | Exception] = {}
        groups: dict[tuple[float | None, ...], list[int]] = {}
        for place, request in enumerate(requests):
            drawn = request.sampling
            groups.setdefault((drawn.temperature, drawn.top_p, drawn.top_k), []).append(place)
        for places in groups.values():
            replies |= dict(zip(places, self._decoded([requests[place] for place in places]), strict=True))
        return [replies[place] for place in range(len(requests))]

    def _decoded(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        import torch

        try:
            return self._generated(requests)
        except torch.OutOfMemoryError:
            if len(requests) == 1:
                return [TeacherError("there is not enough memory for this prompt")]
        torch.cuda.empty_cache()
        half = len(requests) // 2
        return self._decoded(requests[:half]) + self._decoded(requests[half:])

    def _generated(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        from magdi.core.config.models import Evaluation
        from magdi.core.threads import threads_for
        from magdi.plugins.generation.batch import Row
        from magdi.plugins.generation.decoding import decode

        model, tokenizer = self._loaded
        context = getattr(model.config, "max_position_embeddings", None) or NO_LIMIT
        rows = [Row(self._prompt(tokenizer, request), self._draw(request)) for request in requests]
        most = [
            min(request.sampling.max_tokens or DEFAULT_TOKENS, context - len(row.prompt))
            for request, row in zip(requests, rows, strict=True)
        ]
        fitting = [place for place, tokens in enumerate(most) if tokens > 0]
        limit = {id(rows[place]): most[place] for place in fitting}

        def enough(unfinished: Sequence[Row]) -> None:
            for row in unfinished:
                if len(row.tokens) >= limit[id(row)]:
                    row.finish = "length"

        sampling = requests[0].sampling
        settings = Evaluation(
            temperature=0.0 if sampling.temperature is None else sampling.temperature,
            top_p=sampling.top_p or 1.0,
            top_k=sampling.top_k or 0,
            max_new_tokens=max((most[place] for place in fitting), default=1),
            batch_tokens=self.config.batch_tokens,
        )
        ordered = sorted((rows[place] for place in fitting), key=lambda row: len(row.prompt))
        with threads_for(model):
            for _ in decode(
                model, ordered, settings=settings, end_tokens=end_tokens(model, tokenizer), complete=enough
            ):
                pass  # rows know when they are finished
        return [
            _reply(tokenizer, row) if tokens > 0 else self._too_long(row.prompt, context)
            for row, tokens in zip(rows, most, strict=True)
        ]

    def _too_long(self, prompt: Sequence[int], context: int) -> Reply | Exception:
        return TeacherError(f"the prompt is longer than the {context} tokens of the model's context")

    def _prompt(self, tokenizer: Any, request: Request) -> tuple[int, ...]:
        return prompt_ids(tokenizer, request.messages)

    def _draw(self, request: Request) -> str:
        """Returns what a reply's random numbers are made from."""
        return json.dumps([self.config.seed, canonical(request)])


class LocalTeacher(TransformersTeacher):
    """A model of transformers, from a folder or the hub."""

    class Config(Decoding):
        """Settings of `hf`."""

        model: str = Field(min_length=1, description="A model's folder or hub id.")
        revision: str | None = Field(None, description="The hub revision.")
        trust_remote_code: bool = Field(False, description="Run code that comes with a hub model.")

    config: Config

    @cached_property
    def identity(self) -> str:
        """Model, revision and seed."""
        revision = f"@{self.config.revision}" if self.config.revision else ""
        return f"hf:{self.config.model}{revision}" + (f"#seed={self.config.seed}" if self.config.seed else "")

    def check(self) -> None:
        """Looks whether there is such a model; its weights are loaded with the first request."""
        from transformers import AutoConfig

        try:
            AutoConfig.from_pretrained(self.config.model, **self._where)
        except (OSError, ValueError) as error:
            raise DataError(f"the model {self.config.model!r} cannot be loaded: {error}") from error

    @property
    def _where(self) -> dict[str, object]:
        return {"revision": self.config.revision, "trust_remote_code": self.config.trust_remote_code}

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The model, in eval mode where it is to run, and its tokenizer."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        device = self.config.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(self.config.model, **self._where)
            model = AutoModelForCausalLM.from_pretrained(self.config.model, dtype=self.config.dtype, **self._where)
        return model.to(device).eval(), tokenizer


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> tuple[int, ...]:
    """Returns a prompt's token ids, by the tokenizer's chat template where it has one.

    Templates that know no system message get it at the head of the first user message.
    """
    if not tokenizer.chat_template:
        text = "".join(f"{message.role.capitalize()}: {message.content}\n\n" for message in messages) + "Assistant:"
        return tuple(tokenizer(text)["input_ids"])
    text = chat_prompt(tokenizer, messages, "chat")
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Returns the ids of the tokens that end a reply."""
    named = getattr(model.generation_config, "eos_token_id", None)
    ends = set(named if isinstance(named, list) else [named]) | {tokenizer.eos_token_id}
    return sorted(end for end in ends if end is not None)


def _reply(tokenizer: Any, row: Any) -> Reply:
    text, thought = split_thought(tokenizer.decode(row.tokens, skip_special_tokens=True))
    return Reply(
        text=text,
        reasoning=thought,
        usage=Usage(prompt_tokens=len(row.prompt), completion_tokens=len(row.tokens)),
        finish_reason="length" if row.finish == "length" else "stop",
    )
