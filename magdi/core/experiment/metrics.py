"""metrics.jsonl: what was measured while a run worked, one line a measurement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any


class MetricsFile:
    """A growing file of measurements by step.

    A run that goes on from a checkpoint measures some steps again: what the file has of the first step that is written
    anew, and of all later ones, is dropped.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def write(self, metrics: Mapping[str, float]) -> None:
        """Adds one line; ``metrics`` has a ``step``."""
        if self._file is None:
            self._file = self._reopen(metrics["step"])
        self._file.write(json.dumps(metrics) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def _reopen(self, step: float) -> IO[str]:
        earlier = [line for line in read_metrics(self._path) if line["step"] < step]
        file = self._path.open("w", encoding="utf-8")
        file.writelines(json.dumps(line) + "\n" for line in earlier)
        return file


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Returns the measurements of a file; a last line that a kill has torn is left out."""
    if not path.exists():
        return []
    lines = path.read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1] if line]
