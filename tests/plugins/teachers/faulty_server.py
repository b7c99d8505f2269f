"""A chat completions server on the loopback interface that fails in every way that is asked of it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

MOST_REQUESTS = 20_000  # a test that asks for more is a test gone wild


@dataclass(frozen=True)
class Answer:
    """How one request is answered: with a completion of ``text``, unless something else is said."""

    text: str | None = None
    message: dict[str, Any] = field(default_factory=dict)
    choice: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    usage: dict[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 5})
    delay: float = 0.0
    held: threading.Event | None = None  # nothing comes before it is set
    drip: float = 0.0  # seconds between two bytes, for a server with a clock
    silent: bool = False  # nothing ever comes; an hour passes, for a server with a clock
    cut: int | None = None  # bytes of the body after which the connection is closed
    reset: bool = False

    @property
    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        message = {"role": "assistant", "content": self.text, **self.message}
        choice = {"index": 0, "finish_reason": "stop", "message": message, **self.choice}
        return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": self.usage}).encode()


def error(status: int, message: str = "", /, code: str = "", **headers: str) -> Answer:
    body = {"error": {"message": message or f"error {status}", "type": "error", "param": None, "code": code or None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(raw=json.dumps(body).encode(), status=status, headers=named)


class Clock:
    """What event loops take for the time; it can be put forward.

    Made by the fixture ``clock``, which tells every loop of it.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()

    def read(self, loop: asyncio.AbstractEventLoop) -> float:
        self._loops.add(loop)
        return time.monotonic() + self._ahead

    def put_forward(self, seconds: float) -> None:
        self._ahead += seconds
        for loop in list(self._loops):
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(lambda: None)  # look at the clock


Script = Callable[[dict[str, Any], int], Answer]


class FaultyServer:
    """Answers as a script says, which is told each request's body and its number from 0.

    Attributes:
        url: The base URL.
        bodies: What was asked, in the order of arrival.
        headers: The headers of it.
        most: Most requests that were under way at once.
    """

    def __init__(self, script: Script, clock: Clock | None = None) -> None:
        self.script, self.clock = script, clock
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most = self._now = 0
        self.url = ""

    @property
    def count(self) -> int:
        return len(self.bodies)

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._now > 0

    def asked(self, text: str) -> int:
        """Returns how many requests held a text in their last message."""
        return sum(text in body["messages"][-1]["content"] for body in self.bodies)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and self.count < MOST_REQUESTS:
                fields = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
                headers = {name.lower(): value for name, value in fields}
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                self.bodies.append(body)
                self.headers.append(headers)
                self._now += 1
                self.most = max(self.most, self._now)
                try:
                    if not await self._answer(self.script(body, self.count - 1), writer):
                        break
                finally:
                    self._now -= 1
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(answer.delay)
        while answer.held and not answer.held.is_set():
            await asyncio.sleep(0.01)
        if answer.silent and self.clock:
            self.clock.put_forward(3600)
            await asyncio.sleep(1e6)
        if answer.reset:
            writer.transport.abort()
            return False
        fields = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(head.encode() + b"\r\n")
        if answer.drip and self.clock:
            for place in range(len(answer.body)):
                writer.write(answer.body[place : place + 1])
                await writer.drain()
                self.clock.put_forward(answer.drip)
                await asyncio.sleep(0.001)
        else:
            writer.write(answer.body[: answer.cut])
        await writer.drain()
        return answer.cut is None


@contextmanager
def serving(script: Script | Answer | str, clock: Clock | None = None) -> Iterator[FaultyServer]:
    """Runs a server in a thread; a plain answer or text is given to every request."""
    fixed = Answer(script) if isinstance(script, str) else script
    server = FaultyServer(fixed if callable(fixed) else lambda body, number: fixed, clock)
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=2**24) as listening:
            server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
            ready.set()
            await over.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def main() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
