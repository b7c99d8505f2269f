"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, llama.cpp, the vendors. ``openai:MODEL[@BASE_URL]``."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, SecretStr

from magdi.core.errors import ConfigError, TeacherRefusal, TransientTeacherError, UnreachableTeacherError
from magdi.core.redact import redact
from magdi.core.teacher import Price, Reply, Request, Teacher
from magdi.plugins.teachers.body import read_body
from magdi.plugins.teachers.completion import read_completion, refusal, refused_words
from magdi.plugins.teachers.dialect import Dialect
from magdi.plugins.teachers.endpoint import KEY_VARIABLES, Endpoint, find_endpoint
from magdi.plugins.teachers.prices import price_of

if TYPE_CHECKING:
    from httpx2 import URL, AsyncClient, Response

REFUSALS = frozenset({400, 422, 501})  # statuses with which servers refuse a field that they do not know
CONNECT_SECONDS = 15.0
REDIRECTS = 3  # that a server may make to itself


def _without_secrets(record: logging.LogRecord) -> bool:
    record.msg, record.args = redact(record.getMessage()), ()
    return True


class OpenAITeacher(Teacher):
    """A model behind the chat completions API."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `openai`."""

        model: str = Field(min_length=1, description="The model, as the server calls it.")
        base_url: SecretStr | None = Field(
            None, description="Where the server is, e.g. http://localhost:8000/v1; OPENAI_BASE_URL or OpenAI's own."
        )
        key_variable: str = Field(
            "", description="Environment variable with the key; MAGDI_API_KEY_<HOST> or the vendor's when left out."
        )
        concurrency: int = Field(64, ge=1, description="Most requests at once.")
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
        extra: dict[str, Any] = Field(default_factory=dict, description="Further fields of the request's body.")
        price: Price | None = Field(None, description="What tokens cost; from the price table when left out.")

    config: Config

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.concurrency = self.config.concurrency
        self.requests_per_minute = self.config.requests_per_minute
        self.tokens_per_minute = self.config.tokens_per_minute
        self.endpoint: Endpoint = find_endpoint(self.config.base_url, self.config.key_variable)
        self.price = self.config.price or price_of(self.config.model, self.endpoint.host)
        structured = "schema" if self.config.structured == "auto" else self.config.structured
        self.dialect = Dialect.of(self.config.model, structured, reasoning=self.config.reasoning)
        self._client: AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def from_target(cls, target: str) -> dict[str, Any]:
        """Reads ``MODEL`` and ``MODEL@http://host/v1``; a model's name may hold an @ itself."""
        for scheme in ("@https://", "@http://"):
            model, at, rest = target.partition(scheme)
            if at:
                return {"model": model, "base_url": scheme[1:] + rest}
        return {"model": target}

    @cached_property
    def identity(self) -> str:
        """Model, server, and the settings that change what it answers."""
        changed = {**self.config.extra}
        if self.config.reasoning_effort is not None:
            changed["reasoning_effort"] = self.config.reasoning_effort
        if self.config.reasoning is not None:
            changed["reasoning"] = self.config.reasoning
        settings = json.dumps(changed, sort_keys=True, separators=(",", ":")) if changed else ""
        return f"openai:{self.config.model}@{self.endpoint.url}{settings}"

    def check(self) -> None:
        """Looks for a key where the server is one that is known to want one."""
        endpoint = self.endpoint
        if not endpoint.secrets and (endpoint.host in KEY_VARIABLES or self.config.key_variable):
            raise ConfigError(
                f"there is no key for {endpoint.host} in the environment",
                hint=f"set {' or '.join(endpoint.variables)}",
            )

    async def complete(self, request: Request) -> Reply:
        """Answers one request; what the server refuses in it is left out from then on."""
        dialect = self.dialect
        while True:
            try:
                async with asyncio.timeout(self.config.timeout):  # the whole of it: a slow drip is no reply either
                    status, body, headers = await self._post(dialect, request)
            except TimeoutError:
                raise TransientTeacherError(f"no reply within {self.config.timeout:g} s", charged=True) from None
            if status < 300:
                if dialect != self.dialect:
                    self.dialect = dialect
                return read_completion(body, self.price, self._hide)
            error = refusal(status, body, headers, self._hide)
            weaker = dialect.weakened(request, refused_words(body)) if status in REFUSALS and not error.hint else None
            if weaker is None or isinstance(error, TransientTeacherError):
                raise error
            dialect = weaker

    async def close(self) -> None:
        """Closes the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, dialect: Dialect, request: Request) -> tuple[int, bytes, Mapping[str, str]]:
        """Sends a request and returns status, body and headers of the response, whatever the status."""
        import aiohttp
        import httpx2

        body = dialect.body(self.config.model, request) | self.config.extra
        if self.config.reasoning_effort is not None:
            body["reasoning_effort"] = self.config.reasoning_effort
        content, url = json.dumps(body).encode(), self._url
        for _ in range(REDIRECTS + 1):
            try:
                async with self._connected().stream("POST", url, content=content) as response:
                    if not response.is_redirect:
                        return response.status_code, await read_body(response), response.headers
                    url = self._followed(url, response)
            except (httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError) as error:
                raise self._broken(error) from None
        raise TeacherRefusal(f"the server at {self.endpoint.host} redirects without an end")

    def _broken(self, error: Exception) -> TransientTeacherError:
        """Returns what a connection that failed stands for."""
        from aiohttp import ClientConnectorError, ConnectionTimeoutError

        cause = self._hide(str(error) or type(error).__name__)
        # The client's own ConnectError is also a connection that was made and closed without a word.
        if isinstance(error.__cause__ or error, ClientConnectorError | ConnectionTimeoutError):
            return UnreachableTeacherError(f"no connection to {self.endpoint.host}: {cause}")
        return TransientTeacherError(f"the connection to {self.endpoint.host} broke: {cause}", charged=True)

    def _followed(self, url: URL, response: Response) -> URL:
        """Returns where a server sends us, if that is itself; a key, and a prompt, go to nobody else.

        Raises:
            TeacherRefusal: It is another server, or the redirect would not ask the same again.
        """
        to = url.join(response.headers.get("location", ""))
        same = (to.scheme, to.host, to.port) == (url.scheme, url.host, url.port)
        if same and response.status_code in (307, 308):
            return to
        where = self._hide(f"{to.scheme}://{to.netloc.decode('ascii', 'replace').rpartition('@')[2]}{to.path}")
        raise TeacherRefusal(
            f"the server at {self.endpoint.host} redirects to {where[:200]} ({response.status_code})",
            hint="redirects to other places are not followed; where you trust that server, name it in the teacher",
        )

    def _hide(self, text: str) -> str:
        return redact(text, self.endpoint.secrets)

    @cached_property
    def _url(self) -> URL:
        """Parsed once: parsing it anew took a twentieth of a call."""
        from httpx2 import URL

        return URL(self.endpoint.completions)

    def _connected(self) -> AsyncClient:
        """Returns the HTTP client of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = self._make_client(), loop
        return self._client

    def _make_client(self) -> AsyncClient:
        """Returns the HTTP client of the openai package, with aiohttp below it.

        What the package has on top of it, retries and models of the API, is passed by: the driver retries, which knows
        the budget and the other requests, and replies are read without trusting them. That halves the time of a call.
        """
        import httpx2
        from openai import DefaultAioHttpClient

        logging.getLogger("httpx2").addFilter(_without_secrets)  # it logs addresses, which may hold keys
        most, seconds = self.config.concurrency, self.config.timeout
        return DefaultAioHttpClient(
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", **self.endpoint.headers()},
            follow_redirects=False,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=30),
        )
