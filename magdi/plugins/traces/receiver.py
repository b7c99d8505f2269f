"""An OTLP/HTTP receiver: what any OpenTelemetry exporter sends to is answered when it is safe on the disk."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from magdi.core.errors import StorageError
from magdi.core.extras import need
from magdi.plugins.formats.importers.otel.span import Span
from magdi.plugins.listening import listening
from magdi.plugins.traces.collection import Collection
from magdi.plugins.traces.requests import JSON, PROTOBUF, answer, spans_in

T = TypeVar("T")
LARGEST_REQUEST = 64 << 20
"""Bytes that a request may have once it is unpacked."""
MOST_WAITING = 256 << 20
"""Bytes of requests that are worked on at once; who comes then is told to come again."""
_BIG = 1 << 18
_UNSEEN = 1 << 20
_TURN = 0.25
_AGAIN = {"Retry-After": "1"}
_HTTP_ONLY = (
    "a client speaks gRPC, and this is HTTP only: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf makes it send there"
)


class Receiver:
    """Listens, and hands what it is sent to a collection.

    Args:
        collection: Where spans go.
        host: The address to listen on.
        port: The port; 0 for any that is free.

    Attributes:
        port: The port that it listens on, once it does.
        listening: Set once it does, or cannot.
    """

    def __init__(self, collection: Collection, host: str = "127.0.0.1", port: int = 4318) -> None:
        need("opentelemetry.proto", "otel", "receiving spans")
        self.host, self.port = host, port
        self._collection = collection
        self._waiting: list[tuple[Sequence[Span], asyncio.Future[list[str]]]] = []
        self._bytes = 0
        self._come = asyncio.Event()
        self.listening = asyncio.Event()
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="spans")

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until it is told to stop; what was taken by then is written.

        Raises:
            ConfigError: The address cannot be listened on.
            StorageError: Discussions cannot be written.
        """
        try:
            runner = await listening(self._application(), self.host, self.port)
            self.port = runner.addresses[0][1]
        finally:
            self.listening.set()
        clients = _GrpcClients()
        logging.getLogger("aiohttp.server").addFilter(clients)
        taking = asyncio.create_task(self._take())
        writing = asyncio.create_task(self._write(stop))
        try:
            await asyncio.wait([asyncio.create_task(stop.wait()), writing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            await runner.cleanup()  # those that are being answered still are
            logging.getLogger("aiohttp.server").removeFilter(clients)
            taking.cancel()
            await writing

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_REQUEST)
        application.router.add_post("/v1/{signal:traces|logs|metrics}", self._post)
        application.router.add_get("/health", _healthy)
        return application

    async def _post(self, request: web.Request) -> web.Response:
        signal, kind = request.match_info["signal"], request.content_type
        if kind not in (JSON, PROTOBUF):
            return web.Response(status=415, text=f"{kind} is neither {PROTOBUF} nor {JSON}\n")
        size = request.content_length or _UNSEEN
        if self._bytes + size > MOST_WAITING:
            return _refused(kind, 503, "too much is being worked on", again=True)
        self._bytes += size
        try:
            return await self._answered(request, signal, kind)
        except StorageError as error:
            return _refused(kind, 503, error.message, again=True)
        except (ValueError, RecursionError) as error:
            return _refused(kind, 400, str(error))
        finally:
            self._bytes -= size

    async def _answered(self, request: web.Request, signal: str, kind: str) -> web.Response:
        body = await request.read()
        if signal == "metrics":
            return web.Response(body=answer(kind, signal, 0, ""), content_type=kind)
        read = partial(_read, body, kind, signal)
        found = await self._apart(read) if len(body) > _BIG else read()
        refused = [str(each) for each in found if isinstance(each, ValueError)]
        refused += await self._kept([each for each in found if isinstance(each, Span)])
        told = "; ".join(dict.fromkeys(refused))
        return web.Response(body=answer(kind, signal, len(refused), told), content_type=kind)

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _kept(self, spans: Sequence[Span]) -> list[str]:
        """Returns why some spans were refused, once the others are on the disk."""
        if not spans:
            return []
        kept: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._waiting.append((spans, kept))
        self._come.set()
        return await kept

    async def _take(self) -> None:
        """Hands over what has come, all that came meanwhile together: one wait for the disk is for all of it."""
        while True:
            await self._come.wait()
            self._come.clear()
            waiting, self._waiting = self._waiting, []
            batches = [spans for spans, _ in waiting]
            try:
                refused = await self._apart(partial(self._collection.take, batches))
            except Exception as error:  # whoever waits is told, and the next are taken
                for _, kept in waiting:
                    if not kept.done():
                        kept.set_exception(error)
            else:
                for (_, kept), reasons in zip(waiting, refused, strict=True):
                    if not kept.done():
                        kept.set_result(reasons)

    async def _write(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await self._apart(self._collection.write_due):
                try:
                    await asyncio.wait_for(stop.wait(), _TURN)
                except TimeoutError:
                    continue


class _GrpcClients(logging.Filter):
    """Has the log say in one line, and once, that clients speak gRPC, where it would have a traceback for each try."""

    told = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether a record is to be logged."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, BadHttpMessage) or "PRI" not in error.message:
            return True
        record.msg, record.args, record.exc_info, record.exc_text = _HTTP_ONLY, (), None, None
        first, self.told = not self.told, True
        return first


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _read(body: bytes, kind: str, signal: str) -> list[Span | ValueError]:
    return list(spans_in(body, kind, signal))


def _refused(kind: str, status: int, told: str, *, again: bool = False) -> web.Response:
    """Returns an error as OTLP wants it: a Status, in the form of the request."""
    headers = _AGAIN if again else None
    if kind == JSON:
        body = json.dumps({"code": 14 if again else 3, "message": told}).encode()
    else:
        from google.rpc.status_pb2 import Status

        body = Status(code=14 if again else 3, message=told).SerializeToString()
    return web.Response(status=status, body=body, content_type=kind, headers=headers)
