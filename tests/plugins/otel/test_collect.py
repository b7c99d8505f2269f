"""Spans that are sent are discussions on disk, whatever happens in between."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from magdi.core.errors import ConfigError
from magdi.core.mag import Mag, read_mags
from magdi.plugins.formats.importers.otel.span import Span, spans_of
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.traces import collection as module
from magdi.plugins.traces.collection import Collection, Patience
from magdi.plugins.traces.receiver import Receiver
from tests.plugins.otel.span_grammar import EDGES, Node, debate, events, genai, logged, otlp

PROTOBUF, JSON = "application/x-protobuf", "application/json"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def nodes(number: int = 0) -> list[Node]:
    found = genai(debate(f"How many legs do {number + 3} spiders have in all?"))
    for node in found:
        node.trace = f"{number + 1:032x}"
    return found


def found(number: int = 0) -> list[Span]:
    return [span for line in otlp(nodes(number)) for span in spans_of(json.loads(line)) if isinstance(span, Span)]


def protobuf(body: str) -> bytes:
    """Returns a request of JSON as protobuf."""
    request = ExportTraceServiceRequest()
    for batch in json.loads(body)["resourceSpans"]:
        for scope in batch["scopeSpans"]:
            into = request.resource_spans.add().scope_spans.add()
            for raw in scope["spans"]:
                span = into.spans.add(name=raw["name"])
                span.trace_id, span.span_id = bytes.fromhex(raw["traceId"]), bytes.fromhex(raw["spanId"])
                span.parent_span_id = bytes.fromhex(raw["parentSpanId"])
                span.start_time_unix_nano, span.end_time_unix_nano = (
                    int(raw["startTimeUnixNano"]),
                    int(raw["endTimeUnixNano"]),
                )
                for pair in raw["attributes"]:
                    value = span.attributes.add(key=pair["key"]).value
                    if "intValue" in pair["value"]:
                        value.int_value = int(pair["value"]["intValue"])
                    else:
                        value.string_value = pair["value"]["stringValue"]
    return request.SerializeToString()


def mags(path: Path) -> list[Mag]:
    return list(read_mags(path))


def test_a_trace_is_written_once_it_is_complete(tmp_path: Path) -> None:
    clock, out = Clock(), tmp_path / "mags.jsonl"
    collection = Collection(out, Reader(), Patience(2, 60), clock)
    root, *rest = found()
    collection.take([rest])
    clock.now = 59
    assert collection.write_due() == 0
    collection.take([[root]])
    clock.now = 60
    assert collection.write_due() == 0
    clock.now = 61.5
    assert collection.write_due() == 1
    (mag,) = mags(out)
    assert list(mag.edges) == [edge[:2] for edge in EDGES]
    collection.take([found()])  # an exporter that has missed the answer sends them again
    collection.close()
    assert len(mags(out)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mags.jsonl"]


def test_spans_that_come_too_late_are_a_discussion_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "mags.jsonl"
    collection = Collection(out, Reader())
    *early, agent, call = found()
    collection.take([early])
    collection.write_due(everything=True)
    collection.take([[agent, call]])
    collection.close()
    first, late = mags(out)
    assert (len(first.turns), len(late.turns), late.id) == (5, 1, f"{first.id}~2")


def test_what_was_taken_goes_on_with_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "mags.jsonl"
    out.write_text("")
    begun = Collection(out, Reader())
    begun.take([found(number) for number in range(3)])
    monkeypatch.setattr(begun, "_let_go", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # killed when discussions are written, and spans not let go
        begun.write_due(everything=True)
    with out.open("a") as file:
        file.write('{"schema": "torn')
    begun._process.release()
    Collection(out, Reader()).close()
    assert sorted(mag.id for mag in mags(out)) == [f"{number + 1:032x}" for number in range(3)]


def test_two_processes_do_not_share_a_file(tmp_path: Path) -> None:
    first = Collection(tmp_path / "mags.jsonl", Reader())
    with pytest.raises(ConfigError, match="another process"):
        Collection(tmp_path / "mags.jsonl", Reader())
    first.close()


def test_a_trace_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_TRACE", 3000)
    collection = Collection(tmp_path / "mags.jsonl", Reader())
    refused = collection.take([[span] for span in found()])
    assert 0 < sum(map(len, refused)) < len(refused)
    collection.close()


def post(where: str, body: bytes, kind: str, path: str = "traces", **headers: str) -> tuple[int, bytes]:
    fields = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{where}/v1/{path}", body, fields)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


Sent = tuple[tuple[Any, ...], dict[str, Any]]
"""Arguments of `post` after the address, and the named ones."""


def received(tmp_path: Path, requests: Sequence[Sent]) -> list[tuple[int, bytes]]:
    """Returns the answers to requests, each the arguments of `post` after the address."""

    async def run() -> list[tuple[int, bytes]]:
        stop, receiver = asyncio.Event(), Receiver(collection, port=0)
        running = asyncio.create_task(receiver.run(stop))
        await receiver.listening.wait()
        where = f"http://127.0.0.1:{receiver.port}"
        answers = [await asyncio.to_thread(post, where, *args, **headers) for args, headers in requests]
        stop.set()
        await running
        return answers

    collection = Collection(tmp_path / "mags.jsonl", Reader())
    answers = asyncio.run(run())
    collection.close()
    return answers


def test_protobuf_json_and_gzip_are_the_same(tmp_path: Path) -> None:
    requests = []
    for number, kind in enumerate((JSON, PROTOBUF, JSON, PROTOBUF)):
        for line in otlp(nodes(number)):
            body = line.encode() if kind == JSON else protobuf(line)
            packed = {"Content_Encoding": "gzip"} if number > 1 else {}
            requests.append(((gzip.compress(body) if packed else body, kind), packed))
    assert set(received(tmp_path, requests)) == {(200, b"{}"), (200, b"")}
    read = {mag.id: mag for mag in mags(tmp_path / "mags.jsonl")}
    assert len(read) == 4
    assert {mag.edges for mag in read.values()} == {tuple(edge[:2] for edge in EDGES)}


def test_messages_may_come_as_log_records(tmp_path: Path) -> None:
    lines = logged(events(debate(), "fields"))
    requests: list[Sent] = [
        ((line.encode(), JSON, "logs" if "resourceLogs" in line else "traces"), {}) for line in lines
    ]
    received(tmp_path, requests)
    (mag,) = mags(tmp_path / "mags.jsonl")
    assert list(mag.edges) == [edge[:2] for edge in EDGES]


def test_it_is_healthy_and_says_once_that_it_speaks_no_grpc(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> tuple[bytes, list[bytes]]:
        stop, receiver = asyncio.Event(), Receiver(collection, port=0)
        running = asyncio.create_task(receiver.run(stop))
        await receiver.listening.wait()
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(18)
        requests = (b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", preface, preface)
        healthy, *others = [await said(receiver.port, each) for each in requests]
        stop.set()
        await running
        return healthy, others

    async def said(port: int, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    collection = Collection(tmp_path / "mags.jsonl", Reader())
    healthy, others = asyncio.run(run())
    collection.close()
    assert healthy.startswith(b"HTTP/1.1 200")
    assert all(b" 400 " in each for each in others)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "aiohttp.server"]
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in line
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("half", ["\\ud800", "\\\\ud800"], ids=["as it is", "in a text of JSON"])
def test_half_a_character_stops_no_receiver(tmp_path: Path, half: str) -> None:
    lines = [line.replace("spiders", half) for line in otlp(nodes())] + otlp(nodes(1))
    assert any(half in line for line in lines)
    assert {status for status, _ in received(tmp_path, [((line.encode(), JSON), {}) for line in lines])} == {200}
    texts = [mag.question.text for mag in mags(tmp_path / "mags.jsonl")]
    assert [("\ufffd" in text, "spiders" in text) for text in texts] == [(True, False), (False, True)]


def test_what_is_wrong_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magdi.plugins.traces.receiver.LARGEST_REQUEST", 100_000)
    bad = json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {"name": "no ids"},
                                *json.loads(otlp(nodes())[0])["resourceSpans"][0]["scopeSpans"][0]["spans"],
                            ]
                        }
                    ]
                }
            ]
        }
    )
    nameless = ExportTraceServiceRequest()
    nameless.resource_spans.add().scope_spans.add().spans.add(name="no ids")
    answers = received(
        tmp_path,
        [
            ((b"{no json", JSON), {}),
            ((b"\xff\xff", PROTOBUF), {}),
            ((b"x", "text/plain"), {}),
            ((b" " * 200_000, JSON), {}),
            ((gzip.compress(b" " * 10_000_000), JSON), {"Content_Encoding": "gzip"}),
            ((bad.encode(), JSON), {}),
            ((nameless.SerializeToString(), PROTOBUF), {}),
            ((b"", PROTOBUF, "metrics"), {}),
        ],
    )
    assert [status for status, _ in answers] == [400, 400, 415, 413, 413, 200, 200, 200]
    assert json.loads(answers[5][1])["partialSuccess"]["rejectedSpans"] == "1"
    told = ExportTraceServiceResponse.FromString(answers[6][1]).partial_success
    assert (told.rejected_spans, told.error_message) == (1, "a span has no trace id")


def test_a_killed_receiver_has_lost_nothing(tmp_path: Path) -> None:
    out = tmp_path / "mags.jsonl"
    command = [sys.executable, "-m", "magdi", "collect", "-o", str(out), "--port", "0", "--settle", "600", "--json"]

    def started() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        told = next(line for line in process.stderr if "listening" in line)
        return process, told.partition("ENDPOINT=")[2].split()[0]

    process, where = started()
    for number in range(3):
        for line in otlp(nodes(number)):
            assert post(where, protobuf(line), PROTOBUF)[0] == 200
    process.kill()
    process.communicate()
    process, where = started()
    assert post(where, protobuf(otlp(nodes(3))[-1]), PROTOBUF)[0] == 200
    os.kill(process.pid, signal.SIGINT)
    printed, _ = process.communicate()
    assert process.returncode == 0
    assert json.loads(printed)["mags"] == 4
    assert sorted(len(mag.turns) for mag in mags(out)) == [1, 6, 6, 6]
