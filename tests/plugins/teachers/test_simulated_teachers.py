"""Simulated teachers: decided by seed, settings and request; really disagreeing, really changing their minds."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from magdi.core.config.models import ComponentChoice
from magdi.core.discussion.stepper import Stepper
from magdi.core.distill.prompt import student_target
from magdi.core.mag import Mag, Message, Question
from magdi.core.protocol import Agent, quote
from magdi.core.reply import FreeAnswer, JsonAnswer
from magdi.core.teacher import Reply, Request, Sampling
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.registry import default_registry
from magdi.plugins.tasks.arithmetic import Arithmetic, ArithmeticConfig
from magdi.plugins.tasks.word_problems import PHRASES, Line, Problem, Step, read_lines
from magdi.plugins.teachers.simulated import PROFILES, SimulatedConfig, SimulatedTeacher
from magdi.plugins.teachers.simulated.profiles import Style
from magdi.plugins.teachers.simulated.replies import written
from magdi.plugins.teachers.simulated.solver import solve
from magdi.plugins.tiny.tokenizer import word_tokenizer

TASK = Arithmetic()
TEAM = ("careful", "chatty", "hasty")
PROBLEM = Problem(12, (Step("find", 5), Step("sell", 3)), "Mia", "coins")
RIGHT = (Line(12, "+", 5, 17), Line(17, "-", 3, 14))


def teacher(profile: str = "careful", **settings: object) -> SimulatedTeacher:
    return SimulatedTeacher(SimulatedConfig(profile=profile, **settings))


def sure(profile: str = "careful", **settings: object) -> SimulatedTeacher:
    """A teacher that never slips."""
    return teacher(profile, slip=0, weak={}, **settings)


def request(*texts: str, **fields: object) -> Request:
    """A chat in which the user and the assistant take turns."""
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[place % 2], content=text) for place, text in enumerate(texts))
    return Request(messages=messages, **fields)


def alone(text: str = PROBLEM.text, **fields: object) -> Request:
    return request(f"{text}\n\n{JsonAnswer().instructions(TASK.questions('test')[0])}", **fields)


def after(*others: tuple[str, float], own: tuple[str, float] | None = None) -> Request:
    """A prompt that shows others' answers, each reached by the right calculations but for the last result."""
    quotes = []
    for place, (answer, confidence) in enumerate([*([own] if own else []), *others]):
        who = "Your own earlier solution" if own and place == 0 else f"Solution of B{place}"
        quotes.append(
            f"<<< {who}\n12 + 5 = 17. 17 - 3 = {answer}.\nThe answer is {answer}. (stated confidence {confidence})\n>>>"
        )
    return alone("\n\n".join([PROBLEM.text, *quotes]))


def fields_of(reply: Reply) -> dict[str, Any]:
    return json.loads(reply.text)


def talk(protocol: str, questions: Sequence[Question], team: Sequence[str] = TEAM, seed: int = 0) -> list[Mag]:
    made = default_registry().protocol(ComponentChoice(name=protocol))
    voices = {name: teacher(name, seed=seed) for name in team}
    mags = []
    for question in questions:
        stepper = Stepper(question, made, [Agent(name) for name in team], grade=TASK.grade)
        while not stepper.done:
            for step, ask, messages, sample in stepper.pending:
                asked = Request(messages=messages, json_schema=ask.reply.schema(question), sample=sample)
                text = voices[ask.agent.name].answer(asked).text
                stepper.answer(step, ask.reply.parse(text, partial(TASK.extract, question=question)), text)
        mags.append(stepper.result)
    return mags


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_request_gets_the_same_reply(profile: str) -> None:
    asked = after(("14", 0.9), ("13", 0.5), own=("11", 0.7))
    first, second = (asyncio.run(teacher(profile).complete(asked)) for _ in range(2))
    assert first == second
    assert first.usage.completion_tokens > 5


def test_seed_sample_and_temperature_decide_what_is_drawn() -> None:
    def confidences(**settings: Any) -> list[float]:
        asker, sampling = teacher(seed=settings.pop("seed", 0)), settings
        return [fields_of(asker.answer(alone(sample=k, **sampling)))["confidence"] for k in range(5)]

    assert confidences() == confidences()
    assert confidences() != confidences(seed=1)
    assert len(set(confidences())) > 1
    assert len(set(confidences(sampling=Sampling(temperature=0)))) == 1


