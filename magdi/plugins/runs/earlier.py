"""What earlier runs on this machine took: the best that is known of what a run like them will take."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from magdi.core.config.models import RunConfig
from magdi.core.discussion.gate import CHARACTERS_PER_TOKEN
from magdi.core.errors import DataError
from magdi.core.run.directory import RunDirectory
from magdi.core.run.state import Stage
from magdi.plugins.runs.finding import find_runs, last_worked_on

MOST = 30  # runs that are looked at, the newest
LOADING = 1.0  # seconds of an evaluation before the first answer, but
LOADED = 0.7  # of it at most
DEPTH = 2  # folders below the ones that are searched


@dataclass(frozen=True, slots=True)
class Rate:
    """What something took.

    Attributes:
        usual: For one of it: the median over runs.
        most: The most of any run.
        runs: How many runs that is from.
        begin: Before the first of it: the median over runs.
    """

    usual: float
    most: float
    runs: int
    begin: float = 0.0

    @classmethod
    def of(cls, found: Sequence[float], begin: Sequence[float] = (0.0,)) -> Rate | None:
        """Returns the rate of some runs; None of none."""
        return cls(median(found), max(found), len(found), median(begin)) if found else None


class Past(NamedTuple):
    """A run: its configuration, and what run.json says of its stages and of the device."""

    config: RunConfig
    stages: Mapping[str, Stage]
    device: str


class Earlier:
    """The runs of this machine in a folder."""

    def __init__(self, runs: Sequence[Past]) -> None:
        self._runs = runs

    @classmethod
    def find(cls, *folders: Path) -> Earlier:
        """Reads the newest runs in some folders, and in suites there; what cannot be read is passed over."""
        found = {run.path.resolve(): run for folder in folders for run in find_runs(folder, DEPTH)}
        return cls(list(_readable(sorted(found.values(), key=last_worked_on, reverse=True)[:MOST])))

    def talks(self, teachers: set[str], config: RunConfig | None = None) -> Iterator[Stage]:
        """Yields what is known of discussions between teachers; if a run is given, on its task by its protocol."""
        for other, stages, _ in self._runs:
            record = stages.get("discussion", {})
            held = record.get("done") and not record.get("imported") and "taken_from" not in record
            theirs = held and record["mags"].get("turns") and set(record["mags"].get("teachers", {})) == teachers
            if theirs and (config is None or _same_talk(other, config)):
                yield record

    def characters(self, teachers: set[str]) -> dict[str, float]:
        """Returns the characters of a reply by each of some teachers, where they have discussed before."""
        found = {teacher: list(self.talks({teacher})) or list(self.talks(teachers)) for teacher in teachers}
        return {
            teacher: CHARACTERS_PER_TOKEN
            * median(each["tokens"]["completion"] / each["mags"]["turns"] for each in records)
            for teacher, records in found.items()
            if records
        }

    def a_discussion(self, teachers: set[str], config: RunConfig) -> dict[str, float] | None:
        """Returns what a discussion like a run's took: calls, tokens, US dollars, in the mean over all of them."""
        records = list(self.talks(teachers, config))
        held = sum(each["mags"]["count"] for each in records)
        if not held:
            return None
        return {
            "calls": sum(each["mags"]["turns"] for each in records) / held,
            "prompt_tokens": sum(each["tokens"]["prompt"] for each in records) / held,
            "completion_tokens": sum(each["tokens"]["completion"] for each in records) / held,
        }

    def seconds_a_call(self, teachers: set[str], at_once: Callable[[int], int] = lambda held: 1) -> Rate | None:
        """Returns the seconds that a call of these teachers took, times ``at_once`` of how many were held."""
        found = ((each["seconds"] / each["mags"]["turns"], each["mags"]["count"]) for each in self.talks(teachers))
        return Rate.of([seconds * at_once(held) for seconds, held in found])

    def seconds_a_step(self, config: RunConfig) -> Rate | None:
        """Returns the seconds of an optimizer step of a student and of steps like a run's."""
        records = [each for each in self._stage("distillation", config) if each["training"].get("steps")]
        pairs = [(each["training"]["steps"], each["seconds"], _stepping(each, config)) for each in records]
        return Rate.of(
            [stepping / steps for steps, _, stepping in pairs], [seconds - stepping for _, seconds, stepping in pairs]
        )

    def seconds_an_answer(self, config: RunConfig) -> Rate | None:
        """Returns the seconds of an answer of a student like a run's."""
        found, begins = [], []
        for each in self._stage("evaluation", config):
            scores = [score for score in (each.get("base"), each.get("student")) if score]
            asked = sum(score["count"] * score.get("samples", 1) for score in scores)
            if asked:
                begins.append(min(LOADING, LOADED * each["seconds"]))
                found.append((each["seconds"] - begins[-1]) / asked)
        return Rate.of(found, begins)

    def gpu_memory(self, config: RunConfig) -> Rate | None:
        """Returns the bytes of GPU memory that training a student like a run's took."""
        metrics = [each["training"].get("metrics", {}) for each in self._stage("distillation", config, gpu=True)]
        return Rate.of([2**20 * each["memory_mib"] for each in metrics if "memory_mib" in each])

    def _stage(self, name: str, config: RunConfig, *, gpu: bool = False) -> list[Stage]:
        wanted = _learns(config)
        return [
            stages[name]
            for other, stages, device in self._runs
            if stages.get(name, {}).get("done") and "taken_from" not in stages[name] and _learns(other) == wanted
            if not gpu or not device.startswith("CPU")
        ]


def _readable(runs: Sequence[RunDirectory]) -> Iterator[Past]:
    for run in runs:
        with suppress(DataError, OSError):
            state = run.state()
            if state.get("host") == platform.node() and state.get("stages"):
                yield Past(run.config(), state["stages"], state.get("device", "CPU"))


def _stepping(record: Stage, config: RunConfig) -> float:
    """Returns the seconds of a training's steps alone, by the speed of the last of them where that is known."""
    training = record["training"]
    speed = training.get("metrics", {}).get("mags_per_second")
    steps: float = training["steps"] * config.training.mags_per_step / speed if speed else record["seconds"]
    return min(steps, float(record["seconds"]))


def _same_talk(one: RunConfig, other: RunConfig) -> bool:
    return (one.task, one.protocol, one.discussion.decision) == (other.task, other.protocol, other.discussion.decision)


def _learns(config: RunConfig) -> tuple[object, ...]:
    training = config.training
    kept = (training.method, training.level, training.mags_per_step, training.tokens_per_batch, training.prompt)
    return (config.student, *kept, config.encoder.name, config.evaluation.max_new_tokens)
