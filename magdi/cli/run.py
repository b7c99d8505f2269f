"""`magdi run`, `discuss` and `distill`: all stages of a run, or those up to one; the same command again resumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from magdi.cli import options as opt

if TYPE_CHECKING:
    from magdi.core.experiment.run import Stage


@opt.configured
def run(
    request: opt.Request,
    out: opt.Out = None,
    fresh: opt.Fresh = False,
    dry_run: opt.DryRun = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Teachers discuss, a student learns from the graph, and is evaluated. The same command again resumes.

    With nothing given: simulated teachers, a procedural task and a tiny student, on this machine alone.
    """
    _go(request, "evaluation", out, fresh, dry_run, json, quiet)


@opt.configured
def discuss(
    request: opt.Request,
    out: opt.Out = None,
    fresh: opt.Fresh = False,
    dry_run: opt.DryRun = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Hold the discussions of a run and no more: its mags.jsonl."""
    _go(request, "discussion", out, fresh, dry_run, json, quiet)


@opt.configured
def distill(
    request: opt.Request,
    out: opt.Out = None,
    fresh: opt.Fresh = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Train a student on a MAG file (--mags), or on the discussions of a run."""
    _go(request, "distillation", out, fresh, False, json, quiet)


def _go(
    request: opt.Request, until: Stage, out: Path | None, fresh: bool, dry_run: bool, as_json: bool, quiet: bool
) -> None:
    from magdi import api
    from magdi.cli import output
    from magdi.cli.outcome import outcome_table, plan_table

    setup = request.set_up()
    if dry_run:
        plan = api.plan(setup)
        output.show(plan, as_json=as_json, render=lambda: plan_table(plan))
        return
    progress = output.TerminalProgress(quiet=quiet, observe=setup.plugins.observers.tell)
    try:
        outcome = api.go(setup, out=out, fresh=fresh, until=until, progress=progress)
    finally:
        progress.close()
    output.show(outcome, as_json=as_json, render=lambda: outcome_table(outcome))
