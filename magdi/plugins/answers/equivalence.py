"""Whether two expressions mean the same, as math-verify finds in a process that can be killed."""

from __future__ import annotations

import atexit
import json
import os
import queue
import re
import subprocess
import sys
import threading
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from magdi.plugins.answers.latex import DEEPEST_NESTING, LONGEST_EXPRESSION

CPU_SECONDS = 5.0
"""Most CPU time for one comparison; what takes more is graded wrong, on a busy machine as on an idle one."""
WALL_SECONDS = 600.0
"""Longest wait for a reply: a safety net for what uses no CPU time, or for systems that do not limit it."""
SHORTEST_WORD = 4
"""Letters that are a word and no product of variables."""
SECONDS_TO_START = 120.0
ROUNDED = Fraction(1, 100_000)
"""Share of a number by which another is too far from it to be it rounded."""

_NUMBER = re.compile(r"-?\d{1,400}(?:\.\d{1,400}|/0*[1-9]\d{0,400})?")
_BASE = re.compile(r"(?<=\d)_\{?(\d{1,2})\}?")
_BARE_LIST = re.compile(r"(?!\\\{)[^()\[\]=<>]*,[^()\[\]=<>]*")
_BRACKETED = re.compile(r"(?P<open>\(|\[|\\\{)[^()\[\]=<>]*,[^()\[\]=<>]*(?P<close>\)|\]|\\\})")
_HUGE_POWER = re.compile(r"\^\s*(?:\{[^{}]{0,20}\^|\w{0,9}\s*\^|\{?[-+(]*\d{4})|\d{4,}\s*[})]?!|!!|\\uparrow|\*\*")


@lru_cache(maxsize=65536)
def equivalent(answer: str, gold: str) -> bool:
    """Returns whether two expressions in normal form mean the same; what cannot be told in `CPU_SECONDS` is wrong.

    Towers of powers and the like are refused unseen: no gold answer has one, and their value fills memory.
    """
    for text in (answer, gold):
        if len(text) > LONGEST_EXPRESSION or text.count("{") > 4 * DEEPEST_NESTING or _HUGE_POWER.search(text):
            return False
    if _NUMBER.fullmatch(answer) and _NUMBER.fullmatch(gold):
        said, right = Fraction(answer), Fraction(gold)
        if abs(said - right) > ROUNDED * max(Fraction(1), abs(said), abs(right)):
            return False
    bases = [_BASE.findall(text) for text in (answer, gold)]
    if bases[0] != bases[1]:
        return False  # math-verify does not look at them
    brackets = [_brackets(text) for text in (answer, gold)]
    if None not in brackets and brackets[0] != brackets[1]:
        return False  # a point or an interval is no set of numbers, and an open interval is no closed one
    if _BARE_LIST.fullmatch(answer) and _BARE_LIST.fullmatch(gold) and not _as_often(answer, gold):
        return False
    if max(len(answer), len(gold)) >= SHORTEST_WORD and answer.isalpha() and gold.isalpha():
        return False  # words, which math-verify takes for products of variables: "army" for "mary"
    return _judge.compare(answer, gold)


def _as_often(answer: str, gold: str) -> bool:
    """Returns whether two lists may name the same things equally often; math-verify takes them for sets."""
    one, other = sorted(answer.split(",")), sorted(gold.split(","))
    return one == other or (set(one) != set(other) and (len(one) == len(other) or "\\pm" in answer + gold))


def _brackets(text: str) -> tuple[str, str] | None:
    """Returns what a list stands in, nothing for a set and for a list without brackets; None for what is no list."""
    if _BARE_LIST.fullmatch(text):
        return "", ""
    match = _BRACKETED.fullmatch(text)
    return (match["open"].strip("\\{"), match["close"].strip("\\}")) if match else None


class Judge:
    """A child process and the way to talk to it; safe to use from several threads, which then take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._replies: queue.Queue[str | None] = queue.Queue()

    def compare(self, answer: str, gold: str, seconds: float = CPU_SECONDS) -> bool:
        """Asks the child, which is started first where none runs, and ends where it takes more CPU time than that."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._ask(json.dumps([answer, gold, seconds])) == "true"

    def forget(self) -> None:
        """Leaves the child to the process that this one was forked from: the thread that hears it is not here."""
        self._left = self._process  # kept, for Popen complains when it is forgotten while its process is at work
        self._lock, self._process, self._replies = threading.Lock(), None, queue.Queue()

    def close(self) -> None:
        """Ends the child."""
        with self._lock:
            self._kill()

    def _start(self) -> None:
        self._kill()
        # The package is found where it is now, not where the current directory happens to be (-P).
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "magdi.plugins.answers.judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )
        self._replies = queue.Queue()
        threading.Thread(target=_pump, args=(self._process, self._replies), daemon=True).start()
        if self._receive(SECONDS_TO_START) != "true":
            raise RuntimeError("math-verify does not work here: 1/2 and 0.5 are not found to be equal")

    def _ask(self, line: str) -> str | None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            self._kill()
            return None
        return self._receive(WALL_SECONDS)

    def _receive(self, seconds: float) -> str | None:
        try:
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            reply = None
        if reply is None:
            self._kill()
        return reply

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


def _pump(process: subprocess.Popen[str], replies: queue.Queue[str | None]) -> None:
    """Puts a child's lines into a queue, and None when it has ended."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            replies.put(line.strip())
    except ValueError:  # closed while reading
        pass
    replies.put(None)


_judge = Judge()
atexit.register(_judge.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_judge.forget)
