"""The discussions in the spans of a trace: calls in the order of time, what each was shown, who made it, about what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from magdi.core.mag import Mag, Message, Question, Seen, Turn
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.otel.agents import above, named
from magdi.plugins.formats.importers.otel.apart import apart
from magdi.plugins.formats.importers.otel.dialects import (
    AGENT,
    CALL,
    OTHER,
    WORKFLOW,
    Call,
    as_call,
    call_of,
    kind_of,
    told_in,
)
from magdi.plugins.formats.importers.otel.endings import certain, is_cut
from magdi.plugins.formats.importers.otel.messages import Said
from magdi.plugins.formats.importers.otel.own import mags_in
from magdi.plugins.formats.importers.otel.shown import Reply, Shown, Standing, is_long
from magdi.plugins.formats.importers.otel.span import Span
from magdi.plugins.formats.importers.otel.threads import Thread, Threads, conversation_of, question_of
from magdi.plugins.formats.importers.otel.words import plain_words
from magdi.plugins.formats.importers.reader import NO_QUESTION, Reader
from magdi.plugins.formats.importers.tally import Tally

_PIECE = re.compile(r"llm\.output_messages\.(\d+)\.")
_HALF = re.compile(r"(?P<what>.+)[._](?P<moment>start|success|finish|end|error)(?P<number>-\d+)?", re.IGNORECASE)
TOOL_CALL = "tool_call"
"""The role of a turn that only calls tools: its text is the calls, and no answer is looked for in it."""


@dataclass(slots=True)
class Discussion:
    """The calls of one discussion, in the order of time.

    Attributes:
        names: What it is called: first its trace, numbered where that has several; the longest of these is its trace's.
        question: What it is about.
        calls: The calls.
        agents: Who made each.
        standing: What each was shown, by place in ``calls``.
        attempts: Calls that each took, those that failed included.
        traces: The traces that it was in.
        conversation: The conversation that it belongs to.
    """

    names: tuple[str, ...]
    question: str
    calls: list[Call] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    standing: list[Standing] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    conversation: str = ""


def discussions_in(found: Sequence[Span], reader: Reader) -> Iterator[Discussion | Mag]:
    """Yields the discussions in spans that belong together, in the order of time; those of our own as they were."""
    spans = _whole(found)
    for mag, trace in mags_in(spans.values()):
        yield mag
        spans = {name: span for name, span in spans.items() if span.trace != trace}
    parts = [_in_order(part) for part in apart(_calls(spans))]
    calls = [call for part in parts for call in part]
    _tell(calls, spans, reader.tally)
    agents = named(calls, spans)
    attempts = _attempts(calls, agents, spans)
    threads, standing = list[Thread](), list[Standing]()
    for part in parts:
        own = slice(len(standing), len(standing) + len(part))
        found_here, standing_here = _threads(part, agents[own], spans, reader)
        threads += [replace(thread, calls=[own.start + number for number in thread.calls]) for thread in found_here]
        standing += [_moved(each, own.start) for each in standing_here]
    longest = max(threads, key=lambda thread: len(thread.calls), default=None)
    for count, thread in enumerate(threads, start=1):
        alone = [number for number in thread.calls if not standing[number].kinds]
        traces = list(dict.fromkeys(calls[number].span.trace for number in thread.calls))
        name = traces[0] if len(threads) == 1 else f"{traces[0]}-{count}"
        places = {number: place for place, number in enumerate(thread.calls)}
        yield Discussion(
            names=(name, *(traces if thread is longest else ()), thread.conversation),
            question=question_of(thread, calls, spans, alone, (each for each in threads if each is not thread)),
            calls=[calls[number] for number in thread.calls],
            agents=[agents[number] for number in thread.calls],
            standing=[_within(standing[number], places) for number in thread.calls],
            attempts=[attempts[number] for number in thread.calls],
            traces=traces,
            conversation=thread.conversation,
        )


def _moved(standing: Standing, by: int) -> Standing:
    return replace(standing, kinds={by + number: kind for number, kind in standing.kinds.items()})


def _within(standing: Standing, places: Mapping[int, int]) -> Standing:
    return replace(standing, kinds={places[n]: kind for n, kind in standing.kinds.items() if n in places})


def _whole(found: Sequence[Span]) -> dict[str, Span]:
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


def _calls(spans: Mapping[str, Span]) -> list[Call]:
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
    by_model = [_spoken(call) for call in found.values() if kind_of(call.span) == CALL]
    found |= {name: _completed(call, found.values()) for name, call in found.items() if _begins_late(call.span)}
    calls = [
        call
        for name, call in found.items()
        if kind_of(call.span) == CALL
        and _spoken(call) not in said[name]
        or not around[name]
        and not any(_tells_again(call, each) for each in by_model)
    ]
    return sorted(calls, key=lambda call: (call.span.start, call.span.end, call.span.id))


def _tells_again(call: Call, words: str) -> bool:
    """Returns whether what a span around calls tells, wherever they are, is what a model has said in one of them."""
    spoken = _spoken(call)
    same = spoken == words or is_long(spoken) and spoken in words or is_long(words) and words in spoken
    return kind_of(call.span) != CALL and same


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


def _tell(calls: Sequence[Call], spans: Mapping[str, Span], tally: Tally) -> None:
    """Counts the spans of calls that told nothing; one around or inside of a call that did is that call."""
    known = {each.id for call in calls for each in above(call.span, spans)}
    for span in spans.values():
        around = [each.id for each in above(span, spans) if kind_of(each) == CALL]
        if around == [span.id] and span.id not in known:
            tally.failed += span.failed
            tally.silent += not span.failed
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


def _in_order(calls: Sequence[Call]) -> list[Call]:
    """Returns calls in the order of time; where clocks differ, nobody is shown what has not been said yet."""
    ordered = list(calls)
    told = [_told(call) for call in ordered]
    said = [plain_words(call.reply.text) for call in ordered]
    late = defaultdict[int, set[int]](set)
    for number, words in enumerate(said):
        unique = is_long(words) and sum(words in each for each in said) == 1 and words not in told[number]
        early = [other for other in range(len(ordered)) if unique and other != number and words in told[other]]
        for other in early:
            if other < number and ordered[other].span.start <= ordered[number].span.end:
                late[other].add(number)
    return [ordered[number] for number in _sorted(len(ordered), late)] if late else ordered


def _sorted(count: int, late: Mapping[int, set[int]]) -> list[int]:
    """Returns numbers in their order, each behind those that it waits for; a circle is left as it is."""
    done: dict[int, None] = {}

    def visit(number: int, path: frozenset[int]) -> None:
        for other in sorted(late.get(number, ())):
            if other not in done and other not in path:
                visit(other, path | {number})
        done.setdefault(number)

    for number in range(count):
        visit(number, frozenset())
    return list(done)


def _told(call: Call) -> str:
    return plain_words("\n".join(said.text for said in call.prompt))


def _attempts(calls: Sequence[Call], agents: Sequence[str], spans: Mapping[str, Span]) -> list[int]:
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


def _threads(
    calls: Sequence[Call], agents: Sequence[str], spans: Mapping[str, Span], reader: Reader
) -> tuple[list[Thread], list[Standing]]:
    """Goes through prompts and replies as they came, and says what each was shown and where it belongs."""
    shown, threads, standing = Shown(set(agents)), Threads(calls, reader.inside), list[Standing]()
    waiting: list[tuple[int, int]] = []
    for number, call in enumerate(calls):
        due = sorted(each for each in waiting if each[0] <= call.span.start)
        late = sorted(each for each in waiting if each not in due and _hears(call, calls[each[1]]))
        for each in [*due, *late]:
            reply = calls[each[1]].reply
            if each in due or not shown.knows(reply.text):
                waiting.remove(each)
                shown.say(Reply(each[1], agents[each[1]], _text(reply), reply.arguments, shown.prompts))
        conversation = conversation_of(call.span, spans)
        place = [span.id for span in above(call.span, spans) if kind_of(span) == WORKFLOW][::-1]
        near = threads.near(call, conversation, place)
        standing.append(shown.standing(call.prompt, agents[number], threads.questions, near))
        threads.add(number, call, standing[-1], conversation, place)
        shown.given(call.prompt)
        waiting.append((max(call.span.end, call.span.start), number))
    return threads.all, standing


def _hears(call: Call, other: Call) -> bool:
    """Returns whether a reply that clocks say is not there yet stands in a prompt all the same."""
    words = plain_words(other.reply.text)
    return is_long(words) and words in _told(call)


def _text(reply: Said) -> str:
    return "\n".join(text for text in (reply.text, reply.calls) if text.strip())


def mag_of(discussion: Discussion | Mag, item: Item, reader: Reader) -> Mag:
    """Returns a discussion as a MAG."""
    if isinstance(discussion, Mag):
        return discussion
    gold = reader.gold_of(discussion.question, discussion.names)
    question = reader.question(discussion.question or NO_QUESTION, gold)
    turns: list[Turn] = []
    for place, call in enumerate(discussion.calls):
        turns.append(_turn(discussion, place, call, question, turns, reader))
    told: dict[str, Any] = {"format": "otel", "traces": discussion.traces}
    if discussion.conversation:
        told["conversation"] = discussion.conversation
    mag = reader.mag(item, question, "otel", turns, **told)
    return mag.model_copy(update={"id": discussion.names[0]})


def _turn(
    discussion: Discussion, place: int, call: Call, question: Question, turns: Sequence[Turn], reader: Reader
) -> Turn:
    seen = [Seen(step=step, kind=kind) for step, kind in discussion.standing[place].kinds.items()]
    return reader.turn(
        question,
        place,
        discussion.agents[place],
        _text(call.reply),
        round=1 + max(turns[edge.step].round for edge in seen) if seen else 0,
        seen=seen,
        role="solver" if call.reply.text.strip() else TOOL_CALL,
        prompt=[_message(said) for said in call.prompt],
        model=call.model,
        usage=call.usage,
        attempts=discussion.attempts[place],
        certain=certain(call.span, call.reply.text),
    )


def _message(said: Said) -> Message:
    content = "\n".join(text for text in (said.text, said.calls) if text)
    return Message(role=said.role if said.role in ("system", "assistant") else "user", content=content)
