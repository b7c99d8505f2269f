"""Training from end to end, with a tiny student: what is written, said, resumed, refused."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainingArguments

from magdi.core.config.models import Training
from magdi.core.distill import arguments, vocabulary
from magdi.core.distill.arguments import schedule
from magdi.core.distill.processes import idle_devices
from magdi.core.distill.student import DistillStudent
from magdi.core.distill.trainer import DistillReport, distill
from magdi.core.errors import ConfigError, TrainingError
from magdi.core.mag import write_mags
from magdi.plugins.builtins import BUILTINS
from tests.core.distill.distill_models import make_mags, make_model, make_objectives
from tests.core.distill.distill_plain import MeanEncoder
from tests.core.distill.distill_runs import SHORT, run, run_beside, run_shared, shared_config
from tests.core.distill.ranks import ended_well, ranks
from tests.core.distill.test_distill_renewal import run_renewed
from tests.made_once import made_once

Load = Callable[..., DistillStudent]


def train(
    student: DistillStudent,
    out: Path,
    *,
    objectives: dict[str, dict[str, Any]] | None = None,
    told: list[Any] | None = None,
    **changes: Any,
) -> DistillReport:
    torch.manual_seed(0)
    return distill(
        make_mags(8),
        student,
        MeanEncoder(student.hidden_size),
        objectives=make_objectives(changes.get("level", "4"), **(objectives or {})),
        training=Training(**(SHORT | changes)),
        seed=1,
        out=out,
        on_metrics=(told if told is not None else []).append,
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}


def same(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_the_loss_falls_and_all_is_said(student: Load, tmp_path: Path, adaptation: str) -> None:
    told: list[Mapping[str, float]] = []
    report = train(student("llama", adaptation), tmp_path, told=told, steps=20)
    assert told[-1]["loss/positive"] < told[0]["loss/positive"] - 0.5
    terms = ("positive", "margin", "node")
    expected = {f"{what}/{term}" for what in ("loss", "weighted", "grad_norm") for term in terms}
    expected |= {"loss", "grad_norm", "learning_rate", "accuracy/pairs", "accuracy/nodes", "step"}
    expected |= {"tokens_per_second", "mags_per_second", "memory_mib", "threads", "progress", "passes"}
    assert expected <= told[0].keys()
    assert [line["step"] for line in told] == [1, *range(2, 21, 2)]
    assert told[0]["loss"] == pytest.approx(sum(told[0][f"weighted/{term}"] for term in terms), rel=1e-5)
    assert told[0]["weighted/margin"] == pytest.approx(0.1 * told[0]["loss/margin"], rel=1e-5)
    assert (report.steps, report.layout, report.level, report.mags) == (20, "tree", "4", 8)
    assert report.counts["used"] == 8
    assert not [*(tmp_path / "checkpoints").glob("checkpoint-*")]


def test_levels_without_an_encoder(student: Load, tmp_path: Path) -> None:
    told: list[Mapping[str, float]] = []
    report = distill(
        make_mags(4), student(), None, objectives=make_objectives("2"), training=Training(**SHORT | {"level": "2"}),
        seed=0, out=tmp_path, on_metrics=told.append,
    )  # fmt: skip
    assert "loss/margin" not in told[0]
    assert not (report.student / "heads.safetensors").exists()
    with pytest.raises(ConfigError, match="node: it needs a graph encoder"):
        distill(make_mags(4), student(), None, objectives=make_objectives(), training=Training(), seed=0, out=tmp_path)


def test_gradient_norms_are_the_terms_own(student: Load, tmp_path: Path) -> None:
    """With one term alone, its norm is the whole gradient's; with all, it is the same as alone."""
    norms = {}
    told: list[Mapping[str, float]]
    terms = ("positive", "margin", "node")
    for term in terms:
        told = []
        only = {name: {"weight": float(name == term)} for name in terms}
        train(student(), tmp_path / term, told=told, steps=1, objectives=only, max_grad_norm=1e9)
        (norms[term],) = [value for key, value in told[0].items() if key.startswith("grad_norm/")]
        if term == "positive":
            assert told[0]["grad_norm"] == pytest.approx(norms[term], rel=1e-5)
    told = []
    train(student(), tmp_path / "all", told=told, steps=1, objectives={term: {"weight": 1.0} for term in terms})
    together = [told[0][f"grad_norm/{term}"] for term in terms]
    assert together == pytest.approx(list(norms.values()), rel=1e-4)


