"""Our own discussions as GenAI spans, so that Langfuse, Phoenix or Jaeger shows them.

A discussion is a trace: a workflow, in it each agent's turns, in each of these the call with its prompt and its reply.
What the conventions have no name for stands beside them, as ``magdi.mag`` and ``magdi.turn``: the importer makes the
same MAG of it again. The same discussion of a run has the same ids however often it is sent.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError, MagdiError
from magdi.core.extras import need
from magdi.core.mag import Mag, Message, Turn
from magdi.core.protocol import Agent
from magdi.core.redact import redact
from magdi.core.run.seats import agents
from magdi.plugins.corpus.replay import prompts
from magdi.plugins.formats.importers.otel.own import MAG, TURN, header, own_part
from magdi.plugins.traces.wanted import ENDPOINTS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_TURN, _WAVE = 10_000, 1_000_000  # nanoseconds between two turns (dumps of spans round to 1,000), and between two waves
_FLUSH_MILLISECONDS = 10_000


class Sender:
    """Sends each discussion of a run when it ends.

    Args:
        components: Makes the run's protocol and task, from which prompts are worded again that were not kept.
        provider: Where spans go; by default to where the environment's ``OTEL_EXPORTER_OTLP_*`` say.

    Raises:
        ConfigError: The extra is missing, or the environment asks for gRPC.
    """

    def __init__(self, components: Components, provider: TracerProvider | None = None) -> None:
        self._components = components
        self._exporter: _Exporter | None = None
        if provider is None:
            self._exporter = _Exporter.over_http()
            provider = _provider(self._exporter)
        self._provider = provider
        self._ids = self._provider.id_generator
        self._run: tuple[RunConfig, Path] | None = None

    def tell(self, event: str, **facts: Any) -> None:
        """Takes what a run tells; see `magdi.core.run.progress.Progress.event`."""
        if event == "run_start":
            self._run = facts["config"], facts["directory"]
        elif event == "discussion_end":
            self.send(facts["mag"])

    def send(self, mag: Mag) -> None:
        """Sends a discussion."""
        from opentelemetry import trace

        tracer, times = self._provider.get_tracer("magdi"), _times(mag)
        began = time.time_ns() - times[-1][1]
        place = str(self._run[1].absolute()) if self._run else ""
        self._ids.seed(f"{place} {mag.id}")
        root = tracer.start_span(f"invoke_workflow {mag.protocol}", attributes=_of_mag(mag), start_time=began)
        around = trace.set_span_in_context(root)
        for turn, prompt, (start, end) in zip(mag.turns, self._prompts(mag), times, strict=True):
            name, attributes = f"invoke_agent {turn.agent}", _of_agent(turn)
            agent = tracer.start_span(name, around, attributes=attributes, start_time=began + start)
            within, attributes = trace.set_span_in_context(agent), _of_turn(turn, prompt)
            call = tracer.start_span(
                f"chat {turn.model}", within, trace.SpanKind.CLIENT, attributes, start_time=began + start
            )
            call.end(began + end)
            agent.end(began + end)
        root.end(began + times[-1][1])

    def _prompts(self, mag: Mag) -> Sequence[Sequence[Message]]:
        """Returns what each turn was given: as it was kept, else as the run's protocol words it."""
        if self._run is None or all(turn.prompt is not None for turn in mag.turns):
            return [turn.prompt or () for turn in mag.turns]
        config, _ = self._run
        task, decision = self._components.task(config.task, config.seed), config.discussion.decision
        taking_part = [Agent(name, each.persona) for name, each in agents(config, task).items()]
        try:
            protocol = self._components.protocol(config.protocol)
            return prompts(mag, protocol, taking_part, self._components.decision(decision) if decision else None)
        except MagdiError:
            return [turn.prompt or () for turn in mag.turns]

    def close(self) -> str:
        """Sends what is still to be sent; gives up after ten seconds.

        Returns:
            What was not taken, and by whom; "" where everything was.
        """
        self._provider.force_flush(_FLUSH_MILLISECONDS)
        self._provider.shutdown()
        return self._exporter.told() if self._exporter else ""


