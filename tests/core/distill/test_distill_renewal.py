"""MAGs that the student's own answers join between passes: when, by which student, and after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from accelerate import PartialState
from safetensors.torch import load_file

from magdi.core.config.models import Evaluation, Student, Training
from magdi.core.distill.renewal import AGENT, Renewal
from magdi.core.distill.student import DistillStudent, load_student
from magdi.core.distill.trainer import DistillReport, distill
from magdi.core.errors import ConfigError
from magdi.core.mag import Mag, Question, Turn, read_mags
from magdi.core.task import Task
from magdi.core.threads import threads
from magdi.plugins.generation.on_policy import OnPolicy
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import MeanEncoder
from tests.core.distill.distill_runs import SHORT

Load = Callable[..., DistillStudent]
SETTINGS = SHORT | {"refresh": 1, "mags_per_step": 4, "steps": 6, "save_every": 2, "log_every": 1}
"""Two steps a pass, so that the MAGs are renewed before steps 2 and 4."""


class Killed(BaseException):
    """Stands for a kill."""


class Digits(Task):
    """Whatever is said, its last digit is the answer; even ones are right."""

    def questions(self, split: str) -> tuple[Question, ...]:
        return ()

    def extract(self, text: str, question: Question) -> str | None:
        return next((word for word in reversed(text.split()) if word.isdigit()), None)

    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None and int(answer) % 2 == 0


def discussions(count: int = 8) -> list[Mag]:
    mags = make_mags(count)
    return [mag.model_copy(update={"question": mag.question.model_copy(update={"gold": "0"})}) for mag in mags]


def train(
    student: DistillStudent,
    out: Path,
    joined: Callable[..., Iterable[Mag]] | None = None,
    told: Callable[[Mapping[str, float]], None] = lambda line: None,
    count: int = 8,
    at_once: int = 4096,
    **changes: object,
) -> DistillReport:
    torch.manual_seed(0)
    sampled = Evaluation(max_new_tokens=6, temperature=1.0).model_copy(update={"batch_tokens": at_once})
    own = OnPolicy(Digits(), sampled, seed=1)
    return distill(
        discussions(count),
        student,
        MeanEncoder(student.hidden_size),
        objectives=make_objectives("4"),
        training=Training.model_validate(SETTINGS | changes),
        seed=1,
        out=out,
        on_metrics=told,
        ask_student=joined or own,
    )


def run_renewed(model: Path | str, out: Path | str, count: int = 8, at_once: int = 4096) -> None:
    """Trains a student that is asked between passes, in this process or as one of several.

    All but the first come late to what the first discards at the end.
    """
    counted = Renewal.tally

    def late(self: Renewal, last: int) -> dict[str, int]:
        time.sleep(0.5 * PartialState().process_index)
        return counted(self, last)

    with threads(1), patch.object(Renewal, "tally", late):
        loaded = load_student(Student(adaptation="full", max_length=200), path=model, seed=3)
        train(loaded, Path(out), count=count, at_once=at_once)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return {
        name: each for file in sorted((out / "student").glob("*.safetensors")) for name, each in load_file(file).items()
    }


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("adaptation", ["full", "lora"])
def test_its_own_answers_are_learned_from(student: Load, tmp_path: Path, adaptation: str) -> None:
    report = train(student("llama", adaptation), tmp_path / "own")
    train(student("llama", adaptation), tmp_path / "without", refresh=None)
    assert not same(tmp_path / "own", tmp_path / "without")
    said = [turn for mag in read_mags(tmp_path / "own" / "renewed.jsonl") for turn in mag.turns if turn.agent == AGENT]
    assert len(said) == 8
    assert all(not turn.seen for turn in said)
    assert all((turn.label is None) == (turn.answer is None) for turn in said)
    counted = [report.counts.get(f"own_{how}", 0) for how in ("right", "wrong", "unread")]
    assert sum(counted) == 2 * 8
    assert counted[0] > 0
    assert counted[1] > 0
    assert not (tmp_path / "own" / "checkpoints").exists()


def test_the_student_is_asked_between_passes_as_it_is_then(student: Load, tmp_path: Path) -> None:
    """Before the steps that begin a pass, in eval mode, with its own attention, and from the MAGs as they were held."""
    loaded, asked = student("llama", "full"), []
    done: list[float] = []
    attention = loaded.base.config._attn_implementation

    def joined(asking: DistillStudent, mags: list[Mag], number: int) -> list[Mag]:
        asked.append((number, len(done), asking.model.training, asking.base.config._attn_implementation))
        assert [mag.to_line() for mag in mags] == [mag.to_line() for mag in discussions()]
        return [with_turn(mag, right=bool(number % 2)) for mag in mags]

    report = train(loaded, tmp_path, joined, lambda line: done.append(line["step"]) if "loss" in line else None)
    assert asked == [(1, 2, False, attention), (2, 4, False, attention)]
    turns = sum(len(mag.turns) for mag in discussions())
    assert report.counted["node"] == 3 * turns + 2 * 8  # three passes, two of them with an answer to each
    assert (report.counts["own_right"], report.counts["own_wrong"]) == (8, 8)


def with_turn(mag: Mag, *, right: bool) -> Mag:
    own = Turn(
        step=len(mag.turns), agent=AGENT, text="w1 w2", reasoning="w1 w2", answer="3", correct=right, label=right
    )
    return mag.model_copy(update={"turns": (*mag.turns, own)})


@pytest.mark.parametrize(("at", "save_every"), [(3, 2), (5, 3)])
def test_killed_at_any_step_it_comes_to_the_same(student: Load, tmp_path: Path, at: int, save_every: int) -> None:
    """From a checkpoint just before a renewal whose answers are there, and from one before the one before."""

    def dies(line: Mapping[str, float]) -> None:
        if line["step"] == at:
            raise Killed

    train(student("llama", "full"), tmp_path / "whole", save_every=save_every)
    with pytest.raises(Killed):
        train(student("llama", "full"), tmp_path / "killed", told=dies, save_every=save_every)
    train(student("llama", "full"), tmp_path / "killed", save_every=save_every)
    assert same(tmp_path / "whole", tmp_path / "killed")
    kept = [(tmp_path / run / "renewed.jsonl").read_text() for run in ("whole", "killed")]
    assert kept[0] == kept[1]


def test_killed_while_it_is_asked_it_is_asked_again(student: Load, tmp_path: Path) -> None:
    def dies(asking: DistillStudent, mags: list[Mag], number: int) -> Iterable[Mag]:
        yield mags[0]
        raise Killed

    with pytest.raises(Killed):
        train(student("llama", "full"), tmp_path / "killed", dies)
    train(student("llama", "full"), tmp_path / "killed")
    train(student("llama", "full"), tmp_path / "whole")
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_answers_of_another_run_are_not_learned_from(student: Load, tmp_path: Path) -> None:
    """What a run left that was killed before its first checkpoint, and now has other settings."""

    def dies(line: Mapping[str, float]) -> None:
        if line["step"] == 3:
            raise Killed

    for out in ("killed", "whole"):
        if out == "killed":
            with pytest.raises(Killed):
                train(student("llama", "full"), tmp_path / out, told=dies, save_every=6)
        train(student("llama", "full"), tmp_path / out, learning_rate=3e-2, save_every=6)
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_somebody_has_to_ask(student: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nobody is there to ask"):
        distill(
            discussions(), student(), None, objectives=make_objectives("2"),
            training=Training.model_validate(SETTINGS), seed=1, out=tmp_path,
        )  # fmt: skip
