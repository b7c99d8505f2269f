"""A suite from its plan to its table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.run.directory import RunDirectory, forget
from magdi.core.run.failures import told_last
from magdi.core.run.progress import Progress
from magdi.core.task import Task
from magdi.plugins.suites.document import (
    FailureDocument,
    Measurements,
    SuiteDocument,
    SuiteSettings,
    as_read,
    write_document,
)
from magdi.plugins.suites.estimate import Estimate, estimate
from magdi.plugins.suites.executors.executor import executor
from magdi.plugins.suites.executors.plan import PlannedJobs, planned
from magdi.plugins.suites.executors.resources import On, Resources
from magdi.plugins.suites.file import Equal
from magdi.plugins.suites.grid import Grid, chosen
from magdi.plugins.suites.jobs import MEASURED, Job, JobPlanner
from magdi.plugins.suites.measure import measure, read_measured
from magdi.plugins.suites.page import write_suite_page
from magdi.plugins.suites.results import DoneCell, DoneCells, make_document
from magdi.plugins.suites.scheduling import execute, in_order, waves
from magdi.plugins.suites.warned import told_warnings
from magdi.plugins.suites.worker import JobFailure, WorkerSetup

PAUSE = 30.0
"""Least seconds between two keepings of what has come out so far, and how often what one takes lies between them."""


class SuitePlan(SuiteSettings):
    """What there is to do; a cell has its labels, by axis, beside ``name``, ``control``, ``runs`` and ``done``."""

    title: str
    reference: str
    cells: list[Mapping[str, object]]
    estimate: Estimate
    jobs: PlannedJobs


@dataclass(frozen=True)
class Suite:
    """What is to be done of a suite.

    Attributes:
        name: What it is called.
        grid: Its cells.
        folder: Its directory.
        seeds: Its seeds.
        components: Makes tasks, to see what can be shared.
        only: ``key=value`` pairs that choose cells.
        equal: What all cells are evened out by.
        quick: Whether it was made small, too small to conclude from.
        instrument: The embedded task that it is run on, if any.
        left_out: Cells that cannot be had with this configuration, and why.
    """

    name: str
    grid: Grid
    folder: Path
    seeds: tuple[int, ...]
    components: Components
    only: tuple[str, ...] = ()
    equal: Equal | None = None
    quick: bool = False
    instrument: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def shown(self) -> list[str]:
        """Names of the cells that are chosen.

        Raises:
            ConfigError: None is.
        """
        return list(chosen(self.grid.cells, self.only))

    def jobs(self) -> list[Job]:
        """Returns all jobs of the cells that are chosen, each behind those that it needs."""
        return self._jobs(self.shown)

    def _jobs(self, cells: Sequence[str]) -> list[Job]:
        return list(in_order(self._planner().plan(self.grid.cells, cells, self.grid.reference, self.seeds)))

    def plan(self, on: On = "local", resources: Resources | None = None) -> SuitePlan:
        """Returns what there is to do, with an estimate and where it would be done; does nothing."""
        jobs = self.jobs()
        left = self._left(jobs)
        shared = [job.student for job in left if job.student]
        notes = ["discussions, and students before distillation, are made once for all cells that need the same"]
        notes += (
            [f"{len(shared):,} cells answer with {len(set(shared)):,} students, each trained once"] if shared else []
        )
        return {
            **self._about(),
            "title": self.grid.file.title,
            "reference": self.grid.reference,
            "cells": [
                {
                    **self.grid.cells[name].labels,
                    "name": name,
                    "control": self.grid.cells[name].control,
                    "runs": len(self.seeds),
                    "done": sum(job.done for job in jobs if job.cell == name),
                }
                for name in self.shown
            ],
            "estimate": estimate(jobs, left, self.components),
            "jobs": planned(on, resources or Resources(jobs=1), waves(left), notes),
        }

    def run(
        self,
        worker_setup: WorkerSetup,
        *,
        progress: Progress,
        on: On = "local",
        resources: Resources | None = None,
        fresh: bool = False,
    ) -> SuiteDocument:
        """Does what is left to do, and returns the outcome; see `magdi.plugins.suites.results`.

        The outcome so far, and its page, are kept now and then: a suite that is killed can be looked at.
        Further keys: ``failures`` (cell, seed, error, kind), ``seconds``, ``failed`` (discussions that are tried
        again by the same command).
        """
        started = time.monotonic()
        jobs = self.jobs()
        if fresh:
            forget([job.directory for job in jobs if job.kind in ("student", "cell")], progress.note)
        for measured in (job.directory / MEASURED for job in jobs if job.kind == "cell"):
            if measured.is_file() and read_measured(measured) is None:
                measured.unlink()  # torn: it is measured again
        left = self._left(jobs)
        cells = [job for job in left if job.kind == "cell"]
        progress.stage(f"suite {self.name}", len(cells), "cells")
        ended, due = 0, started + PAUSE

        def on_end(job: Job) -> None:
            nonlocal ended, due
            ended += job.kind == "cell"
            progress.advance(ended, {"jobs": sum(each.done for each in left), "of": len(left)})
            now = time.monotonic()
            if job.done and job.kind == "cell" and now > due:
                self.outcome(seconds=now - started)
                due = time.monotonic() + PAUSE * max(1.0, time.monotonic() - now)

        resources = resources or Resources()
        alone = not left or (on == "local" and resources.jobs in (None, 1))
        where = None if alone else executor(on, worker_setup, resources, self.folder)
        failures = execute(left, worker_setup, executor=where, on_end=on_end)
        progress.finish(time.monotonic() - started)
        for failure in failures:
            if failure.kind != "not begun":
                progress.note(f"{failure.kind}: {failure.job.title}: {failure.error}")
        outcome = self.outcome(failures, seconds=time.monotonic() - started)
        talks = [RunDirectory(job.directory) for job in jobs if job.kind == "discussions"]
        failed = {talk: count for talk in talks if (count := talk.stage("discussion").get("failed", 0))}
        for talk, count in failed.items():
            progress.note(told_last(count, talk.failures))
        if failed:
            outcome["failed"] = sum(failed.values())
        return outcome

    def outcome(
        self, failures: Sequence[JobFailure] = (), *, seconds: float = 0.0, again: bool = False
    ) -> SuiteDocument:
        """Returns the outcome of those cells that are chosen; keeps that of all cells, with its page.

        Args:
            failures: What has failed.
            seconds: What it took.
            again: Read and grade all kept answers anew; nothing is generated.
        """
        trials = self._trials(again)

        def document(shown: Sequence[str]) -> SuiteDocument:
            made = make_document(self.grid, shown, trials, self._about())
            failed, missing = [_failed(failure) for failure in failures], self._missing(shown, made)
            ending = {
                "failures": failed,
                "missing": missing,
                "warnings": told_warnings(job.directory for job in self._jobs(shown)),
                "seconds": round(seconds, 1),
                "regraded": again,
            }
            return as_read(cast(SuiteDocument, {**made, **ending}))

        whole = document(list(self.grid.cells))
        write_document(self.folder, whole)
        write_suite_page(self.folder)
        return document(self.shown) if self.only else whole

    def _missing(self, shown: Sequence[str], document: Measurements) -> list[str]:
        done = {row["name"]: row["seeds"] for row in document["rows"]}
        return [f"{name}, seed {seed}" for name in shown for seed in self.seeds if str(seed) not in done.get(name, {})]

    def _about(self) -> SuiteSettings:
        return {
            "suite": self.name,
            "directory": str(self.folder),
            "quick": self.quick,
            "instrument": self.instrument,
            "equal": self.equal,
            "asked_seeds": list(self.seeds),
            "left_out": dict(self.left_out),
        }

    def _planner(self) -> JobPlanner:
        return JobPlanner(self.folder, self.equal, self.grid.file.diagnostics, self._has_primer)

    def _has_primer(self, config: RunConfig) -> bool:
        task = self.components.task(config.task, config.seed)
        return type(task).primer is not Task.primer

    def _left(self, jobs: Sequence[Job]) -> list[Job]:
        """Returns the jobs that are not done and that a cell which is not done needs or waits for."""
        known = {job.directory: job for job in jobs}
        wanted: set[Path] = set()
        for job in reversed(jobs):
            if (job.kind == "cell" or job.directory in wanted) and not job.done:
                wanted |= {job.directory, *job.needs, *job.waits}
        return [job for job in jobs if job.directory in wanted and not known[job.directory].done]

    def _trials(self, again: bool) -> DoneCells:
        planner = self._planner()
        planned = {
            (job.cell, job.seed): job
            for job in planner.plan(self.grid.cells, list(self.grid.cells), self.grid.reference, self.seeds)
            if job.kind == "cell"
        }
        found: dict[str, dict[int, DoneCell]] = {name: {} for name in self.grid.cells}
        for (name, seed), job in planned.items():
            measured = read_measured(job.directory / MEASURED)
            if measured is None:
                continue
            if again:
                directory = RunDirectory(job.directory)
                measured = measure(directory, directory.config(), job, self.components, again=measured)
            found[name][seed] = DoneCell(job.directory, measured)
        return found


def _failed(failure: JobFailure) -> FailureDocument:
    job = failure.job
    cell = job.cell or job.title.removesuffix(f", seed {job.seed}")
    return {
        "cell": cell,
        "seed": job.seed,
        "kind": failure.kind,
        "error": failure.error,
    }
