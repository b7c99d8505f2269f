"""Makes every fault of a server, and prints the table in docs/teachers.md of what comes of it.

MAGDI_WRITE_FAULTS=1 writes the table anew.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import pytest

from magdi.core.discussion.driver import Failure, Retry
from magdi.core.errors import MagdiError
from magdi.plugins.teachers.server import MOST_BYTES
from tests.plugins.teachers.faulty_server import Answer, Clock, FaultyServer, error, serving
from tests.plugins.teachers.test_teacher_faults import GOOD, hold

PAGE = Path(__file__).parents[3] / "docs" / "teachers.md"
START, END = "<!-- faults -->\n", "<!-- /faults -->\n"
RETRY = Retry(attempts=3, base=0.001)
JSON = {"reasoning": "2 and 2", "answer": "4", "confidence": 0.9}

FAULTS: dict[str, Answer] = {
    "429": error(429, "slow down"),
    "429, Retry-After: 0": error(429, "slow down", retry_after="0"),
    "429, Retry-After: 9999": error(429, "slow down", retry_after="9999"),
    "429, insufficient_quota": error(429, "you exceeded your quota", code="insufficient_quota"),
    "402": error(402, "pay first"),
    "401": error(401, "wrong key"),
    "403": error(403, "not for you"),
    "404": error(404, "no such path"),
    "400, model_not_found": error(400, "the model does not exist", code="model_not_found"),
    "400, context length": error(400, "maximum context length is 8"),
    "400, content filter": error(400, "flagged", code="content_filter"),
    "200, content filter": Answer("", choice={"finish_reason": "content_filter"}),
    "400, no key": Answer(raw=b'[{"error": {"code": 400, "message": "API key not valid."}}]', status=400),
    "405": error(405, "no POST here"),
    "500": error(500, "oops"),
    "501": error(501, "no POST here"),
    "503": error(503, "loading"),
    "200 with an error in it": Answer(raw=b'{"error": {"message": "upstream", "code": 502}}'),
    "200 with an error whose code is text": Answer(raw=b'{"error": {"message": "wrong key", "code": "401"}}'),
    "200 with an error in the choice": Answer("half an", choice={"error": {"code": 502, "message": "upstream"}}),
    "200 that is an error": Answer(raw=b'{"object": "error", "message": "max context length is 8", "code": 400}'),
    "an HTML page": Answer(raw=b"<html>welcome</html>"),
    "an empty body": Answer(raw=b""),
    "JSON cut off": Answer(raw=b'{"choices": [{"mess'),
    "JSON and more": Answer(raw=Answer(GOOD).body + b"\n}"),
    "JSON that is no UTF-8": Answer(raw=Answer(GOOD).body.replace(b"2 and 2", b"2 \xe9 2")),
    "JSON 100,000 deep": Answer(raw=b"[" * 100_000),
    "no choices": Answer(raw=b'{"choices": []}'),
    "connection reset": Answer(reset=True),
    "body cut off": Answer(GOOD, cut=40),
    "no reply in time": Answer(GOOD, silent=True),
    "a drip of bytes": Answer(GOOD, drip=1),
    "redirect to itself, for ever": Answer(raw=b"", status=307, headers={"Location": "/v1/chat/completions"}),
    "redirect to another host": Answer(raw=b"", status=307, headers={"Location": "http://example.com/v1"}),
    "32 MiB": Answer(raw=b" " * (4 * MOST_BYTES)),
    "gzip bomb, 80 MiB": Answer(raw=gzip.compress(b" " * (10 * MOST_BYTES)), headers={"Content-Encoding": "gzip"}),
    "gzip that is none": Answer(GOOD, headers={"Content-Encoding": "gzip"}),
    "packed in another way": Answer(raw=b"\x0b", headers={"Content-Encoding": "br"}),
    "no usage": Answer(GOOD, usage=None),
    "streamed, unasked": Answer(raw=b'data: {"choices": [{"delta": {"content": "4"}}]}'),
    "prose around the JSON": Answer(f"Here it is: {GOOD} Good luck."),
    "broken JSON": Answer(GOOD.replace('"', "'")[:-1]),
    "half surrogates": Answer(raw=json.dumps({"choices": [{"message": {"content": GOOD + "\ud83d"}}]}).encode()),
    "a reply that cannot be read": Answer("I think it is four."),
    "an empty reply": Answer(""),
    "100,000 characters": Answer(json.dumps(JSON | {"reasoning": "long " * 20_000})),
}


def outcome(server: FaultyServer) -> str:
    """Returns what comes of a question, as the table tells it."""
    try:
        items = hold(server, retry=RETRY)
    except MagdiError as failure:
        told = f"the job ends: {failure.message}"
    else:
        failed = [item.error for item in items if isinstance(item, Failure)]
        invalid = [item for item in items if not isinstance(item, Failure) and item.turns[0].status == "invalid"]
        told = f"the question fails: {failed[0]}" if failed else "an invalid turn" if invalid else "answered"
    told = re.sub(r"127\.0\.0\.1(?::\d+)?", "HOST", told).replace("|", "\\|")
    told = re.sub(r"(connection to HOST broke|redirects to \S+?): .*?(?= \(gave up|$)", r"\1", told)
    told = re.sub(r"\[{9,}", "[[[...", told)
    return f"{told}; {server.count} request{'s' if server.count > 1 else ''}"


def row(fault: str, clock: Clock) -> str:
    with serving(lambda body, number: FAULTS[fault] if number < 1 else Answer(GOOD), clock) as server:
        once = outcome(server)
    with serving(FAULTS[fault], clock) as server:
        always = outcome(server)
    return f"| {fault} | {once} | {always} |\n"


def table() -> dict[str, str]:
    """Returns the rows that the page has, by fault."""
    _, _, rest = PAGE.read_text("utf-8").partition(START)
    rows = [line for line in rest.partition(END)[0].splitlines(keepends=True) if line.startswith("| ")][1:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in rows}


@pytest.mark.skipif("MAGDI_WRITE_FAULTS" in os.environ, reason="the table is being written")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_table_says_what_comes_of_a_fault(fault: str, clock: Clock) -> None:
    assert table()[fault] == row(fault, clock)


def test_the_table_has_these_faults_and_no_others(clock: Clock) -> None:
    if "MAGDI_WRITE_FAULTS" in os.environ:
        before, start, rest = PAGE.read_text("utf-8").partition(START)
        head = "| the server sends | once, then a reply | always |\n|---|---|---|\n"
        PAGE.write_text(
            before + start + head + "".join(row(fault, clock) for fault in FAULTS) + END + rest.partition(END)[2],
            "utf-8",
        )
    assert list(table()) == list(FAULTS)
