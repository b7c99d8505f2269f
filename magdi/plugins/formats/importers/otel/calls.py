"""The calls of models that spans tell of, each once: told whole, by halves, in pieces, twice, or by the next prompt."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from magdi.plugins.formats.importers.otel.agents import above
from magdi.plugins.formats.importers.otel.dialects import AGENT, CALL, OTHER, Call, as_call, call_of, kind_of, told_in
from magdi.plugins.formats.importers.otel.endings import is_cut
from magdi.plugins.formats.importers.otel.messages import Said
from magdi.plugins.formats.importers.otel.shown import is_long
from magdi.plugins.formats.importers.otel.span import Span
from magdi.plugins.formats.importers.otel.words import plain_words
from magdi.plugins.formats.importers.tally import Tally

_MANY = 1000
"""Of so few calls each is looked for within what an agent is said to have said."""
_PIECE = re.compile(r"llm\.output_messages\.(\d+)\.")
_HALF = re.compile(r"(?P<what>.+)[._](?P<moment>start|success|finish|end|error)(?P<number>-\d+)?", re.IGNORECASE)


def whole_spans(found: Sequence[Span]) -> dict[str, Span]:
    """Returns spans by id: one that was sent twice, or in parts, is what all of them say together.

    An id is one of its trace's, and another trace may have the same.
    """
    spans: dict[str, Span] = {}
    several = len({span.trace for span in found}) > 1
    found = _halves([_of_its_trace(span) for span in found] if several else found)
    for span in sorted(found, key=lambda span: (span.end, len(span.attributes), repr(span))):
        other = spans.get(span.id)
        spans[span.id] = span if other is None else _together(other, span)
    return dict(sorted(spans.items(), key=lambda each: (each[1].start, each[1].end, each[0])))


def _of_its_trace(span: Span) -> Span:
    return replace(span, id=f"{span.trace} {span.id}", parent=span.parent and f"{span.trace} {span.parent}")


def _halves(found: Sequence[Span]) -> list[Span]:
    """Returns spans of which those that tell of one call's beginning and end apart, by their names, have one id."""
    named = [_HALF.fullmatch(span.name) for span in found]
    begun = {
        (span.trace, half["what"], half["number"]): span.id
        for span, half in zip(found, named, strict=True)
        if half and half["moment"].lower() == "start"
    }
    first = [
        half and begun.get((span.trace, half["what"], half["number"])) for span, half in zip(found, named, strict=True)
    ]
    return [
        replace(span, id=own, parent="") if own and own != span.id else span
        for span, own in zip(found, first, strict=True)
    ]


def _together(one: Span, other: Span) -> Span:
    events = list(one.events) + [event for event in other.events if event not in one.events]
    return replace(
        other,
        parent=other.parent or one.parent,
        name=other.name or one.name,
        start=min(one.start or other.start, other.start or one.start),
        end=max(one.end, other.end),
        attributes=dict(one.attributes) | dict(other.attributes),
        events=tuple(sorted(events, key=lambda event: event.time)),
        failed=other.failed if other.name else one.failed,
    )


def calls_in(spans: Mapping[str, Span]) -> list[Call]:
    """Returns the calls, each once.

    A span around another that tells the same reply is the same call; an agent's own span is read only where no call
    was made in it, as it mostly holds but what was new to the agent.
    """
    found = {span.id: call for span in spans.values() if kind_of(span) != OTHER and (call := _call(span))}
    found |= _unspoken(spans, found)
    around: dict[str, list[Call]] = defaultdict(list)
    for call in found.values():
        for outer in list(above(call.span, spans))[1:]:
            around[outer.id].append(call)
    said = {name: [_spoken(call) for call in around[name]] for name in found}
    found |= {name: _completed(call, found.values()) for name, call in found.items() if _begins_late(call.span)}
    by_model = [_spoken(call) for call in found.values() if kind_of(call.span) == CALL]
    calls = [
        call
        for name, call in found.items()
        if kind_of(call.span) == CALL
        and _spoken(call) not in said[name]
        or not around[name]
        and not _tells_again(call, by_model)
    ]
    return sorted(calls, key=lambda call: (call.span.start, call.span.end, call.span.id))


