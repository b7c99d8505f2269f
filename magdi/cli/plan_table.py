"""A run's plan, as `-n` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.plugins.sheet import Sheet

WHO = {"base": "the base before distillation", "student": "the student"}


def plan_table(plan: Mapping[str, Any]) -> RenderableType:
    """Returns what a run would take: its discussions as a table, training and evaluation a line each."""
    table = [drawn(_discussions(plan))] if plan["agents"] else []
    return Group(*table, *map(Text, _lines(plan)))


def _discussions(plan: Mapping[str, Any]) -> Sheet:
    headings = ["agent", "teacher", "calls", "prompt tokens", "reply tokens", "US dollars"]
    rows = [[agent["agent"], agent["teacher"], *_amounts([agent], agent["cost"])] for agent in plan["agents"]]
    if len(rows) > 1:
        rows += [[], ["in all", "", *_amounts(plan["agents"], plan["cost"])]]
    return Sheet.of(f"{plan['questions']:,} discussions, at most", headings, rows, left=("agent", "teacher"))


def _amounts(agents: Sequence[Mapping[str, Any]], cost: float | None) -> list[str]:
    kinds = ("calls", "prompt_tokens", "completion_tokens")
    return [*(f"{sum(agent[kind] for agent in agents):,}" for kind in kinds), _dollars(cost)]


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "not known"
    return f"{cost:.2f}" if cost else "nothing"


def _lines(plan: Mapping[str, Any]) -> Iterator[str]:
    if not plan["agents"]:
        yield f"no discussions: {plan['mags']:,} MAGs are there already, at no cost"
    if training := plan.get("training"):
        yield _training(training)
    if evaluation := plan.get("evaluation"):
        samples = f"{evaluation['samples']} times " if evaluation["samples"] > 1 else ""
        asked = f"{evaluation['questions']:,} {evaluation['split']} questions of {evaluation['task']}"
        yield f"evaluation: {asked}, answered {samples}by {' and '.join(WHO[model] for model in evaluation['models'])}"
    disk = f" and keeps about {max(0.1, plan['disk'] / 1e6):.1f} MB of discussions" if plan["disk"] else ""
    yield f"nothing was started; a run goes to {plan['run']}{disk}"


def _training(training: Mapping[str, Any]) -> str:
    if not training["steps"]:
        return f"training: none (level {training['level']})"
    if by_role := training.get("by_role"):
        then = f"{by_role['dpo']:,} on preferences for {' and '.join(training['preferring'])}"
        each = f"{by_role['sft']:,} steps of {training['mags_per_step']} MAGs, then {then}"
        return f"training: for each role an adapter on {training['student'].partition(' ')[0]}, {each}"
    steps = f"{training['steps']:,} steps of {training['mags_per_step']} MAGs"
    encoder = f", encoder {training['encoder']}" if training["encoder"] else ""
    objectives = f"; objectives {', '.join(training['objectives'])}"
    return f"training: {steps}, level {training['level']}{encoder}, student {training['student']}{objectives}"
