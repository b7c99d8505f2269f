"""Which replies stand in a prompt, however they were wrapped, marked up or escaped: whole, cut off, or summed up.

The longest are looked for first, and what is found is taken out: words that one agent only repeats of another show that
other to nobody. A long reply is found anywhere. A short one must fill a place of its own (a line, a quotation, what
stands behind a colon), and not one that was there before it was said: "Answer yes or no" shows nobody's "Yes".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from magdi.core.mag import EdgeKind
from magdi.core.reply import UnreadableReply, read_json_object
from magdi.plugins.formats.importers.otel.messages import Said
from magdi.plugins.formats.importers.otel.words import GONE, Left, Text, plain_words, unescaped
from magdi.plugins.formats.importers.reader import sections

ENOUGH_WORDS, ENOUGH_CHARACTERS = 6, 40
"""A reply of fewer words, or of fewer characters, may stand somewhere by accident."""
RUN = 8
"""So many words on end of a reply, and of no other text, are a quotation of it."""
CUT = 16
"""A piece of so many characters is known for one that was cut off, where the prompt says that it was."""
_CONTEXT = 3
Nearness = Callable[[int], tuple[int, ...]]
"""Says how near a reply is to a prompt, by the reply's number: the greatest is the nearest."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody has said.

    Attributes:
        number: Its place in time.
        agent: Who said it.
        text: The reply, tool calls included.
        handed: Texts that it handed to tools: an agent that is one is shown them.
        before: How many prompts had been given when it was said.
    """

    number: int
    agent: str
    text: str
    handed: tuple[str, ...] = ()
    before: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a prompt.

    Attributes:
        kinds: How each of the replies is shown that do, by number.
        asking: The messages that were written to the agent and hold no reply, in their order.
    """

    kinds: dict[int, EdgeKind]
    asking: tuple[str, ...]


class Shown:
    """Finds the replies of one trace in its prompts, which are given in the order of time."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(map(self._folded, names)) - {""}
        self._replies: list[Reply] = []
        self._forms: dict[str, list[int]] = defaultdict(list)
        self._prompts: list[str] = []
        self._known: dict[str, tuple[Text, ...]] = {}

    @staticmethod
    def _folded(name: str) -> str:
        return plain_words(name).strip()

    @property
    def prompts(self) -> int:
        """How many prompts have been given."""
        return len(self._prompts)

    def say(self, reply: Reply) -> None:
        """Adds a reply, which may stand in the prompts that are looked into from now on."""
        for words in dict.fromkeys(map(plain_words, _forms(reply))):
            if words:
                self._forms[words].append(len(self._replies))
        self._replies.append(reply)

    def knows(self, text: str) -> bool:
        """Returns whether somebody has said these words already."""
        return plain_words(text) in self._forms

    def given(self, messages: Sequence[Said]) -> None:
        """Notes a prompt, in which replies that are said after it stand by accident."""
        self._prompts.append("".join(text.words for said in messages for text in self._texts(said.text)))

    def standing(self, messages: Sequence[Said], agent: str, questions: Iterable[str], near: Nearness) -> Standing:
        """Returns which replies stand in a prompt, and how they are shown.

        Args:
            messages: The prompt.
            agent: Whose prompt it is; what it has said itself is of the kind ``self``.
            questions: What is asked; where it stands, nothing shorter is looked for.
            near: How near a reply is to the prompt: of several with the same words, the nearest is shown.
        """
        left = [[Left(text, text.words) for text in self._texts(_told(said))] for said in messages]
        asked = {words for question in questions if (words := plain_words(question))}
        found: dict[int, EdgeKind] = {}
        for words in sorted({*asked, *self._forms}, key=lambda words: (-len(words), words)):
            candidates = [] if words in asked else self._forms[words]
            self._find(words, candidates, messages, left, (agent, near), found)
        self._quoted(left, found)
        kinds: dict[int, EdgeKind] = {
            self._replies[place].number: "self" if self._replies[place].agent == agent and kind == "content" else kind
            for place, kind in sorted(found.items())
        }
        held = [any(form.replies for form in forms) for forms in left]
        asking = (said.text for said, holds in zip(messages, held, strict=True) if said.role == "user" and not holds)
        return Standing(kinds, tuple(asking))

    def _texts(self, text: str) -> tuple[Text, ...]:
        """Returns a message's words, and those of what it is where it is taken out of JSON or HTML."""
        if text not in self._known:
            plain = unescaped(text)
            texts = [text] if plain == text else [text, plain]
            self._known[text] = tuple(Text(each, self._names) for each in texts)
        return self._known[text]

    def _find(
        self,
        words: str,
        candidates: Sequence[int],
        messages: Sequence[Said],
        left: Sequence[Sequence[Left]],
        reader: tuple[str, Nearness],
        found: dict[int, EdgeKind],
    ) -> None:
        anywhere = is_long(words) or not candidates
        waiting = [place for place in candidates if place not in found]
        speakers = {self._folded(self._replies[place].agent) for place in waiting}
        since = self._since(waiting or candidates)
        for said, forms in zip(messages, left, strict=True):
            taken = [
                list(self._take(form, words, speakers=None if anywhere else speakers, since=since)) for form in forms
            ]
            for before in max(taken, key=len, default=[]):
                if waiting:
                    forms[0].replies += 1
                    place = self._whose(waiting, said, before, *reader)
                    waiting.remove(place)
                    found[place] = "content"

    def _since(self, candidates: Sequence[int]) -> int:
        return min((self._replies[place].before for place in candidates), default=0)

    def _take(self, form: Left, words: str, *, speakers: set[str] | None, since: int) -> Iterator[str]:
        """Takes a reply's words out of a message, and yields what stands before each place.

        Args:
            form: The message.
            words: The words.
            speakers: Who has said them, where they must fill a place; None where they may stand anywhere.
            since: How many prompts had been given before they were said.
        """
        at = form.words.find(words)
        while at >= 0:
            end = at + len(words) - 1
            fills = speakers is None or _fills(form, at, end, speakers)
            if fills and not (speakers is not None and self._by_accident(form, at, end, since)):
                before = form.source.words[max(0, at - 60) : at + 1]
                form.take(at + 1, end)
                yield before
            at = form.words.find(words, at + 1)

    def _by_accident(self, form: Left, at: int, end: int, since: int) -> bool:
        """Returns whether the words stood in the same place of a prompt before they were said."""
        before = " ".join(form.source.words[:at].split(" ")[-_CONTEXT:])
        after = " ".join(form.source.words[end + 1 :].split(" ")[:_CONTEXT])
        context = f"{before}{form.source.words[at : end + 1]}{after}"
        if context.strip() == form.source.words[at:end].strip():
            return False
        return any(context in prompt for prompt in self._prompts[:since])

    def _whose(self, waiting: Sequence[int], said: Said, before: str, agent: str, near: Nearness) -> int:
        """Returns whose words these are of those who said the same: who is named, oneself, or who is nearest."""
        label = f"{plain_words(said.name)}{before}"
        named = [place for place in waiting if plain_words(self._replies[place].agent) in label]
        own = [place for place in waiting if said.role == "assistant" and self._replies[place].agent == agent]
        if own and not named:  # one's own stand in the order in which they were said
            return max(own, key=lambda place: (near(self._replies[place].number)[:-1], -place))
        return max(named or waiting, key=lambda place: near(self._replies[place].number))

    def _quoted(self, left: Sequence[Sequence[Left]], found: dict[int, EdgeKind]) -> None:
        """Adds replies of which a part was shown: words on end that nobody else has said, and that were new then."""
        for place, reply in enumerate(self._replies):
            if place not in found and any(_cut_off(forms[0], plain_words(reply.text)) for forms in left):
                found[place] = "summary"
        rest = {run for forms in left for run in _runs(forms[0].words)}
        if not rest:
            return
        runs = {words: rest.intersection(_runs(words)) for reply in self._replies if (words := plain_words(reply.text))}
        times = Counter(run for each in runs.values() for run in each)
        for place, reply in enumerate(self._replies):
            own = [run for run in runs.get(plain_words(reply.text), ()) if times[run] == 1]
            said = self._prompts[: reply.before]
            if place not in found and any(not any(run in prompt for prompt in said) for run in own):
                found[place] = "summary"


