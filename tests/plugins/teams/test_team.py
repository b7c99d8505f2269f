from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import pytest
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from magdi.core.config.models import ComponentChoice, Evaluation
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.stepper import Stepper
from magdi.core.errors import ConfigError, DataError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.evaluation.engine import Job
from magdi.core.evaluation.scores import score
from magdi.core.evaluation.voting import by_question, elected
from magdi.core.mag import Message, Question, read_mags
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat
from magdi.core.reply import FreeText
from magdi.core.task import Task
from magdi.plugins.generation.loading import load
from magdi.plugins.registry import default_registry
from magdi.plugins.teachers import trained
from magdi.plugins.teams.engine import TeamEngine
from magdi.plugins.teams.team import Team, read_team, write_team
from magdi.protocols.debate import Debate
from magdi.protocols.malt import Malt
from tests.team_samples import ROLES, team_run

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft

GREEDY = Evaluation(max_new_tokens=8)
DRAWN = Evaluation(max_new_tokens=8, temperature=1.0, samples=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team_run(tmp_path_factory.mktemp("team"))


@pytest.fixture
def run(made: Path) -> Iterator[Path]:
    """The run, whose team is afterwards what it was."""
    team = (made / "student" / "team.json").read_text()
    yield made
    (made / "student" / "team.json").write_text(team)


@pytest.fixture(scope="module")
def alone(made: Path) -> Any:
    """One role at a time, with nothing of magdi: PEFT's adapters by name, and generate()."""
    team, run = read_team(made / "student"), made
    assert team is not None
    tokenizer = AutoTokenizer.from_pretrained(team.base)
    base = AutoModelForCausalLM.from_pretrained(team.base)
    model = PeftModel.from_pretrained(base, run / "student" / "generator", adapter_name="generator")
    for role in ROLES[1:]:
        model.load_adapter(str(run / "student" / role), adapter_name=role)

    def say(role: str, prompt: str) -> tuple[str, int, int]:
        model.set_adapter(role)
        chat = [{"role": "user", "content": prompt}]
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        out = model.generate(**ids, max_new_tokens=8, do_sample=False)[0]
        asked = ids["input_ids"].shape[1]
        said = [token for token in out[asked:].tolist() if token != tokenizer.eos_token_id]
        return tokenizer.decode(said, skip_special_tokens=True), asked, len(said)

    return say


def engine(run: Path, team: Team | None = None, **options: Any) -> TeamEngine:
    if team is None:
        team = read_team(run / "student")
    else:
        write_team(run / "student", team)
    assert team is not None
    return TeamEngine(run, team, default_registry(), **options)


def three_calls(question: Question, task: Task, say: Any) -> list[tuple[str, str, int, int]]:
    """Returns what generator, verifier and refiner say, each asked by hand: role, text, tokens of prompt and reply."""
    protocol = Malt(Malt.Config(mode="vote", samples=1))
    stepper = Stepper(question, protocol, [Agent(role) for role in ROLES], grade=task.grade)
    said = []
    while not stepper.done:
        ((step, ask, (message,), _),) = stepper.pending
        text, *tokens = say(ask.role, message.content)
        said.append((ask.role, text, *tokens))
        stepper.answer(step, ask.reply.parse(text, lambda part: task.extract(part, question)), text)
    return said


def test_a_chain_is_three_calls(run: Path, alone: Any, task: Task, tmp_path: Path) -> None:
    questions = list(task.questions("test"))[:4]
    found = answer_questions(engine(run), questions, task=task, settings=GREEDY, out=tmp_path / "kept.jsonl")
    mags = list(read_mags(tmp_path / "kept.mags.jsonl"))
    assert [mag.question for mag in mags] == questions
    for question, prediction, mag in zip(questions, found, mags, strict=True):
        by_hand = three_calls(question, task, alone)
        assert [
            (turn.role, turn.text, turn.usage.prompt_tokens, turn.usage.completion_tokens) for turn in mag.turns
        ] == by_hand
        assert prediction.output == by_hand[-1][1].strip()
        assert prediction.prompt_tokens == sum(asked for _, _, asked, _ in by_hand)
        assert prediction.output_tokens == sum(said for _, _, _, said in by_hand)
        assert [turn.model.rpartition("#")[2].partition("@")[0] for turn in mag.turns] == list(ROLES)


def test_a_vote_of_three_chains_keeps_all_of_them(run: Path, task: Task, tmp_path: Path) -> None:
    questions, kept = list(task.questions("test"))[:6], tmp_path / "kept.jsonl"
    found = answer_questions(engine(run), questions, task=task, settings=DRAWN, out=kept)
    mags = list(read_mags(tmp_path / "kept.mags.jsonl"))
    assert [len(mag.turns) for mag in mags] == [9] * 6
    assert [(each.output, each.answer) for each in found] == [
        (turn.text.strip(), turn.answer) for mag in mags for turn in mag.turns if turn.role == "refiner"
    ]
    chosen = {name: elected(each).answer for name, each in by_question(found).items()}
    assert chosen == {mag.question.id: mag.decision.answer for mag in mags}
    assert len({each.output for each in found}) > 12  # chains are drawn apart
    scores = score(found)
    assert scores.samples == 3
    assert scores.output_tokens_mean == sum(mag.usage.completion_tokens for mag in mags) / 6


def test_a_team_draws_from_as_many_tokens_as_it_is_told(run: Path, task: Task) -> None:
    """From the likeliest alone: what it says is what it says greedily."""
    questions, one = list(task.questions("test"))[:2], DRAWN.model_copy(update={"top_k": 1, "samples": 1})
    drawn, greedy = (answer_questions(engine(run), questions, task=task, settings=each) for each in (one, GREEDY))
    assert [each.output for each in drawn] == [each.output for each in greedy]


def test_more_chains_ask_for_no_chain_twice(run: Path, task: Task, tmp_path: Path) -> None:
    questions, kept = list(task.questions("test"))[:2], tmp_path / "kept.jsonl"
    two = DRAWN.model_copy(update={"samples": 2})
    first = answer_questions(engine(run), questions, task=task, settings=two, out=kept)
    with closing(Journal(tmp_path / "kept.sqlite")) as journal:
        assert len(journal) == 2 * 2 * 3
    more = answer_questions(engine(run), questions, task=task, settings=DRAWN, out=kept)
    with closing(Journal(tmp_path / "kept.sqlite")) as journal:
        assert len(journal) == 2 * 3 * 3
    assert [each for each in more if each.sample < 2] == first
    assert [len(mag.turns) for mag in read_mags(tmp_path / "kept.mags.jsonl")] == [9, 9]


def test_roles_can_be_untrained_and_left_out(run: Path, task: Task) -> None:
    questions = list(task.questions("test"))[:3]

    def asked(**settings: Any) -> list[tuple[str, str]]:
        wanted = GREEDY.model_copy(update=settings)
        jobs = [Job(question, 0, 0) for question in questions]
        team = engine(run)
        team.task = task
        outputs = [output for batch in team.answers(jobs, wanted) for _, output in batch]
        return [(turn.role, turn.model.rpartition("#")[2].partition("@")[0]) for turn in outputs[0].turns]

    assert asked(roles=("generator",)) == [("generator", "generator")]
    assert asked(roles=("generator", "refiner")) == [("generator", "generator"), ("refiner", "refiner")]
    assert asked(untrained=("verifier",)) == list(zip(ROLES, ("generator", "base", "refiner"), strict=True))
    assert asked(untrained=ROLES) == [(role, "base") for role in ROLES]
    with pytest.raises(ConfigError, match="no role 'verifyer'") as caught:
        asked(untrained=("verifyer",))
    assert "'verifier'" in caught.value.hint
    with pytest.raises(ConfigError, match="trained by sft, and not by 'dpo'"):
        asked(stage="dpo")


def test_a_team_answers_in_another_protocol(run: Path, task: Task, tmp_path: Path) -> None:
    questions = list(task.questions("test"))[:3]
    debating = GREEDY.model_copy(
        update={"protocol": ComponentChoice(name="debate", rounds=2), "untrained": ROLES, "temperature": 1.0}
    )
    found = answer_questions(engine(run), questions, task=task, settings=debating, out=tmp_path / "kept.jsonl")
    mags = list(read_mags(tmp_path / "kept.mags.jsonl"))
    for prediction, mag in zip(found, mags, strict=True):
        assert (mag.protocol, len(mag.turns)) == ("debate", 9)
        assert prediction.output_tokens == mag.usage.completion_tokens
        assert prediction.answer == mag.decision.answer
    twice = debating.model_copy(update={"samples": 2})
    more = answer_questions(engine(run), questions, task=task, settings=twice, out=tmp_path / "kept.jsonl")
    assert [each for each in more if each.sample == 0] == found
    kept = list(read_mags(tmp_path / "kept.mags.jsonl"))
    assert [mag.id for mag in kept] == [f"test-{place}{sample}" for place in range(3) for sample in ("", "#1")]
    assert kept[::2] == mags
    assert all(one.turns != other.turns for one, other in zip(kept[::2], kept[1::2], strict=True))


def test_a_team_of_another_protocol(run: Path, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    made = read_team(run / "student")
    assert made is not None
    roles = {"solver": "generator", "critic": "verifier"}
    settings = DRAWN.model_copy(update={"samples": 2})
    team = made.model_copy(update={"protocol": "solver-critic", "settings": {"max_turns": 4}, "roles": roles})
    found = answer_questions(engine(run, team), list(task.questions("test"))[:1], task=task, settings=settings)
    assert [each.sample for each in found] == [0, 1]
    monkeypatch.setattr(Debate, "min_agents", 2)
    alone = made.model_copy(update={"protocol": "debate", "roles": {"solver": "generator"}})
    seated = engine(run, alone)
    seated.task = task
    ((_, output),) = chain.from_iterable(seated.answers([Job(task.questions("test")[0], 0, 0)], GREEDY))
    assert {turn.agent for turn in output.turns} == {"solver", "agent-2"}


class Backwards(Protocol):
    """The second agent plans, the first solves, and then checks."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        solver, planner = agents
        plan = yield [self.ask(planner, role="planner", reply=FreeText())]
        yield [self.ask(solver, round=1, role="solver", seen=plan)]
        yield [self.ask(solver, round=2, role="checker")]
        return None

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return chat("", question.prompt, ask.role)


def test_in_each_role_its_own_adapter_speaks_whoever_has_the_role(run: Path, task: Task) -> None:
    """Not whichever adapter sits where the speaker does; of a role that nobody was trained in, the base speaks."""
    made = read_team(run / "student")
    assert made is not None
    roles = {"solver": "generator", "planner": "verifier"}
    registry = default_registry()
    registry.add("protocol", "backwards", Backwards)
    for agents in ((), ("ann", "ben"), ("ben", "ann")):
        write_team(run / "student", made.model_copy(update={"protocol": "backwards", "roles": roles, "agents": agents}))
        team = read_team(run / "student")
        assert team is not None
        seated = TeamEngine(run, team, registry)
        seated.task = task
        job = Job(task.questions("test")[0], 0, 0)
        ((_, output),) = chain.from_iterable(seated.answers([job], GREEDY))
        spoke = [(turn.role, turn.model.rpartition("#")[2].partition("@")[0]) for turn in output.turns]
        assert spoke == [("planner", "planner"), ("solver", "solver"), ("checker", "base")]
        with pytest.raises(ConfigError, match="leaves roles out, which protocol 'backwards' cannot do without"):
            next(seated.answers([job], GREEDY.model_copy(update={"roles": ("solver",)})))


def test_a_role_that_was_not_trained_moves_no_other(run: Path, task: Task) -> None:
    made = read_team(run / "student")
    assert made is not None
    seated = engine(run, made.model_copy(update={"roles": {role: role for role in ROLES[1:]}}))
    seated.task = task
    ((_, output),) = chain.from_iterable(seated.answers([Job(task.questions("test")[0], 0, 0)], GREEDY))
    spoke = [(turn.role, turn.model.rpartition("#")[2].partition("@")[0]) for turn in output.turns]
    assert spoke == list(zip(ROLES, ("base", *ROLES[1:]), strict=True))


def test_the_untrained_team_is_the_base_in_all_roles(run: Path, task: Task, tmp_path: Path) -> None:
    questions = list(task.questions("test"))[:2]
    plain = answer_questions(engine(run, untrained=True), questions, task=task, settings=GREEDY)
    assert plain != answer_questions(engine(run), questions, task=task, settings=GREEDY)
    none = GREEDY.model_copy(update={"untrained": ROLES})
    assert plain == answer_questions(engine(run), questions, task=task, settings=none)


def test_the_base_is_loaded_once(run: Path, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(trained.SharedBase, "_loaded", WeakValueDictionary())  # another test's may not be gone yet
    monkeypatch.setattr(trained, "load", lambda *given, **options: loaded.append(given) or load(*given, **options))
    answer_questions(engine(run), list(task.questions("test"))[:2], task=task, settings=GREEDY)
    assert len(loaded) == 1


def test_a_team_is_read_as_it_was_written_or_not_at_all(run: Path, tmp_path: Path) -> None:
    assert read_team(tmp_path) is None
    team = read_team(run / "student")
    assert team is not None
    write_team(tmp_path, team)
    assert read_team(tmp_path) == team
    for said, problem in (
        ({"roles": {"generator": "../elsewhere"}}, "no folder beside it"),
        ({"roles": {}}, "roles: "),
        ({"version": 2}, "version: "),
    ):
        (tmp_path / "team.json").write_text(json.dumps(team.model_dump() | said))
        with pytest.raises(DataError, match=problem):
            read_team(tmp_path)
