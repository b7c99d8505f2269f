"""One OpenAI-compatible server: its connections, what it takes, and how much of what it sends is read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import sys
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from magdi.core.errors import TeacherError, TeacherRefusal, TransientTeacherError, UnreachableTeacherError
from magdi.core.redact import redact
from magdi.core.teacher import Price, Reply, Request
from magdi.plugins.teachers.completion import SHOWN, read_completion, refusal, refused_words
from magdi.plugins.teachers.dialect import Dialect
from magdi.plugins.teachers.endpoint import Endpoint

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL


REFUSALS = frozenset({400, 422, 501})  # statuses with which servers refuse a field that they do not know
CONNECT_SECONDS = 15.0
KEPT_SECONDS = 30.0  # that a connection is kept open for a next request
REDIRECTS = 3  # that a server may make to itself
REDIRECTING = frozenset({301, 302, 303, 307, 308})
CONNECTOR = re.compile(r"Cannot connect to host .*? ssl:.*? \[(.*)\]", re.DOTALL)
"""What aiohttp says, of ``http://`` too."""


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
        fields: Mapping[str, object],
        timeout: float,
        connections: int,
    ) -> None:
        self.endpoint, self._secrets, self._model, self.dialect = endpoint, endpoint.secrets, model, dialect
        self._fields, self._timeout, self._connections = dict(fields), timeout, connections
        self._client: ClientSession | None = None
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
            await client.close()

    async def _post(self, dialect: Dialect, request: Request) -> tuple[int, bytes, Mapping[str, str]]:
        """Sends a request and returns status, body and headers of the response, whatever the status."""
        from aiohttp import ClientError

        content, url = json.dumps(dialect.body(self._model, request) | self._fields).encode(), self._url
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
        from aiohttp import ClientConnectorError, ConnectionTimeoutError, ServerDisconnectedError

        told = "" if isinstance(error, ServerDisconnectedError) else " ".join(str(error).split())
        cause = self._hide(CONNECTOR.sub(r"\1", told or type(error).__name__))[:SHOWN]
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
        return redact(text, self._secrets)

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

        connect = min(CONNECT_SECONDS, self._timeout)
        return ClientSession(
            connector=TCPConnector(limit=self._connections, keepalive_timeout=KEPT_SECONDS, ssl=_trusted()),
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


MOST_BYTES = 8 * 2**20
"""Bytes of a response, unpacked: hundreds of times the longest reply of a model."""


async def read_body(response: ClientResponse) -> bytes:
    """Returns the body of a response that is being streamed.

    Raises:
        TransientTeacherError: It is not what it says that it is packed as.
        TeacherError: It is larger than `MOST_BYTES`, or packed in another way than gzip; nothing was asked for packed.
    """
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", ""):
        raise TeacherError(f"the server's response is packed as {packing[:20]!r}, which was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing.endswith("gzip") else None
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk if unpack is None else unpack.decompress(chunk, MOST_BYTES + 1 - len(body))
            if len(body) > MOST_BYTES:
                raise TeacherError(
                    f"the server's response is larger than {MOST_BYTES // 2**20} MiB", hint="that is no chat completion"
                )
    except zlib.error as error:
        raise TransientTeacherError(f"the server's response cannot be unpacked: {error}", charged=True) from None
    return bytes(body)
