"""The stages of a run: each reads what the one before wrote into the run directory, and returns its outcome."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.discussion.events import Event, Totals
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.store import discuss_to_file
from magdi.core.errors import DataError, MagFileError
from magdi.core.experiment.clock import Clock
from magdi.core.experiment.directory import RunDirectory
from magdi.core.experiment.progress import Progress
from magdi.core.experiment.seats import seats
from magdi.core.experiment.summary import Summary
from magdi.core.mag import Mag, read_mags, write_mags
from magdi.core.task import Task

TOKENIZER_TEXTS = 5000  # MAGs whose texts a tiny student's tokenizer is trained on


class Workshop:
    """What the stages of one run share.

    Args:
        config: What to do.
        directory: Where it goes.
        components: Makes protocol, encoder, teachers and task.
        progress: Who is told how it goes.
    """

    def __init__(self, config: RunConfig, directory: RunDirectory, components: Components, progress: Progress) -> None:
        self.config = config
        self.directory = directory
        self.components = components
        self.progress = progress

    @cached_property
    def task(self) -> Task:
        """The task."""
        return self.components.task(self.config.task, self.config.seed)

    def discussion(self) -> dict[str, Any]:
        """Holds the discussions, or takes over those of a MAG file."""
        summary = Summary()
        simulated = self._take_over(summary) if self.config.discussion.mags else self._discuss(summary)
        if not summary.count:
            raise DataError("no discussion was held to its end", hint=f"see {self.directory.failures} for the reasons")
        return {"simulated": simulated, "mags": summary.document(), "tokens": summary.tokens()}

    def _take_over(self, summary: Summary) -> bool:
        given = self.config.discussion
        assert given.mags is not None
        bad: list[MagFileError] | None = [] if given.skip_bad else None
        with Clock(self.progress, "MAGs", None, "MAGs") as clock:
            mags = islice(read_mags(given.mags, on_bad_line=bad), given.questions)
            write_mags(self.directory.mags, clock.counting(summary.watching(mags)))
        for error in bad or ():
            self.progress.note(f"skipped {error.message}")
        return summary.simulated

    def _discuss(self, summary: Summary) -> bool:
        config = self.config
        questions = self.task.questions("train")[: config.discussion.questions]
        taking_part = seats(config, self.task, self.components)
        totals = Totals()

        def on_event(event: Event) -> None:
            totals.add(event)
            clock.at(summary.count + totals.failed, _talk_figures(totals))

        def on_mag(mag: Mag) -> None:
            summary.add(mag)
            clock.at(summary.count + totals.failed)
            self.progress.event("discussion_end", mag=mag)

        where = Path(config.discussion.cache) if config.discussion.cache else self.directory.path
        where.mkdir(parents=True, exist_ok=True)
        with (
            Clock(self.progress, "discussion", len(questions), "questions") as clock,
            Journal(where / self.directory.journal.name) as journal,
        ):
            stored = discuss_to_file(
                questions,
                self.directory.mags,
                self.directory.failures,
                on_mag=on_mag,
                protocol=self.components.protocol(config.protocol),
                protocol_name=config.protocol.name,
                seats=taking_part,
                task=self.task,
                settings=config.discussion,
                journal=journal,
                on_event=on_event,
            )
        if stored.failed:
            self.progress.note(f"{stored.failed} discussions failed; the reasons are in {self.directory.failures}")
        return any(seat.teacher.simulated for seat in taking_part)


def _talk_figures(totals: Totals) -> dict[str, float]:
    """Returns what is worth seeing of discussions under way."""
    figures: dict[str, float] = {"calls": totals.calls, "rounds": totals.rounds, "tokens": totals.usage.total_tokens}
    if totals.kept:
        figures["kept"] = totals.kept
    if totals.retries:
        figures["retries"] = totals.retries
    if totals.usage.cost:
        figures["$"] = totals.usage.cost
    return figures
