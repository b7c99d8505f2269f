"""`magdi run`, `discuss` and `distill`: all stages of a run, or those up to one; the same command again resumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from magdi.cli import options as opt
from magdi.cli import place
from magdi.cli.launch import Processes, Sharding, launch
from magdi.core.distill.processes import rank
from magdi.core.errors import SOME_FAILED, ConfigError
from magdi.core.extras import need
from magdi.plugins.suites.executors.resources import On, Resources

if TYPE_CHECKING:
    from magdi.core.config.models import RunConfig
    from magdi.core.run.state import StageName
    from magdi.plugins.runs.plan import PlanDocument
    from magdi.plugins.setup import Setup
    from magdi.plugins.suites.executors.plan import PlannedJobs
    from magdi.plugins.traces.sending import Sender


SHARED = ("--processes", "--sharding")


@opt.grouped
def run(
    request: opt.Request,
    *,
    out: opt.Out = None,
    fresh: opt.Fresh = False,
    dry_run: opt.DryRun = False,
    processes: Processes = 1,
    rounds_of_training: opt.RoundsOfTraining = 1,
    sharding: Sharding = "none",
    where: place.Place,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Teachers discuss, a student learns from the graph, and is evaluated. The same command again resumes.

    With nothing given: simulated teachers, a procedural task and a tiny student, on this machine alone.
    """
    _check_processes(processes, sharding, rounds_of_training, where.gpus)
    on, given = where.on, where.resources()
    if on != "local" and not dry_run:
        _elsewhere(request, out, on, given, fresh=fresh)
        fresh, processes, sharding = False, 1, "none"  # it is done; here it is only said what came of it
    jobs = partial(_one_job, on, given) if on != "local" else None
    _go(
        request,
        "evaluation",
        out,
        fresh,
        dry_run,
        json,
        quiet,
        processes,
        sharding,
        rounds=rounds_of_training,
        jobs=jobs,
    )


