"""Evening cells out: steps for so many tokens, MAGs for so many calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import Discussion, Kept, RunConfig, Training
from magdi.core.distill.schedule import Schedule
from magdi.core.mag import Mag, Question, Turn, write_mags
from magdi.core.run.progress import Progress
from magdi.plugins.objectives.levels import find_level
from magdi.plugins.registry import default_registry
from magdi.plugins.suites.evening_out import evened_out, needed_calls, steps_for, tokens
from magdi.plugins.suites.jobs import Job, Learner


def test_the_fewest_steps_that_predict_as_many_tokens() -> None:
    few, many = [10] * 8, list(range(1, 41))
    ours = Schedule.plan(8, 4, steps=5, epochs=1, seed=0)
    theirs = Schedule.plan(40, 4, steps=7, epochs=1, seed=0)
    assert tokens(ours, few, 5) == [40] * 5
    for target in (1, 40, 41, 200, sum(tokens(theirs, many, 7)), 5000):
        assert steps_for(target, ours, few) == -(-target // 40)
        steps = steps_for(target, theirs, many)
        assert sum(tokens(theirs, many, steps)) >= target
        assert steps == 1 or sum(tokens(theirs, many, steps - 1)) < target


def mag(number: int, rounds: int) -> Mag:
    said = [(r, name) for r in range(rounds + 1) for name in ("ada", "bob")]
    turns = tuple(
        Turn(step=n, agent=name, round=r, text="so", attempts=1 + (n == 1)) for n, (r, name) in enumerate(said)
    )
    return Mag(id=f"q{number}", question=Question(id=f"q{number}", text="?"), protocol="debate", turns=turns)


@pytest.mark.parametrize(("level", "calls"), [("4", 7), ("1", 3), ("single-teacher:Ada", 1), ("base", 0)])
def test_what_a_level_cannot_do_without(level: str, calls: int) -> None:
    assert needed_calls(mag(0, 2), find_level(level).objectives.values()) == calls


def test_as_many_calls_as_the_cheapest(tmp_path: Path) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    for folder, rounds in ((short, 0), (long, 1)):
        folder.mkdir()
        write_mags(folder / "mags.jsonl", [mag(n, rounds) for n in range(10)])
    plain = RunConfig()
    first = plain.model_copy(update={"training": Training(level="1")})
    job = Job(
        kind="cell",
        title="",
        config=plain,
        directory=tmp_path / "cell",
        talk=long,
        by="calls",
        partners=(Learner(plain, short), Learner(plain, long)),
    )
    evened = evened_out(job, default_registry(), Progress())
    assert evened.discussion.keep.calls == 30  # 30 calls of the short ones buy six of five calls each
    only_first = Job(**{name: getattr(job, name) for name in Job.__slots__} | {"config": first})
    assert evened_out(only_first, default_registry(), Progress()).discussion.keep.calls == 50  # all ten of them
    half = plain.model_copy(update={"discussion": Discussion(keep=Kept(share=0.5))})
    fewer = Job(**{name: getattr(job, name) for name in Job.__slots__} | {"partners": (Learner(half, short),)})
    assert evened_out(fewer, default_registry(), Progress()).discussion.keep.calls == 15