def test_gradient_norms_are_taken_seldom_and_change_no_weight(student: Load, tmp_path: Path) -> None:
    weights = []
    for every, lines in ((3, [1, 4, 6]), (1, [1, 2, 4, 6])):
        told: list[Mapping[str, float]] = []
        trained = student()
        train(trained, tmp_path / str(every), told=told, steps=6, log_every=2, norms_every=every)
        assert [line["step"] for line in told if "grad_norm/node" in line] == lines
        weights.append([each.detach().clone() for each in trained.parameters()])
    assert all(map(torch.equal, *weights))


def test_forward_passes_change_nothing(student: Load, tmp_path: Path) -> None:
    """One MAG a forward pass, or all of a step in one: the same weights up to rounding."""
    one = train(student(), tmp_path / "one", tokens_per_batch=64, max_grad_norm=0.0, steps=2, learning_rate=1e-3)
    all_ = train(student(), tmp_path / "all", tokens_per_batch=1 << 20, max_grad_norm=0.0, steps=2, learning_rate=1e-3)
    a, b = weights(one.student), weights(all_.student)
    assert all(torch.allclose(a[name], b[name], atol=2e-5) for name in a)


def test_the_student_loads_where_magdi_is_not(student: Load, tmp_path: Path) -> None:
    folders = [str(train(student("llama", how), tmp_path / how, steps=2).student) for how in ("lora", "full")]
    script = f"""
import sys; sys.modules["magdi"] = None
from transformers import AutoModelForCausalLM, AutoTokenizer
for folder in {folders!r}:
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = AutoTokenizer.from_pretrained(folder)("w1 w2 w3", return_tensors="pt").input_ids
    print(model.generate(input_ids=ids, max_new_tokens=3, do_sample=False).shape[1])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert [int(line) > 3 for line in done.stdout.split()] == [True, True]
    assert not [file for folder in folders for file in Path(folder).glob("*.bin")]


def test_kill_9_and_resume_give_the_same_bits(
    family_path: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed after a checkpoint, started again: every weight, heads included, as if nothing had happened."""
    model, settings = family_path("llama"), {"steps": 40, "save_every": 10, "log_every": 1}
    run(model, tmp_path / "whole", "lora", **settings)
    broken = partial(run, model, tmp_path / "broken", "lora", **settings)
    with ranks(1, broken, tmp_path / "errors") as ((process,), printed):
        for line in printed:
            if float(line.split()[0]) >= 17:
                process.kill()
                break
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "broken" / "student").exists()
    capsys.readouterr()
    broken()
    assert capsys.readouterr().out.startswith("11.0 ")
    assert same(weights(tmp_path / "whole" / "student"), weights(tmp_path / "broken" / "student"))


