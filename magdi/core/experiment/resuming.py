"""Where a run goes on from: what there is already of one that has not come to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from magdi.core.experiment.directory import RunDirectory


def standing(directory: RunDirectory, questions: Callable[[], int]) -> str:
    """Returns how far a run has come by itself, e.g. "24 of 24 questions discussed, training from step 4 of 6".

    Args:
        directory: The run's directory.
        questions: Counts the questions that are to be discussed; called where the discussions are not done.

    Returns:
        One line; empty where nothing is there yet. What was taken over from another run is left out.
    """
    stages: dict[str, dict[str, Any]] = directory.state().get("stages", {})
    talk, training = (stages.get(stage, {}) for stage in ("discussion", "distillation"))
    parts = [*_discussed(directory, talk, questions), *_trained(directory, training)]
    return ", ".join(parts)


def _discussed(directory: RunDirectory, record: dict[str, Any], questions: Callable[[], int]) -> Iterator[str]:
    if "taken_from" in record:
        return
    if record.get("done"):
        count = record["mags"]["count"]
        yield f"{count:,} of {count + record.get('failed', 0):,} questions discussed"
    elif directory.mags.exists() or directory.journal.exists():
        held, replies = _lines(directory), directory.replies()
        yield f"{held:,} of {questions():,} questions discussed ({replies:,} replies kept)"


def _lines(directory: RunDirectory) -> int:
    if not directory.mags.exists():
        return 0
    with directory.mags.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)


def _trained(directory: RunDirectory, record: dict[str, Any]) -> Iterator[str]:
    if "taken_from" in record:
        return
    if record.get("done"):
        yield "student trained"
    elif directory.checkpoints.is_dir():
        from magdi.core.distill.checkpoints import newest

        checkpoint = newest(directory.checkpoints)
        if checkpoint is not None:
            state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
            yield f"training from step {state['global_step']:,} of {state['max_steps']:,}"
