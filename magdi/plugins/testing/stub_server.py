"""A server that speaks just enough of the usual APIs to try teachers on; on this machine, in a thread."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_plus

from magdi.plugins.testing.clock import SLICE, Clock

DIRECTIVE = re.compile(r"#(status|sleep|retry-after|until|together|drop|garbage|short)=([\d.]+)")

PATIENCE = 5.0
"""Seconds that ``#together`` waits for the others."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # with Python's 5, hundreds that connect at once wait for seconds
    daemon_threads = True


class StubServer:
    """Answers every POST with "echo: " and what was asked; ``with StubServer() as server:``.

    It replies in the form that goes with the path: chat completions, as a stream too, completions, llama.cpp's,
    Ollama's, Anthropic's. For any other form, ``stub_reply`` says what a reply with a given text looks like: a JSON
    value, or a string or bytes that are sent as they are.

    What is asked, read from the body as it came, steers how it is answered: ``#status=429`` is answered with that
    status, ``#retry-after=3`` with that header (``#until=2050``: a
    date in that year), ``#sleep=2`` after so many seconds, ``#together=3`` when three such are
    there, ``#drop=1`` by hanging up, ``#garbage=1`` with a page of HTML, ``#short=1`` in two words.

    Args:
        stub_reply: From a text to a reply that says it.

    Attributes:
        requests: The last message (or prompt, or body) of every request, in the order of arrival.
        bodies: The bodies as they came.
        keys: The ``Authorization`` headers that came.
        most_open: Most ``#together`` requests that were there at once.
    """

    def __init__(self, stub_reply: Callable[[str], Any] | None = None) -> None:
        self.requests: list[str] = []
        self.bodies: list[str] = []
        self.keys: list[str] = []
        self.most_open = 0
        self._open = 0
        self._stub_reply = stub_reply
        self._together = threading.Condition()
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
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
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
                stub.bodies.append(body)
                stub.requests.append(asked(body))
                stub.keys.append(str(self.headers.get("Authorization", "")))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # of a client without patience
                    stub._answer(self, body)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        told = dict(DIRECTIVE.findall(body) or DIRECTIVE.findall(unquote_plus(body)))
        if "together" in told:
            self._wait_for(int(told["together"]))
        self._over.wait(float(told.get("sleep", 0)))
        if "drop" in told:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        status = int(told.get("status", 200))
        kind, content = "application/json", json.dumps({"error": {"message": f"stub says {status}", "code": status}})
        if "garbage" in told:
            kind, content = "text/html", "<html><body>Too busy.</body></html>"
        elif status == 200:
            kind, content = self._reply(handler.path, body, "echo: yes" if "short" in told else f"echo: {asked(body)}")
        until = f"Wed, 21 Oct {told['until']} 07:28:00 GMT" if "until" in told else None
        self._send(handler, status, kind, content, told.get("retry-after", until))

    def _wait_for(self, count: int) -> None:
        with self._together:
            self._open += 1
            self.most_open = max(self.most_open, self._open)
            self._together.notify_all()
            clock = Clock()
            while self.most_open < count and not self._over.is_set() and clock.spent < PATIENCE:
                self._together.wait(SLICE)
            self._open -= 1

    def _reply(self, path: str, body: str, text: str) -> tuple[str, str]:
        if self._stub_reply is not None:
            reply = self._stub_reply(text)
            if isinstance(reply, str | bytes):
                return "text/plain; charset=utf-8", reply if isinstance(reply, str) else reply.decode()
            return "application/json", json.dumps(reply)
        if _field(body, "stream") is True:
            lines = "/api/" in path
            parts = [json.dumps(part) for part in stream(text, asked(body))]
            whole = [f"{part}\n" if lines else f"data: {part}\n\n" for part in parts] + [
                "" if lines else "data: [DONE]\n\n"
            ]
            return "application/x-ndjson" if lines else "text/event-stream", "".join(whole)
        return "application/json", json.dumps(reply_to(path, text, asked(body)))

    def _send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, content: str, wait: str | None) -> None:
        encoded = content.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(encoded)))
        if wait is not None:
            handler.send_header("Retry-After", wait)
        handler.end_headers()
        handler.wfile.write(encoded)


def _field(body: str, name: str) -> Any:
    try:
        fields = json.loads(body)
    except ValueError:
        return None
    return fields.get(name) if isinstance(fields, dict) else None


def asked(body: str) -> str:
    """Returns what a body asks: its last message, else its prompt, else all of it."""
    messages = _field(body, "messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        return str(messages[-1].get("content"))
    prompt = _field(body, "prompt") or _field(body, "input") or _field(body, "inputs")
    return prompt if isinstance(prompt, str) else body


def completion(text: str, prompt: str) -> dict[str, Any]:
    """Returns a chat completion; a token is a word."""
    said, heard = len(text.split()), len(prompt.split())
    return {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": "stub",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": heard, "completion_tokens": said, "total_tokens": heard + said},
    }


def reply_to(path: str, text: str, prompt: str) -> dict[str, object]:
    """Returns the reply that goes with a path; for a path that is not known, one in which every API finds its own."""
    whole = completion(text, prompt)
    if path.split("?")[0].endswith("/chat/completions"):
        return whole
    said, heard = whole["usage"]["completion_tokens"], whole["usage"]["prompt_tokens"]
    whole["choices"][0]["text"] = text
    whole["usage"] |= {"input_tokens": heard, "output_tokens": said}
    every = dict.fromkeys(
        ("content", "response", "text", "output", "output_text", "generated_text", "completion"), text
    )
    counts = {"tokens_predicted": said, "tokens_evaluated": heard, "eval_count": said, "prompt_eval_count": heard}
    message = {"role": "assistant", "content": text}
    whole |= {**every, **counts, "message": message, "done": True, "stop": True, "stop_reason": "end_turn"}
    return whole | {"content": [{"type": "text", "text": text}]} if "/messages" in path else whole


def stream(text: str, prompt: str) -> Iterator[dict[str, object]]:
    """Yields a reply in parts, the counts of tokens with the last."""
    whole = reply_to("", text, prompt)
    half = len(text) // 2
    for part in (text[:half], text[half:]):
        delta = {"index": 0, "delta": {"role": "assistant", "content": part}, "text": part, "finish_reason": None}
        said = {"content": part, "response": part, "message": {"role": "assistant", "content": part}}
        yield {"choices": [delta], **said, "done": False, "stop": False}
    end = {"index": 0, "delta": {}, "text": "", "finish_reason": "stop"}
    empty = {"content": "", "response": "", "message": {"role": "assistant", "content": ""}}
    yield whole | {"choices": [end], **empty}
