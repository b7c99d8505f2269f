"""A plan of a run, or of an evaluation, as `-n` prints it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.plugins.sheet import Sheet

if TYPE_CHECKING:
    from magdi.plugins.evaluating.costs import EvaluationPlanDocument, PlannedAnswers
    from magdi.plugins.runs.discussion_costs import TeacherFigures
    from magdi.plugins.runs.plan import Bound, PlanDocument, PlannedAgent, PlannedTraining
    from magdi.plugins.suites.executors.plan import PlannedJobs

WHO = {"base": "the base before distillation", "student": "the student"}
USES = {"train": "training", "validation": "validation", "test": "testing"}
KINDS = {
    "discussions": ("set of discussions", "sets of discussions"),
    "base": ("student before distillation", "students before distillation"),
    "student": ("shared student", "shared students"),
    "cell": ("cell", "cells"),
    "shards": ("shard", "shards"),
    "run": ("run", "runs"),
}
STAGES = {"discussion": "discussions", "distillation": "training", "evaluation": "evaluation"}


def plan_table(plan: PlanDocument) -> RenderableType:
    """Returns what a run would take: its discussions by agent, all of it as a table, and its stages a line each."""
    there = Text(f"no discussions: {plan['mags']:,} MAGs are there already, at no cost\n")
    talk = drawn(_agents(plan)) if plan["agents"] else there
    return Group(talk, drawn(_figures(plan)), *map(Text, _lines(plan)))


def evaluation_plan_table(plan: EvaluationPlanDocument) -> RenderableType:
    """Returns what an evaluation would take: by model, and a line each of what else there is to know."""
    headings = ["model", "answers", "kept", "calls", "prompt tokens", "reply tokens", "US dollars"]
    rows = [[each["name"], count(each["answers"]), count(each["kept"]), *_asked_of(each)] for each in plan["models"]]
    samples = f", {plan['samples']} answers each" if plan["samples"] > 1 else ""
    title = f"{plan['questions']:,} {plan['split']} questions of {plan['task']}{samples}"
    return Group(drawn(Sheet.of(title, headings, rows, left=("model",))), *map(Text, _evaluation_lines(plan)))


def _asked_of(model: PlannedAnswers) -> list[str]:
    """Returns what is asked of a server, from what is expected up to the most; none of a model that is loaded here."""
    if not model["served"]:
        return ["none", "", "", "nothing"]
    expected, most = model["expected"], model["most"]
    prompts = f"{count(expected['prompt_tokens'])} to {count(most['prompt_tokens'])}"
    replies = f"{count(expected['completion_tokens'])} to {count(most['completion_tokens'])}"
    cost = f"{dollars(expected['cost'])} to {dollars(most['cost'])}" if model["priced"] else "no price"
    return [count(expected["calls"]), prompts, replies, cost]


def _evaluation_lines(plan: EvaluationPlanDocument) -> Iterator[str]:
    if plan["unpriced"]:
        yield f"no price is known of {', '.join(plan['unpriced'])}: --price IN,OUT says it"
    yield from _limits(plan)
    if "jobs" in plan:
        yield from jobs_lines(plan["jobs"])
    for model in plan["models"]:
        yield f"nothing was asked; the answers of {model['name']} are kept in {model['predictions']}"


def _agents(plan: PlanDocument) -> Sheet:
    headings = ["agent", "teacher", "calls", "prompt tokens", "reply tokens"]
    rows = [[agent["agent"], agent["teacher"], *_expected(agent)] for agent in plan["agents"]]
    if plan["unpriced"] or plan["most"]["cost"] != 0:
        headings.append("US dollars")
        rows = [[*row, _dollars_of(agent)] for row, agent in zip(rows, plan["agents"], strict=True)]
    return Sheet.of(f"{plan['questions']:,} discussions, expected", headings, rows, left=("agent", "teacher"))


def _expected(agent: PlannedAgent) -> list[str]:
    found = agent["expected"]
    return [count(found["calls"]), count(found["prompt_tokens"]), count(found["completion_tokens"])]


def _dollars_of(agent: PlannedAgent) -> str:
    return dollars(agent["expected"]["cost"]) if agent["priced"] else "no price"


def _figures(plan: PlanDocument) -> Sheet:
    rows = [[title, *(show(side) for side in (plan["expected"], plan["most"]))] for title, show in _shown(plan)]
    return Sheet.of("in all", ["", "expected", "at most"], rows, left=("",))


def _shown(plan: PlanDocument) -> Iterator[tuple[str, Callable[[Bound], str]]]:
    if plan["agents"]:
        yield "calls", lambda side: count(side["calls"])
        yield "prompt tokens", lambda side: count(side["prompt_tokens"])
        yield "reply tokens", lambda side: count(side["completion_tokens"])
        if any(agent["priced"] for agent in plan["agents"]):
            besides = " of those with a price" if plan["unpriced"] else ""
            yield f"US dollars{besides}", lambda side: dollars(side["cost"])
    yield "time", lambda side: duration(side["seconds"])
    if "training" in plan and plan["training"]["steps"]:
        yield "GPU memory, on a GPU", lambda side: size(side["gpu_memory"])
    yield "disk", lambda side: size(side["disk"])


def count(number: float | None) -> str:
    """Returns a number of things."""
    return "no limit" if number is None else f"{number:,.0f}"


def dollars(cost: float | None) -> str:
    """Returns an amount of money: cents, or where it is less than ten of them two digits that say something."""
    if not cost:
        return "no limit" if cost is None else "nothing"
    return f"{cost:,.{max(2, 1 - math.floor(math.log10(cost)))}f}"


def size(number: float | None) -> str:
    """Returns bytes in a unit that fits them."""
    if number is None:
        return "not known"
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{max(0.1, number / 1e6):,.1f} MB"


def duration(seconds: float | None) -> str:
    """Returns seconds in a unit that fits them."""
    if seconds is None:
        return "not known"
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:,.1f} hours"


def _lines(plan: PlanDocument) -> Iterator[str]:
    if plan["unpriced"]:
        yield f"no price is known of {', '.join(plan['unpriced'])}: --price IN,OUT says it"
    yield from _limits(plan)
    if len(plan["splits"]) > 1:
        there = ", ".join(f"{number:,} for {USES[split]}" for split, number in plan["splits"].items())
        yield f"questions that there are: {there}"
    if training := plan.get("training"):
        yield _training(training)
    if evaluation := plan.get("evaluation"):
        samples = f"{evaluation['samples']} times " if evaluation["samples"] > 1 else ""
        asked = f"{evaluation['questions']:,} {evaluation['split']} questions of {evaluation['task']}"
        yield f"evaluation: {asked}, answered {samples}by {' and '.join(WHO[model] for model in evaluation['models'])}"
    if "rounds" in plan:
        yield f"this is the first of {plan['rounds']} rounds; in later ones the trained speak, for nothing"
    if "jobs" in plan:
        yield from jobs_lines(plan["jobs"])
    if plan["by"]:
        yield f"time by {sources(plan['by'])}"
    yield f"nothing was started; a run goes to {plan['run']}"


def jobs_lines(jobs: PlannedJobs) -> Iterator[str]:
    """Yields which jobs would be begun, where, what each is given, and what they share."""
    number = sum(sum(wave.values()) for wave in jobs["waves"])
    where = {"local": "processes of this machine", "slurm": "Slurm", "ray": "Ray"}[jobs["on"]]
    at_once = f"{jobs['at_once']:,} at once" if jobs["at_once"] else "all that are ready at once"
    given = [f"{name} {value}" for name, value in jobs["given"].items()]
    yield f"jobs: {number:,} on {where}, {at_once}" + (f"; each has {', '.join(given)}" if given else "")
    waves = [" and ".join(_jobs(kind, each) for kind, each in wave.items()) for wave in jobs["waves"]]
    array = ", an array each" if jobs["on"] == "slurm" and len(waves) > 1 else ""
    yield f"jobs: {', then '.join(waves)}{array}"
    yield from (f"jobs: {note}" for note in jobs["notes"])
    if jobs["lacking"]:
        yield f"jobs: could not be begun here: {jobs['lacking']}"


def _jobs(kind: str, number: int) -> str:
    return f"{number:,} {KINDS.get(kind, (kind, kind))[number > 1]}"


def _limits(plan: PlanDocument | EvaluationPlanDocument) -> Iterator[str]:
    """Yields of each limit that may be reached how near it is."""
    expected, most = (_used(plan[side]) for side in ("expected", "most"))
    for name, limit in plan["limits"].items():
        if (bound := most[name]) is None or bound > limit:
            sure = "is less than what is expected" if (expected[name] or 0) > limit else "is less than the bound"
            yield f"--{name.replace('_', '-')} {limit:g} {sure}: at it work stops, and the same command goes on"


def _used(side: TeacherFigures) -> dict[str, float | None]:
    """Returns what the discussions use of what is limited; None without a bound."""
    asked, said = side["prompt_tokens"], side["completion_tokens"]
    tokens = None if asked is None or said is None else asked + said
    return {"max_cost": side["cost"], "max_calls": side["calls"], "max_tokens": tokens}


def sources(by: Mapping[str, str]) -> str:
    """Returns whence the times of stages are known, those of one source together."""
    stages: dict[str, list[str]] = {}
    for stage, source in by.items():
        stages.setdefault(source, []).append(STAGES[stage])
    if len(stages) == 1:
        return next(iter(stages))
    return "; ".join(f"{source} ({', '.join(named)})" for source, named in stages.items())


def _training(training: PlannedTraining) -> str:
    if not training["steps"]:
        return f"training: none (level {training['level']})"
    if by_role := training.get("by_role"):
        then = f"{by_role['dpo']:,} on preferences for {' and '.join(training['preferring'])}"
        each = f"{by_role['sft']:,} steps of {training['mags_per_step']} MAGs, then {then}"
        return f"training: for each role an adapter on {training['student'].partition(' ')[0]}, {each}"
    steps = f"{training['steps']:,} steps of {training['mags_per_step']} MAGs"
    encoder = f", encoder {training['encoder']}" if training["encoder"] else ""
    objectives = f"; objectives {', '.join(training['objectives'])}"
    processes = f", by {training['processes']} processes" if "processes" in training else ""
    return (
        f"training: {steps}{processes}, level {training['level']}{encoder}, student {training['student']}{objectives}"
    )