def test_identity_tells_settings_apart() -> None:
    made = [teacher(), teacher(seed=1), teacher("hasty"), teacher(slip=0.5), teacher()]
    assert len({each.identity for each in made}) == 4
    assert all(each.simulated for each in made)


@pytest.mark.parametrize("style", ["equations", "spoken", "ordered"])
def test_every_style_is_read_back(style: Style) -> None:
    assert read_lines(written(RIGHT, style)) == RIGHT


def test_a_teacher_that_never_slips_is_always_right() -> None:
    questions = TASK.questions("validation")
    for question in questions[:200]:
        assert fields_of(sure("chatty", untidy=0).answer(alone(question.text)))["answer"] == question.gold


@pytest.mark.parametrize("kind", PHRASES)
def test_weak_kinds_of_phrase_are_where_it_slips(kind: str) -> None:
    weak = teacher(slip=0, weak={kind: 1.0}, hardness=(1.0,))
    told = [question for question in TASK.questions("test") if len({*map(str, read_kinds(question))}) > 1][:120]
    wrong = Counter(
        (kind in read_kinds(question), fields_of(weak.answer(alone(question.text)))["answer"] != question.gold)
        for question in told
    )
    assert wrong[False, True] == 0
    assert wrong[True, True] > 2 * wrong[True, False]


def read_kinds(question: Question) -> set[str]:
    from magdi.plugins.tasks.word_problems import read_problems

    return {step.kind for step in read_problems(question.text)[0].steps}


def test_slips_stay_within_the_vocabulary() -> None:
    slipping = teacher(slip=1.0, weak={}, hardness=(1.0,))
    for question in TASK.questions("test")[:300]:
        for line in read_lines(str(fields_of(slipping.answer(alone(question.text)))["reasoning"])):
            assert 0 <= line.right <= 60


def test_it_takes_over_a_leading_solution_in_its_own_words() -> None:
    giving_in = sure("hasty", stubborn=0, recheck=0, remarks=0)
    said = fields_of(giving_in.answer(after(("13", 0.9), ("13", 0.9), own=("14", 0.5))))
    assert said["answer"] == "13"
    assert said["reasoning"] == "First, 12 + 5 = 17. Then, 17 - 3 = 13."


def test_it_checks_again() -> None:
    checking = sure(stubborn=0, recheck=1)
    assert fields_of(checking.answer(after(("13", 0.9), ("13", 0.9), own=("12", 0.5))))["answer"] == "14"


def test_it_insists() -> None:
    insisting = sure(stubborn=1)
    assert fields_of(insisting.answer(after(("14", 0.9), ("14", 0.9), own=("12", 0.5))))["answer"] == "12"


def test_confidence_of_others_decides_who_leads() -> None:
    giving_in = sure(stubborn=0, recheck=0, keep=1)
    said = [
        fields_of(giving_in.answer(after(("13", doubtful), ("13", doubtful), own=("14", 0.9))))["answer"]
        for doubtful in (0.3, 0.6)
    ]
    assert said == ["14", "13"]


def test_its_own_earlier_reply_in_a_chat_is_its_own() -> None:
    insisting = sure(stubborn=1)
    chat = request(
        PROBLEM.text, "12 + 5 = 17. 17 - 3 = 12. The answer is 12.", f"<<< Solution of B\n14\n{END}\n>>>\n{ASK}"
    )
    assert insisting.answer(chat).text.endswith("The answer is 12.")


END = "The answer is 14."
ASK = FreeAnswer().instructions(TASK.questions("test")[0])


def test_free_text_ends_in_the_answer() -> None:
    assert sure().answer(request(f"{PROBLEM.text}\n\n{ASK}")).text == "12 + 5 = 17. 17 - 3 = 14. The answer is 14."


@pytest.mark.parametrize(("answer", "expected"), [("14", "APPROVE"), ("13", "I disagree with step 2.")])
def test_a_critic_approves_or_names_the_step(answer: str, expected: str) -> None:
    critic = sure(stubborn=0, recheck=1)
    shown = f"<<< Solution of A\n12 + 5 = 17. 17 - 3 = {answer}.\nThe answer is {answer}.\n>>>"
    asked = request(f"Check this. If it is right, reply APPROVE.\n\n{PROBLEM.text}\n\n{shown}")
    assert critic.answer(asked).text.startswith(expected)


