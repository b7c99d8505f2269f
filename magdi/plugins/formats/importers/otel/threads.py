"""Which calls of a trace are one discussion, and what it is about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile

from magdi.plugins.formats.importers.matching import asks_anew
from magdi.plugins.formats.importers.otel.agents import above
from magdi.plugins.formats.importers.otel.dialects import Call, first, whole
from magdi.plugins.formats.importers.otel.messages import parsed
from magdi.plugins.formats.importers.otel.shown import Nearness, Standing
from magdi.plugins.formats.importers.otel.span import Span
from magdi.plugins.formats.importers.otel.words import plain_words

CONVERSATIONS = (
    "gen_ai.conversation.id",
    "ag2.network.channel_id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "metadata.thread_id",
    "gen_ai.thread.id",
)
_INPUTS = ("gen_ai.input.messages", "input.value", "traceloop.entity.input", "langfuse.observation.input", "input")
_FEWEST = 3
_ENOUGH = 200
"""So many other questions tell what is an instruction."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_PERSONA = re.compile(r" (?:you are|you re|your name is|your role is|act as|as an?) ")
_FRAMES = (
    re.compile(r"\s*Message:\s*(?P<asked>.+?)\s*\n\s*This message was created at \S+\s*", re.DOTALL),  # BeeAI's
    re.compile(r"\s*\[\[ ## \w+ ## \]\]\s*(?P<asked>.+?)\s*^(?:\[\[ ## |Respond with the )", re.DOTALL | re.MULTILINE),
    re.compile(r".*?^Current Task:\s*(?P<asked>.+?)\s*\n\s*(?:This is the expect|Begin!|you MUST)", re.DOTALL | re.M),
    re.compile(r"\s*(?:New task|Task|Question|Problem|Query)\s*:\s*(?P<asked>.+)", re.DOTALL | re.IGNORECASE),
)


@dataclass(slots=True)
class Thread:
    """Calls that are about one question.

    Attributes:
        calls: Their numbers, in the order of time.
        known: The question, where it is one that is known; else "".
        asked: What was asked first, as it stood in a prompt.
        conversation: The conversation that they belong to; "" where none is told.
        traces: The traces that they were made in.
        place: The ids of the workflows around the first of them, the outermost first.
        follows: The discussions before it in the same chat, which its prompts still hold.
    """

    calls: list[int] = field(default_factory=list)
    known: str = ""
    asked: str = ""
    conversation: str = ""
    traces: set[str] = field(default_factory=set)
    place: Sequence[str] = ()
    follows: tuple[Thread, ...] = ()


def conversation_of(span: Span, spans: Mapping[str, Span]) -> str:
    """Returns the conversation that a span belongs to: its own, or that of the nearest around it."""
    return next((said for each in above(span, spans) if (said := first(each.attributes, CONVERSATIONS))), "")


