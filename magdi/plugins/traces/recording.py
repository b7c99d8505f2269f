"""Discussions of the program itself, recorded while a block of it runs, without any server."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.extras import need
from magdi.plugins.formats.importers.otel.span import Event, Span, plain
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.traces.collection import Collection, Counts

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

CONTENT = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "ENABLE_INSTRUMENTATION": "true",
    "ENABLE_SENSITIVE_DATA": "true",
    "TRACELOOP_TRACE_CONTENT": "true",
}
"""What makes instrumentations put prompts and replies into their spans, where the environment says nothing else."""
_BATCH = 64


class Recorder:
    """A span processor that hands what ends to a collection, until it is closed.

    Args:
        collection: Where spans go.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection: Collection | None = collection
        self._lock = threading.Lock()
        self._spans: list[Span] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Does nothing."""

    def _on_ending(self, span: Any) -> None:
        """Does nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Takes a span."""
        with self._lock:
            self._spans.append(span_of(span))
            if len(self._spans) >= _BATCH:
                self._flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Hands over what there is."""
        with self._lock:
            self._flush()
        return True

    def shutdown(self) -> None:
        """Takes nothing more."""
        with self._lock:
            self._flush()
            self._collection = None

    def _flush(self) -> None:
        if self._collection is not None and self._spans:
            self._collection.take([self._spans])
        self._spans = []


def span_of(span: ReadableSpan) -> Span:
    """Returns a span of the SDK as the importer knows it."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None
    service = span.resource.attributes.get("service.name")
    return Span(
        trace=f"{context.trace_id:032x}",
        id=f"{context.span_id:016x}",
        parent=f"{parent.span_id:016x}" if parent is not None else "",
        name=span.name,
        start=span.start_time or 0,
        end=span.end_time or span.start_time or 0,
        attributes=({"service.name": service} if service else {}) | _plain(span.attributes),
        events=tuple(Event(each.name, _plain(each.attributes), each.timestamp) for each in span.events),
        failed=span.status.status_code.name == "ERROR",
    )


def _plain(attributes: Any) -> dict[str, object]:
    return plain(
        {name: list(value) if isinstance(value, tuple) else value for name, value in (attributes or {}).items()}
    )


@contextmanager
def recording(out: Path, reader: Reader) -> Iterator[Counts]:
    """Records what instrumented clients do in a block, and adds its discussions to a file when it ends.

    What provider of spans the program has gets a processor more, and loses it again; a program without one has one for
    the time of the block. What was recorded is written even where the block fails.

    Args:
        out: The MAG file.
        reader: Reads and grades what is recorded.

    Yields:
        What has been recorded, complete when the block has ended.

    Raises:
        ComponentError: The extra is missing.
        ConfigError: Another process writes to the same file.
        StorageError: The file cannot be written.
    """
    need("opentelemetry.sdk", "otel", "recording spans")
    collection = Collection(out, reader)
    recorder = Recorder(collection)
    try:
        with _environment(), _installed(recorder):
            yield collection.counts
    finally:
        recorder.shutdown()
        collection.close()
        collection.counts.missing += reader.told()
        for left_out in [*collection.counts.failed, *reader.tally.lines()]:
            warnings.warn(left_out, stacklevel=3)  # the caller's block


@contextmanager
def _environment() -> Iterator[None]:
    missing = {name: value for name, value in CONTENT.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


@contextmanager
def _installed(recorder: Recorder) -> Iterator[None]:
    from opentelemetry import trace

    with _provider(trace) as provider:
        provider.add_span_processor(recorder)
        try:
            yield
        finally:
            processors = provider._active_span_processor
            with suppress(AttributeError), processors._lock:  # the SDK has no way to take one away
                kept = (each for each in processors._span_processors if each is not recorder)
                processors._span_processors = tuple(kept)


@contextmanager
def _provider(trace: Any) -> Iterator[TracerProvider]:
    """Yields the program's provider; where it has none it has one of ours for the time being, always the same."""
    from opentelemetry.sdk.trace import TracerProvider

    found = trace.get_tracer_provider()
    if hasattr(found, "add_span_processor"):
        yield found
        return
    ours = _OURS.setdefault("provider", TracerProvider(shutdown_on_exit=False))
    before, once = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE
    trace._TRACER_PROVIDER = ours
    try:
        yield ours
    finally:
        if trace._TRACER_PROVIDER is ours:  # the program may have set one of its own meanwhile
            trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = before, once


_OURS: dict[str, object] = {}
"""The provider that clients keep who were first called in a recording: the next recording goes on with it."""
