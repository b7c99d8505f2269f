"""A suite on several tasks: one table with an accuracy for each and their mean (Tables 1, 2, 3, 6 and 11)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean, stdev

from magdi.core.evaluation.statistics import Interval
from magdi.plugins.suites.document import PairedDocument, Row, SuiteDocument, paired_document
from magdi.plugins.suites.statistics import Paired, corrected, over_seeds

BENCHMARKS = {
    "strategyqa": "StrategyQA",
    "commonsense-qa": "CSQA",
    "arc-challenge": "ARC-c",
    "gsm8k": "GSM8K",
    "math": "MATH",
}
"""The paper's five benchmarks, by task, as its tables call them; ``all`` stands for these."""


def named(tasks: str) -> list[str]:
    """Returns the tasks that ``A,B,...`` or ``all`` names."""
    return list(BENCHMARKS) if tasks == "all" else list(dict.fromkeys(filter(None, map(str.strip, tasks.split(",")))))


def across(documents: Mapping[str, SuiteDocument]) -> SuiteDocument:
    """Returns one document from a suite's documents on several tasks, of the same form (`make_document`).

    Every task counts as much as another, however many questions it has: a row's ``mean`` and ``paired`` are means over
    tasks, its ``figures`` begin with the accuracy of each task by name. Cells that some task has not done are left out.

    Args:
        documents: By task; those of one suite, with the same cells.
    """
    first = next(iter(documents.values()))
    rows = {task: {row["name"]: row for row in each["rows"]} for task, each in documents.items()}
    names = [name for name in rows[next(iter(rows))] if all(name in of for of in rows.values())]
    compared = _comparisons(list(documents.values()))
    return {
        **first,
        "columns": [*documents, *first["columns"]],
        "instrument": None,
        "tasks": list(documents),
        "simulated": any(each["simulated"] for each in documents.values()),
        "questions": sum(each["questions"] for each in documents.values()),
        "rows": [_row({task: of[name] for task, of in rows.items()}, compared) for name in names],
        "comparisons": list(compared.values()),
        "changes": [
            {**each, "name": f"{task}: {each['name']}"}
            for task, of in documents.items()
            for each in of.get("changes", ())
        ],
        "left_out": {name: why for each in documents.values() for name, why in each["left_out"].items()},
        "failures": [
            {**failure, "cell": f"{task}: {failure['cell']}"}
            for task, each in documents.items()
            for failure in each["failures"]
        ],
        "warnings": [f"{task}: {line}" for task, each in documents.items() for line in each.get("warnings", ())],
        "missing": [f"{task}: {missing}" for task, each in documents.items() for missing in each["missing"]],
        "seconds": round(sum(each["seconds"] for each in documents.values()), 1),
        "suites": {task: each["directory"] for task, each in documents.items()},
    }


def _row(by_task: Mapping[str, Row], compared: Mapping[str, PairedDocument]) -> Row:
    rows = list(by_task.values())
    seeds = {
        seed: fmean(row["seeds"][seed] for row in rows)
        for seed in rows[0]["seeds"]
        if all(seed in row["seeds"] for row in rows)
    }
    mean = fmean(row["mean"] for row in rows)
    figures = dict.fromkeys(name for row in rows for name in row["figures"])
    return {
        **rows[0],
        "mean": mean,
        "interval": _interval(mean, [row["interval"] for row in rows], list(seeds.values())),
        "sd": stdev(seeds.values()) if len(seeds) > 1 else None,
        "seeds": seeds,
        "paired": _own(rows[0]["paired"], compared),
        "figures": {
            **{name: fmean(row["figures"][name] for row in rows if name in row["figures"]) for name in figures},
            **{task: row["mean"] for task, row in by_task.items()},
        },
        "difficulty": {},
        "runs": [run for row in rows for run in row["runs"]],
    }


def _own(found: PairedDocument | None, compared: Mapping[str, PairedDocument]) -> PairedDocument | None:
    return None if found is None else compared.get(found["name"])


def _comparisons(documents: Sequence[SuiteDocument]) -> dict[str, PairedDocument]:
    """Returns the comparisons that all tasks have, each a mean over them, corrected together."""
    of = [{each["name"]: each for each in document["comparisons"]} for document in documents]
    names = [name for name in of[0] if all(name in each for each in of)]
    found = [_paired([each[name] for each in of]) for name in names]
    holm: list[Paired] = [{**each, "p_holm": p} for each, p in zip(found, corrected(found), strict=True)]
    return {
        name: paired_document(name, of[0][name]["cells"], [of[0][name]["to"]], each)
        for name, each in zip(names, holm, strict=True)
    }


def _paired(by_task: Sequence[PairedDocument]) -> Paired:
    seeds = {
        seed: fmean(each["seeds"][seed] for each in by_task)
        for seed in by_task[0]["seeds"]
        if all(seed in each["seeds"] for each in by_task)
    }
    difference = fmean(each["difference"] for each in by_task)
    half = _half([each["interval"] for each in by_task])
    p_questions = 2 * NormalDist().cdf(-abs(difference) / (half / NormalDist().inv_cdf(0.975))) if half else 1.0
    p_seeds = over_seeds(list(seeds.values())).p if len(seeds) > 1 else None
    return {
        "difference": difference,
        "interval": _interval(difference, [each["interval"] for each in by_task], list(seeds.values())),
        "p": max(p_questions, p_seeds or 0.0),
        "p_seeds": p_seeds,
        "p_questions": p_questions,
        "seeds": seeds,
        "questions": sum(each["questions"] for each in by_task),
        "gained": None,
        "lost": None,
        "p_holm": None,
    }


def _half(intervals: Sequence[Sequence[float]]) -> float:
    """Returns half the width of a mean's interval, from those of what it is the mean of, independent of one another."""
    return math.sqrt(sum(((high - low) / 2) ** 2 for low, high in intervals)) / len(intervals)


def _interval(mean: float, intervals: Sequence[Sequence[float]], seeds: Sequence[float]) -> Interval:
    """Returns the wider of that and t over seeds."""
    half = _half(intervals)
    low, high = (over_seeds(seeds).interval if len(seeds) > 1 else None) or (mean, mean)
    return min(mean - half, low), max(mean + half, high)
