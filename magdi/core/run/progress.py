"""What a run tells about itself while it works: the CLI draws it, plugins observe it, tests ignore it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

Figures = Mapping[str, float]


class Progress:
    """Receives a run's progress, and does nothing with it. Stages come one after the other."""

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """A stage begins; ``total`` units of work lie ahead, None when that is not known."""

    def advance(self, done: int, figures: Figures) -> None:
        """The stage has done this many units; ``figures`` are what is worth seeing at this point."""

    def finish(self, seconds: float) -> None:
        """The stage is done."""

    def note(self, text: str) -> None:
        """Something that happened once and that the user should know."""

    def event(self, hook: str, **facts: Any) -> None:
        """Something that plugins may observe: run_start, discussion_end, metrics, run_end."""


Item = TypeVar("Item")

INTERVAL = 0.1  # seconds between two calls of progress; a terminal shows no more


class StageProgress:
    """A part of a stage whose progress is told.

        with StageProgress(progress, "discussion", total, "questions") as stage:
            for mag in stage.counting(mags):
                ...

    Args:
        progress: Who is told.
        name: What is being done.
        total: Units of work ahead; None when that is not known.
        unit: What is counted.
    """

    def __init__(self, progress: Progress, name: str, total: int | None, unit: str) -> None:
        self._progress, self._name, self._total, self._unit = progress, name, total, unit
        self._done = 0
        self._figures: Figures = {}
        self._start = self._told = 0.0

    def __enter__(self) -> Self:
        self._start = time.monotonic()
        self._progress.stage(self._name, self._total, self._unit)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.advance(self._done, self._figures)
        if error is None:
            self._progress.finish(time.monotonic() - self._start)

    def at(self, done: int, figures: Figures | None = None) -> None:
        """So much is done; figures stay as they are where none are given."""
        self._done = done
        self._figures = self._figures if figures is None else figures
        now = time.monotonic()
        if now - self._told >= INTERVAL:
            self._told = now
            self._progress.advance(done, self._figures)

    def counting(self, items: Iterable[Item]) -> Iterator[Item]:
        """Passes items on, counting them."""
        for count, item in enumerate(items, start=1):
            yield item
            self.at(count)
