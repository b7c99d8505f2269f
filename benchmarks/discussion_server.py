"""As little a server of chat completions as can be, so that its clients are what is measured. Used by discussion.py."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LATENCY = 0.05  # seconds
SERVER_SECONDS = 3600  # after which the server ends by itself, whatever happened to whoever started it


def completion(answer: str) -> bytes:
    text = json.dumps({"reasoning": "Pens first, then books, then both. " * 12, "answer": answer, "confidence": 0.9})
    message = {"role": "assistant", "content": text}
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 150, "completion_tokens": 110, "total_tokens": 260},
    }
    raw = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw


RESPONSES = [completion(answer) for answer in ("36", "36", "36", "40")]


class Server(asyncio.Protocol):
    """Answers every request after the latency."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (head := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = self.buffer[:head].lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            end = head + 4 + int(length)
            if len(self.buffer) < end:
                return
            response = RESPONSES[zlib.crc32(self.buffer[head:end]) % len(RESPONSES)]
            self.buffer = self.buffer[end:]
            asyncio.get_running_loop().call_later(LATENCY, self.transport.write, response)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.sleep(SERVER_SECONDS)


@contextmanager
def serving() -> Iterator[str]:
    """Yields the address of a server in a process of its own."""
    server = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    asyncio.run(serve())
