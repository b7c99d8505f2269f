"""Time, GPU memory and disk of a plan: by earlier runs, by rates, by a model's size."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any, cast

import pytest

import magdi
from magdi.core.config.models import Lora, RunConfig, Student, TinyBase
from magdi.core.discussion.seat import Seat
from magdi.core.protocol import Agent
from magdi.plugins.manager import load_plugins
from magdi.plugins.runs.discussion_plan import AgentPlan, Amount, DiscussionPlan
from magdi.plugins.runs.earlier import Earlier, Past, Rate
from magdi.plugins.runs.model_size import ModelSize
from magdi.plugins.runs.plan import plan_run
from magdi.plugins.runs.stage_costs import LONGEST, Range, TrainingLoad, gpu_memory, learning, talking
from magdi.plugins.teachers.openai import OpenAITeacher

GIB = 2**30
TALK: dict[str, Any] = {"done": True, "seconds": 60.0, "tokens": {"prompt": 9000.0, "completion": 1200.0}}
TALK |= {"mags": {"count": 10, "turns": 30, "teachers": {"simulated:careful#0-9ec963c73de3": 30}}}
TRAINING: dict[str, Any] = {
    "done": True,
    "seconds": 50.0,
    "training": {"steps": 20, "metrics": {"mags_per_second": 4.0}},
}
ANSWERS: dict[str, Any] = {"done": True, "seconds": 11.0, "student": {"count": 100, "samples": 1}}


def config(**sections: Any) -> RunConfig:
    return RunConfig.model_validate({"training": {"mags_per_step": 8}, **sections})


@pytest.fixture
def mistral(tmp_path: Path) -> Path:
    sizes = {"hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "num_hidden_layers": 32}
    sizes |= {"intermediate_size": 14336, "vocab_size": 32000}
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    return tmp_path


def test_a_size_is_read_from_the_configuration_or_the_name(mistral: Path) -> None:
    read, named = ModelSize.of_model(str(mistral)), ModelSize.of_model("someone/Model-7B-Instruct")
    assert read is not None
    assert named is not None
    assert read.params == pytest.approx(7.24e9, rel=0.01)
    assert read.adapter(Lora()) == 32 * 16 * (2 * 4096 + 4096 + 1024)
    assert (named.params, named.layers) == (7e9, 32)
    assert named.hidden == pytest.approx(4096, rel=0.05)
    assert ModelSize.of_model("someone/model-with-no-size") is None
    assert ModelSize.of_tiny(TinyBase()).params < 1e6


def test_memory_is_that_of_weights_and_saved_activations(mistral: Path) -> None:
    lessons, size = TrainingLoad(10, 16, Range(850.0, 2200.0)), ModelSize.of_model(str(mistral))

    def expected(**student: Any) -> float:
        found = gpu_memory(lessons, config(student={"model": str(mistral), **student}), size, Earlier(()))
        assert found.expected is not None
        assert found.most is not None
        assert found.expected < found.most
        return found.expected

    adapter = expected()
    assert adapter == pytest.approx(14.5e9 + 4096 * 5.25 * 2**20, rel=0.06)  # by meta tensors
    assert expected(adaptation="full") > 100 * GIB > 40 * GIB > adapter
    assert expected(quantization="4bit") < adapter - 8 * GIB
    assert expected(gradient_checkpointing=True) < adapter - 8 * GIB


def test_what_is_not_known_is_not_made_up() -> None:
    lessons, unknown = TrainingLoad(10, 16, Range(850.0, 2200.0)), config(student={"model": "some/model"})
    assert gpu_memory(lessons, unknown, None, Earlier(())) == (None, None)
    assert learning(lessons, unknown, None, Earlier(())).seconds == (None, None)


def test_earlier_runs_go_before_rates() -> None:
    one = config()
    stages: Any = {"discussion": TALK, "distillation": TRAINING, "evaluation": ANSWERS}
    earlier = Earlier([Past(one, stages, "CPU")])
    teachers = {"simulated:careful#0-9ec963c73de3"}
    assert earlier.characters(teachers) == {min(teachers): 160.0}
    assert earlier.a_discussion(teachers, one) == {"calls": 3, "prompt_tokens": 900, "completion_tokens": 120}
    assert earlier.a_discussion(teachers, config(protocol={"name": "debate"})) is None
    assert earlier.seconds_a_call(teachers) == Rate(2.0, 2.0, 1, 0.0)
    assert earlier.seconds_a_step(one) == Rate(2.0, 2.0, 1, 10.0)
    assert earlier.seconds_an_answer(one) == Rate(0.1, 0.1, 1, 1.0)
    assert earlier.seconds_a_step(config(student=Student(model="another"))) is None
    took = learning(TrainingLoad(100, 8, Range(1.0, 1.0)), one, None, earlier)
    assert (took.seconds.expected, took.by) == (210.0, "an earlier run")
    assert took.seconds.most is not None
    assert took.seconds.most > 210


@pytest.mark.parametrize(
    ("held", "in_flight", "expected", "by"),
    [
        (10, 256, 60.0 * 30 / 6.4, "an earlier run, with fewer discussions at once"),
        (10, 10, 60.0 * 30, "an earlier run"),
        (300, 256, 60.0, "an earlier run"),
    ],
)
def test_few_discussions_with_a_server_wait_as_long_as_many_side_by_side(
    held: int, in_flight: int, expected: float, by: str
) -> None:
    teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url="http://localhost:1/v1", concurrency=64))
    talk = TALK | {"mags": {"count": held, "turns": 3 * held, "teachers": {teacher.identity: 3 * held}}}
    calls = Amount(calls=900)
    plan = DiscussionPlan(300, (AgentPlan("a", teacher.identity, False, calls, calls),), calls)
    one, stages = config(discussion={"in_flight": in_flight}), cast(Any, {"discussion": talk})
    took = talking(plan, [Seat(Agent("a"), teacher)], one, Earlier([Past(one, stages, "CPU")]))
    assert took.seconds.expected == pytest.approx(expected)
    assert took.by == by
    assert took.seconds.most == pytest.approx(LONGEST * 60 * 300 / held), "a server may be as busy as it can be"


def test_a_plan_reads_the_runs_that_are_there(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"task": {"name": "arithmetic", "train": 40}, "protocol": "debate"}
    run = magdi.discuss(out=tmp_path / "runs" / "a", limit=30, **settings)
    found = Earlier.find(tmp_path / "runs", tmp_path / "nowhere")
    one = RunConfig.model_validate({**settings, "protocol": {"name": "debate"}, "discussion": {"questions": 40}})
    plan: Any = plan_run(one, load_plugins(found=[]).registry, "discussion", found)
    record = json.loads((tmp_path / "runs" / "a" / "run.json").read_text())["stages"]["discussion"]
    assert plan["by"] == {"discussion": "an earlier run"}
    assert plan["expected"]["prompt_tokens"] == round(record["tokens"]["prompt"] * 40 / 30)
    assert plan["expected"]["seconds"] == round(record["seconds"] * 40 / 30)
    kept = sum((Path(run["run"]) / name).stat().st_size for name in ("mags.jsonl", "journal.sqlite"))
    assert kept * 40 / 30 / 1.5 <= plan["expected"]["disk"] <= kept * 40 / 30 * 1.5


def test_runs_of_other_machines_and_torn_ones_are_passed_over(tmp_path: Path) -> None:
    for name, text in {
        "elsewhere": json.dumps({"host": "x" + platform.node(), "stages": {"a": {}}}),
        "torn": "{",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("seed: 0\n")
        (tmp_path / name / "run.json").write_text(text)
    assert Earlier.find(tmp_path)._runs == []
