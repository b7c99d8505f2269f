"""Weights spread over processes (FSDP2, ZeRO; gloo): losses, norms and weights are those of one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.util import find_spec
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.fsdp._fully_shard import _fsdp_param_group

from magdi.cli.launch import ENGINES
from magdi.core.config.models import Lora, Student, Training
from magdi.core.distill.student import load_student
from magdi.core.distill.trainer import distill
from magdi.core.errors import TrainingError
from magdi.core.threads import threads
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import MeanEncoder
from tests.core.distill.ranks import ended_well, ranks
from tests.core.distill.test_distill_renewal import run_renewed

OBJECTIVES = {"margin": {"anneal": 0.8}, "node": {"anneal": 0.8}, "dpo": {"weight": 0.5}}
ZERO = pytest.mark.skipif(find_spec("deepspeed") is None, reason="DeepSpeed is not installed: make zero")
SETTINGS = {"learning_rate": 1e-2, "steps": 4, "mags_per_step": 5, "log_every": 1, "save_every": 2}


def train(model: Path, out: Path, adaptation: str, objectives: Mapping[str, Any] | None = None, **settings: Any) -> Any:
    """Trains without dropout on one thread; prints every line of metrics."""
    student = load_student(
        Student(adaptation=adaptation, lora=Lora(r=4, dropout=0), max_length=200), path=model, seed=3
    )
    torch.manual_seed(0)
    with threads(1):
        return distill(
            make_mags(8),
            student,
            MeanEncoder(student.hidden_size),
            objectives=make_objectives(**(objectives or OBJECTIVES)),
            training=Training(**(SETTINGS | settings)),
            seed=1,
            out=out,
            on_metrics=lambda line: print(json.dumps(dict(line)), flush=True),  # noqa: T201
        )


@contextmanager
def counted_gathers() -> Iterator[list[None]]:
    """Counts how often weights that FSDP2 has spread are gathered."""
    found: list[None] = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        found.append(None)
        return gather(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        gather = _fsdp_param_group.foreach_all_gather  # type: ignore[attr-defined]
        patch.setattr(_fsdp_param_group, "foreach_all_gather", counted)
        yield found


def sharded(
    engine: str, processes: int, model: Path, out: Path, adaptation: str, **settings: Any
) -> AbstractContextManager[tuple[list[BaseProcess], TextIO]]:
    """The same in several processes."""

    def work() -> None:
        with counted_gathers() as gathers:
            train(model, out, adaptation, **settings)
        print(json.dumps({"gathers": len(gathers)}), flush=True)  # noqa: T201

    return ranks(processes, prepared(engine, work), out.parent / "errors", ENGINES[engine])


def prepared(engine: str, work: Callable[[], None]) -> Callable[[], None]:
    """The same, where there may be no compiler, which DeepSpeed would look for."""

    def prepared_work() -> None:
        if engine.startswith("zero"):
            import deepspeed

            deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
        work()

    return prepared_work


def told(text: str) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    kept = ("loss", "grad_norm")
    return [{key: value for key, value in line.items() if key.startswith(kept)} for line in lines if "loss" in line]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    files = sorted((folder / "student").glob("*.safetensors"))
    assert len(files) == 2  # the student or its adapter, and the heads
    return {f"{file.name}/{name}": tensor for file in files for name, tensor in load_file(file).items()}


def assert_alike(found: Path, expected: Path, but: str = "") -> None:
    one, other = weights(found), weights(expected)
    assert one.keys() == other.keys()
    compared = [name for name in one if not but or not name.startswith(but)]
    assert max(float((one[name] - other[name]).abs().max()) for name in compared) < 1e-5


@pytest.mark.parametrize(
    ("engine", "adaptation", "processes", "budget"),
    [
        ("fsdp2", "lora", 2, 4096),
        ("fsdp2", "full", 3, 64),
        ("fsdp2-grads", "lora", 2, 4096),
        ("fsdp2-grads", "full", 3, 64),
        pytest.param("zero2", "full", 2, 64, marks=ZERO),
        pytest.param("zero3", "full", 3, 64, marks=ZERO),
        pytest.param("zero3", "lora", 2, 4096, marks=ZERO),
    ],
)
def test_shards_do_what_one_process_does(
    family_path: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    adaptation: str,
    processes: int,
    budget: int,
) -> None:
    """A budget of 64 tokens is one MAG a pass, so that processes have different numbers of passes.

    Of eight MAGs a pass's last step has one, and no process but the first has any.
    """
    model = family_path("llama")
    given: dict[str, Any] = {"tokens_per_batch": budget, "mags_per_step": 7}
    train(model, tmp_path / "one", adaptation, **given)
    alone = told(capsys.readouterr().out)
    with sharded(engine, processes, model, tmp_path / "many", adaptation, **given) as (begun, printed):
        many = told(printed.read())
        ended_well(begun, tmp_path / "errors")
    assert len(many) == 4
    if budget < 4096 or engine.startswith("zero"):  # norms of terms are those of the first pass alone; ZeRO has none
        alone, many = ([{key: line[key] for key in ("loss", "grad_norm")} for line in lines] for lines in (alone, many))
    assert many == [pytest.approx(line, rel=1e-4) for line in alone]
    assert_alike(tmp_path / "many", tmp_path / "one")


def test_weights_that_stay_gathered_are_gathered_less(family_path: Callable[[str], Path], tmp_path: Path) -> None:
    model, gathers = family_path("llama"), {}
    for engine in ("fsdp2", "fsdp2-grads"):
        with sharded(engine, 2, model, tmp_path / engine, "full", steps=2) as (begun, printed):
            lines = [json.loads(line) for line in printed if line.startswith("{")]
            ended_well(begun, tmp_path / "errors")
        gathers[engine] = next(line["gathers"] for line in lines if "gathers" in line)
    assert 0 < gathers["fsdp2-grads"] < gathers["fsdp2"]


@pytest.mark.parametrize("engine", ["fsdp2", "fsdp2-grads"])
def test_a_checkpoint_follows_an_evaluation(family_path: Callable[[str], Path], tmp_path: Path, engine: str) -> None:
    """An evaluation leaves weights gathered, as no backward pass follows that would give them back."""
    model = family_path("llama")
    given: dict[str, Any] = {"validation": 0.3, "mags_per_step": 5}
    train(model, tmp_path / "one", "lora", **given)
    with sharded(engine, 2, model, tmp_path / "many", "lora", **given) as (begun, printed):
        printed.read()
        ended_well(begun, tmp_path / "errors")
    assert_alike(tmp_path / "many", tmp_path / "one")


@pytest.mark.parametrize(
    ("engine", "afterwards"),
    [
        ("fsdp2", "fsdp2"),
        ("fsdp2", "fsdp2-grads"),
        pytest.param("zero2", "zero2", marks=ZERO),
        pytest.param("zero3", "zero3", marks=ZERO),
    ],
)
def test_killed_with_three_processes_and_resumed_with_two(
    family_path: Callable[[str], Path], tmp_path: Path, engine: str, afterwards: str
) -> None:
    model = family_path("llama")
    train(model, tmp_path / "one", "full", steps=8)
    with sharded(engine, 3, model, tmp_path / "many", "full", steps=8) as (begun, printed):
        for line in printed:
            if line.startswith("{") and json.loads(line)["step"] == 5:
                break
        for process in begun:
            process.kill()
    assert (tmp_path / "many" / "checkpoints" / "checkpoint-4" / "complete").exists()
    with sharded(afterwards, 2, model, tmp_path / "many", "full", steps=8) as (begun, printed):
        again = told(printed.read())
        ended_well(begun, tmp_path / "errors")
    assert len(again) in (2, 4)  # from step 4 on, or 6 where that was written before the kill
    idle = "heads" if engine.startswith("zero") else ""  # whose objectives have ended: ZeRO lets them go on by momentum
    assert_alike(tmp_path / "many", tmp_path / "one", but=idle)


@pytest.mark.parametrize(
    "engine", ["fsdp2", "fsdp2-grads", pytest.param("zero2", marks=ZERO), pytest.param("zero3", marks=ZERO)]
)
def test_a_sharded_student_is_asked_between_passes(
    family_path: Callable[[str], Path], tmp_path: Path, engine: str
) -> None:
    """Seven questions, one after the other: one process asks four of them, the other three."""
    asking = partial(run_renewed, family_path("llama"), count=7, at_once=1)
    asking(tmp_path / "one")
    work = prepared(engine, partial(asking, tmp_path / "many"))
    with ranks(2, work, tmp_path / "errors", ENGINES[engine]) as (begun, _):
        ended_well(begun, tmp_path / "errors")
    kept = [(tmp_path / run / "renewed.jsonl").read_text() for run in ("one", "many")]
    assert kept[0] == kept[1]
    assert_alike(tmp_path / "many", tmp_path / "one")


def test_what_was_sharded_goes_on_sharded(
    family_path: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tmp_path / "checkpoints" / "checkpoint-2"
    (checkpoint / "shards").mkdir(parents=True)
    from magdi.core.distill import sharding
    from magdi.core.distill.checkpoints import load_trained

    with pytest.raises(TrainingError, match="is sharded"):
        load_trained(torch.nn.Linear(2, 2), checkpoint)
    with pytest.raises(TrainingError, match="is not sharded"):
        sharding.load(torch.nn.Linear(2, 2), None, tmp_path)


def test_gathering_keeps_ties() -> None:
    from magdi.core.distill.sharding import gathered

    tied = torch.ones(3)
    found = gathered({"a": tied, "b": tied, "c": torch.zeros(3)})
    assert found["a"] is found["b"]
    assert found["c"] is not found["a"]
    assert gathered({"a": tied}, keep=False) == {}
