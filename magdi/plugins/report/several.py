"""Several runs on one page: what they were told differently, what came of each, and their curves over one another."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from magdi.core.errors import DataError
from magdi.core.evaluation.prediction import Prediction
from magdi.core.evaluation.scores import Scores
from magdi.core.mag import read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.metrics import read_metrics
from magdi.plugins.corpus.statistics.rounds import by_round
from magdi.plugins.report.blocks import Block, Column, Curves, Estimate, Intervals, Link, Section, Series, Table
from magdi.plugins.report.curves import overlaid
from magdi.plugins.report.headline import scored
from magdi.plugins.report.page import link_to
from magdi.plugins.report.talk import without_words
from magdi.plugins.runs.finding import SHOWN_SETTINGS, compare, row
from magdi.plugins.runs.result import NAMES


def sections(
    runs: Sequence[RunDirectory], page: Path, predictions: Sequence[Mapping[str, list[Prediction]]]
) -> Iterator[Section]:
    """Yields the sections of the page of several runs.

    Args:
        runs: The runs; the others are compared with the first.
        page: The HTML file, from which links lead to the runs' own.
        predictions: Of each run, by who made them (``base``, ``student``).
    """
    names = _names([run.path for run in runs])
    scores = [scored(each) for each in predictions]
    links = [link_to(run.path, name, page) for run, name in zip(runs, names, strict=True)]
    summary = (_table(links, runs, scores), *_students(names, scores), *_differences(names, runs))
    yield Section("runs", "Runs", (*summary, *_settings(names, runs)))
    if lines := {name: [found] for name, run in zip(names, runs, strict=True) if (found := read_metrics(run.metrics))}:
        yield Section("training", "Training", tuple(overlaid(lines)))
    if talks := tuple(_talks(names, runs)):
        yield Section("talk", "Rounds", talks)


def _names(paths: Sequence[Path]) -> list[str]:
    """Returns the last part of each path, or all of it where others end alike."""
    ends = Counter(path.resolve().name for path in paths)
    return [path.resolve().name if ends[path.resolve().name] == 1 else str(path) for path in paths]


def _table(links: Sequence[Link], runs: Sequence[RunDirectory], scores: Sequence[Mapping[str, Scores]]) -> Table:
    columns = (
        Column("run", "link"),
        *(Column(name) for name in SHOWN_SETTINGS),
        Column("status"),
        *(Column(title, "share", note="accuracy on the held-out questions") for title in NAMES.values()),
    )
    rows = []
    for link, run, of in zip(links, runs, scores, strict=True):
        found = row(run)
        told = (_said(found["settings"].get(name)) for name in SHOWN_SETTINGS)
        rows.append((link, *told, str(found["status"]), *(of[who].accuracy if who in of else None for who in NAMES)))
    return Table(columns, tuple(rows))


def _said(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def _students(names: Sequence[str], scores: Sequence[Mapping[str, Scores]]) -> Iterator[Block]:
    students = [(name, of["student"]) for name, of in zip(names, scores, strict=True) if "student" in of]
    if students:
        rows = tuple(Estimate(name, one.accuracy, *one.interval) for name, one in students)
        yield Intervals("Accuracy of the distilled students", "accuracy", rows, half=True)


def _differences(names: Sequence[str], runs: Sequence[RunDirectory]) -> Iterator[Block]:
    compared = [(name, compare(runs[0], run)["student"]) for name, run in zip(names[1:], runs[1:], strict=True)]
    rows = tuple(
        Estimate(name, found["difference"], low, high, shown=found["verdict"] in ("better", "worse"))
        for name, found in compared
        if found
        for low, high in [found["interval"]]
    )
    if rows:
        note = "Over the questions that both answered; dots are differences, lines 95 % intervals. Grey: none shown."
        title = f"Difference to {names[0]}, of students"
        yield Intervals(title, "points", rows, unit="points", note=note, half=True)


def _settings(names: Sequence[str], runs: Sequence[RunDirectory]) -> Iterator[Block]:
    try:
        told = [run.deciding() for run in runs]
    except DataError:
        return  # a run of another version of magdi
    keys = sorted({key for each in told for key in each})
    rows = [(key, [_said(each.get(key)) for each in told]) for key in keys]
    differing = tuple((key, *values) for key, values in rows if len(set(values)) > 1)
    if differing:
        columns = (Column("setting"), *map(Column, names))
        yield Table(columns, differing, title="What they were told differently")


def _talks(names: Sequence[str], runs: Sequence[RunDirectory]) -> Iterator[Block]:
    series = []
    for name, run in zip(names, runs, strict=True):
        mags = list(map(without_words, read_mags(run.mags, on_bad_line=[]))) if run.mags.is_file() else []
        votes = [each["vote"]["share"] for each in by_round(mags)] if mags else []
        if len(votes) > 1:
            series.append(Series(name, tuple(map(float, range(len(votes)))), tuple(votes)))
    if series:
        note = "The plain vote of all discussions after so many rounds."
        yield Curves("Teams right after so many rounds", "round", tuple(series), note=note, percent=True)