def _fills(form: Left, at: int, end: int, speakers: set[str]) -> bool:
    """Returns whether what stands between two places begins and ends there; one that is named may say a sentence."""
    begins = at in form.source.marks.opens or form.words[:at].rstrip(" ").endswith(GONE)
    named = any(f" {name} " in f" {' '.join(form.words[:at].split()[-_CONTEXT:])} " for name in speakers if name)
    ends = end in form.source.marks.closes or named and end in form.source.marks.stops
    return begins and (ends or form.words[end:].lstrip(" ").startswith(GONE))


def _told(said: Said) -> str:
    return "\n".join(text for text in (said.text, said.calls) if text)


def _cut_off(form: Left, words: str) -> bool:
    """Returns whether a reply's beginning stands before a place where something was left out, or its end after one."""
    for cut in form.source.marks.cuts if form.source.is_cut else ():
        begins = (at for at in form.source.marks.opens if at < cut and words.startswith(form.words[at:cut]))
        ends = (end for end in form.source.marks.closes if end > cut and words.endswith(form.words[cut : end + 1]))
        if any(cut - at >= CUT for at in begins) or any(end - cut >= CUT for end in ends):
            return True
    return False


def is_long(words: str) -> bool:
    """Returns whether words are so many that they hardly stand anywhere by accident."""
    return len(words) - 2 >= ENOUGH_CHARACTERS or words.count(" ") - 1 >= ENOUGH_WORDS


def _forms(reply: Reply) -> Iterator[str]:
    """Yields a reply as it may be shown: whole, without thoughts, by its fields if it is JSON, as handed to a tool."""
    yield reply.text
    for before in ("</think>", "Final Answer:"):
        _, thought, spoken = reply.text.rpartition(before)
        if thought and (before != "Final Answer:" or is_long(plain_words(spoken))):
            yield spoken
    if reply.text.lstrip().startswith(("{", "```", "[[ ## ")):
        yield from (text for text in _fields(reply.text) if is_long(plain_words(text)))
    yield from (text for text in reply.handed if is_long(plain_words(text)))


def _fields(text: str) -> Iterator[str]:
    if told := sections(text):
        yield from told.values()
        return
    try:
        fields, _ = read_json_object(text)
    except UnreadableReply:
        return
    yield from (value for value in fields.values() if isinstance(value, str))


def _runs(words: str) -> Iterator[str]:
    for part in words.split(GONE):
        listed = part.split()
        yield from (f" {' '.join(listed[at : at + RUN])} " for at in range(len(listed) - RUN + 1))