def _tells_again(call: Call, by_model: Sequence[str]) -> bool:
    """Returns whether what a span around calls tells, wherever they are, is what a model has said in one of them."""
    spoken = _spoken(call)
    if kind_of(call.span) == CALL or not by_model:
        return False
    if not is_long(spoken):  # which may well be another's
        return kind_of(call.span) != AGENT and spoken in by_model
    return spoken in by_model or len(by_model) <= _MANY and any(spoken in words for words in by_model)


def _begins_late(span: Span) -> bool:
    """Returns whether a recorder has dropped the first of a reply's pieces."""
    places = [int(found[1]) for name in span.attributes if (found := _PIECE.match(name))]
    return min(places, default=0) > 0


def _completed(call: Call, others: Iterable[Call]) -> Call:
    """Returns a call whose reply is whole where a span around it tells the whole."""
    words = _spoken(call)
    whole = [each.reply for each in others if kind_of(each.span) != CALL and words in _spoken(each) and is_long(words)]
    return replace(call, reply=min(whole, key=lambda reply: len(reply.text), default=call.reply))


def _unspoken(spans: Mapping[str, Span], known: Mapping[str, Call]) -> dict[str, Call]:
    """Returns the calls whose reply no span tells, but the next prompt that goes on with theirs."""
    silent = [span for name, span in spans.items() if name not in known and kind_of(span) == CALL and not span.failed]
    prompts = {span.id: told_in(span)[0] for span in silent}
    if not any(prompts.values()):
        return {}
    replies = dict[tuple[str, ...], Said]()
    for prompt in [*prompts.values(), *(call.prompt for call in known.values())]:
        texts = [_told_of(said) for said in prompt]
        for place, said in enumerate(prompt):
            if said.role == "assistant":
                replies.setdefault(tuple(texts[:place]), said)
    asked = {name: tuple(_told_of(said) for said in prompt) for name, prompt in prompts.items()}
    return {name: as_call(spans[name], prompts[name], replies[key]) for name, key in asked.items() if key in replies}


def _told_of(said: Said) -> str:
    return f"{said.text}\n{said.calls}"


def tell(calls: Sequence[Call], spans: Mapping[str, Span], tally: Tally) -> None:
    """Counts the spans of calls that told nothing; one around or inside of a call that did is that call."""
    known = {each.id for call in calls for each in above(call.span, spans)}
    for span in spans.values():
        around = [each.id for each in above(span, spans) if kind_of(each) == CALL]
        if around == [span.id] and span.id not in known:
            if span.failed:
                tally.failed += 1
            elif told_in(span)[0]:
                tally.unanswered += 1
            else:
                tally.silent += 1
        tally.cut += is_cut(span)
    called = {span.trace for span in spans.values() if kind_of(span) == CALL} | {call.span.trace for call in calls}
    tally.empty += len({span.trace for span in spans.values()} - called)


def _call(span: Span) -> Call | None:
    """Returns the call of a span that is of a model's call, of an agent, or holds the messages of one."""
    kind = kind_of(span)
    if not kind and not any(name.startswith(_TELL) for name in span.attributes) and not span.events:
        return None
    call = call_of(span)
    if call is None or kind not in (CALL, AGENT) and not call.prompt:
        return None
    return call if kind or call.prompt else None


_TELL = ("gen_ai.", "llm.", "request_data", "gcp.vertex.agent.llm", "ai.", "mlflow.span")


def _spoken(call: Call) -> str:
    return plain_words(call.reply.text + call.reply.calls)


def attempts_of(calls: Sequence[Call], agents: Sequence[str], spans: Mapping[str, Span]) -> list[int]:
    """Returns how many calls each took: those that failed before it, in the same place or with the same prompt."""
    failed: dict[str, int] = defaultdict(int)
    known = {call.span.id for call in calls}
    for span in spans.values():
        if span.failed and span.id not in known and kind_of(span) == CALL:
            failed[span.parent] += 1
    counts = list[int]()
    for call in calls:
        counts.append(1 + failed.pop(call.span.parent, 0) if call.span.parent else 1)
    return counts