class Threads:
    """Puts one call after another where it belongs.

    Args:
        calls: All calls, in the order of time.
        known: Returns the question that stands in a text, of those that are known.
    """

    def __init__(self, calls: Sequence[Call], known: Callable[[str], str | None]) -> None:
        self.all: list[Thread] = []
        self._prompts = Counter(said.text for call in calls for said in call.prompt if said.role == "user")
        self._known = known
        self._common: dict[str, set[frozenset[str]]] = {}
        self._of: dict[int, Thread] = {}
        self._places: dict[int, Sequence[str]] = {}
        self._parents = [call.span.parent for call in calls]

    @property
    def questions(self) -> list[str]:
        """What has been asked so far."""
        return [text for thread in self.all for text in (thread.known, thread.asked) if text]

    def asking(self, call: Call, conversation: str) -> list[Thread]:
        """Returns the discussions that a prompt's question is that of."""
        return [thread for thread in self.all if self._asks(thread, call, conversation)]

    def near(self, call: Call, conversation: str, place: Sequence[str]) -> Nearness:
        """Returns how near an earlier call is: by its question, its conversation, the spans around it, its time."""
        asking = self.asking(call, conversation)

        def nearness(number: int) -> tuple[int, ...]:
            thread = self._of[number]
            shared = sum(
                1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(place, self._places[number], strict=False))
            )
            return thread in asking, conversation == thread.conversation, shared, number

        return nearness

    def add(self, number: int, call: Call, standing: Standing, conversation: str, place: Sequence[str]) -> None:
        """Adds the next call in time to the discussion that it belongs to, or begins one.

        Args:
            number: The call's number.
            call: The call.
            standing: What it was shown.
            conversation: The conversation that it belongs to; "" where none is told.
            place: The ids of the workflows around it, the outermost first.
        """
        known = next((found for text in reversed(standing.asking) if (found := self._known(text))), "")
        thread = self._fitting(call, standing, conversation, known, place)
        if thread is None:
            asked = standing.asking[-1] if standing.asking else ""
            heard = {id(self._of[each]): self._of[each] for each in standing.kinds}
            thread = Thread(asked=asked, conversation=conversation, place=place, follows=tuple(heard.values()))
            self.all.append(thread)
        thread.known = thread.known or known
        thread.conversation = thread.conversation or conversation
        thread.calls.append(number)
        thread.traces.add(call.span.trace)
        self._of[number], self._places[number] = thread, place

    def _fitting(
        self, call: Call, standing: Standing, conversation: str, known: str, place: Sequence[str]
    ) -> Thread | None:
        candidates = [each for each in self.all if not known or each.known in ("", known)]
        heard = [thread for thread in candidates if any(self._of[number] is thread for number in standing.kinds)]
        asking = [thread for thread in candidates if self._asks(thread, call, conversation)]
        later = [thread for thread in (*heard, *asking) if any(each is one for each in thread.follows for one in heard)]
        if later:
            return later[-1]
        if heard and not known and self._goes_on(heard[-1], call, standing):
            return None
        if both := [thread for thread in heard if thread in asking]:
            return self._merged(both)
        if known:
            heard = [thread for thread in heard if not thread.known]
        if heard:
            return self._merged([each for each in heard if _compatible(each, conversation)] or heard)
        beside = [thread for thread in asking if _beside(thread.place, place)]
        if not beside and call.span.parent and not any(said.role in ("user", "assistant") for said in call.prompt):
            parent = call.span.parent  # the results of tools alone: the rest of the prompt has stayed where it was
            beside = [each for each in candidates if any(self._parents[number] == parent for number in each.calls)]
        return beside[-1] if beside else None

    def _goes_on(self, thread: Thread, call: Call, standing: Standing) -> bool:
        """Returns whether a call asks something new of those who have talked before."""
        if not standing.asking:
            return False
        last = next((said.text for said in reversed(call.prompt) if said.role in ("user", "assistant")), "")
        if call.span.trace in thread.traces and not asks_anew(last, standing.asking[:-1]):
            return False
        return standing.asking[-1] == last and not _holds(last, thread.asked) and len(standing.asking) > 1

    def _asks(self, thread: Thread, call: Call, conversation: str) -> bool:
        """Returns whether a prompt asks what a discussion is about, in the same conversation or trace."""
        if not _compatible(thread, conversation):
            return False
        if call.span.trace not in thread.traces and not (conversation and conversation == thread.conversation):
            return False
        asked = [said.text for said in call.prompt if said.role == "user"]
        return any(self._alike(thread.asked, text) for text in asked) or bool(
            thread.known and any(self._known(text) == thread.known for text in asked)
        )

    def _alike(self, one: str, other: str) -> bool:
        """Returns whether two prompts ask the same.

        One holds the other, or they share more than either has of its own: but not if what they share are instructions,
        of which and of more a third prompt has as much.
        """
        if _holds(one, other) or _holds(other, one):
            return True
        mine, its = sentences(other), sentences(one)
        shared = mine & its
        if shared and any(shared < each for each in self._overlaps(other)):
            return False
        asks = ["?" in _piece(text, lambda part: part not in shared) for text in (one, other)]
        if all(asks) or "?" in _piece(one, shared.__contains__):
            return not all(asks)
        return _count(shared) > max(_FEWEST, _count(mine - shared), _count(its - shared))

    def _overlaps(self, text: str) -> set[frozenset[str]]:
        """Returns what a prompt's text has in common with each of the others."""
        if text not in self._common:
            mine, others = sentences(text), self._prompts - Counter([text])
            self._common[text] = {mine & sentences(each) for each in others}
        return self._common[text]

    def _merged(self, threads: Sequence[Thread]) -> Thread:
        """Returns the discussions that a call has heard of as one, unless they are known to be about two things."""
        kept = threads[0]
        for other in threads[1:]:
            apart = len({each.known for each in (kept, other)} - {""}) > 1
            if apart or not other.traces & kept.traces:
                kept = other
                continue
            kept.calls = sorted({*kept.calls, *other.calls})
            kept.known, kept.traces = kept.known or other.known, kept.traces | other.traces
            self._of |= dict.fromkeys(other.calls, kept)
            self.all.remove(other)
        return kept


