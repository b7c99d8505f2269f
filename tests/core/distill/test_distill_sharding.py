"""Weights spread over processes (FSDP2, ZeRO; gloo): losses, norms and weights are those of one process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from magdi.cli.run import ENGINES
from magdi.core.config.models import Lora, Student, Training
from magdi.core.distill.student import load_student
from magdi.core.distill.trainer import distill
from magdi.core.errors import TrainingError
from magdi.core.threads import threads
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import MeanEncoder

OBJECTIVES = {"margin": {"anneal": 0.8}, "node": {"anneal": 0.8}, "dpo": {"weight": 0.5}}
ROOT = Path(__file__).parents[3]
ZERO = pytest.mark.skipif(find_spec("deepspeed") is None, reason="DeepSpeed is not installed: make zero")
NO_COMPILER = "import deepspeed; deepspeed.ops.__compatible_ops__['deepspeed_shm_comm'] = False"
SETTINGS = {"learning_rate": 1e-2, "steps": 4, "mags_per_step": 5, "log_every": 1, "save_every": 2}
UNEVEN = {"steps": 8, "mags_per_step": 7, "tokens_per_batch": 64}
"""One MAG a pass, so that processes have different numbers of them; every other step has a single MAG for them all."""
BROKEN = 5
"""After this step a run is killed, or copied as if it had been."""

Told = Callable[[Mapping[str, float]], None]


def tell(line: Mapping[str, float]) -> None:
    print(json.dumps(dict(line)), flush=True)  # noqa: T201


def train(model: Path, out: Path, adaptation: str, told: Told = tell, **settings: Any) -> None:
    """Trains without dropout on one thread; tells every line of metrics."""
    student = load_student(
        Student(adaptation=adaptation, lora=Lora(r=4, dropout=0), max_length=200), path=model, seed=3
    )
    torch.manual_seed(0)
    with threads(1):
        distill(
            make_mags(8),
            student,
            MeanEncoder(student.hidden_size),
            objectives=make_objectives(**OBJECTIVES),
            training=Training(**(SETTINGS | settings)),
            seed=1,
            out=out,
            on_metrics=told,
        )


def three(model: Path, out: Path, engines: Sequence[str]) -> None:
    """What each of three processes does: trains by each engine, and waits to be killed in the midst of the last."""
    for engine in engines:
        last, kept = engine == engines[-1], out / engine / "kept"
        taking(engine)
        train(model, kept if last else out / engine / "whole", "full", tell if last else copying(kept), **UNEVEN)


def copying(kept: Path) -> Told:
    """Tells a line, and copies what a kill would have left."""

    def told(line: Mapping[str, float]) -> None:
        tell(line)
        if line["step"] == BROKEN and "loss" in line:
            shutil.copytree(kept.with_name("whole") / "checkpoints", kept / "checkpoints")

    return told


def two(model: Path, out: Path, engines: Sequence[str]) -> None:
    """What each of two processes does: goes on from what three left, then trains an adapter."""
    for engine in engines:
        taking(engine)
        train(model, out / engine / "kept", "full", **UNEVEN)
        if os.environ["RANK"] == "0":
            tell({"step": -1})
        train(model, out / engine / "adapter", "lora")


def taking(engine: str) -> None:
    """Has the trainings that follow take an engine."""
    AcceleratorState._reset_state()
    os.environ.update(ENGINES[engine])
    if os.environ["RANK"] == "0":
        tell({"step": 0})


def begun(processes: int, does: Callable[..., None], *arguments: object) -> subprocess.Popen[str]:
    """The same in several processes."""
    model, out, engines = arguments
    code = "\n".join(
        [
            "import sys",
            NO_COMPILER if "zero2" in str(engines) else "",
            f"sys.path[:0] = [{str(ROOT)!r}]",
            "from pathlib import Path",
            f"from tests.core.distill.test_distill_sharding import {does.__name__}",
            f"{does.__name__}(Path({str(model)!r}), Path({str(out)!r}), {engines!r})",
        ]
    )
    script = Path(f"{out}.{processes}.py")
    script.write_text(code)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = os.environ | ENGINES["fsdp2" if "fsdp2" in str(engines) else "zero2"]
    return subprocess.Popen(
        [*launch, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


Lines = list[dict[str, float]]


def lines(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def by_engine(told: Lines, mark: int = 0) -> list[Lines]:
    """Returns what was told of each training, from a mark on to the next."""
    starts = [place for place, line in enumerate(told) if line["step"] == mark]
    return [told[start + 1 : end] for start, end in zip_longest(starts, starts[1:])]


def losses(told: Lines, *kinds: str) -> Lines:
    found = [{key: line[key] for key in line if key in ("step", *kinds)} for line in told if "loss" in line]
    return [line for line in found if line["step"] > 0]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    files = sorted((folder / "student").glob("*.safetensors"))
    assert len(files) == 2  # the student or its adapter, and the heads
    return {f"{file.name}/{name}": tensor for file in files for name, tensor in load_file(file).items()}


def assert_alike(found: Path, expected: Path, but: str = "") -> None:
    one, other = weights(found), weights(expected)
    assert one.keys() == other.keys()
    compared = [name for name in one if not but or not name.startswith(but)]
    assert max(float((one[name] - other[name]).abs().max()) for name in compared) < 1e-5


class Alone(NamedTuple):
    """What one process did: a whole student in uneven steps, and an adapter."""

    out: Path
    whole: Lines
    adapter: Lines


@pytest.fixture(scope="module")
def alone(family_path: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Alone:
    out, whole, adapter = tmp_path_factory.mktemp("alone"), list[Any](), list[Any]()
    train(family_path("llama"), out / "whole", "full", whole.append, **UNEVEN)
    train(family_path("llama"), out / "adapter", "lora", adapter.append)
    return Alone(out, whole, adapter)


@pytest.mark.parametrize("engines", [("fsdp2",), pytest.param(("zero2", "zero3"), marks=ZERO)])
def test_shards_do_what_one_process_does(
    family_path: Callable[[str], Path], tmp_path: Path, alone: Alone, engines: tuple[str, ...]
) -> None:
    """Three processes, of which one is killed; two go on, and train an adapter besides. A start takes long."""
    out, kinds = tmp_path / "many", ("loss", "grad_norm")
    process = begun(3, three, family_path("llama"), out, engines)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if len(by_engine(lines(said))) == len(engines) and lines(line) and lines(line)[0]["step"] == BROKEN:
            break
    subprocess.run(["pkill", "-9", "-P", str(process.pid)], check=False)
    process.kill()
    error = process.communicate()[1]
    assert len(by_engine(lines(said))) == len(engines), error
    for told in by_engine(lines(said)):
        assert losses(told, *kinds)[:BROKEN] == [
            pytest.approx(line, rel=1e-4) for line in losses(alone.whole, *kinds)[:BROKEN]
        ]
    process = begun(2, two, family_path("llama"), out, engines)
    said, error = process.communicate()
    assert process.returncode == 0, error
    for engine, told in zip(engines, by_engine(lines(said)), strict=True):
        idle = "" if engine == "fsdp2" else "heads"  # whose objectives have ended: ZeRO lets them go on by momentum
        assert_alike(out / engine / "kept", alone.out / "whole", but=idle)
        assert_alike(out / engine / "adapter", alone.out / "adapter")
        (adapter,) = by_engine(told, -1)
        resumed = len(losses(told, *kinds)) - len(losses(adapter, *kinds))
        assert resumed in (2, 4)  # from step 4 on, or 6 where that was written before the kill
        if engine == "fsdp2":  # ZeRO has no norms of single objectives
            kinds = (*kinds, *(f"grad_norm/{name}" for name in ("positive", *OBJECTIVES)))
        assert losses(adapter, *kinds) == [pytest.approx(line, rel=1e-4) for line in losses(alone.adapter, *kinds)]
    if engines[0] == "zero2":
        assert_alike(out / "zero2" / "whole", alone.out / "whole", but="heads")


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
