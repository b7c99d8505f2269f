"""A stub server whose every reply has a word of its own, so that its log tells who was shown what."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from magdi.plugins.testing import StubServer


class WordServer(StubServer):
    """Replies with a word that no other reply has, and remembers which prompt got which."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.log: list[tuple[str, str]] = []
        """Every prompt, all its messages in a line each, with its reply, in the order of arrival."""

    def _reply(self, path: str, body: str, text: str) -> tuple[str, str]:
        with self._lock:
            number = len(self.log)
            said = f"I counted it twice, and call that word{number}word. The answer is {10 + number % 2}."
            self.log.append((json.dumps(json.loads(body).get("messages"), ensure_ascii=False), said))
        return super()._reply(path, body, said)


def edges_of(log: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Returns by every reply's word the words that stood in its prompt."""
    return {word_of(said): set(re.findall(r"word\d+word", prompt)) for prompt, said in log}


def word_of(text: Any) -> str:
    """Returns the first word of its own in a text."""
    return re.findall(r"word\d+word", str(text))[0]
