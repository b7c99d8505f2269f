"""By which rules the discussions of a file are held again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from magdi.core.components import Components
from magdi.core.config.models import ComponentChoice, Discussion, RunConfig
from magdi.core.mag import Mag
from magdi.core.protocol import Agent
from magdi.core.run.directory import RunDirectory
from magdi.core.run.locations import Location
from magdi.core.run.seats import agents
from magdi.plugins.corpus.check import ReplayRule
from magdi.plugins.corpus.replay import own_prompts


def prompted(
    mags: Iterable[Mag],
    files: Sequence[Location],
    components: Components,
    name: str | None,
    settings: Mapping[str, object],
) -> Iterator[Mag]:
    """Yields MAGs with every turn's prompt: as it was kept, else as the protocol makes it.

    Raises:
        DataError: They were not kept, and the protocol is not known or another one.
    """
    given = RunConfig(discussion=Discussion(mags=tuple(map(str, files))))
    if name:
        given = given.model_copy(update={"protocol": ComponentChoice(name=name, **settings)})
    return map(own_prompts(given, components).given_to, mags)


def rule_for(file: Location, components: Components, name: str | None, settings: Mapping[str, object]) -> ReplayRule:
    """Returns the rule of a file: as asked for, or as the configuration of the run that it belongs to says.

    Without either, discussions are not held again: their protocols' settings are not known. The run's task grades,
    unless the run has taken its MAGs from elsewhere.

    Raises:
        ComponentError: There is no such protocol or task.
    """
    run = RunDirectory(file.parent) if isinstance(file, Path) else None
    config = run.config() if run and run.is_run() else None
    if config is None or config.discussion.mag_files:
        choice = ComponentChoice(name=name, **settings) if name else None
        return ReplayRule(components.protocol(choice)) if choice else ReplayRule()
    own = config.protocol
    choice = ComponentChoice(
        name=name or own.name, **{**(own.settings if name in (None, own.name) else {}), **settings}
    )
    decision, task = config.discussion.decision, components.task(config.task, config.seed)
    return ReplayRule(
        components.protocol(choice),
        agents=[Agent(each, taught.persona) for each, taught in agents(config, task).items()],
        decide=components.decision(decision) if decision else None,
        task=task,
    )
