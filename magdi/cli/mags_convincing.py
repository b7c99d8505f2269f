"""`magdi mags convincing`: samples for ReConcile, mined from training questions."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from magdi.cli import options as opt

if TYPE_CHECKING:
    from magdi.plugins.setup import Setup
    from magdi.protocols.convincing import Sample


@opt.grouped
def convincing(
    request: opt.Request,
    out: Annotated[Path, typer.Option("--out", "-o", help="The JSON file to write.")],
    count: Annotated[int, typer.Option(min=1, help="Samples for each agent.")] = 4,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Mine convincing samples: training questions that an agent gets wrong alone, and right once explained.

    Replies are kept beside the file, so that the same command goes on where it was stopped.
    """
    from magdi.cli.mags_tables import table
    from magdi.cli.output import check_out, say, show
    from magdi.core.files import write_whole

    found: dict[str, list[Sample]] = {}
    asked = 0
    check_out(out)
    for asked, found in enumerate(_mined(request.set_up(), out, count), start=1):
        if not quiet and asked % 50 == 0:
            so_far = ", ".join(f"{agent} {len(each)}" for agent, each in found.items())
            say(f"convincing: {asked} questions, {so_far}")
    samples = {agent: [sample.model_dump() for sample in each] for agent, each in found.items()}
    write_whole(out, json_.dumps(samples, indent=2, ensure_ascii=False) + "\n")
    counts = {agent: len(each) for agent, each in samples.items()}
    document = {"out": str(out), "questions": asked, "samples": counts}
    title = f"written to {out}, from {asked} questions"
    show(document, as_json=json, render=lambda: table(title, ["agent", "samples"], list(counts.items())))


def _mined(setup: Setup, out: Path, count: int) -> Any:
    from magdi.core.discussion.journal import Journal
    from magdi.core.run.seats import seats
    from magdi.protocols.mining import mine

    setup.plugins.demand()
    config, components = setup.config, setup.plugins.registry
    task = components.task(config.task, config.seed)
    questions = task.first("train", config.discussion.questions)
    taking_part = seats(config, task, components)
    with Journal(out.with_suffix(".journal.sqlite")) as journal:
        yield from mine(
            questions, seats=taking_part, task=task, per_agent=count, settings=config.discussion, journal=journal
        )
