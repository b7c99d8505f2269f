"""What is asked of a protocol's prompts: the question, and what was shown, whole and under its speaker's name.

Every reply holds words of its own (`discussions`), so that a prompt tells whose text stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from magdi.core.discussion.stepper import Pending
from magdi.core.mag import Question
from magdi.core.protocol import Ask
from magdi.plugins.testing.discussions import (
    ADDITION,
    PARTS,
    READABLE,
    WORD,
    Held,
    agents_for,
    hold,
    word_of,
    words_in,
)
from magdi.plugins.testing.protocol_trials import Tried, held, usual_count
from magdi.plugins.testing.specimen import Check, Specimen, require

GOLD = "zgold0451z"
"""A gold answer that no reply contains."""

OWN = re.compile(r"^\W*your (own|earlier|previous|last)\b", re.I | re.M)
"""How a heading begins that says that what follows is the reader's own."""

SOMEBODY = "zname0451z"
"""A name under which nobody speaks."""


def _text(turn: Pending) -> str:
    return "\n".join(message.content for message in turn.messages)


def _telling(specimen: Specimen) -> Iterator[tuple[Tried, Pending, str]]:
    """Yields the prompts of all who answer, or are the first to speak, and what they read like with single spaces."""
    for one, found in held(specimen):
        spoken: set[str] = set()
        for turn in found.asked:
            first = not turn.ask.shown and turn.ask.agent.name not in spoken
            if first or found.mag.turns[turn.step].answer is not None:
                yield one, turn, _plain(_text(turn))
            spoken.add(turn.ask.agent.name)


def _plain(text: str) -> str:
    return " ".join(text.split())


def check_question_told(specimen: Specimen) -> None:
    """Whoever speaks first, or answers, is told the question, its options, and how to reply: nobody remembers it."""
    for one, turn, prompt in _telling(specimen):
        where = f"{one}: the prompt of turn {turn.step} ({turn.ask.role}, round {turn.ask.round})"
        require(one.question.text in prompt, f"{where} does not hold the question")
        missing = [choice.text for choice in one.question.choices if choice.text not in prompt]
        require(not missing, f"{where} does not hold the option {missing[0] if missing else ''!r}")
        require(_told_how(turn.ask, one.question, prompt), f"{where} does not say how to reply, see ask.reply")


def _told_how(ask: Ask, question: Question, prompt: str) -> bool:
    """Returns whether the instructions stand in a prompt, or at least the names of what the reply is to have."""
    schema = ask.reply.schema(question)
    if _plain(ask.reply.instructions(question)) in prompt or not schema:
        return True
    required = schema.get("required")
    return all(name in prompt for name in required) if isinstance(required, list) else True


def check_persona_told(specimen: Specimen) -> None:
    """An agent with a persona is told so in its first prompt, and in all in which it is to answer."""
    for one, turn, prompt in _telling(specimen):
        told = _plain(turn.ask.agent.persona) in prompt
        require(told, f"{one}: the prompt of turn {turn.step} does not hold the persona of {turn.ask.agent.name}")


def check_seen_is_provenance(specimen: Specimen) -> None:
    """The words that occur in a prompt are exactly those of the turns that the graph says it was shown.

    Every reply holds a word of its own in its reasoning; a control edge says that nothing was shown.
    """
    for one, found in held(specimen):
        audible = {turn.step for turn in found.mag.turns if word_of(one.question, turn.step) in turn.text}
        for turn in found.asked:
            seen = {seen.step for seen in turn.ask.seen if seen.kind != "control"}
            unread = [step for step in sorted(seen) if found.mag.turns[step].status == "invalid"]
            require(not unread, f"{one}, turn {turn.step}: it is shown turn {unread}, whose reply could not be read")
            shown = {(one.question.id, step) for step in seen & audible}
            quoted = words_in(_text(turn)).keys()
            where = f"{one}, turn {turn.step} ({turn.ask.role}, round {turn.ask.round})"
            hidden, silent = sorted(quoted - shown), sorted(shown - quoted)
            require(not hidden, f"{where}: its prompt quotes {_steps(one, hidden)}, not in seen")
            require(not silent, f"{where}: seen has {_steps(one, silent)}, not quoted in its prompt")


def _steps(one: Tried, found: list[tuple[str, int]]) -> str:
    places = [f"{step}" if question == one.question.id else f"{step} of another question" for question, step in found]
    return "turn " + ", ".join(places)


def check_quotes_are_whole(specimen: Specimen) -> None:
    """What is quoted is quoted whole: its head, its middle and its tail."""
    for one, found in held(specimen):
        for turn in found.asked:
            for (question, step), parts in words_in(_text(turn)).items():
                if question == one.question.id and step < len(found.mag.turns):
                    said = {part for part in PARTS if word_of(one.question, step, part) in found.mag.turns[step].text}
                    lost = ", ".join(part for part in PARTS if part in said - parts)
                    require(not lost, f"{one}, turn {turn.step}: its prompt quotes turn {step} without its {lost}")


