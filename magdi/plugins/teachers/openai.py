"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, llama.cpp, the vendors. ``openai:MODEL[@BASE_URL[,URL]]``."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from magdi.core.config.servers import split_target, split_urls
from magdi.core.errors import ConfigError
from magdi.core.teacher import Price, Reply, Request, Teacher
from magdi.plugins.teachers.dialect import Dialect
from magdi.plugins.teachers.endpoint import KEY_VARIABLES, Endpoint, find_endpoint
from magdi.plugins.teachers.pool import Pool
from magdi.plugins.teachers.prices import price_of
from magdi.plugins.teachers.server import Server


class OpenAITeacher(Teacher):
    """A model behind the chat completions API."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `openai`."""

        model: str = Field(min_length=1, description="The model, as the server calls it.")
        base_url: tuple[SecretStr, ...] | SecretStr | None = Field(
            None,
            description="Where the server is, e.g. http://localhost:8000/v1; OPENAI_BASE_URL or OpenAI's own. "
            "A list of servers that all have the model shares the requests.",
        )
        key_variable: str = Field(
            "", description="Environment variable with the key; MAGDI_API_KEY_<HOST> or the vendor's when left out."
        )
        concurrency: int = Field(64, ge=1, description="Most requests at once, to each server.")
        requests_per_minute: float | None = Field(None, gt=0, description="Most requests a minute.")
        tokens_per_minute: float | None = Field(None, gt=0, description="Most tokens a minute, prompts included.")
        timeout: float = Field(300.0, gt=0, description="Seconds that a whole reply may take.")
        structured: Literal["auto", "schema", "object", "none"] = Field(
            "auto", description="How a JSON schema is passed on; auto weakens it until the server takes it."
        )
        reasoning: bool | None = Field(
            None, description="A reasoning model, which takes no temperature; told by name and by refusals if left out."
        )
        reasoning_effort: str | None = Field(None, description="How long it is to reason, e.g. low.")
        extra: dict[str, object] = Field(default_factory=dict, description="Further fields of the request's body.")
        price: Price | None = Field(None, description="What tokens cost; from the price table when left out.")

        @field_validator("base_url", mode="before")
        @classmethod
        def _split(cls, value: Any) -> Any:
            return split_urls(value) if isinstance(value, str) else value

    config: Config

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.endpoints = self._find_endpoints()
        self.concurrency = self.config.concurrency * len(self.endpoints)
        self.requests_per_minute = self.config.requests_per_minute
        self.tokens_per_minute = self.config.tokens_per_minute
        self.price = self.config.price or self._dearest()
        listed = isinstance(self.config.base_url, tuple)
        self.aliases = tuple(map(self._known_as, (each.url for each in self.endpoints) if listed else ("",)))
        self._pool = Pool([self._server(endpoint) for endpoint in self.endpoints])

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Reads ``MODEL``, ``MODEL@http://host/v1`` and ``MODEL@http://one/v1,http://two/v1``."""
        model, urls = split_target(target)
        return {"model": model} if urls is None else {"model": model, "base_url": urls}

    @cached_property
    def identity(self) -> str:
        """Model, server, and the settings that change what it answers; of a list no server, for they answer alike."""
        return self._known_as("" if isinstance(self.config.base_url, tuple) else self.endpoints[0].url)

    def check(self) -> None:
        """Looks for a key where a server is one that is known to want one."""
        for endpoint in self.endpoints:
            if not endpoint.secrets and (endpoint.host in KEY_VARIABLES or self.config.key_variable):
                raise ConfigError(
                    f"there is no key for {endpoint.host} in the environment",
                    hint=f"set {' or '.join(endpoint.variables)}",
                )

    async def complete(self, request: Request) -> Reply:
        """Answers one request."""
        return await self._pool.complete(request, self.price)

    async def close(self) -> None:
        """Closes the connections; a later request opens new ones."""
        await self._pool.close()

    def _find_endpoints(self) -> tuple[Endpoint, ...]:
        urls = self.config.base_url
        listed = urls or (None,) if isinstance(urls, tuple) else (urls,)
        return tuple(dict.fromkeys(find_endpoint(url, self.config.key_variable) for url in listed))

    def _server(self, endpoint: Endpoint) -> Server:
        config = self.config
        effort = {} if config.reasoning_effort is None else {"reasoning_effort": config.reasoning_effort}
        return Server(
            endpoint,
            config.model,
            Dialect.of(
                config.model,
                "schema" if config.structured == "auto" else config.structured,
                reasoning=config.reasoning,
            ),
            fields=config.extra | effort,
            timeout=config.timeout,
            connections=self.concurrency,
        )

    def _dearest(self) -> Price | None:
        """Returns one price for all servers, that a reply costs the same whoever gave it."""
        prices = [price_of(self.config.model, endpoint.host) for endpoint in self.endpoints]
        known = [price for price in prices if price is not None]
        return max(known, key=lambda price: price.input + price.output) if known else None

    def _known_as(self, url: str) -> str:
        changed = {**self.config.extra}
        if self.config.reasoning_effort is not None:
            changed["reasoning_effort"] = self.config.reasoning_effort
        if self.config.reasoning is not None:
            changed["reasoning"] = self.config.reasoning
        settings = json.dumps(changed, sort_keys=True, separators=(",", ":")) if changed else ""
        return f"openai:{self.config.model}{url and '@'}{url}{settings}"
