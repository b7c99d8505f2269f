"""A run's plan, as `-n` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

WHO = {"base": "the base before distillation", "student": "the student"}


def plan_table(plan: Mapping[str, Any]) -> RenderableType:
    """Returns what a run would take: its discussions as a table, training and evaluation a line each."""
    table = [_discussions(plan)] if plan["agents"] else []
    return Group(*table, *map(Text, _lines(plan)))


def _discussions(plan: Mapping[str, Any]) -> Table:
    table = Table(title=f"{plan['questions']:,} discussions, at most", title_justify="left")
    for heading in ("agent", "teacher", "calls", "prompt tokens", "reply tokens", "US dollars"):
        table.add_column(heading, justify="left" if heading in ("agent", "teacher") else "right")
    for agent in plan["agents"]:
        table.add_row(
            Text(agent["agent"]),
            Text(agent["teacher"]),
            f"{agent['calls']:,}",
            f"{agent['prompt_tokens']:,}",
            f"{agent['completion_tokens']:,}",
            _dollars(agent["cost"]),
        )
    if len(plan["agents"]) > 1:
        prompts, replies = (
            sum(agent[kind] for agent in plan["agents"]) for kind in ("prompt_tokens", "completion_tokens")
        )
        table.add_section()
        table.add_row("in all", "", f"{plan['calls']:,}", f"{prompts:,}", f"{replies:,}", _dollars(plan["cost"]))
    return table


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
