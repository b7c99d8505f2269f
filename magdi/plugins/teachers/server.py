"""One OpenAI-compatible server: its connections, and what has been learnt of what it takes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from magdi.core.errors import TeacherRefusal, TransientTeacherError, UnreachableTeacherError
from magdi.core.redact import redact
from magdi.core.teacher import Price, Reply, Request
from magdi.plugins.teachers.body import read_body
from magdi.plugins.teachers.completion import read_completion, refusal, refused_words
from magdi.plugins.teachers.dialect import Dialect
from magdi.plugins.teachers.endpoint import Endpoint

if TYPE_CHECKING:
    from httpx2 import URL, AsyncClient, Response

REFUSALS = frozenset({400, 422, 501})  # statuses with which servers refuse a field that they do not know
CONNECT_SECONDS = 15.0
REDIRECTS = 3  # that a server may make to itself


def _without_secrets(record: logging.LogRecord) -> bool:
    record.msg, record.args = redact(record.getMessage()), ()
    return True


class Server:
    """A server of chat completions.

    Args:
        endpoint: Where it is, and its key.
        model: The model, as it calls it.
        dialect: What it is taken to take, until it refuses something.
        fields: Further fields of every request.
        timeout: Seconds that a whole reply may take.
        connections: Most of them at once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        dialect: Dialect,
        *,
        fields: Mapping[str, Any],
        timeout: float,
        connections: int,
    ) -> None:
        self.endpoint, self._model, self.dialect = endpoint, model, dialect
        self._fields, self._timeout, self._connections = dict(fields), timeout, connections
        self._client: AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def complete(self, request: Request, price: Price | None) -> Reply:
        """Answers one request; what the server refuses in it is left out from then on.

        Raises:
            TransientTeacherError: Another try may help.
            TeacherRefusal: It will not work, whatever it is asked.
            TeacherError: It will not answer this.
        """
        dialect = self.dialect
        while True:
            try:
                async with asyncio.timeout(self._timeout):  # the whole of it: a slow drip is no reply either
                    status, body, headers = await self._post(dialect, request)
            except TimeoutError:
                raise TransientTeacherError(f"no reply within {self._timeout:g} s", charged=True) from None
            if status < 300:
                if dialect != self.dialect:
                    self.dialect = dialect
                return read_completion(body, price, self._hide)
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

        content, url = json.dumps(dialect.body(self._model, request) | self._fields).encode(), self._url
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
        most, seconds = self._connections, self._timeout
        return DefaultAioHttpClient(
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", **self.endpoint.headers()},
            follow_redirects=False,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=30),
        )