VERIFY = "Verify it: say for each step whether it holds."
SHOWN = "<<< A solution\n{}\nThe answer is {}.\n>>>"


@pytest.mark.parametrize(
    ("solution", "said"),
    [
        (("12 + 5 = 17. 17 - 3 = 14.", 14), "12 + 5 = 17 yes 17 - 3 = 14 yes I agree."),
        (("12 + 5 = 17. 17 - 3 = 13.", 13), "12 + 5 = 17 yes 17 - 3 = 14 no I disagree."),
        (("12 - 5 = 7. 7 - 3 = 4.", 4), "12 + 5 = 17 no 17 - 3 = 14 no I disagree."),
        (("12 + 5 = 17.", 17), "12 + 5 = 17 yes 17 - 3 = 14 no I disagree."),
    ],
)
def test_a_verifier_says_of_each_step_whether_it_holds(solution: tuple[str, int], said: str) -> None:
    asked = request(f"{PROBLEM.text}\n\n{SHOWN.format(*solution)}\n\n{VERIFY}")
    assert sure(stubborn=0, recheck=1).answer(asked).text == said


@pytest.mark.parametrize(
    ("verification", "answer"),
    [
        ("12 + 5 = 17 yes 17 - 3 = 13 yes I agree.", 13),
        ("12 + 5 = 17 yes 17 - 3 = 14 no I disagree.", 14),
        ("12 + 5 = 18 no 18 - 3 = 15 no I disagree.", 14),
    ],
)
def test_a_refiner_keeps_what_holds_and_works_out_the_rest(verification: str, answer: int) -> None:
    shown = SHOWN.format("12 + 5 = 17. 17 - 3 = 13.", 13)
    asked = request(f"{PROBLEM.text}\n\n{shown}\n\n<<< The verifier\n{verification}\n>>>\n\n{ASK}")
    said = sure("hasty", stubborn=0, remarks=1).answer(asked).text
    assert said == f"12 + 5 = 17. 17 - 3 = {answer}. The answer is {answer}."
    assert f"The answer is {14}." in sure(stubborn=1).answer(asked).text


def test_a_refiner_goes_on_from_steps_in_any_order() -> None:
    begun = [Line(12, "-", 3, 9)]
    solution = solve(PROBLEM, SimulatedConfig(slip=0, weak={}), random.Random(0), begun=begun)
    assert solution.lines == (*begun, Line(9, "+", 5, 14))


def test_what_a_verifier_says_of_a_wrong_solution_decides_what_becomes_of_it() -> None:
    """Else its turns' values are noise, and there is nothing to learn for a verifier."""
    worth: dict[bool, list[float]] = {True: [], False: []}
    for mag in talk("malt", TASK.questions("validation")[:50]):
        for turn in mag.turns:
            if turn.role == "verifier" and mag.turns[turn.seen[0].step].correct is False:
                worth["I agree." in turn.text].append(float(turn.value or 0))
    assert min(map(len, worth.values())) > 5
    assert sum(worth[False]) / len(worth[False]) > 0.6 > 0.2 > sum(worth[True]) / len(worth[True])


GROUP = "You are ada, one of a group that answers a question together: ada, bea, cid."
FORM = FreeAnswer().instructions(TASK.questions("test")[0])
CALL = f"Name who is to speak after you on a line of its own: NEXT: name.\n\n{FORM}"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), "The answer is 14.\nNEXT: bea"),
        ((("bea", "14"),), "The answer is 14.\nNEXT: cid"),
        ((("bea", "14"), ("cid", "13")), "The answer is 14.\nNEXT: cid"),
        ((("bea", "14"), ("cid", "14")), "The answer is 14."),
    ],
)
def test_it_hands_over_to_the_silent_then_to_the_contrary(others: tuple[tuple[str, str], ...], expected: str) -> None:
    said = "\n\n".join(f"<<< Solution of {who}\n12 + 5 = 17.\nThe answer is {answer}.\n>>>" for who, answer in others)
    text = sure("stubborn").answer(request(f"{GROUP}\n\n{PROBLEM.text}\n\n{said}\n\n{CALL}")).text
    assert text.endswith(expected)


