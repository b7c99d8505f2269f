"""The discussions in the spans of a trace: calls in the order of time, what each was shown, who made it, about what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from magdi.core.mag import Mag, Message, Question, Seen, Turn
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.otel.agents import above, named
from magdi.plugins.formats.importers.otel.apart import apart
from magdi.plugins.formats.importers.otel.calls import attempts_of, calls_in, tell, whole_spans
from magdi.plugins.formats.importers.otel.dialects import (
    WORKFLOW,
    Call,
    kind_of,
)
from magdi.plugins.formats.importers.otel.endings import certain
from magdi.plugins.formats.importers.otel.messages import Said
from magdi.plugins.formats.importers.otel.own import mags_in
from magdi.plugins.formats.importers.otel.shown import Reply, Shown, Standing, is_long
from magdi.plugins.formats.importers.otel.span import Span
from magdi.plugins.formats.importers.otel.threads import Thread, Threads, conversation_of, question_of
from magdi.plugins.formats.importers.otel.words import plain_words
from magdi.plugins.formats.importers.reader import NO_QUESTION, Reader

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
    spans = whole_spans(found)
    for mag, trace in mags_in(spans.values()):
        yield mag
        spans = {name: span for name, span in spans.items() if span.trace != trace}
    parts = [_in_order(part) for part in apart(calls_in(spans))]
    calls = [call for part in parts for call in part]
    tell(calls, spans, reader.tally)
    agents = named(calls, spans)
    attempts = attempts_of(calls, agents, spans)
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
    if not discussion.question:
        reader.tally.doubts["of which nothing tells the question"] += 1
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
