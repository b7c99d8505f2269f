"""What is asked of a protocol: that it ends, that its graph tells the truth, that questions do not touch.

Discussions are held with scripted replies through `magdi.core.discussion.stepper`, as the driver holds them.
"""

from __future__ import annotations

from collections.abc import Iterator

from magdi.core.discussion.plan import max_calls
from magdi.core.errors import ProtocolError
from magdi.core.mag import Mag, Message, Question
from magdi.core.protocol import Agent
from magdi.plugins.testing.discussions import (
    ADDITION,
    CHOICE,
    DISAGREEING,
    GOLD,
    PATCHY,
    READABLE,
    SCENARIOS,
    SHIFTING,
    Held,
    agents_for,
    hold,
    hold_at_once,
    word_of,
    words_in,
)
from magdi.plugins.testing.specimen import Check, CheckFailed, Specimen, require


def _agents(specimen: Specimen, count: int = 3) -> list[Agent]:
    return agents_for(max(count, specimen.protocol().min_agents))


def _held(specimen: Specimen) -> Iterator[tuple[str, Held]]:
    """Yields a discussion of every scenario, with its name; each by a protocol of its own."""
    for scenario in SCENARIOS:
        yield scenario.name, hold(specimen.protocol(), scenario, _agents(specimen))


def check_ends(specimen: Specimen) -> None:
    """It ends, and says why, whether agents agree, disagree, change their minds, say nothing or talk garbage."""
    for scenario in SCENARIOS:
        try:
            held = hold(specimen.protocol(), scenario, _agents(specimen))
        except ProtocolError as error:
            raise CheckFailed(f"{scenario.name} replies: {error}") from error
        require(held.mag.stop, f"{scenario.name} replies: it does not say why it ended")


def check_sees_only_the_past(specimen: Specimen) -> None:
    """No turn is shown one of its own wave, of the future, of another discussion, or one that was never said."""
    for scenario in (DISAGREEING, PATCHY):
        hold(specimen.protocol(), scenario, _agents(specimen))


def check_seen_is_provenance(specimen: Specimen) -> None:
    """The words that occur in a prompt are exactly those of the turns that the graph says it was shown.

    Every reply holds a word of its own in its reasoning; a control edge says that nothing was shown.
    """
    for name, held in _held(specimen):
        audible = {turn.step for turn in held.mag.turns if word_of(ADDITION, turn.step) in turn.text}
        for turn in held.asked:
            seen = {seen.step for seen in turn.ask.seen if seen.kind != "control"}
            shown = {(ADDITION.id, step) for step in seen & audible}
            found = words_in("\n".join(message.content for message in turn.messages))
            where = f"{name} replies, turn {turn.step} ({turn.ask.role}, round {turn.ask.round})"
            hidden, silent = sorted(found - shown), sorted(shown - found)
            require(not hidden, f"{where}: its prompt quotes {_steps(hidden)}, not in seen")
            require(not silent, f"{where}: seen has {_steps(silent)}, not quoted in its prompt")


def _steps(found: list[tuple[str, int]]) -> str:
    places = [f"{step}" if question == ADDITION.id else f"{step} of another question" for question, step in found]
    return "turn " + ", ".join(places)


def check_gold_never_shown(specimen: Specimen) -> None:
    """The gold answer stands in no prompt and changes nothing that is said, even if the protocol were given it."""
    told = _Sighted(**ADDITION.model_dump() | {"metadata": {"explanation": GOLD}})
    for scenario in READABLE:
        held = hold(specimen.protocol(), scenario, _agents(specimen), told)
        for turn in held.asked:
            leaks = any(GOLD in message.content for message in turn.messages)
            require(not leaks, f"{scenario.name} replies: the gold answer stands in the prompt of turn {turn.step}")
        right = hold(specimen.protocol(), scenario, _agents(specimen), told.model_copy(update={"gold": "7"}))
        require(_ungraded(right) == _ungraded(held), f"{scenario.name} replies: it goes another way where 7 is right")


class _Sighted(Question):
    """A question that cannot be blinded."""

    def blind(self) -> Question:
        """Returns itself, with all it knows."""
        return self


def _ungraded(held: Held) -> object:
    turns = [(turn.agent, turn.role, turn.seen, turn.answer) for turn in held.mag.turns]
    return turns, held.mag.stop, held.mag.decision.answer


def check_repeatable(specimen: Specimen) -> None:
    """The same replies give the same turns, from the same instance and from another."""
    for scenario in SCENARIOS:
        protocol = specimen.protocol()
        first = hold(protocol, scenario, _agents(specimen)).mag
        again = hold(protocol, scenario, _agents(specimen)).mag
        require(first == again, f"{scenario.name} replies: the second discussion of one instance goes another way")
        other = hold(specimen.protocol(), scenario, _agents(specimen)).mag
        require(first == other, f"{scenario.name} replies: another instance goes another way")


def check_questions_apart(specimen: Specimen) -> None:
    """Two questions at once give what they give one after the other: nothing is kept between them."""
    for scenario in SCENARIOS:
        agents, questions = _agents(specimen), [ADDITION, CHOICE]
        apart = [hold(specimen.protocol(), scenario, agents, question) for question in questions]
        together = hold_at_once(specimen.protocol(), scenario, agents, questions)
        for alone, beside in zip(apart, together, strict=True):
            same = alone.mag == beside.mag and _prompts(alone) == _prompts(beside)
            require(same, f"{scenario.name} replies: a question goes another way while another one is discussed")


def _prompts(held: Held) -> list[tuple[Message, ...]]:
    return [turn.messages for turn in held.asked]


def check_any_number_of_agents(specimen: Specimen) -> None:
    """One, two or five agents will do (or as many as ``min_agents`` asks for)."""
    for count in (1, 2, 5):
        for scenario in SCENARIOS:
            agents = _agents(specimen, count)
            try:
                hold(specimen.protocol(), scenario, agents)
            except ProtocolError as error:
                raise CheckFailed(f"{len(agents)} agents, {scenario.name} replies: {error}") from error


def check_calls_promised(specimen: Specimen) -> None:
    """It never makes more calls than `magdi run --dry-run` promises."""
    for count in (1, 3, 5):
        agents = _agents(specimen, count)
        promised = max_calls(specimen.protocol(), ADDITION, agents)
        for scenario in SCENARIOS:
            made = len(hold(specimen.protocol(), scenario, agents).asked)
            require(
                made <= promised, f"{len(agents)} agents, {scenario.name} replies: {made} calls, {promised} promised"
            )


def check_makes_nothing_up(specimen: Specimen) -> None:
    """Where nobody gave an answer, there is no decision."""
    for name, held in _held(specimen):
        given = {turn.answer for turn in held.mag.turns} - {None}
        answer = held.mag.decision.answer
        require(given or answer is None, f"{name} replies: it decided {answer!r}, though nobody gave an answer")


def check_survives_jsonl(specimen: Specimen) -> None:
    """Its MAGs come back from a line of JSON as they were."""
    for scenario in (SHIFTING, PATCHY):
        mag = hold(specimen.protocol(), scenario, _agents(specimen), CHOICE).mag
        require(Mag.model_validate_json(mag.to_line()) == mag, f"{scenario.name} replies: the MAG changes in JSONL")


CHECKS: tuple[Check, ...] = (
    check_ends,
    check_sees_only_the_past,
    check_seen_is_provenance,
    check_gold_never_shown,
    check_repeatable,
    check_questions_apart,
    check_any_number_of_agents,
    check_calls_promised,
    check_makes_nothing_up,
    check_survives_jsonl,
)
