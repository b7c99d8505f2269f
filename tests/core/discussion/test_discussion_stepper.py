"""The pure core of a discussion: waves in, replies in, a MAG out; and what it refuses."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from magdi.core.decision import vote
from magdi.core.discussion.stepper import Stepper, ask_again
from magdi.core.errors import ProtocolError
from magdi.core.mag import Decision, Mag, Message, Question, Turn, Usage
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, Wave, agents_named
from magdi.core.reply import FreeText, Parsed, read_reply
from magdi.core.verdict import Reading

QUESTION = Question(id="q", text="2 + 2?", gold="4", answer_type="number", metadata={"why": "4"})
AGENTS = agents_named(["ann", "bob"])


class TwoRounds(Protocol):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "rounds"


def equal(answer: str | None, gold: str) -> bool:
    return answer == gold


def step(
    protocol: Protocol,
    answers: str = "44444444",
    agents: Sequence[Agent] = AGENTS,
    question: Question = QUESTION,
    **settings: Any,
) -> Stepper:
    """Answers every turn in order with one of the answers; "-" is a reply that cannot be read."""
    stepper = Stepper(question, protocol, agents, grade=equal, **settings)
    replies = iter(answers)
    while not stepper.done:
        for turn in stepper.pending:
            answer = next(replies)
            parsed = None if answer == "-" else Parsed(reasoning=f"reason {turn.step}", answer=answer, confidence=0.5)
            stepper.answer(turn.step, parsed, f"text {turn.step}")
    return stepper


def test_mag_has_turns_edges_grades_and_labels() -> None:
    mag = step(TwoRounds(), "4-45").result
    assert [(turn.agent, turn.round, turn.answer, turn.status) for turn in mag.turns] == [
        ("ann", 0, "4", "ok"),
        ("bob", 0, None, "invalid"),
        ("ann", 1, "4", "ok"),
        ("bob", 1, "5", "ok"),
    ]
    assert mag.edges == ((0, 2), (0, 3))  # what could not be read is shown to nobody
    assert [turn.correct for turn in mag.turns] == [True, None, True, False]
    assert [turn.label for turn in mag.turns] == [True, None, True, False]
    assert mag.turns[1].text == "text 1"
    assert (mag.id, mag.stop, mag.protocol) == ("q", "rounds", "TwoRounds")
    assert mag.decision == Decision(answer="4", rule="plurality", votes={"4": 1.0, "5": 1.0}, correct=True)


def test_without_gold_nothing_is_graded() -> None:
    mag = step(TwoRounds(), question=Question(id="q", text="2 + 2?")).result
    assert {turn.correct for turn in mag.turns} == {mag.decision.correct} == {None}


def test_nobody_answering_is_wrong() -> None:
    decision = step(TwoRounds(), "----").result.decision
    assert (decision.answer, decision.correct) == (None, False)


def test_protocol_is_blind() -> None:
    seen = []

    class Curious(TwoRounds):
        def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
            seen.append(question)
            return (yield from super().discuss(question, agents))

        def prompt(self, question: Question, ask: Ask) -> list[Message]:
            seen.append(question)
            return super().prompt(question, ask)

        def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
            seen.append(question)
            assert {turn.correct for turn in turns} == {None}
            return vote(turns)

    step(Curious())
    assert len(seen) == 6
    assert all(question.gold is None and question.metadata == {} for question in seen)


def test_replies_may_come_in_any_order() -> None:
    def held(order: tuple[int, int]) -> Mag:
        stepper = Stepper(QUESTION, TwoRounds(), AGENTS, grade=equal)
        for wave in ((0, 1), (2, 3)):
            for place in order:
                stepper.answer(wave[place], Parsed("r", str(wave[place])), f"t{wave[place]}")
        return stepper.result

    assert held((0, 1)) == held((1, 0))


def test_pending_shrinks_as_replies_come() -> None:
    stepper = Stepper(QUESTION, TwoRounds(), AGENTS, grade=equal)
    assert [turn.step for turn in stepper.pending] == [0, 1]
    stepper.answer(1, None, "")
    assert [turn.step for turn in stepper.pending] == [0]
    assert stepper.turns == ()
    with pytest.raises(KeyError):
        stepper.answer(1, None, "")
    with pytest.raises(ProtocolError, match="before it is over"):
        _ = stepper.result


def test_turn_keeps_what_its_reply_took() -> None:
    stepper = Stepper(
        QUESTION,
        TwoRounds(),
        AGENTS,
        grade=equal,
        model=lambda ask: {"ann": "hf:x"}.get(ask.agent.name, ""),
        keep_prompts=True,
    )
    stepper.answer(0, Parsed("r", "4", repaired=True), "t", usage=Usage(prompt_tokens=3), attempts=2)
    stepper.answer(1, None, "")
    first, second = stepper.turns
    assert (first.status, first.attempts, first.usage.prompt_tokens, first.model) == ("repaired", 2, 3, "hf:x")
    assert first.prompt is not None
    assert "2 + 2?" in first.prompt[0].content
    assert second.model == ""


class Samples(Protocol):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        yield [self.ask(agents[0]) for _ in range(3)]
        yield [self.ask(agent) for agent in agents]
        return "done"


@pytest.mark.parametrize(
    ("models", "counts"),
    [({}, [[0, 1, 2], [3, 0]]), ({"ann": "m", "bob": "m"}, [[0, 1, 2], [3, 4]])],
    ids=["two-teachers", "one-teacher"],
)
def test_samples_of_one_prompt_are_told_apart(models: dict[str, str], counts: list[list[int]]) -> None:
    stepper = Stepper(QUESTION, Samples(), AGENTS, grade=equal, model=lambda ask: models.get(ask.agent.name, ""))
    found = []
    while not stepper.done:
        found.append([turn.sample for turn in stepper.pending])
        for turn in stepper.pending:
            stepper.answer(turn.step, None, "")
    assert found == counts


class Judged(TwoRounds):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        said = yield [self.ask(Agent("ann"), round=2, role="judge", seen=turns)]
        return Decision(answer=said[0].answer, rule="judge")


def test_decision_may_take_further_turns() -> None:
    mag = step(Judged(), "45455").result
    assert mag.turns[-1].role == "judge"
    assert mag.turns[-1].sources == (0, 1, 2, 3)
    assert (mag.decision.answer, mag.decision.correct) == ("5", False)


class Rule:
    def decide(self, question: Question, turns: Sequence[Turn]) -> Generator[Wave, list[Turn], Decision]:
        said = yield [Judged().ask(Agent("bob"), role="judge", seen=turns[:1])]
        return Decision(answer=said[0].answer, rule="other")

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return [Message(role="user", content="the rule's own words")]


def test_decision_rule_replaces_the_protocols_and_words_its_own_turns() -> None:
    mag = step(Judged(), "45459", decide=Rule(), keep_prompts=True).result
    assert mag.decision.rule == "other"
    assert mag.decision.answer == "9"
    assert mag.turns[-1].prompt == (Message(role="user", content="the rule's own words"),)


Wrong = Callable[[Protocol, Sequence[Agent], list[Turn]], Any]
"""What a wave is made of that is none."""


def broken(how: Wrong) -> Protocol:
    """Returns a protocol whose second wave is ``how(self, agents, said)``."""

    class Broken(Protocol):
        def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
            said = yield [self.ask(agent) for agent in agents]
            yield how(self, agents, said)
            return None

    return Broken()


STRANGER = Turn(step=0, agent="eve", text="psst")
FUTURE = Turn(step=2, agent="ann", text="later")


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        (lambda p, agents, said: [], "yielded an empty wave"),
        (lambda p, agents, said: [p.ask(Agent("eve"))], "asks 'eve', who does not take part"),
        (lambda p, agents, said: [p.ask(agents[0], seen=[STRANGER])], "not the one said in this discussion"),
        (lambda p, agents, said: [p.ask(agents[0], caused_by=[STRANGER])], "not the one said in this discussion"),
        (lambda p, agents, said: [p.ask(agents[0], seen=[FUTURE])], "turn 2 in a wave that starts at turn 2"),
        (lambda p, agents, said: [replace(p.ask(agents[0], seen=said), shown=(said[0],) * 2)], "or one twice"),
        (lambda p, agents, said: [replace(p.ask(agents[0], seen=said), shown=tuple(said[::-1]))], "not in order"),
        (lambda p, agents, said: [replace(p.ask(agents[0], seen=said), kinds=())], "shows 2 turns as 0 kinds"),
        (lambda p, agents, said: 1 / 0, "raised ZeroDivisionError: division by zero (test_discussion_stepper.py:"),
        (lambda p, agents, said: None, "yielded None, which is no wave of asks"),
        (lambda p, agents, said: agents, "which is no wave of asks"),
    ],
)
def test_contract_is_enforced(how: Wrong, complaint: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        step(broken(how))
    assert complaint in caught.value.message
    assert "'Broken'" in caught.value.message
    assert "'q'" in caught.value.message


class Endless(Protocol):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        while True:
            yield [self.ask(agents[0])]


class Silent(Protocol):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        return None
        yield


class NoGenerator(Protocol):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        return []  # type: ignore[return-value]  # no generator


class Counting(TwoRounds):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        yield from super().discuss(question, agents)
        return 3  # type: ignore[return-value]


class Speechless(TwoRounds):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return []


class Clumsy(TwoRounds):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return question.nothing  # type: ignore[attr-defined]


class Undecided(TwoRounds):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return "4"  # type: ignore[return-value]


class Meddling(TwoRounds):
    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        return [turn.model_copy(update={"correct": True}) for turn in turns]


class Forgetful(TwoRounds):
    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        return turns[1:]


@pytest.mark.parametrize(
    ("protocol", "complaint"),
    [
        (Endless(), "has not ended after 6 turns"),
        (Silent(), "ended before anybody spoke"),
        (NoGenerator(), "is no generator"),
        (Counting(), "returned 3 from discuss(): it may return why it ended, as a string"),
        (Speechless(), "empty prompt for turn 0"),
        (Clumsy(), "has a prompt() that raised AttributeError"),
        (Undecided(), "decided '4', which is no Decision"),
        (Meddling(), "changed in label() what is not its to change"),
        (Forgetful(), "has a label() that does not give back the 4 turns that it is given"),
    ],
)
def test_broken_protocols_are_named(protocol: Protocol, complaint: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        step(protocol, "56565656", turn_limit=6)
    assert complaint in caught.value.message


ASKED: dict[str, dict[str, Any]] = {
    "asks for a turn that cannot be: round -1: Input should be greater than or equal to 0": {"round": -1},
    "asks for a turn that cannot be: role None: ": {"role": None},
    "asks for a turn that cannot be: branch 1: ": {"branch": 1},
    "reply in 'text': no Agent, or no ReplyFormat()": {"reply": "text"},
    "asks 'ann' to reply in": {"agent": "ann"},
}


@pytest.mark.parametrize("complaint", ASKED)
def test_what_can_be_no_turn_is_named_before_anybody_is_asked_for_it(complaint: str) -> None:
    class Odd(Protocol):
        def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
            yield [self.ask(**{"agent": agents[0], **ASKED[complaint]})]
            return None

    with pytest.raises(ProtocolError) as caught:
        step(Odd(), answers="")
    assert complaint in caught.value.message


def test_what_a_reply_format_reads_and_no_turn_can_hold_is_named() -> None:
    stepper = Stepper(QUESTION, TwoRounds(), AGENTS, grade=equal)
    with pytest.raises(ProtocolError, match=r"reads by JsonAnswer.parse\(\) a turn that cannot be: confidence 95: "):
        stepper.answer(0, Parsed(reasoning="sure", answer="4", confidence=95), "text")
    odd: Any = FreeText()
    odd.parse = lambda text, extract: text
    with pytest.raises(ProtocolError, match=r"FreeText.parse\(\) gives str, and no Parsed"):
        read_reply("4", odd, lambda text: Reading(text, "task"))


def test_an_error_is_told_with_the_line_of_whoever_wrote_the_protocol() -> None:
    class Misses(TwoRounds):
        def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
            wrong: Any = [0]
            yield [self.ask(agents[0], seen=wrong)]
            return None

    with pytest.raises(ProtocolError, match=r"attribute 'status' \(test_discussion_stepper.py:\d+\)"):
        step(Misses())


def test_asking_again_shows_the_reply_and_what_was_wrong_with_it() -> None:
    asked = (Message(role="user", content="2 + 2?"),)
    again = ask_again(asked, "four-ish", "no number was found")
    assert [message.role for message in again] == ["user", "assistant", "user"]
    assert again[1].content == "four-ish"
    assert "no number was found" in again[2].content
