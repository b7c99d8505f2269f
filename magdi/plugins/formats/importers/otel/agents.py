"""Who speaks: the nearest span around a call that has an agent's name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from magdi.plugins.formats.importers.otel.dialects import AGENT, Call, first, kind_of, unfold
from magdi.plugins.formats.importers.otel.messages import parsed
from magdi.plugins.formats.importers.otel.span import Span

_NAMES = ("gen_ai.agent.name", "agent.name", "agent_name", "crewai.agent.role", "agent_role", "ai.telemetry.functionId")
_NODES = ("graph.node.name", "graph.node.id", "executor.id")
_METADATA = ("metadata", "langfuse.observation.metadata", "traceloop.association.properties", "langsmith.metadata")
_WORK = re.compile(
    r"(?:^(?:invoke_agent|agent_run|agent|run)(?:[ :/]+\[?|\.(?=[0-9a-f]{8}-)))|(?:\]| run)$|"
    r"(?:\.(?:a?run(?:_stream)?|_?execute(?:_core)?|kickoff|agent|task|invoke|iter|(?:start|success|finish)(?:-\d+)?))+$",
    re.IGNORECASE,
)
_ANY = re.compile(
    r"(?:agents?|unknown|tasks?|crew|step ?\d*|run"
    r"|model|call_?model|model_request|llm|chat|node|tools?|lang_?graph|graph|workflow|assistant"
    r"|runnable\w*|chat\w*(?:model|prompt\w*|openai|anthropic)|prompt|__\w+__|(?:code|toolcalling|react)agent"
    r"|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[0-9a-f]{16}|\d+)",
    re.IGNORECASE,
)
"""Names that any agent might have, which tell nobody apart."""
_PERSONA = re.compile(
    r"\s*You are (?P<role>[^.\n]{1,80})\. [^\n]*\nYour personal goal is: |"  # CrewAI's
    r"\s*(?:You are|Your name is|You're)\s+(?P<name>[A-Z]?\w[\w-]*)\s*[.,;:!\n]",
    re.IGNORECASE,
)
_MOST_ABOVE = 1000


def named(calls: Sequence[Call], spans: Mapping[str, Span]) -> list[str]:
    """Returns who made each of a trace's calls.

    A graph whose nodes are agents may have a name as well: where calls under one name were made by several nodes, the
    nodes are who speaks. Calls that nobody is named for are told apart by their system prompts.
    """
    strong = [_nearest(call.span, spans, _agent) for call in calls]
    nodes = [_nearest(call.span, spans, _node)[0] for call in calls]
    tasks = [_nearest(call.span, spans, _task)[0] for call in calls]
    if len(set(tasks)) == 1 < len({_system(call) for call in calls}):
        tasks = [""] * len(tasks)  # of what is around all of them the name tells nobody apart
    if len(set(strong)) == 1 and len(set(nodes)) == 1:  # one name for all, which may well be the graph's
        nodes = [task if _tells(task) else "" for task in tasks]
    under: dict[tuple[str, str], set[str]] = defaultdict(set)
    for place, node in zip(strong, nodes, strict=True):
        under[place].add(node)
    found = [
        node
        if node and len(under[place] - {""}) > 1
        else next(filter(_tells, (place[0], node, task)), place[0] or node)
        for place, node, task in zip(strong, nodes, tasks, strict=True)
    ]
    return list(_by_persona(calls, found))


def above(span: Span, spans: Mapping[str, Span]) -> Iterator[Span]:
    """Yields a span and those around it, the nearest first; a circle ends where it closes."""
    seen, at = set[str](), span
    while at.id not in seen and len(seen) < _MOST_ABOVE:
        seen.add(at.id)
        yield at
        if at.parent not in spans:
            return
        at = spans[at.parent]


def _nearest(span: Span, spans: Mapping[str, Span], names: Callable[[Span], Iterator[str]]) -> tuple[str, str]:
    """Returns the nearest name that tells somebody from others, else the nearest one, with the id of its span."""
    other = ("", "")
    for each in above(span, spans):
        for name in names(each):
            if _tells(name):
                return name, each.id
            other = other if other[0] or not name else (name, each.id)
    return other


def _tells(name: str) -> bool:
    return bool(name) and not _ANY.fullmatch(name)


def _agent(span: Span) -> Iterator[str]:
    yield first(span.attributes, _NAMES)
    yield _of_metadata(span, "lc_agent_name")
    if kind_of(span) == AGENT:
        yield from (_bare(first(span.attributes, (name,))) for name in (*_NODES, "traceloop.entity.name"))
        yield _bare(span.name)


def _node(span: Span) -> Iterator[str]:
    checkpoint = _of_metadata(span, "langgraph_checkpoint_ns")
    yield from (part.partition(":")[0] for part in reversed(checkpoint.split("|")) if part)
    yield _of_metadata(span, "langgraph_node")
    yield from (_bare(first(span.attributes, (name,))) for name in _NODES)


def _task(span: Span) -> Iterator[str]:
    yield _bare(first(span.attributes, ("traceloop.entity.name",)))
    kinds = (span.attributes.get(name) for name in ("openinference.span.kind", "langfuse.observation.type"))
    if not {"CHAIN", "chain", "span", "general", "function", "task"}.isdisjoint(map(str, kinds)):
        yield _bare(span.name)


def _bare(name: str) -> str:
    return _WORK.sub("", name).strip()


def _of_metadata(span: Span, name: str) -> str:
    for place in _METADATA:
        found: Any = parsed(unfold(span.attributes, place))
        if isinstance(found, dict) and found.get(name):
            return str(found[name])
    return ""


def _by_persona(calls: Sequence[Call], found: Sequence[str]) -> Iterator[str]:
    unnamed = [_system(call) for call, name in zip(calls, found, strict=True) if not _tells(name)]
    numbers = {system: number for number, system in enumerate(dict.fromkeys(unnamed), start=1)}
    for call, name in zip(calls, found, strict=True):
        persona = _PERSONA.match(_system(call))
        alone = name or "agent"
        told = (
            persona["role"] or persona["name"]
            if persona
            else alone
            if len(numbers) < 2
            else f"{alone}-{numbers.get(_system(call))}"
        )
        yield name if _tells(name) else told


def _system(call: Call) -> str:
    return "\n".join(said.text for said in call.prompt if said.role == "system")
