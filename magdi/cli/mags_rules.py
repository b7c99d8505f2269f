"""By which rules the discussions of a file are held again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.corpus.check import Rule
from magdi.core.errors import ComponentError
from magdi.core.protocol import Agent

if TYPE_CHECKING:
    from magdi.core.components import Components
    from magdi.core.config.models import ComponentChoice, RunConfig


def rule_for(file: Path, components: Components, name: str | None, settings: Mapping[str, Any]) -> Rule:
    """Returns the rule of a file: as asked for, or as the configuration of the run that it belongs to says.

    Without either, discussions are not held again: their protocols' settings are not known.

    Raises:
        ComponentError: There is no such protocol; where the run's configuration names plugins, the hint does too.
    """
    from magdi.core.config.models import ComponentChoice
    from magdi.core.decisions import make_rule

    config = run_config(file)
    choice: ComponentChoice | None = config.protocol if config else None
    if name or (settings and choice):
        own = choice.settings if choice and choice.name == (name or choice.name) else {}
        choice = ComponentChoice(name=name or (choice.name if choice else ""), **{**own, **settings})
    if choice is None:
        return Rule()
    try:
        protocol = components.protocol(choice)
    except ComponentError as error:
        if config is None or not config.plugins:
            raise
        named = " ".join(f"--plugin {shlex.quote(plugin)}" for plugin in config.plugins)
        raise ComponentError(error.message, hint=f"the run's configuration names plugins: {named}") from error
    decision = config.discussion.decision if config else None
    return Rule(
        lambda mag: protocol,
        agents=_agents(config, components) if config else (),
        decide=make_rule(decision) if decision else None,
    )


def _agents(config: RunConfig, components: Components) -> list[Agent]:
    """Returns who took part, whether they have spoken or not."""
    from magdi.core.experiment.seats import agents

    taking_part = agents(config, components.task(config.task, config.seed))
    return [Agent(name, choice.persona) for name, choice in taking_part.items()]


def run_config(file: Path) -> RunConfig | None:
    """Returns the configuration beside a run's MAG file, None where there is none."""
    import yaml

    from magdi.core.config.models import RunConfig

    path = file.parent / "config.yaml"
    if not path.is_file():
        return None
    return RunConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
