"""Traces: spans in every dialect, as files and as what a receiver is sent."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import Lot, as_json, changed, torn


class Traces:
    """The spans of one discussion, of which one is changed."""

    def __init__(self, folder: Path) -> None:
        from tests.plugins.otel import span_grammar as spans

        self.folder = folder
        said = spans.debate()
        dialects = (
            *(spans.genai(said), spans.genai(said, structured=True, instructions=True), spans.openai_style(said)),
            *(spans.openinference(said), spans.indexed(said), spans.indexed(said, langsmith=True)),
            *(spans.events(said), spans.langfuse(said)),
        )
        forms = (spans.otlp, spans.otlp_document, spans.dumped, spans.phoenix)
        self.files = [form(nodes) for nodes in dialects for form in forms]
        self.files += [spans.observations(spans.langfuse(said)), spans.logged(spans.events(said, "genai"))]
        self.requests = [spans.otlp_document(nodes) for nodes in dialects]

    def __call__(self, lot: Lot) -> object:
        if lot.random() < 0.25:
            return self.received(lot)
        lines = [line.encode("utf-8", "surrogatepass") for line in lot.choice(self.files)]
        at = lot.randrange(len(lines))
        try:
            lines[at] = as_json(deep(json.loads(lines[at]), lot), lot)
        except ValueError:  # one document over several lines
            whole = json.loads(b"\n".join(lines))
            lines, at = [as_json(deep(whole, lot), lot)], 0
        if lot.random() < 0.1:
            lines += lines[: lot.choice((1, 3))] * lot.choice((1, 20))
        file = self.folder / "t.jsonl"
        file.write_bytes(b"\n".join(lines) + b"\n")
        self.said = lines[at][:3000]
        more = ["--skip-bad"] if lot.random() < 0.3 else []
        return invoke(["mags", "import", str(file), "-o", str(self.folder / "traced.jsonl"), *more])

    def received(self, lot: Lot) -> object:
        from google.protobuf.json_format import ParseDict, ParseError
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        from magdi.plugins.traces.requests import JSON, PROTOBUF, spans_in

        document = deep(json.loads("".join(lot.choice(self.requests))), lot)
        body, kind = as_json(document, lot), JSON
        if lot.random() < 0.5:
            try:
                body, kind = ParseDict(document, ExportTraceServiceRequest()).SerializeToString(), PROTOBUF
            except (ParseError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, SystemError):
                return None
            body = torn(body.decode("latin-1"), lot) if lot.random() < 0.5 else body
        self.said = (kind, body[:3000])
        try:
            return list(spans_in(body, kind, lot.choice(("traces", "traces", "logs"))))
        except ValueError:  # what the receiver answers with 400
            return None


def deep(document: object, lot: Lot) -> object:
    """Returns a document changed, sometimes within a text that is itself JSON."""
    from benchmarks.fuzz.mutation import places

    inner = [(holder, key) for holder, key in places(document) if _is_json(holder[key])]
    if inner and lot.random() < 0.4:
        holder, key = lot.choice(inner)
        holder[key] = json.dumps(changed(json.loads(holder[key]), lot))
        return document
    return changed(document, lot, lot.choice((1, 1, 3)))


def _is_json(value: object) -> bool:
    return isinstance(value, str) and value[:1] in ("[", "{") and value[-1:] in ("]", "}")