def test_it_hands_over_to_one_of_those_that_are_offered() -> None:
    offered = CALL.replace("NEXT: name", "NEXT: and one of bea, cid")
    assert sure().answer(request(f"{PROBLEM.text}\n\n{offered}")).text.endswith("\nNEXT: bea")


@pytest.mark.parametrize(
    "text", ["Is the sky blue? Answer yes or no.", "Which?\n(A) one\n(B) two", "How many legs have 17.5 cats?", "?"]
)
def test_what_it_cannot_read_it_guesses_without_confidence(text: str) -> None:
    said = fields_of(teacher().answer(alone(text)))
    assert said["confidence"] < 0.1
    assert str(said["answer"])


def test_a_schema_of_other_keys_is_filled() -> None:
    schema = {"properties": {"why": {"type": "string"}, "ok": {"type": "boolean"}, "name": {"enum": ["A", "B"]}}}
    said = fields_of(sure().answer(request(PROBLEM.text, json_schema=schema)))
    assert set(said) == {"why", "ok", "name"}
    assert said["ok"] is False
    assert said["name"] in ("A", "B")


@pytest.mark.parametrize("protocol", [each.name for each in BUILTINS["protocol"] if not each.requires])
def test_every_protocol_understands_it(protocol: str) -> None:
    mags = talk(protocol, TASK.questions("validation")[:12])
    assert all(turn.status != "invalid" for mag in mags for turn in mag.turns)
    assert sum(mag.decision.correct is True for mag in mags) >= 7


def test_graph_types_and_accuracies_are_near_the_papers() -> None:
    """The paper's GSM8K row is 557/247/78/118 of 1000; bands are about four standard errors of 400 draws."""
    mags = [
        mag
        for seed in (0, 1)
        for mag in talk("reconcile", Arithmetic(ArithmeticConfig(seed=seed, train=200)).questions("train"), seed=seed)
    ]
    structures = Counter(mag.structure for mag in mags)
    for structure, expected in {"G0": 0.557, "G1": 0.247, "G2": 0.078, "G3": 0.118}.items():
        assert structures[structure] / len(mags) == pytest.approx(expected, abs=0.085)
    for agent, expected in zip(TEAM, (0.86, 0.75, 0.75), strict=True):
        first = [turn.correct for mag in mags for turn in mag.turns if turn.agent == agent and turn.round == 0]
        assert sum(map(bool, first)) / len(first) == pytest.approx(expected, abs=0.07)
    assert sum(mag.decision.correct is True for mag in mags) / len(mags) > 0.91


def test_a_word_tokenizer_knows_all_that_they_say() -> None:
    tokenizer = word_tokenizer(TASK.primer(0).words)
    for protocol in ("reconcile", "solver-critic"):
        for mag in talk(protocol, TASK.questions("validation")[:60]):
            targets = (student_target(turn) for turn in mag.turns if turn.answer is not None)
            for text in [mag.question.prompt, *(turn.reasoning for turn in mag.turns), *targets]:
                assert tokenizer.unk_token_id not in tokenizer(text).input_ids, text
    target = student_target(mag.turns[0])
    said = tokenizer.decode(tokenizer(target).input_ids)
    assert TASK.extract(said, mag.question) == mag.turns[0].answer


def test_minds_are_changed_for_the_better() -> None:
    mags = talk("reconcile", TASK.questions("validation")[:200])
    changes = Counter(
        (before.correct, later.correct)
        for mag in mags
        for before in mag.turns
        for later in mag.turns
        if before.agent == later.agent and later.round == before.round + 1 and later.answer != before.answer
    )
    assert changes[False, True] > 3 * changes[True, False] > 0


def test_quoted_replies_are_what_the_protocols_quote() -> None:
    mag = next(mag for mag in talk("reconcile", TASK.questions("validation")[:40]) if mag.rounds)
    own = mag.turns[0]
    asked = alone("\n\n".join([mag.question.text, quote(own, own=own.agent), quote(mag.turns[1], own=own.agent)]))
    from magdi.plugins.teachers.simulated.understanding import understand

    heard = understand(asked)
    assert (heard.own.answer, heard.own.confidence) == (own.answer, own.confidence)
    assert [turn.answer for turn in heard.others] == [mag.turns[1].answer]


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"profile": "brilliant"}, {"weak": {"steal": 0.5}}, {"slip": 2}, {"slips": 0.1}):
        with pytest.raises(ValidationError):
            SimulatedConfig(**wrong)
