"""What trackers keep of a run beside its figures: a table of the discussions, the page, and the run's own files."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from pathlib import Path

from magdi.core.components import Components
from magdi.core.mag import Mag, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.summary import simulated

MOST_ROWS = 1000
COLUMNS = ["id", "question", "gold", "answer", "right", "structure", "rounds", "turns", "stop", "tokens", "simulated"]

Cell = str | int | bool | None


class Kept:
    """What is kept of a run; made once a tracker takes it.

    Args:
        run: The run's directory.
        folder: Where the page is written.
        components: With which the page can show prompts that were not kept.
    """

    def __init__(self, run: RunDirectory, folder: Path, components: Components) -> None:
        self._run, self._folder, self._components = run, folder, components

    @cached_property
    def rows(self) -> list[list[Cell]]:
        """The first `MOST_ROWS` discussions, a row each; see `COLUMNS`."""
        return [_row(mag) for mag in islice(read_mags(self._run.mags), MOST_ROWS)] if self._run.mags.is_file() else []

    @cached_property
    def files(self) -> list[Path]:
        """The page, and what the run says of its configuration and of what came out of it.

        Raises:
            MagdiError: The page cannot be made.
        """
        from magdi.plugins.report.data import view

        page = view(self._run.path, self._folder / "report.html", components=self._components)
        return [page, *(self._run.path / name for name in (RunDirectory.CONFIG, RunDirectory.STATE))]


def _row(mag: Mag) -> list[Cell]:
    question, decision, usage = mag.question, mag.decision, mag.usage
    rounds = 1 + max((turn.round for turn in mag.turns), default=-1)
    held: list[Cell] = [mag.structure, rounds, len(mag.turns), mag.stop]
    tokens = usage.prompt_tokens + usage.completion_tokens
    return [mag.id, question.text, question.gold, decision.answer, decision.correct, *held, tokens, any(simulated(mag))]
