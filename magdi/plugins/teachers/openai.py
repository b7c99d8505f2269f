"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, llama.cpp, the vendors. ``openai:MODEL[@BASE_URL]``."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.request import getproxies, proxy_bypass

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
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

REFUSALS = frozenset({400, 422, 501})  # statuses with which servers refuse a field that they do not know
CONNECT_SECONDS = 15.0
KEPT_SECONDS = 30.0  # that a connection is kept open for a next request
REDIRECTS = 3  # that a server may make to itself
REDIRECTING = frozenset({301, 302, 303, 307, 308})


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
        self._client: ClientSession | None = None
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
            await client.close()

    async def _post(self, dialect: Dialect, request: Request) -> tuple[int, bytes, Mapping[str, str]]:
        """Sends a request and returns status, body and headers of the response, whatever the status."""
        from aiohttp import ClientError

        body = dialect.body(self.config.model, request) | self.config.extra
        if self.config.reasoning_effort is not None:
            body["reasoning_effort"] = self.config.reasoning_effort
        content, url = json.dumps(body).encode(), self._url
        for _ in range(REDIRECTS + 1):
            try:
                async with self._connected().post(url, data=content, allow_redirects=False) as response:
                    if response.status not in REDIRECTING:
                        return response.status, await read_body(response), response.headers
                    url = self._followed(url, response)
            except (ClientError, OSError) as error:
                raise self._broken(error) from None
        raise TeacherRefusal(f"the server at {self.endpoint.host} redirects without an end")

    def _broken(self, error: Exception) -> TransientTeacherError:
        """Returns what a connection that failed stands for."""
        from aiohttp import ClientConnectorError, ConnectionTimeoutError

        cause = self._hide(str(error) or type(error).__name__)
        if isinstance(error, ClientConnectorError | ConnectionTimeoutError):
            return UnreachableTeacherError(f"no connection to {self.endpoint.host}: {cause}")
        return TransientTeacherError(f"the connection to {self.endpoint.host} broke: {cause}", charged=True)

    def _followed(self, url: URL, response: ClientResponse) -> URL:
        """Returns where a server sends us, if that is itself; a key, and a prompt, go to nobody else.

        Raises:
            TeacherRefusal: It is another server, or the redirect would not ask the same again.
        """
        from yarl import URL

        where = response.headers.get("location", "")
        with suppress(ValueError):  # no URL, or none of a server
            to = url.join(URL(where))
            if to.origin() == url.origin() and response.status in (307, 308):
                return to
            where = f"{to.origin()}{to.path}"
        raise TeacherRefusal(
            f"the server at {self.endpoint.host} redirects to {self._hide(where)[:200]} ({response.status})",
            hint="redirects to other places are not followed; where you trust that server, name it in the teacher",
        )

    def _hide(self, text: str) -> str:
        return redact(text, self.endpoint.secrets)

    @cached_property
    def _url(self) -> URL:
        """Parsed once: parsing it anew took a twentieth of a call."""
        from yarl import URL

        return URL(self.endpoint.completions)

    def _connected(self) -> ClientSession:
        """Returns the HTTP client of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = self._make_client(), loop
        return self._client

    def _make_client(self) -> ClientSession:
        """Returns an aiohttp client, without what vendors' clients have on top of one.

        The driver retries, which knows the budget and the other requests, and replies are read without trusting them:
        an OpenAI client does both a second time, at five times the CPU of a call.
        """
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        connect = min(CONNECT_SECONDS, self.config.timeout)
        return ClientSession(
            connector=TCPConnector(limit=self.config.concurrency, keepalive_timeout=KEPT_SECONDS, ssl=_trusted()),
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", **self.endpoint.headers()},
            timeout=ClientTimeout(total=None, sock_connect=connect),
            auto_decompress=False,
            proxy=_proxy(self._url),
        )


def _proxy(url: URL) -> str | None:
    """Returns the proxy that the environment names for a URL; looked up once, where aiohttp would for each request."""
    proxies = getproxies()
    return None if proxy_bypass(url.authority) else proxies.get(url.scheme) or proxies.get("all")


def _trusted() -> ssl.SSLContext:
    """Returns whom to trust: ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` where they are set, or else the system."""
    file, folder = os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None
    if sys.platform == "darwin" and not (file or folder):  # Python comes without certificates there
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context(cafile=file, capath=folder)
