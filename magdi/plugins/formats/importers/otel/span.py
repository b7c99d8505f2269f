"""A span, whoever wrote it down: OTLP/JSON, the SDK's own dumps, Langfuse's exports; log records become its events."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from magdi.plugins.formats.importers.otel import records

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX = re.compile(r"(?:0x)?([0-9a-f]+)", re.IGNORECASE)
_STAMP = re.compile(r"(?P<seconds>.*?)(?:[.,](?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_WRAPPERS = ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs")
_HOLDERS = (
    *("spans", "observations", "data", "trace", "traces", "runs", "calls", "history", "steps", "attributes"),
    *("log", "entries"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was noted down while a span was open.

    Attributes:
        name: What it is.
        attributes: What was noted, plain.
        time: Nanoseconds since 1970; 0 where it is not told.
    """

    name: str
    attributes: Mapping[str, object]
    time: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work.

    Attributes:
        trace: The trace that it belongs to; ids are lower hexadecimal digits where they are numbers.
        id: Its own id.
        parent: The id of the span that it was opened in; "" for a root.
        name: What it says of itself.
        start: Nanoseconds since 1970; 0 where it is not told.
        end: Likewise.
        attributes: Plain values by dotted name; what was nested is flat, lists are as they were.
        events: In the order of time.
        failed: Whether its status is an error.
    """

    trace: str
    id: str
    parent: str = ""
    name: str = ""
    start: int = 0
    end: int = 0
    attributes: Mapping[str, object] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    failed: bool = False


def recognises(value: Any) -> bool:
    """Returns whether a value is a span, or holds spans in one of the known ways."""
    wrapped = isinstance(value, dict) and (get(value, *_WRAPPERS) is not None or value.get("object") == "trace")
    return wrapped or any(True for _ in _raw_spans(value))


def spans_of(value: Any) -> Iterator[Span | ValueError]:
    """Yields the spans in what one line of a file holds; for one that is none, what is wrong with it."""
    read = [(_span, each) for each in _raw_spans(value)] + [(_of_log, each) for each in _raw_logs(value)]
    for of_raw, (raw, shared) in read:
        try:
            span = of_raw(raw, shared)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            yield ValueError(f"a span cannot be read: {error}")
        else:
            if span is not None:
                yield span


def _of_log(raw: Any, shared: Mapping[str, object]) -> Span | None:
    """Returns a log record as an event of the span that it belongs to; None where it belongs to none."""
    if not (span := get(raw, "spanId", "span_id")):
        return None
    attributes = plain(raw.get("attributes") or {})
    time = _time(get(raw, "timeUnixNano", "time_unix_nano"))
    event = Event(_event_name(raw), logged(attributes, _any_value(raw.get("body"))), time)
    return Span(hexadecimal(get(raw, "traceId", "trace_id")), hexadecimal(span), events=(event,))


def get(value: Mapping[str, object], *names: str) -> Any:
    """Returns the first of several fields that is there; None where none is."""
    return next((value[name] for name in names if value.get(name) is not None), None)


def hexadecimal(value: Any) -> str:
    """Returns an id as lower hexadecimal digits, whatever it was written as; other texts as they are."""
    text = str(value or "").strip()
    if isinstance(value, int):
        text = f"{value:032x}" if value >= 1 << 64 else f"{value:016x}"
    found = _HEX.fullmatch(text.replace("-", "")) if len(text) in (16, 18, 32, 34, 36) else None
    if found:
        return found[1].lower()
    if len(text) in (12, 24):
        try:
            return base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            return text
    return text


def _raw_spans(value: Any) -> Iterator[tuple[Any, Mapping[str, object]]]:
    """Yields spans as they were written, each with the attributes of what sent it."""
    if isinstance(value, list):
        for each in value:
            yield from _raw_spans(each)
    elif isinstance(value, dict):
        if (batches := get(value, "resourceSpans", "resource_spans", "batches")) is not None:
            for batch in _listed(batches):
                yield from _scoped(batch, ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"), "spans")
        elif records.is_record(value):
            yield value, {}
            yield from _raw_spans(records.children_of(value))
        else:
            for name, held in value.items():
                holds = isinstance(held, list | dict) and (name in _HOLDERS or _is_listed(held))
                yield from _raw_spans(held) if holds else ()


def _is_listed(held: Any) -> bool:
    """Returns whether spans are listed under a name of their own: that of a test, or their trace's id."""
    first = held[0] if isinstance(held, list) and held else None
    return isinstance(first, dict) and records.trace_of(first) is not None and records.is_record(first)


def _raw_logs(value: Any) -> Iterator[tuple[Any, Mapping[str, object]]]:
    if isinstance(value, dict):
        for batch in _listed(get(value, "resourceLogs", "resource_logs")):
            yield from _scoped(batch, ("scopeLogs", "scope_logs"), "logRecords", "log_records")


def _scoped(batch: Any, scopes: tuple[str, ...], *names: str) -> Iterator[tuple[Any, Mapping[str, object]]]:
    if not isinstance(batch, dict):
        yield batch, {}
        return
    shared = plain((batch.get("resource") or {}).get("attributes") or {})
    for scope in _listed(get(batch, *scopes)):
        for each in _listed(get(scope, *names)) if isinstance(scope, dict) else [scope]:
            yield each, shared


