"""OTLP's requests: spans and log records out of protobuf or JSON, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from magdi.plugins.formats.importers.items import loads
from magdi.plugins.formats.importers.otel.span import Event, Span, logged, plain, spans_of

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def spans_in(body: bytes, content_type: str, signal: str) -> Iterator[Span | ValueError]:
    """Yields the spans of a request; for each that is none, what is wrong with it.

    Args:
        body: The request, unpacked.
        content_type: Protobuf or JSON.
        signal: ``traces``, or ``logs``, whose records belong to spans.

    Raises:
        ValueError: The whole is no request.
    """
    if content_type == JSON:
        value = loads(body.decode())
        if not isinstance(value, dict):
            raise ValueError("the request is no object")
        yield from spans_of(value)
    elif signal == "traces":
        yield from _traces(body)
    else:
        yield from _logs(body)


def _traces(body: bytes) -> Iterator[Span | ValueError]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    for batch in _parsed(ExportTraceServiceRequest, body).resource_spans:
        shared = {each.key: _value(each.value) for each in batch.resource.attributes if each.key == "service.name"}
        for scope in batch.scope_spans:
            for span in scope.spans:
                if span.trace_id and span.span_id:
                    yield _span(span, shared)
                else:
                    yield ValueError(f"a span has no {'span' if span.trace_id else 'trace'} id")


def _parsed(kind: Any, body: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise ValueError(f"the request is no {kind.__name__}: {error}") from None


def _span(span: Any, shared: dict[str, object]) -> Span:
    return Span(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano or span.start_time_unix_nano,
        attributes=shared | _attributes(span.attributes),
        events=tuple(Event(each.name, _attributes(each.attributes), each.time_unix_nano) for each in span.events),
        failed=span.status.code == 2,
    )


def _logs(body: bytes) -> Iterator[Span]:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    for batch in _parsed(ExportLogsServiceRequest, body).resource_logs:
        for scope in batch.scope_logs:
            for each in scope.log_records:
                if each.trace_id and each.span_id:
                    attributes = _attributes(each.attributes)
                    name = each.event_name or str(attributes.get("event.name") or "")
                    event = Event(name, logged(attributes, _value(each.body)), each.time_unix_nano)
                    yield Span(each.trace_id.hex(), each.span_id.hex(), events=(event,))


def _attributes(pairs: Any) -> dict[str, object]:
    return plain({each.key: _value(each.value) for each in pairs})


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: _value(each.value) for each in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind) if kind else None


def answer(content_type: str, signal: str, rejected: int, reason: str) -> bytes:
    """Returns what a request is answered with: nothing more to say, or what of it was refused and why."""
    if content_type == JSON:
        counted = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
        told = {"partialSuccess": {counted: str(rejected), "errorMessage": reason}} if rejected else {}
        return json.dumps(told).encode()
    if not rejected:
        return b""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    response = ExportTraceServiceResponse()  # the one of logs is the same on the wire
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = reason
    return bytes(response.SerializeToString())