def test_a_checkpoint_without_its_mark_is_not_used(student: Load, tmp_path: Path) -> None:
    from magdi.core.distill.checkpoints import mark_complete, newest

    for step in (4, 20, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    mark_complete(tmp_path / "checkpoint-4")
    mark_complete(tmp_path / "checkpoint-20")
    assert newest(tmp_path) == tmp_path / "checkpoint-20"


def test_checkpoints_of_another_run_are_refused(tmp_path: Path) -> None:
    from magdi.core.distill.checkpoints import claim, mark_complete

    claim(tmp_path, {"seed": 1})
    (tmp_path / "checkpoint-2").mkdir()
    claim(tmp_path, {"seed": 2})
    mark_complete(tmp_path / "checkpoint-2")
    with pytest.raises(TrainingError, match="another run: seed changed"):
        claim(tmp_path, {"seed": 1})


def look_for_what_is_left() -> None:
    """Ends with 9 where threads of gloo outlive the functions that are called when an interpreter ends."""
    for _ in range(30_000):
        if not any("gloo" in each.read_text() for each in Path("/proc/self/task").glob("*/comm")):
            return
        time.sleep(0.01)
    os._exit(9)


UNEVEN = {"steps": 4, "log_every": 1, "mags_per_step": 5}
OBJECTIVES = [each.name for each in BUILTINS["objective"]]


FEW = UNEVEN | {"mags_per_step": 1}


class Two(NamedTuple):
    """Where two processes wrote, and what they printed."""

    out: Path
    uneven: str
    few: str
    beside: dict[str, str]


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """What two processes print, by gloo: of the run that every test does, of one whose student is asked between passes
    (nothing), of one with a MAG a step, then of one beside each objective.

    The threads of the group end before the interpreter does: else it aborts now and then.
    """
    out = made_once(tmp_path_factory, "two", make_two)
    uneven, few, *beside = (out / "printed").read_text().split("#")
    return Two(out, uneven, few, dict(zip(OBJECTIVES, beside, strict=True)))


def make_two(out: Path) -> None:
    model, shared = make_model("llama", out), out / "shared"
    config = shared_config(shared)

    def next_run() -> None:
        print("#" if os.environ["RANK"] == "0" else "", flush=True)  # noqa: T201

    def work() -> None:
        atexit._clear()  # what is there is this process's
        atexit.register(look_for_what_is_left)  # after all other functions of this kind
        run(model, out / "run", "full", **UNEVEN)
        run_shared(config, shared)
        run_renewed(model, out / "renewed")
        next_run()
        run(model, out / "few", "full", **FEW)
        for name in OBJECTIVES:
            next_run()
            run_beside(name, model, out)
        atexit._run_exitfuncs()

    with ranks(2, work, out / "errors") as (begun, printed):
        (out / "printed").write_text(printed.read())
        ended_well(begun, out / "errors")


def test_two_processes_do_what_one_does(
    two: Two, family_path: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Same losses and gradient norms, up to rounding; the last step's MAGs do not divide."""
    run(family_path("llama"), tmp_path, "full", **UNEVEN)
    alone, shared = numbers(capsys.readouterr().out), numbers(two.uneven)
    assert [line[0] for line in shared] == [1, 2, 3, 4]
    assert shared[0] == pytest.approx(alone[0], rel=1e-5)
    assert shared == [pytest.approx(line, rel=1e-3) for line in alone]


def test_a_process_without_a_mag_keeps_nobody_waiting(
    two: Two, family_path: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A role of which there is one MAG, or the last step of a pass: one process learns, the other is there."""
    run(family_path("llama"), tmp_path, "full", **FEW)
    alone = numbers(capsys.readouterr().out)
    assert len(alone) == 4
    assert numbers(two.few) == [pytest.approx(line, rel=1e-3) for line in alone]


def test_processes_go_by_what_the_first_has_found(two: Two) -> None:
    """It takes back a student that is not as it was left, and writes which MAGs are learned from; no question is asked
    again, which is for one process alone."""
    assert [(two.out / f"shared.{rank}").read_text() for rank in range(2)] == ["written read 4", "read 4"]


def test_two_processes_learn_from_the_answers_that_one_would(
    two: Two, family_path: Callable[[str], Path], tmp_path: Path
) -> None:
    """The student is asked between passes: the same MAGs, and weights up to rounding."""
    run_renewed(family_path("llama"), tmp_path)
    assert (two.out / "renewed" / "renewed.jsonl").read_bytes() == (tmp_path / "renewed.jsonl").read_bytes()
    alone, shared = weights(tmp_path / "student"), weights(two.out / "renewed" / "student")
    assert max(float((alone[name] - shared[name]).abs().max()) for name in alone) < 1e-5


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_process_with_nothing_for_an_objective_keeps_nobody_waiting(
    name: str, two: Two, family_path: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The head is untied, and only some objectives use it: what the others leave without a gradient is looked for."""
    run_beside(name, family_path("llama"), tmp_path)
    alone = numbers(capsys.readouterr().out)
    assert len(alone) == 4
    assert numbers(two.beside[name]) == [pytest.approx(line, rel=1e-3) for line in alone]
    looks = name in ("margin", "node")
    assert [(two.out / f"{name}.{rank}").read_text() for rank in range(2)] == [f"looks for some: {looks}"] * 2


def test_one_process_takes_one_device_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several GPUs in sight the Trainer would wrap the model in DataParallel."""

    class OnFourGpus(TrainingArguments):  # type: ignore[misc]
        def __post_init__(self) -> None:
            super().__post_init__()
            self._n_gpu = 4

    assert idle_devices() == ""
    monkeypatch.setattr(arguments, "TrainingArguments", OnFourGpus)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    made = arguments.training_arguments(Training(), steps=1, seed=0, precision="no", folder=tmp_path)
    assert (made.n_gpu, made.parallel_mode.value) == (1, "not_parallel")
    assert idle_devices() == "training on one of 4 GPUs; --processes 4 takes all"
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert idle_devices() == ""


def test_training_goes_on_with_the_threads_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another machine, or a busier one: sums, and so weights, may depend on their number."""
    from magdi.core.distill.checkpoints import claim, mark_complete

    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert claim(tmp_path, {"seed": 1}, 3) == 3
    assert claim(tmp_path, {"seed": 1}, 2) == 2
    (tmp_path / "checkpoint-2").mkdir()
    mark_complete(tmp_path / "checkpoint-2")
    assert claim(tmp_path, {"seed": 1}, 4) == 2
    (tmp_path / "identity.json").write_text('{"seed": 1, "threads": 1000000000}')
    assert claim(tmp_path, {"seed": 1}, 4) == 4


def numbers(text: str) -> list[list[float]]:
    return [[float(part) for part in line.split()] for line in text.splitlines() if line]


def test_early_stopping_keeps_the_best(student: Load, tmp_path: Path) -> None:
    """A learning rate that destroys the student: the validation loss rises, training stops, the best is kept."""
    told: list[Mapping[str, float]] = []
    report = train(student(), tmp_path, told=told, steps=40, save_every=2, validation=0.3, patience=2, learning_rate=3)
    losses = {line["step"]: line["eval_loss"] for line in told if "eval_loss" in line}
    assert report.steps < 40
    assert report.best == min(losses, key=lambda step: losses[step])
    assert report.mags == 6


def test_losses_that_are_not_finite_name_their_mags(
    student: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = student()
    with torch.no_grad():
        loaded.base.model.norm.weight.mul_(float("nan"))
    with pytest.raises(TrainingError, match="differ by nan|not a finite number"):
        train(loaded, tmp_path, layout="padded")
    with torch.no_grad():
        loaded.base.model.norm.weight.fill_(1.0)
    sums = vocabulary.cross_entropy
    monkeypatch.setattr(vocabulary, "cross_entropy", lambda *given: sums(*given) * float("inf"))
    with pytest.raises(TrainingError, match="not a finite number"):
        train(loaded, tmp_path / "two")
    failed = json.loads((tmp_path / "two" / "failed_batch.json").read_text())
    assert failed["step"] == 0
    assert len(failed["mags"]) == 3


def test_out_of_memory_says_what_to_turn(student: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from magdi.core.distill.losses import MagLosses

    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(MagLosses, "forward", full)
    with pytest.raises(TrainingError, match="out of memory") as caught:
        train(student(), tmp_path)
    assert "tokens_per_batch" in caught.value.hint


def test_a_level_with_nothing_to_train_on(student: Load, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no agent 'Eve'"):
        train(student(), tmp_path, level="single-teacher:Eve")


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_file_of_mags_trains_like_a_list(
    student: Load, tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magdi.core.distill.corpus.SMALL_FILE", small)
    write_mags(tmp_path / "mags.jsonl", make_mags(8))
    listed = train(student(), tmp_path / "list")
    loaded = student()
    torch.manual_seed(0)
    streamed = distill(
        tmp_path / "mags.jsonl", loaded, MeanEncoder(32), objectives=make_objectives(), training=Training(**SHORT),
        seed=1, out=tmp_path / "stream", cache=tmp_path / "cache",
    )  # fmt: skip
    assert same(weights(listed.student), weights(streamed.student))


def test_schedules() -> None:
    margin = make_objectives(margin={"weight": 0.2, "anneal": 0.5})["margin"]
    assert [margin.weight(step, 8) for step in (0, 2, 4, 6)] == [0.2, 0.1, 0.0, 0.0]
    assert make_objectives()["margin"].weight(5, 8) == 0.1
    assert schedule(Training(final_lr_ratio=0.1))[0] == "cosine_with_min_lr"
    assert schedule(Training(scheduler="linear", final_lr_ratio=0.1))[0] == "polynomial"
    with pytest.raises(ConfigError, match="final_lr_ratio"):
        schedule(Training(scheduler="constant", final_lr_ratio=0.1))