def _beside(one: Sequence[str], other: Sequence[str]) -> bool:
    """Returns whether of two calls' workflows one is that of the other, or around it."""
    return all(mine == its for mine, its in zip(one, other, strict=False))


def _compatible(thread: Thread, conversation: str) -> bool:
    return not (thread.conversation and conversation) or thread.conversation == conversation


def _holds(text: str, part: str) -> bool:
    words = plain_words(part)
    return bool(words) and words in plain_words(text)


@lru_cache(maxsize=8192)
def sentences(text: str) -> frozenset[str]:
    """Returns a text's sentences as words, without those that say who somebody is."""
    return frozenset(
        words for part in _SENTENCE.split(text) if (words := plain_words(part)) and not _PERSONA.match(words)
    )


def _count(words: Iterable[str]) -> int:
    return sum(each.count(" ") - 1 for each in words)


def _piece(text: str, keep: Callable[[str], bool]) -> str:
    """Returns the longest piece of a text all of whose sentences are kept."""
    best, start, at = "", -1, 0
    for part in filter(None, _SENTENCE.split(text)):
        place = text.index(part, at)
        at = place + len(part)
        words = plain_words(part)
        start = (place if start < 0 and words else start) if not words or keep(words) else -1
        best = max(best, text[start:at] if start >= 0 else "", key=len)
    return best


def question_of(
    thread: Thread, calls: Sequence[Call], spans: Mapping[str, Span], alone: Iterable[int], others: Iterable[Thread]
) -> str:
    """Returns what a discussion is about.

    Args:
        thread: The discussion.
        calls: All calls of the trace, in the order of time.
        spans: All spans of the trace, by id.
        alone: Which of its calls were shown nobody's reply.
        others: The other discussions of the trace: what is asked in all of them is an instruction.
    """
    if thread.known:
        return thread.known
    asked = thread.asked
    given = next((text for text in _inputs(calls[thread.calls[0]].span, spans) if _holds(asked, text)), "")
    for number in () if given else alone:
        texts = [said.text for said in calls[number].prompt if said.role == "user"]
        theirs = {sentence for text in texts for sentence in sentences(text)}
        shared = _piece(asked, theirs.__contains__)
        asked = shared if len(plain_words(shared).split()) >= _FEWEST else asked
    told = {sentence for other in islice(others, _ENOUGH) for sentence in sentences(other.asked)}
    asked = given or _piece(asked, lambda part: part not in told) or asked
    framed = next((found for frame in _FRAMES if (found := frame.match(asked))), None)
    return framed["asked"].strip() if framed else asked.strip()


def _inputs(span: Span, spans: Mapping[str, Span]) -> Iterator[str]:
    """Yields texts that the spans around a call were given, those of the outermost first, of one the longest first."""
    around = list(above(span, spans))[1:]
    for each in reversed(around):
        held = [text for name in _INPUTS for text in _texts(parsed(each.attributes.get(name)))]
        held += [said.text for said in whole(each)[0] if said.role == "user"]
        yield from sorted((text for text in held if len(plain_words(text).split()) >= _FEWEST), key=len, reverse=True)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        inner = parsed(value)
        yield from [value] if isinstance(inner, str) else _texts(inner)
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