def _span(raw: Any, shared: Mapping[str, object]) -> Span:
    if not isinstance(raw, dict):
        raise ValueError(f"it is {type(raw).__name__}, and no object")
    attributes = plain(raw.get("attributes") or raw.get("tags") or {}) | records.attributes_of(raw)
    trace, span_id = records.trace_of(raw), records.field(raw, "span")
    if span_id is None and records.is_record(raw):
        span_id = records.field(raw, "id") or _digest(raw)
        trace = trace or attributes.get("session.id") or records.ANY_TRACE
    if not trace or not span_id:
        raise ValueError("it has no trace id" if not trace else "it has no span id")
    parent = records.field(raw, "parent")
    resource = raw.get("resource") if isinstance(raw.get("resource"), dict) else {}
    services = plain(resource.get("attributes") or {}) if resource else shared
    service = services.get("service.name")
    start = records.field(raw, "start")
    end = records.field(raw, "end") or records.end_of(start, raw.get("duration")) or start
    return Span(
        trace=hexadecimal(trace),
        id=hexadecimal(span_id),
        parent="" if _is_zero(parent) else hexadecimal(parent),
        name=records.name_of(raw),
        start=_time(start),
        end=_time(end),
        attributes=({"service.name": service} if service else {}) | attributes,
        events=tuple(sorted(map(_event, records.events_of(raw)), key=lambda event: event.time)),
        failed=_failed(raw),
    )


def _digest(raw: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(raw, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _is_zero(parent: Any) -> bool:
    return not parent or not str(parent).strip("0xA=")


def _event(raw: Any) -> Event:
    attributes = plain(raw.get("attributes") or {})
    return Event(
        str(raw.get("name") or attributes.get("event") or ""),
        attributes,
        _time(get(raw, "timeUnixNano", "time_unix_nano", "timestamp", "time")),
    )


def _event_name(raw: Mapping[str, object]) -> str:
    return str(get(raw, "eventName", "event_name") or plain(raw.get("attributes") or {}).get("event.name") or "")


def logged(attributes: Mapping[str, object], body: Any) -> dict[str, object]:
    """Returns what a log record notes down, as an event's attributes."""
    return dict(attributes) | (plain(body) if isinstance(body, dict) else {"body": body})


def _failed(raw: Mapping[str, object]) -> bool:
    status = raw.get("status")
    code = get(status if isinstance(status, dict) else raw, "status_code", "code", "level", "status")
    told = raw.get("error") or raw.get("exception")
    return code == 2 or bool(told) or str(code).upper().endswith(("ERROR", "FAILURE", "FAILED"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def plain(attributes: Any) -> dict[str, object]:
    """Returns attributes by name: OTLP's lists of key and value, nested objects and plain ones are all the same."""
    if isinstance(attributes, list):
        pairs = [each for each in attributes if isinstance(each, dict) and "key" in each]
        attributes = {str(each["key"]): _any_value(each.get("value")) for each in pairs}
    return dict(_flat(attributes)) if isinstance(attributes, dict) else {}


def _flat(attributes: Mapping[str, object], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in attributes.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _any_value(value: Any) -> Any:
    """Returns OTLP's AnyValue as a plain value."""
    if not isinstance(value, dict):
        return value
    for name, read in _VALUES.items():
        if name in value:
            return read(value[name])
    return value or None


def _array(value: Any) -> list[Any]:
    return [_any_value(each) for each in (_listed(value.get("values")) if isinstance(value, dict) else _listed(value))]


def _pairs(value: Any) -> dict[str, object]:
    listed = value.get("values") if isinstance(value, dict) else value
    return {str(each["key"]): _any_value(each.get("value")) for each in _listed(listed)}


_VALUES = {
    name: read
    for names, read in (
        (("stringValue", "string_value"), str),
        (("intValue", "int_value"), int),
        (("doubleValue", "double_value"), float),
        (("boolValue", "bool_value"), bool),
        (("bytesValue", "bytes_value"), str),
        (("arrayValue", "array_value"), _array),
        (("kvlistValue", "kvlist_value"), _pairs),
    )
    for name in names
}


def _time(value: Any) -> int:
    """Returns a time in nanoseconds: a count of them, JavaScript's pair of seconds and nanoseconds, or a date."""
    if value is None or isinstance(value, bool):
        return 0
    if isinstance(value, list) and len(value) == 2:
        return int(value[0]) * 10**9 + int(value[1])
    if isinstance(value, int | float) or str(value).strip().isdecimal():
        return _nanoseconds(float(value) if isinstance(value, float) else int(value))
    found = _STAMP.fullmatch(str(value).strip())
    zone = (found and found["zone"]) or "+00:00"
    when = datetime.fromisoformat(f"{found['seconds']}{zone}" if found else str(value))
    since = when - _EPOCH
    fraction = ((found and found["fraction"]) or "")[:9].ljust(9, "0")
    return (since.days * 86_400 + since.seconds) * 10**9 + int(fraction)


def _nanoseconds(count: int | float) -> int:
    """Returns a count since 1970 in nanoseconds: which unit it is in, its size tells."""
    for size, unit in ((1e17, 1), (1e14, 10**3), (1e11, 10**6)):
        if count >= size:
            return int(count * unit)
    return int(count * 10**9)
