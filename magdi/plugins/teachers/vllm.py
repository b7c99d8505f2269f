"""vLLM's offline engine in this process, in batches of whatever is ready: ``vllm:PATH_OR_ID``.

A vLLM server is reached with ``openai:MODEL@http://host:8000/v1`` and needs no package; this is for one machine with
nothing else on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from pydantic import BaseModel, Field

from magdi.core.extras import need
from magdi.core.mag import Usage
from magdi.core.teacher import Reply, Request
from magdi.plugins.teachers.batching import InProcessTeacher
from magdi.plugins.teachers.completion import split_thought


class VllmTeacher(InProcessTeacher):
    """Hands all requests that are ready to the engine at once, which batches them as they fit."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `vllm`."""

        model: str = Field(min_length=1, description="A model's folder or hub id.")
        seed: int = Field(0, ge=0, description="Seed of sampled replies.")
        engine: dict[str, object] = Field(
            default_factory=dict, description="Arguments of vllm.LLM, e.g. tensor_parallel_size, max_model_len."
        )
        structured: bool = Field(True, description="Hold replies to the JSON schema, where there is one.")

    config: Config

    @cached_property
    def identity(self) -> str:
        """Model, engine arguments and seed."""
        engine = json.dumps(self.config.engine, sort_keys=True, separators=(",", ":")) if self.config.engine else ""
        return f"vllm:{self.config.model}{engine}" + (f"#seed={self.config.seed}" if self.config.seed else "")

    def check(self) -> None:
        """Looks whether vLLM is installed."""
        need("vllm", "vllm", "this teacher")

    @cached_property
    def _loaded(self) -> Any:
        self.check()
        from vllm import LLM

        return LLM(model=self.config.model, seed=self.config.seed, **self.config.engine)

    def _answer(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        conversations = [[message.model_dump() for message in request.messages] for request in requests]
        outputs = self._loaded.chat(conversations, [self._parameters(request) for request in requests], use_tqdm=False)
        return [_reply(output) for output in outputs]

    def _parameters(self, request: Request) -> Any:
        from vllm.sampling_params import SamplingParams, StructuredOutputsParams

        sampling = request.sampling
        seed = self.config.seed if sampling.seed is None else sampling.seed
        fields: dict[str, object] = {"max_tokens": sampling.max_tokens, "seed": seed + request.sample}
        for name in ("temperature", "top_p", "top_k"):
            if getattr(sampling, name) is not None:
                fields[name] = getattr(sampling, name)
        if self.config.structured and request.json_schema is not None:
            fields["structured_outputs"] = StructuredOutputsParams(json=request.json_schema)
        return SamplingParams(**fields)


def _reply(output: Any) -> Reply:
    best = output.outputs[0]
    text, thought = split_thought(best.text)
    usage = Usage(prompt_tokens=len(output.prompt_token_ids or ()), completion_tokens=len(best.token_ids))
    return Reply(text=text, reasoning=thought, usage=usage, finish_reason=best.finish_reason or "stop")
