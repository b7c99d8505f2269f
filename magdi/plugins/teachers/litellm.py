"""Every vendor that LiteLLM knows: ``litellm:MODEL``, e.g. ``litellm:bedrock/anthropic.claude-3-haiku``."""

from __future__ import annotations

import asyncio
import json
import os
from functools import cached_property
from typing import Any

from pydantic import BaseModel, Field, field_validator

from magdi.core.errors import TeacherError, TeacherRefusal, TransientTeacherError
from magdi.core.extras import need
from magdi.core.redact import redact
from magdi.core.teacher import Price, Reply, Request, Teacher
from magdi.plugins.teachers.completion import TRANSIENT, read_completion, retry_after
from magdi.plugins.teachers.prices import litellm_price_of

SECRETS = ("key", "token", "secret", "password")  # how the names of arguments and variables that hold one end


class LitellmTeacher(Teacher):
    """Asks through LiteLLM, which finds keys in the environment under the names that it documents."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `litellm`."""

        model: str = Field(min_length=1, description="The model, as LiteLLM calls it.")
        concurrency: int = Field(64, ge=1, description="Most requests at once.")
        requests_per_minute: float | None = Field(None, gt=0, description="Most requests a minute.")
        tokens_per_minute: float | None = Field(None, gt=0, description="Most tokens a minute, prompts included.")
        timeout: float = Field(300.0, gt=0, description="Seconds that a whole reply may take.")
        structured: bool = Field(True, description="Pass a JSON schema on, where there is one.")
        extra: dict[str, object] = Field(default_factory=dict, description="Further arguments of litellm.acompletion.")
        price: Price | None = Field(None, description="What tokens cost; LiteLLM's own figure when left out.")

        @field_validator("extra")
        @classmethod
        def _no_secrets(cls, extra: dict[str, object]) -> dict[str, object]:
            if named := sorted(name for name in extra if name.endswith(SECRETS)):
                raise ValueError(f"{', '.join(named)}: secrets come from the environment, not from a configuration")
            return extra

    config: Config

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.concurrency = self.config.concurrency
        self.requests_per_minute = self.config.requests_per_minute
        self.tokens_per_minute = self.config.tokens_per_minute
        self.price = self.config.price or litellm_price_of(self.config.model)

    @cached_property
    def identity(self) -> str:
        """Model and the arguments that change what it answers."""
        extra = json.dumps(self.config.extra, sort_keys=True, separators=(",", ":")) if self.config.extra else ""
        return redact(f"litellm:{self.config.model}{extra}")

    def check(self) -> None:
        """Looks whether LiteLLM is installed."""
        _litellm()

    async def complete(self, request: Request) -> Reply:
        """Answers one request; parameters that a vendor does not know are dropped by LiteLLM."""
        litellm = _litellm()
        try:
            async with asyncio.timeout(self.config.timeout):
                response = await litellm.acompletion(**self._arguments(request))
        except TimeoutError:
            raise TransientTeacherError(f"no reply within {self.config.timeout:g} s") from None
        except Exception as error:
            raise _failure(error) from None
        reply = read_completion(response.model_dump_json().encode(), self.config.price, _hidden)
        cost = (getattr(response, "_hidden_params", None) or {}).get("response_cost")
        if self.config.price is None and isinstance(cost, float):
            return reply.model_copy(update={"usage": reply.usage.model_copy(update={"cost": cost})})
        return reply

    def _arguments(self, request: Request) -> dict[str, object]:
        sampling = {name: value for name, value in request.sampling if value is not None}
        if "seed" in sampling:
            sampling["seed"] += request.sample
        if self.config.structured and request.json_schema is not None:
            schema = {"name": "reply", "schema": request.json_schema, "strict": True}
            sampling["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {
            "model": self.config.model,
            "messages": [message.model_dump() for message in request.messages],
            "drop_params": True,
            "num_retries": 0,
            **sampling,
            **self.config.extra,
        }


def _litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import fetches one from the network
    need("litellm", "litellm", "this teacher")
    import litellm

    litellm.suppress_debug_info = True  # it would print advice to stdout, which belongs to results
    return litellm


def _hidden(text: str) -> str:
    """Returns a text without what the environment has under names of secrets."""
    secrets = (value for name, value in os.environ.items() if name.lower().endswith(SECRETS) and len(value) >= 8)
    return redact(text, secrets)


def _failure(error: Exception) -> TeacherError:
    """Returns what one of LiteLLM's errors stands for: they carry the status of the response."""
    status = getattr(error, "status_code", None)
    message = _hidden(f"{type(error).__name__}: {error}")[:400]
    if isinstance(status, int) and status in (401, 402, 403, 404):
        return TeacherRefusal(message, sure=status != 403)
    if isinstance(status, int) and (status in TRANSIENT or status >= 500):
        response = getattr(error, "response", None)
        headers = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}
        return TransientTeacherError(message, retry_after=retry_after(headers))
    return TeacherError(message)
