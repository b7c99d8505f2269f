"""What is asked of a protocol's course: that it ends, that its graph is one, that questions do not touch.

Discussions are held with scripted replies through `magdi.core.discussion.stepper`, as the driver holds them; each is
held once, and looked at by all checks. What is asked of the prompts stands in `prompt_checks`.
"""

from __future__ import annotations

import hashlib

from magdi.core.errors import ConfigError, ProtocolError
from magdi.core.mag import Mag, Message, Question, Turn
from magdi.core.protocol import Agent
from magdi.plugins.runs.discussion_plan import max_calls
from magdi.plugins.testing import prompt_checks
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, doing
from magdi.plugins.testing.discussions import (
    ADDITION,
    CHOICE,
    DISAGREEING,
    PATCHY,
    READABLE,
    SCENARIOS,
    SHIFTING,
    Held,
    Scenario,
    agents_for,
    hold,
    hold_at_once,
)
from magdi.plugins.testing.protocol_trials import Tried, forbidden, held, tried, usual_count, why
from magdi.plugins.testing.specimen import Check, Specimen, require

OF_THE_PAST = ("builds on", "shows turns")
"""How the stepper's complaints about what cannot have been seen begin."""


def _of_the_past(one: Tried) -> bool:
    return isinstance(one.error, ProtocolError) and any(words in str(one.error) for words in OF_THE_PAST)


def _any_held(specimen: Specimen) -> None:
    """Raises `NotMade`, with what all checks say then, where not one discussion could be held."""
    if not any(_of_the_past(one) for one in tried(specimen)):
        next(held(specimen))


def check_ends(specimen: Specimen) -> None:
    """It ends, and says why, whether agents agree, disagree, change their minds, say nothing or talk garbage."""
    usual = usual_count(specimen.protocol())
    _any_held(specimen)
    for one in tried(specimen):
        if one.agents == usual and one.error is not None and not _of_the_past(one):
            raise CheckFailed(f"{one}: {why(one)}")
        require(one.held is None or one.held.mag.stop, f"{one}: it does not say why it ended")


def check_sees_only_the_past(specimen: Specimen) -> None:
    """No turn is shown one of its own wave, of the future, of another discussion, or one that was never said."""
    for one in tried(specimen):
        require(not _of_the_past(one), f"{one}: {why(one)}")


def check_any_number_of_agents(specimen: Specimen) -> str | None:
    """One, two, three or five agents will do, as far as ``min_agents`` and ``max_agents`` allow.

    A protocol may refuse a number with a `ConfigError` before anybody was asked; it is remarked.
    """
    protocol, refused = specimen.protocol(), {}
    usual = usual_count(protocol)
    _any_held(specimen)
    failing = {one.scenario.name for one in tried(specimen) if one.agents == usual and one.error is not None}
    for one in tried(specimen):
        if isinstance(one.error, ConfigError):
            refused[one.agents] = str(one.error)
        elif one.agents != usual and not _of_the_past(one) and one.scenario.name not in failing:
            require(one.error is None, f"{one}: {why(one)}")
    most = "" if protocol.max_agents is None else f" and max_agents {protocol.max_agents}"
    said = [f"min_agents is {protocol.min_agents}{most}"] if most or protocol.min_agents > 1 else []
    return "; ".join([*said, *(f"it refuses {count}: {why}" for count, why in refused.items())])


def check_rounds(specimen: Specimen) -> None:
    """Round 0 is exactly what was said before anybody was shown anything; rounds count on from it, without a gap."""
    shown: dict[int, bool] = {}
    for one, found in held(specimen):
        for turn in found.mag.turns:
            quoted = any(seen.kind != "control" for seen in turn.seen)
            where = f"{one}, turn {turn.step}: it is of round {turn.round}"
            require(turn.round or not quoted, f"{where}, and was shown turn {turn.sources}")
            newest = max((found.mag.turns[step].round for step in turn.sources), default=0)
            require(turn.round >= newest, f"{where}, and was shown a turn of round {newest}")
            if one.scenario in READABLE:
                shown[turn.round] = shown.get(turn.round, False) or bool(turn.seen)
    require(sorted(shown) == list(range(len(shown))), f"its rounds are {sorted(shown)}, not counted from 0 by one")
    idle = [number for number, any_shown in sorted(shown.items()) if number and not any_shown]
    require(not idle, f"nobody is ever shown anything in round {idle}: that is round 0")


def check_edge_kinds(specimen: Specimen) -> None:
    """What an agent is shown of its own, in the same role, is of kind ``self``; nothing of anybody else is."""
    for one, found in held(specimen):
        for turn in found.mag.turns:
            for seen in turn.seen:
                source = found.mag.turns[seen.step]
                where = f"{one}, turn {turn.step} of {turn.agent}: turn {seen.step} of {source.agent}"
                own = (source.agent, source.role) == (turn.agent, turn.role)
                require(seen.kind != "self" or source.agent == turn.agent, f"{where} is shown as self")
                require(not own or seen.kind in ("self", "control"), f"{where} is shown as {seen.kind}, not as self")


def check_roles_promised(specimen: Specimen) -> None:
    """No turn has another role than those that it says it has, where it does."""
    for one, found in held(specimen):
        strange = {turn.role for turn in found.mag.turns}.difference(roles) if (roles := one.protocol.roles) else ()
        require(not strange, f"{one}: a turn has the role {min(strange, default='')!r}, and roles are {roles}")