def check_quotes_name_the_speaker(specimen: Specimen) -> None:
    """A quotation with a name beside it has the name of who said it."""
    for one, found in held(specimen):
        for turn in found.asked:
            wrong = _named_wrongly(one, found, turn) or _handed_round(specimen, one, turn)
            require(not wrong, f"{one}, turn {turn.step}: its prompt {wrong}")


def _quotes(one: Tried, prompt: str) -> list[tuple[int, int, int]]:
    """Returns where each turn is quoted: its step, where its head begins and where its tail ends."""
    spans: dict[int, tuple[int, int]] = {}
    for match in WORD.finditer(prompt):
        if match[1] == one.question.id:
            step = int(match[2])
            start, end = spans.get(step, match.span())
            spans[step] = (min(start, match.start()), max(end, match.end()))
    return sorted(((step, *span) for step, span in spans.items()), key=lambda quote: quote[1])


def _named_wrongly(one: Tried, found: Held, turn: Pending) -> str:
    """Looks for an agent's name in the lines where a quotation begins and ends, and in those next to them."""
    prompt, names = _text(turn), {agent.name for agent in agents_for(one.agents)}
    for step, start, end in _quotes(one, prompt):
        head = "\n".join(prompt[:start].split("\n")[-2:])
        lines = "\n".join([head, *prompt[end:].split("\n")[:2]])
        speaker = found.mag.turns[step].agent
        others = {name for name in names - {speaker} if name in head}
        if speaker != turn.ask.agent.name and OWN.search(head):
            return f"quotes turn {step} of {speaker} as {turn.ask.agent.name}'s own"
        if others and speaker not in lines and not (speaker == turn.ask.agent.name and "our own" in lines):
            return f"quotes turn {step} of {speaker} under the name of {', '.join(sorted(others))}"
    return ""


def _handed_round(specimen: Specimen, one: Tried, turn: Pending) -> str:
    """Gives one quoted turn after the other a name of its own, and looks beside which quotation it turns up."""
    ask = turn.ask
    beside: dict[int, set[int]] = {}
    strangers: dict[int, set[int]] = {}
    for place, shown in enumerate(ask.shown):
        if shown.agent == ask.agent.name or one.protocol is None:
            continue
        renamed = shown.model_copy(update={"agent": SOMEBODY})
        told = Ask(**{name: getattr(ask, name) for name in Ask.__slots__} | {"shown": _with(ask.shown, place, renamed)})
        try:
            prompt = "\n".join(message.content for message in one.protocol.prompt(one.question.blind(), told))
        except Exception:  # it may well know its agents by name
            return ""
        quotes = _quotes(one, prompt)
        for at in _places(prompt):
            before = [step for step, _, end in quotes if end <= at]
            after = [step for step, start, _ in quotes if start > at]
            beside.setdefault(shown.step, set()).update(before[-1:] + after[:1])
            strangers.setdefault(shown.step, set()).add(len(before))
    lists = len({frozenset(places) for places in strangers.values()}) < 2
    for step, neighbours in beside.items():
        if step not in neighbours and not lists:
            return f"has the name of who said turn {step} beside turn {sorted(neighbours)}"
    return ""


def _with(shown: tuple[object, ...], place: int, other: object) -> tuple[object, ...]:
    return (*shown[:place], other, *shown[place + 1 :])


def _places(prompt: str) -> Iterator[int]:
    at = prompt.find(SOMEBODY)
    while at >= 0:
        yield at
        at = prompt.find(SOMEBODY, at + 1)


def check_gold_never_shown(specimen: Specimen) -> None:
    """The gold answer stands in no prompt and changes nothing that is said, even if the protocol were given it."""
    told = _Sighted(**ADDITION.model_dump() | {"gold": GOLD, "metadata": {"explanation": GOLD}})
    agents = agents_for(usual_count(specimen.protocol()))
    usable = {one.scenario.name for one, _ in held(specimen) if one.agents == len(agents)}
    for scenario in READABLE:
        if scenario.name not in usable:
            continue
        found = hold(specimen.protocol(), scenario, agents, told)
        for turn in found.asked:
            leaks = GOLD in _text(turn)
            require(not leaks, f"{scenario.name} replies: the gold answer stands in the prompt of turn {turn.step}")
        right = hold(specimen.protocol(), scenario, agents, told.model_copy(update={"gold": "7"}))
        require(_ungraded(right) == _ungraded(found), f"{scenario.name} replies: it goes another way where 7 is right")


class _Sighted(Question):
    """A question that cannot be blinded."""

    def blind(self) -> Question:
        """Returns itself, with all it knows."""
        return self


def _ungraded(held: Held) -> object:
    turns = [(turn.agent, turn.role, turn.seen, turn.answer) for turn in held.mag.turns]
    return turns, held.mag.stop, held.mag.decision.answer


CHECKS: tuple[Check, ...] = (
    check_question_told,
    check_persona_told,
    check_seen_is_provenance,
    check_quotes_are_whole,
    check_quotes_name_the_speaker,
    check_gold_never_shown,
)
