"""What is worth seeing on one line while a stage is at work, and what of it is kept in run.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from magdi.core.discussion.events import Totals
from magdi.core.run.state import Training
from magdi.core.run.summary import Summary

if TYPE_CHECKING:
    from magdi.core.distill.trainer import DistillReport
    from magdi.core.objective import Objective


def discussion_figures(totals: Totals) -> dict[str, float]:
    """Returns what is worth seeing of discussions under way."""
    figures: dict[str, float] = {"calls": totals.calls, "rounds": totals.rounds, "tokens": totals.usage.total_tokens}
    if totals.kept:
        figures["kept"] = totals.kept
    if totals.retries:
        figures["retries"] = totals.retries
    if totals.usage.cost:
        figures["$"] = totals.usage.cost
    return figures


def measured(document: Mapping[str, Any], under: str = "") -> dict[str, float]:
    """Returns the numbers of an outcome by path (``student/accuracy``); an interval is two of them."""
    found: dict[str, float] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            found |= measured(value, f"{under}{key}/")
        elif key == "interval":
            found |= dict(zip((f"{under}interval_low", f"{under}interval_high"), map(float, value), strict=True))
        elif isinstance(value, int | float):
            found[f"{under}{key}"] = float(value)
    return found


def discussions_measured(summary: Summary, totals: Totals) -> dict[str, float]:
    """Returns what discussions have come to so far: what they hold, and what it took to hold them."""
    names = ("protocols", "tasks", "teachers")  # however many, these are no figures
    document = summary.document()
    held: dict[str, object] = {name: value for name, value in document.items() if name not in names}
    taken = {"calls": totals.calls, "kept": totals.kept, "retries": totals.retries, "failed": totals.failed}
    return measured({**held, "teachers": len(document["teachers"]), "tokens": summary.tokens(), **taken})


def training_figures(metrics: Mapping[str, float], objectives: Mapping[str, Objective]) -> dict[str, float]:
    """Returns every loss by its sign or name, the gradient norm at the student of those with a sign, and the speed."""
    often = Counter(each.sign for each in objectives.values())
    signs = {name: each.sign for name, each in objectives.items() if each.sign and often[each.sign] == 1}
    losses = {f"loss/{name}": signs.get(name, name) for name in objectives}
    norms = {f"grad_norm/{name}": f"|{sign.replace('L', 'g')}|" for name, sign in signs.items()}
    shown = {**losses, **norms, "mags_per_second": "MAGs/s", "threads": "threads"}
    return {short: metrics[name] for name, short in shown.items() if name in metrics}


def training_document(report: DistillReport) -> Training:
    """Returns what run.json keeps of a distillation."""
    kept = asdict(report)
    del kept["student"], kept["seconds"]
    return cast(Training, kept)