def _times(mag: Mag) -> list[tuple[int, int]]:
    """Returns when turns begin and end, in nanoseconds: made up, but none begins before what it was shown has ended."""
    waves, length = list[int](), max(_WAVE, 2 * _TURN * len(mag.turns))
    for turn in mag.turns:
        shown = max((waves[edge.step] + 1 for edge in turn.seen), default=0)
        waves.append(max(shown, waves[-1] if waves else 0))
    return [(wave * length + step * _TURN, (wave + 1) * length) for step, wave in enumerate(waves)]


class _Exporter:
    """Sends by another exporter, and counts what that could not get rid of.

    The SDK drops such spans, and logs each try at them; here they are counted, and told in one line at the end.
    """

    def __init__(self, exporter: SpanExporter, where: str) -> None:
        self._exporter, self._where, self._sent, self._lost = exporter, where, 0, 0

    @classmethod
    def over_http(cls) -> _Exporter:
        """Returns one that sends to where the environment says.

        Raises:
            ComponentError: The extra is missing.
            ConfigError: The environment asks for gRPC.
        """
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        if protocol not in (None, "", "http/protobuf"):
            raise ConfigError(f"spans are sent by http/protobuf, and the environment asks for {protocol}")
        need("opentelemetry.exporter.otlp.proto.http", "otel", "sending spans")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        for each in ("exporter", "sdk"):
            logging.getLogger(f"opentelemetry.{each}").setLevel(logging.CRITICAL)
        return cls(OTLPSpanExporter(), next(filter(None, map(os.environ.get, ENDPOINTS)), "http://localhost:4318"))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends spans."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        result = self._exporter.export(spans)
        self._sent += len(spans)
        self._lost += len(spans) if result is not SpanExportResult.SUCCESS else 0
        return result

    def shutdown(self) -> None:
        """Sends no more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = _FLUSH_MILLISECONDS) -> bool:
        """Returns whether what was given is sent."""
        return bool(self._exporter.force_flush(timeout_millis))

    def told(self) -> str:
        """Returns what was not taken, and by whom."""
        if not self._lost:
            return ""
        lost = f"{self._lost:,} of {self._sent:,} spans were not taken by {redact(self._where)}"
        return f"{lost}; no discussion is lost by it"


def _provider(exporter: _Exporter) -> TracerProvider:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = provider_of_magdi()
    provider.add_span_processor(BatchSpanProcessor(cast("SpanExporter", exporter)))
    return provider


def provider_of_magdi() -> TracerProvider:
    """Returns a provider of our own, which no program's is replaced by, with ids that `Sender` decides."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider(
        resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or "magdi"}),
        id_generator=_Ids(),
        shutdown_on_exit=False,
    )


class _Ids:
    """Ids that follow from what a discussion is called."""

    def __init__(self) -> None:
        self.seed("")

    def seed(self, name: str) -> None:
        """Begins anew, with the ids of what has this name."""
        self._name, self._count = name, 0

    def generate_trace_id(self) -> int:
        """Returns a trace's id."""
        return self._hash("trace", 16)

    def generate_span_id(self) -> int:
        """Returns the next span's id."""
        self._count += 1
        return self._hash(str(self._count), 8)

    def is_trace_id_random(self) -> bool:
        """Returns that it is not."""
        return False

    def _hash(self, what: str, size: int) -> int:
        return int.from_bytes(hashlib.blake2b(f"{what} {self._name}".encode(), digest_size=size).digest()) or 1


def _of_mag(mag: Mag) -> dict[str, object]:
    return {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": mag.protocol,
        "input.value": mag.question.prompt,
        "output.value": mag.decision.answer or "",
        MAG: header(mag),
    }


def _of_agent(turn: Turn) -> dict[str, object]:
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": turn.agent}


def _of_turn(turn: Turn, prompt: Sequence[Message]) -> dict[str, object]:
    told = {
        "gen_ai.input.messages": [_message(each.role, each.content) for each in prompt],
        "gen_ai.output.messages": [_message("assistant", turn.text) | {"finish_reason": "stop"}],
    }
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": turn.model,
        "gen_ai.usage.input_tokens": turn.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": turn.usage.completion_tokens,
        **{name: json.dumps(value, ensure_ascii=False) for name, value in told.items()},
        TURN: own_part(turn),
    }


def _message(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}