@opt.grouped
def discuss(
    request: opt.Request,
    *,
    out: opt.Out = None,
    fresh: opt.Fresh = False,
    dry_run: opt.DryRun = False,
    shard: opt.Shard = None,
    shards: opt.Shards = 1,
    where: place.Place,
    jobs: place.Jobs = None,
    otel: opt.Otel = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Hold the discussions of a run and no more: its mags.jsonl.

    With --shards, in several jobs: each has a run of its own in the directory, and their MAGs are merged there.
    """
    on, given = where.on, where.resources(jobs or (shards if where.on == "local" else None))
    in_jobs = shards > 1 or on != "local"
    if shard is not None:
        if in_jobs:
            raise ConfigError(
                f"--shard {shard} is one of the jobs that --shards N begins, on --on's engine",
                hint="leave it out; or begin it by itself, without --shards and --on",
            )
        request = replace(request, more={"discussion.shard": shard})
    if not in_jobs:
        _go(request, "discussion", out, fresh, dry_run, json, quiet, otel=otel)
    elif dry_run:
        _go(request, "discussion", out, fresh, dry_run, json, quiet, jobs=partial(_shards, shards, on, given))
    else:
        _in_shards(request, out, shards, on, given, fresh=fresh, as_json=json, quiet=quiet)


@opt.grouped
def distill(
    request: opt.Request,
    *,
    out: opt.Out = None,
    fresh: opt.Fresh = False,
    dry_run: opt.DryRun = False,
    processes: Processes = 1,
    sharding: Sharding = "none",
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Train a student on a MAG file (--mags), or on the discussions of a run."""
    _check_processes(processes, sharding)
    _go(request, "distillation", out, fresh, dry_run, json, quiet, processes, sharding)


def _go(
    request: opt.Request,
    until: StageName,
    out: Path | None,
    fresh: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    processes: int = 1,
    sharding: str = "none",
    rounds: int = 1,
    otel: bool = False,
    jobs: Callable[[RunConfig, PlanDocument], PlannedJobs] | None = None,
) -> None:
    from magdi import api
    from magdi.cli import output
    from magdi.cli.outcome import outcome_table
    from magdi.cli.plan_table import plan_table
    from magdi.core.run.directory import RunDirectory
    from magdi.core.run.failures import told_last
    from magdi.plugins.setup import going_on

    setup = request.set_up()
    if dry_run:
        directory = out or api.default_directory(setup.config)
        if jobs is None or until != "discussion":  # whose shards have their own
            RunDirectory(directory).check(setup.config, fresh=fresh)
        plan = api.plan(setup, out, until=until)
        if rounds > 1:
            plan["rounds"] = rounds
        if processes > 1 and "training" in plan:
            plan["training"] |= {"processes": processes, "sharding": sharding}
        if jobs is not None:
            plan["jobs"] = jobs(setup.config, plan)
        output.show(plan, as_json=as_json, render=lambda: plan_table(plan))
        return
    if not (fresh or request.plugins.no_plugins):
        setup = going_on(setup, out or api.default_directory(setup.config))
    sender = _sender(setup, otel)
    progress = output.TerminalProgress(quiet=quiet, observe=_observe(setup, sender))
    try:
        several = processes > 1
        first = "discussion" if several else until
        outcome = api.go(setup, out=out, fresh=fresh, until=first, rounds=rounds, goes_on=several, progress=progress)
    finally:
        progress.close()
        if sender is not None and (untaken := sender.close()):
            output.warn(untaken)
    if processes > 1 and (code := launch(processes, sharding, place.without(SHARED, flags=("--fresh",)))):
        raise typer.Exit(code)
    if rank():
        return
    if processes == 1:
        output.show(outcome.to_dict(), as_json=as_json, render=lambda: outcome_table(outcome))
    if outcome.get("failed") and "RANK" not in os.environ:  # of several processes the one that began them says it
        output.warn(told_last(outcome["failed"], RunDirectory(Path(outcome["run"])).failures))
        raise typer.Exit(SOME_FAILED)


def _check_processes(processes: int, sharding: str, rounds: int = 1, gpus: int = 0) -> None:
    if rounds > 1 and processes > 1:
        raise ConfigError("--rounds-of-training is for one process", hint="leave --processes out")
    if 0 < gpus < processes:
        raise ConfigError(
            f"--processes {processes} take a GPU each, and the job has {gpus}", hint=f"--gpus {processes}"
        )
    if sharding != "none" and processes == 1:
        raise ConfigError(
            f"--sharding {sharding} spreads weights over processes, and there is one", hint="--processes N"
        )
    if sharding.startswith("zero"):
        need("deepspeed", "deepspeed", f"--sharding {sharding}")


def _one_job(on: On, resources: Resources, config: RunConfig, plan: PlanDocument) -> PlannedJobs:
    from magdi.plugins.suites.executors.command import log_of
    from magdi.plugins.suites.executors.plan import planned

    said = f"what it prints is kept in {log_of(Path(plan['run']))}"
    return planned(on, resources, [{"run": 1}], [said])


def _shards(shards: int, on: On, resources: Resources, config: RunConfig, plan: PlanDocument) -> PlannedJobs:
    from magdi.plugins.suites.executors.command import check_free
    from magdi.plugins.suites.executors.plan import planned_shards

    _check_unshared(config)
    check_free(Path(plan["run"]), shards)
    return planned_shards(on, resources, Path(plan["run"]), shards, plan["questions"], config.discussion)


def _check_unshared(config: RunConfig) -> None:
    """Raises ConfigError where a configuration's questions are those of one job, so that several cannot share them."""
    if config.discussion.shard is not None:
        raise ConfigError(
            f"discussion.shard {config.discussion.shard} is one job's, and --shards and --on begin several",
            hint="--set discussion.shard=null",
        )


def _sender(setup: Setup, otel: bool) -> Sender | None:
    """Returns what sends discussions as spans, where that is asked for or the environment says where to."""
    from magdi.plugins.traces.wanted import is_wanted

    if not (otel or is_wanted(os.environ)):
        return None
    from magdi.plugins.traces.sending import Sender

    return Sender(setup.plugins.registry)


def _observe(setup: Setup, sender: Sender | None) -> Callable[..., None]:
    if sender is None:
        return setup.plugins.observers.tell

    def tell(event: str, **facts: Any) -> None:
        setup.plugins.observers.tell(event, **facts)
        sender.tell(event, **facts)

    return tell


def _elsewhere(request: opt.Request, out: Path | None, on: On, resources: Resources, *, fresh: bool) -> None:
    """Gives the same command on a cluster; what is left for this one is to say what came of it."""
    from magdi.api import default_directory
    from magdi.plugins.suites.executors.command import elsewhere

    directory = out or default_directory(request.set_up().config)
    elsewhere(on, resources, directory, place.without(place.PLACED, ("--fresh",)), fresh=fresh)


def _in_shards(
    request: opt.Request,
    out: Path | None,
    shards: int,
    on: On,
    resources: Resources,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from magdi.api import default_directory
    from magdi.cli import output
    from magdi.plugins.suites.executors.command import in_shards, shares_of

    setup = request.set_up()
    setup.plugins.demand()
    config = setup.config
    _check_unshared(config)
    task = setup.plugins.registry.task(config.task, config.seed)
    questions = len(task.first(config.discussion.split, config.discussion.questions))
    directory = out or default_directory(config)
    shares = [f"--set=discussion.{name}={share}" for name, share in shares_of(config.discussion, shards).items()]
    progress = output.TerminalProgress(quiet=quiet)
    try:
        found = in_shards(
            on,
            resources,
            directory,
            [*place.without(place.SHARDED, ("--json", "--fresh")), *shares],
            shards,
            questions,
            progress,
            fresh=fresh,
        )
    finally:
        progress.close()
    document = {"out": str(directory), "mags": found.mags, "shards": shards, "failed": sum(found.failed.values())}
    said = f"{found.mags:,} discussions in {directory}, held in {shards} shard{'s' * (shards > 1)}"
    output.show(document, as_json=as_json, render=lambda: said)
    for run, number in found.failed.items():
        output.warn(f"{number:,} discussions failed in {run}; the same command tries them again")
    if found.failed:
        raise typer.Exit(SOME_FAILED)
