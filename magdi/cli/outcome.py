"""A run's outcome as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

NAMES = {"base": "before distillation", "student": "distilled student"}
OF_TEAMS = {"base": "before training", "student": "trained team"}


def percent(value: float | None) -> str:
    """Returns a share as per cent with one decimal."""
    return "-" if value is None else f"{100 * value:.1f} %"


def interval(bounds: tuple[float, float]) -> str:
    """Returns an interval of shares in per cent."""
    low, high = bounds
    return f"{100 * low:.1f} to {100 * high:.1f}"


def by_task(models: Mapping[str, Mapping[str, Any]]) -> Table:
    """Returns each model's accuracy in every task of a mixture."""
    table = Table(title="by task", title_justify="left")
    for heading in ("model", "task", "questions", "accuracy", "95 % interval"):
        table.add_column(heading, justify="left" if heading in ("model", "task") else "right")
    for model, tasks in models.items():
        for task, found in tasks.items():
            table.add_row(model, task, f"{found['count']:,}", percent(found["accuracy"]), interval(found["interval"]))
    return table


def outcome_table(outcome: Mapping[str, Any]) -> RenderableType:
    """Returns what came out of a run: discussions, then base and student."""
    parts: list[RenderableType] = []
    if "mags" in outcome:
        parts.append(_discussions(outcome))
    if "student" in outcome or "base" in outcome:
        names = OF_TEAMS if "roles" in outcome.get("training", {}) else NAMES
        scored = {name: outcome[who] for who, name in names.items() if who in outcome}
        parts.append(_scores(outcome, scored))
        if any(score["by_task"] for score in scored.values()):
            parts.append(by_task({name: score["by_task"] for name, score in scored.items()}))
    seconds = outcome["seconds"]
    spent = ", ".join(f"{stage} {seconds[stage]:.1f} s" for stage in seconds if stage != "total")
    parts.append(Text(f"{spent}; run directory: {outcome['run']}"))
    return Group(*parts)


def _discussions(outcome: Mapping[str, Any]) -> RenderableType:
    mags = outcome["mags"]
    teachers = ""
    if outcome["simulated"]:
        teachers = " (simulated teachers, no language models)"
    elif mags.get("simulated"):
        teachers = f" ({mags['simulated']:,} of them with simulated teachers)"
    table = Table(title=f"{mags['count']:,} discussions{teachers}", title_justify="left")
    for structure in mags["structures"]:
        table.add_column(structure, justify="right")
    by_round = mags["accuracy_by_round"]
    for number in by_round:
        table.add_column(f"right in round {number}", justify="right")
    table.add_column("team right", justify="right")
    table.add_row(
        *(f"{count:,}" for count in mags["structures"].values()),
        *(percent(share) for share in by_round.values()),
        percent(mags["accuracy"]),
    )
    return table


def _scores(outcome: Mapping[str, Any], scored: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    questions = next(score["count"] for score in scored.values())
    known = outcome.get("trained_on")
    kind = f"questions ({known:,} of them learned from)" if known else "held-out questions"
    roles = ", ".join(outcome.get("training", {}).get("roles", ()))
    table = Table(title=f"{questions:,} {kind}, answered {f'by {roles}' if roles else 'alone'}", title_justify="left")
    for heading in ("", "accuracy", "95 % interval", "tokens an answer"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, score in scored.items():
        tokens = f"{score['output_tokens_mean']:.1f}"
        table.add_row(name, percent(score["accuracy"]), interval(score["interval"]), tokens)
    if "gain" in outcome:
        gain = outcome["gain"]
        low, high = gain["interval"]
        table.add_section()
        table.add_row(
            "gain, paired", f"{100 * gain['difference']:+.1f} points", f"{100 * low:+.1f} to {100 * high:+.1f}"
        )
    return table
