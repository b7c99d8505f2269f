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
ONE_A_PASS = {"tokens_per_batch": 64}
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
    ("engines", "adaptation", "processes", "given"),
    [
        (("fsdp2", "fsdp2-grads"), "lora", 2, {"validation": 0.3}),
        (("fsdp2", "fsdp2-grads"), "full", 2, ONE_A_PASS),
        pytest.param(("zero2",), "full", 2, ONE_A_PASS, marks=ZERO),
        pytest.param(("zero3",), "full", 3, ONE_A_PASS, marks=ZERO),
        pytest.param(("zero3",), "lora", 2, {}, marks=ZERO),
    ],
)
def test_shards_do_what_one_process_does(
    family_path: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    engines: tuple[str, ...],
    adaptation: str,
    processes: int,
    given: dict[str, Any],
) -> None:
    """With one MAG a pass processes have different numbers of passes; of eight MAGs a pass's last step has one, and no
    process but the first has any. A checkpoint follows an evaluation, which leaves weights gathered, as no backward
    pass follows that would give them back."""
    model = family_path("llama")
    train(model, tmp_path / "one", adaptation, mags_per_step=7, **given)
    alone, gathers = told(capsys.readouterr().out), []
    for engine in engines:
        out = tmp_path / engine
        with sharded(engine, processes, model, out, adaptation, mags_per_step=7, **given) as (begun, printed):
            said = printed.read()
            ended_well(begun, tmp_path / "errors")
        many = told(said)
        assert len(many) == 4
        terms = not given.get("tokens_per_batch") and not engine.startswith("zero")  # their norms are the first pass's
        assert seen(many, terms) == [pytest.approx(line, rel=1e-4) for line in seen(alone, terms)]
        assert_alike(out, tmp_path / "one")
        gathers += [json.loads(line)["gathers"] for line in said.splitlines() if line.startswith('{"gathers"')][:1]
    if adaptation == "full" and len(engines) > 1:
        assert 0 < gathers[1] < gathers[0], "weights that stay gathered are gathered less often"


def seen(lines: list[dict[str, float]], terms: bool) -> list[dict[str, float]]:
    return lines if terms else [{key: line[key] for key in ("loss", "grad_norm")} for line in lines]


@pytest.mark.parametrize(
    ("engine", "afterwards"),
    [
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
    "engines",
    [("fsdp2", "fsdp2-grads"), pytest.param(("zero2",), marks=ZERO), pytest.param(("zero3",), marks=ZERO)],
)
def test_a_sharded_student_is_asked_between_passes(
    family_path: Callable[[str], Path], tmp_path: Path, engines: tuple[str, ...]
) -> None:
    """Seven questions, one after the other: one process asks four of them, the other three."""
    asking = partial(run_renewed, family_path("llama"), count=7, at_once=1)
    asking(tmp_path / "one")
    for engine in engines:
        out = tmp_path / engine
        with ranks(2, prepared(engine, partial(asking, out)), tmp_path / "errors", ENGINES[engine]) as (begun, _):
            ended_well(begun, tmp_path / "errors")
        kept = [(run / "renewed.jsonl").read_text() for run in (tmp_path / "one", out)]
        assert kept[0] == kept[1]
        assert_alike(out, tmp_path / "one")


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
