"""What a run's MAGs teach: which turns, and after which prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from magdi.core.components import Components
from magdi.core.config.models import RunConfig, Training
from magdi.core.discussion.replay import Held
from magdi.core.distill.lessons import Lessons, OwnPrompts
from magdi.core.protocol import Agent
from magdi.core.run.directory import RunDirectory
from magdi.core.run.locations import expanded, is_url
from magdi.core.run.seats import agents


def origins(config: RunConfig) -> Iterator[RunConfig]:
    """Yields the configurations by which a run's MAGs may have been held: of the runs they are from, then its own."""
    near = [name for name in config.discussion.mag_files if not is_url(name)]  # a run may name what it likes
    for place in (Path(each) for name in near for each in expanded(name)):
        run = RunDirectory(place if place.is_dir() else place.parent)
        if run.is_run():
            yield from origins(run.config())
    yield config


def lessons(config: RunConfig, training: Training, components: Components) -> Lessons:
    """Returns which turns of a run's MAGs are taught, and after which prompts."""
    prompts = own_prompts(config, components) if training.prompt == "role" else None
    return Lessons(training.role, prompts, training.credit)


def own_prompts(config: RunConfig, components: Components) -> OwnPrompts:
    """Returns where the prompts of a run's MAGs are found: kept ones, else what their protocols make of them."""
    held: dict[str, Held] = {}
    for each in origins(config):
        if each.protocol.name not in held:
            people = agents(each, components.task(each.task, each.seed)).items()
            decide = each.discussion.decision
            held[each.protocol.name] = Held(
                components.protocol(each.protocol),
                tuple(Agent(name, choice.persona) for name, choice in people),
                components.decision(decide) if decide else None,
            )
    return OwnPrompts(held)
