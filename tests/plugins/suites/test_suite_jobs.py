"""What cells of a suite share, and what they wait for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from magdi.core.components import Components
from magdi.plugins.suite_setup import set_up_suite
from magdi.plugins.suites.executors.local import Local
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.scheduling import execute, in_order
from magdi.plugins.suites.suite import Suite
from magdi.plugins.suites.worker import Observe


def suite(tmp_path: Path, name: str, **options: Any) -> Suite:
    return set_up_suite(name, folder=tmp_path, environ={}, **options).suite


def of(jobs: list[Job], kind: str) -> list[Job]:
    return [job for job in jobs if job.kind == kind]


def test_encoders_share_discussions_and_base(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "encoders", seeds=3).jobs()
    talks = of(jobs, "discussions")
    assert sorted(talk.config.discussion.split for talk in talks) == ["train"] * 3 + ["validation"] * 3
    assert len(of(jobs, "base")) == 3
    assert {job.config.training.level for job in of(jobs, "base")} == {"base"}
    for job in of(jobs, "cell"):
        talk = next(talk for talk in talks if talk.directory == job.talk)
        assert (talk.seed, talk.config.discussion.split) == (job.seed, "train")
        assert job.base in job.needs


def test_one_tiny_base_is_made_before_others_are_asked_for(tmp_path: Path) -> None:
    first, *others = of(suite(tmp_path, "encoders", seeds=3).jobs(), "base")
    assert first.waits == ()
    assert all(job.waits == (first.directory,) for job in others)
    widths = of(suite(tmp_path, "students", seeds=1).jobs(), "base")
    assert [job.waits for job in widths] == [()] * 3


def test_protocols_discuss_apart_and_pay_for_nothing_twice(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "protocols", seeds=1).jobs()
    talks = of(jobs, "discussions")
    assert len(talks) == 7
    assert {talk.config.discussion.cache for talk in talks} == {str(talks[0].directory.parent)}
    assert len(of(jobs, "base")) == 1  # the arithmetic task's base has nothing of the discussions in it
    assert all(set(job.needs) >= {talk.directory for talk in talks} for job in of(jobs, "cell"))  # to count calls


def test_decisions_wait_for_the_one_that_asks(tmp_path: Path) -> None:
    first, *others = of(suite(tmp_path, "decisions", seeds=1).jobs(), "discussions")
    assert len(others) == 12
    assert all(talk.waits == (first.directory,) for talk in others)


def test_a_student_is_trained_once_for_several_evaluations(tmp_path: Path) -> None:
    all_jobs = suite(tmp_path, "self-consistency", seeds=1).jobs()
    jobs = {job.cell: job for job in of(all_jobs, "cell")}
    taught = {job.directory for job in of(all_jobs, "student")}
    assert jobs["MAGDi, 10 samples"].student == jobs["MAGDi, greedy"].student
    assert {each.student for each in jobs.values()} - {None} == taught
    assert all(each.student in each.needs for each in jobs.values() if each.student)
    assert jobs["MAGDi, 10 samples"].base != jobs["MAGDi, greedy"].base
    assert jobs["base, 10 samples"].student is None
    out = {job.cell: job for job in of(suite(tmp_path, "out-of-domain", seeds=1).jobs(), "cell")}
    assert out["MAGDi, other task"].student == out["MAGDi, own task"].student is not None


def test_what_one_cell_alone_learns_is_trained_in_its_own_run(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "encoders", seeds=1).jobs()
    assert of(jobs, "student") == []
    assert {job.student for job in of(jobs, "cell")} == {None}


def test_suites_in_one_directory_have_one_search_and_one_training(tmp_path: Path) -> None:
    shared: dict[str, set[Path]] = {}
    for name in ("malt", "malt-roles", "malt-turns"):
        jobs = suite(tmp_path, name, seeds=1, out=tmp_path / "both").jobs()
        for kind in ("discussions", "student"):
            shared.setdefault(kind, set()).update(job.directory for job in of(jobs, kind) if not job.by)
    assert [len(places) for places in shared.values()] == [1, 1]


def test_one_cell_of_several_has_the_student_that_all_have(tmp_path: Path) -> None:
    whole = {job.cell: job for job in suite(tmp_path, "malt", seeds=1).jobs()}
    (alone,) = of(suite(tmp_path, "malt", seeds=1, only=["who=MALT"]).jobs(), "cell")
    assert alone.student == whole["MALT"].student is not None


def test_a_filter_of_mags_is_no_reason_to_discuss_again(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "graphs", seeds=1).jobs()
    assert len(of(jobs, "discussions")) == 1
    assert len({job.directory for job in of(jobs, "cell")}) == 5


def test_evened_out_cells_are_kept_apart(tmp_path: Path) -> None:
    plain, even = (suite(tmp_path, "edges", seeds=1, equal=equal, out=tmp_path) for equal in (None, "tokens"))
    ours, theirs = ({job.cell: job for job in of(each.jobs(), "cell")} for each in (plain, even))
    assert ours["full"].by is None
    assert theirs["full"].by == "tokens"
    assert theirs["full"].partners[0].config.training.edges == "exact"
    assert theirs["exact"].by is None
    assert not {job.directory for job in ours.values()} & {job.directory for job in theirs.values()}
    assert {job.talk for job in ours.values()} == {job.talk for job in theirs.values()}


def test_jobs_stand_behind_what_they_need(tmp_path: Path) -> None:
    for name in ("levels", "multitask"):
        seen: set[Path] = set()
        jobs = suite(tmp_path, name, seeds=2).jobs()
        for job in jobs:
            assert seen >= {*job.needs, *job.waits}
            seen.add(job.directory)
        assert list(in_order(list(reversed(jobs)))) != jobs  # it is the order that is put right, not the jobs


def dying() -> tuple[Components, Observe]:
    os._exit(9)


def test_a_process_that_dies_is_a_failure_and_not_the_end(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "graphs", seeds=1).jobs()
    ended: list[Job] = []
    failures = execute(jobs, dying, executor=Local(dying, 2), on_end=ended.append)
    assert len(ended) == len(failures) == len(jobs)
    assert "its process died" in failures[0].error
    assert {failure.kind for failure in failures if failure.job.kind == "cell"} == {"not begun"}


def test_nothing_is_begun_where_all_is_done(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "graphs", seeds=1).jobs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "done", property(lambda self: True))
        assert execute(jobs, dying, executor=Local(dying, 2), on_end=lambda job: None) == []


def test_answers_of_one_team_are_of_one_training(tmp_path: Path) -> None:
    jobs = suite(tmp_path, "malt", seeds=2).jobs()
    cells = of(jobs, "cell")
    trained = [job for job in of(jobs, "student") if not job.by]
    assert [job.seed for job in trained] == [0, 1]
    assert {job.student for job in cells if not job.by} == {job.directory for job in trained}
    assert len(of(jobs, "discussions")) == 2
    bases = of(jobs, "base")
    assert [job.config.evaluation.questions for job in bases] == [1, 1]  # made, and not examined
