"""Our own discussions, sent as spans and read again, are the same; and those of this process are recorded."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import magdi
from magdi.core.mag import Mag, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from magdi.plugins.manager import load_plugins
from magdi.plugins.traces.requests import PROTOBUF, spans_in
from magdi.plugins.traces.sending import Sender, provider_of_magdi
from magdi.plugins.traces.wanted import is_wanted
from tests.plugins.otel.span_grammar import EDGES, QUESTION, debate

LISTED = {each.component.name for each in load_plugins().registry.listing("protocol")}
BUILT_IN = sorted(LISTED - {"autogen", "agent-framework", "ag2"})


def sent(run: Path) -> list[str]:
    """Returns the spans of a run's discussions, as the SDK dumps them."""
    exporter, provider = InMemorySpanExporter(), provider_of_magdi()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    sender = Sender(load_plugins().registry, provider)
    sender.tell("run_start", config=RunDirectory(run).config(), directory=run)
    for mag in read_mags(run / "mags.jsonl"):
        sender.tell("discussion_end", mag=mag)
    sender.close()
    return [span.to_json(indent=None) for span in exporter.get_finished_spans()]


def imported(path: Path, lines: list[str]) -> list[Mag]:
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(import_files([path], Reader()))


@pytest.mark.parametrize("protocol", BUILT_IN)
def test_what_is_sent_is_read_again(protocol: str, tmp_path: Path) -> None:
    magdi.discuss(protocol=protocol, limit=2, out=tmp_path / "run")
    held = sorted(mag.to_line() for mag in read_mags(tmp_path / "run" / "mags.jsonl"))
    lines = sent(tmp_path / "run")
    assert sorted(mag.to_line() for mag in imported(tmp_path / "spans.jsonl", lines)) == held
    ids = [json.loads(line)["context"] for line in lines]
    assert ids == [json.loads(line)["context"] for line in sent(tmp_path / "run")]


def test_edges_are_found_in_prompts_alone(tmp_path: Path) -> None:
    """Without what stands beside the conventions, as any other program's spans are read."""
    magdi.discuss(protocol="reconcile", limit=3, out=tmp_path / "run")
    lines = []
    for line in sent(tmp_path / "run"):
        span = json.loads(line)
        span["attributes"] = {k: v for k, v in span["attributes"].items() if not k.startswith("magdi.")}
        lines.append(json.dumps(span))
    held = {mag.question.prompt: mag for mag in read_mags(tmp_path / "run" / "mags.jsonl")}
    for mag in imported(tmp_path / "spans.jsonl", lines):
        own = held[mag.question.text]
        assert [(turn.agent, turn.text) for turn in mag.turns] == [(turn.agent, turn.text) for turn in own.turns]
        assert mag.edges == own.edges


def test_discuss_sends_to_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: str) -> None:
            pass

    from typer.testing import CliRunner

    from magdi.cli.app import app

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    out = tmp_path / "run"
    result = CliRunner().invoke(app, ["discuss", "--protocol", "debate", "--limit", "2", "-o", str(out), "-q"])
    server.shutdown()
    server.server_close()
    assert result.exit_code == 0, result.output
    found = [span for body in bodies for span in spans_in(body, PROTOBUF, "traces")]
    assert sum("magdi.turn" in span.attributes for span in found) == sum(
        len(m.turns) for m in read_mags(out / "mags.jsonl")
    )


def test_what_nobody_takes_is_told_in_one_line_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from magdi.cli.app import app

    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.server_close()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://u:hidden@127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    out = tmp_path / "run"
    result = CliRunner().invoke(app, ["discuss", "--protocol", "debate", "--limit", "2", "-o", str(out), "-q"])
    assert result.exit_code == 0
    turns = sum(len(mag.turns) for mag in read_mags(out / "mags.jsonl"))
    lost = f"{2 * turns + 2} of {2 * turns + 2} spans were not taken by http://***@127.0.0.1:{server.server_port}"
    assert result.stderr.splitlines() == [f"{lost}; no discussion is lost by it"]


def test_spans_are_sent_only_where_somebody_listens() -> None:
    assert is_wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://here"})
    assert not is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://here", "OTEL_SDK_DISABLED": "true"})
    assert not is_wanted({})


def hold(question: str) -> None:
    """Holds a debate with clients that are instrumented."""
    tracer = trace.get_tracer("client")
    with tracer.start_as_current_span("run"):
        for each in debate(question):
            told = [{"role": role, "content": text} for role, text in each.prompt]
            said = [{"role": "assistant", "content": each.reply}]
            messages = {"gen_ai.input.messages": json.dumps(told), "gen_ai.output.messages": json.dumps(said)}
            with tracer.start_as_current_span("agent", attributes={"gen_ai.agent.name": each.agent}):
                tracer.start_span("call", attributes={"gen_ai.operation.name": "chat"} | messages).end()


def test_a_block_is_recorded_and_what_was_there_is_restored(tmp_path: Path) -> None:
    out, before = tmp_path / "mags.jsonl", trace.get_tracer_provider()
    environ = dict(os.environ)
    for count in (1, 2):
        with magdi.record(out, task=[(QUESTION, "72")]) as counts:
            hold(QUESTION)
        assert (counts.mags, counts.spans) == (1, 13)
        assert trace.get_tracer_provider() is before
        assert dict(os.environ) == environ
        assert len(magdi.load_mags(out)) == count
    hold(QUESTION)
    mag, _ = magdi.load_mags(out)
    assert list(mag.edges) == [edge[:2] for edge in EDGES]
    assert [turn.correct for turn in mag.turns] == [True, True, None, True, True, True]


def test_what_was_left_out_of_a_recording_is_told(tmp_path: Path) -> None:
    recording = magdi.record(tmp_path / "mags.jsonl", gold={"another": "1"})
    counts = recording.__enter__()
    hold(QUESTION)
    silent = {"gen_ai.operation.name": "chat"}
    trace.get_tracer("client").start_span("call", attributes=silent).end()
    failed = trace.get_tracer("client").start_span("call", attributes=silent)
    failed.set_status(trace.StatusCode.ERROR)
    failed.end()
    with pytest.warns(UserWarning, match="left out: 1 call that failed; 1 call without messages") as warned:
        recording.__exit__(None, None, None)
    assert [Path(each.filename).name for each in warned] == [Path(__file__).name]
    assert counts.mags == 1
    assert [line.split(":")[0] for line in counts.missing] == ["gold", "left out"]


def test_a_programs_own_provider_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    told = {"gen_ai.prompt.0.content": QUESTION, "gen_ai.completion.0.content": "It is 72."}
    recording = magdi.record(tmp_path / "mags.jsonl")
    counts = recording.__enter__()
    provider.get_tracer("client").start_span("call", attributes=told).end()
    recording.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    provider.get_tracer("client").start_span("later").end()
    assert (counts.mags, counts.spans) == (1, 1)
    assert [span.name for span in exporter.get_finished_spans()] == ["call", "later"]
    assert len(provider._active_span_processor._span_processors) == 1