def check_repeatable(specimen: Specimen) -> None:
    """The same replies give the same turns, from the same instance and from another."""
    usual = usual_count(specimen.protocol())
    for one, first in held(specimen):
        if one.agents == usual:
            again = hold(one.protocol, one.scenario, agents_for(one.agents), one.question)
            same = _same(first, again)
            require(same, f"{one}: the second discussion of one instance goes another way")
            other = hold(specimen.protocol(), one.scenario, agents_for(one.agents), one.question)
            require(_same(first, other), f"{one}: another instance goes another way")


def _same(one: Held, other: Held) -> bool:
    return one.mag == other.mag and _prompts(one) == _prompts(other)


def _prompts(held: Held) -> list[tuple[Message, ...]]:
    return [turn.messages for turn in held.asked]


def check_questions_apart(specimen: Specimen) -> None:
    """Two questions at once give what they give one after the other: nothing is kept between them."""
    agents = agents_for(usual_count(specimen.protocol()))
    alone = {(one.question.id, one.scenario.name): found for one, found in held(specimen) if one.agents == len(agents)}
    for first, second in ((DISAGREEING, PATCHY), (PATCHY, SHIFTING), (SHIFTING, DISAGREEING)):
        talks = [(ADDITION, first), (CHOICE, second)]
        if all((question.id, scenario.name) in alone for question, scenario in talks):
            together = hold_at_once(specimen.protocol(), agents, talks)
            for (question, scenario), beside in zip(talks, together, strict=True):
                same = _same(alone[question.id, scenario.name], beside)
                require(same, f"{scenario.name} replies: a question goes another way while another one is discussed")


def check_calls_promised(specimen: Specimen) -> None:
    """It never makes more calls than `magdi run --dry-run` promises."""
    promised: dict[tuple[int, str], int] = {}
    found_all = list(held(specimen))
    if any(one.error is not None and not isinstance(one.error, ConfigError) for one in tried(specimen)):
        raise DoesNotApply("some discussions cannot be held")
    for one, found in found_all:
        key = (one.agents, one.question.id)
        if key not in promised:
            doing("the plan")
            promised[key] = max_calls(specimen.protocol(), one.question, agents_for(one.agents))
        made = len(found.asked)
        require(made <= promised[key], f"{one}: {made} calls, {promised[key]} promised")


def check_makes_nothing_up(specimen: Specimen) -> None:
    """It decides what was answered: nothing where nobody answered, the common answer where all agree."""
    for one, found in held(specimen):
        given = [turn.answer for turn in found.mag.turns if turn.answer is not None]
        decision = found.mag.decision
        answer = decision.answer
        require(given or answer is None, f"{one}: it decided {answer!r}, though nobody gave an answer")
        if len(set(given)) == 1:
            require(answer in (given[0], None), f"{one}: it decided {answer!r}, though all answered {given[0]!r}")
        if one.scenario.name == "agreeing" and given:
            require(answer is not None, f"{one}: it decided nothing, though all answered {given[0]!r}")
        if one.question.choices and answer is not None:
            require(answer in given, f"{one}: it decided {answer!r}, which nobody answered")
        voted = sorted(set(decision.votes) - set(given))
        require(not voted, f"{one}: its decision counts votes for {', '.join(voted)}, which nobody answered")


def check_labels(specimen: Specimen) -> None:
    """A label is whether the turn's answer is right, or ``label_source`` says whence it is; values are chances."""
    for one, found in held(specimen):
        for turn in found.mag.turns:
            problem = _wrong_label(turn)
            require(not problem, f"{one}, turn {turn.step}: {problem}")


def _wrong_label(turn: Turn) -> str:
    if turn.label is not None and turn.label_source == "none":
        return f"it is labelled {turn.label}, and label_source does not say why"
    if turn.label_source == "gold" and turn.label is not turn.correct:
        return f"it is labelled {turn.label} by the gold answer, but correct is {turn.correct}"
    if turn.label_source == "value" and turn.label is not None and turn.value is None:
        return "it is labelled by its value, and has none"
    if turn.value is not None and not 0 <= turn.value <= 1:
        return f"its value {turn.value} is no chance from 0 to 1"
    return ""


def check_does_no_io(specimen: Specimen) -> None:
    """It asks no server and starts no program: what it wants said, it yields."""
    tried(specimen)
    done = sorted(forbidden(specimen))
    require(not done, f"a discussion causes {', '.join(done)}: a protocol does no I/O, it yields what is to be asked")


def check_survives_jsonl(specimen: Specimen) -> None:
    """Its MAGs come back from a line of JSON as they were."""
    for one, found in held(specimen):
        line = found.mag.to_line()
        require(Mag.model_validate_json(line) == found.mag, f"{one}: the MAG changes in JSONL")


def fingerprint(specimen: Specimen) -> str:
    """Returns a hash of discussions, prompts included."""
    agents = agents_for(usual_count(specimen.protocol()))
    whole = hashlib.sha256()
    for scenario in SCENARIOS:
        for question in (ADDITION, CHOICE):
            whole.update(_line(specimen, scenario, agents, question).encode("utf-8", "replace"))
    return whole.hexdigest()


def _line(specimen: Specimen, scenario: Scenario, agents: list[Agent], question: Question) -> str:
    try:
        found = hold(specimen.protocol(), scenario, agents, question)
    except Exception as error:  # other checks' business
        return type(error).__name__
    return f"{found.mag!r} {_prompts(found)!r}"


CHECKS: tuple[Check, ...] = (
    check_ends,
    check_sees_only_the_past,
    check_any_number_of_agents,
    *prompt_checks.CHECKS,
    check_rounds,
    check_edge_kinds,
    check_roles_promised,
    check_repeatable,
    check_questions_apart,
    check_calls_promised,
    check_makes_nothing_up,
    check_labels,
    check_does_no_io,
    check_survives_jsonl,
)
