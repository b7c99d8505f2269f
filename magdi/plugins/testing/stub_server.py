"""A server that speaks just enough of the OpenAI API to try teachers on; on this machine, in a thread."""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

DIRECTIVE = re.compile(r"#(status|sleep|retry-after)=([\d.]+)")


class StubServer:
    """Answers ``POST .../chat/completions`` with "echo: " and the last message; ``with StubServer() as server:``.

    A message steers how it is answered: ``#status=429`` is answered with that status, ``#retry-after=3`` with that
    header, ``#sleep=2`` after so many seconds.

    Attributes:
        requests: The last message of every request, in the order of arrival.
        keys: The ``Authorization`` headers that came.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.keys: list[str] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL, ``http://127.0.0.1:PORT/v1``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                last = str(body["messages"][-1]["content"])
                stub.requests.append(last)
                stub.keys.append(str(self.headers.get("Authorization", "")))
                stub._answer(self, last)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler, last: str) -> None:
        told = dict(DIRECTIVE.findall(last))
        self._over.wait(float(told.get("sleep", 0)))
        status = int(told.get("status", 200))
        reply = completion(last) if status == 200 else {"error": {"message": f"stub says {status}", "code": status}}
        body = json.dumps(reply).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            if "retry-after" in told:
                handler.send_header("Retry-After", told["retry-after"])
            handler.end_headers()
            handler.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True  # the client had no patience, as it was meant to


def completion(last: str) -> dict[str, Any]:
    """Returns a chat completion that echoes a message; a token is a word."""
    text = f"echo: {last}"
    asked, said = len(last.split()), len(text.split())
    return {
        "id": "stub",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "stub",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }
