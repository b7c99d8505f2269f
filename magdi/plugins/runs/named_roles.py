"""Roles that settings name are looked for in what the protocol says of its own, before anything is paid."""

from __future__ import annotations

from collections.abc import Iterator

from magdi.core.components import Components
from magdi.core.config.models import Preferring, RunConfig
from magdi.core.errors import ConfigError, did_you_mean
from magdi.plugins.objectives.levels import objectives_of


def check_roles(config: RunConfig, components: Components) -> None:
    """Sees to it that there is every role that is named.

    Of MAGs that are there already, where a decision rule speaks too, and of protocols that do not say their roles, it
    is told when the turns have been read.

    Raises:
        ConfigError: One is none of the protocol's.
    """
    roles = components.protocol(config.protocol).roles
    if not roles or config.discussion.mag_files or config.discussion.decision:
        return
    for where, wanted in _named(config, components):
        if not {*wanted} & {*roles}:
            there = f"protocol {config.protocol.name!r} has no role {' or '.join(wanted)}, only {', '.join(roles)}"
            raise ConfigError(f"{where}: {there}", hint=did_you_mean(wanted[0], roles))


def _named(config: RunConfig, components: Components) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields what names roles, each with those one of which there has to be."""
    training, evaluation = config.training, config.evaluation
    if training.role:
        yield "training.role", (training.role,)
    for name, choice in objectives_of(config).items():
        objective = components.objective(choice)
        if objective.roles:
            yield f"objectives.{name}", objective.roles
        yield from ((f"objectives.{name}.roles", (role,)) for role in getattr(objective.config, "roles", None) or ())
    if training.method == "malt":
        chosen = () if training.dpo.roles == Preferring().roles else training.dpo.roles  # else a note says it
        yield from (("training.dpo.roles", (role,)) for role in chosen)
        yield from (("evaluation.roles", (role,)) for role in evaluation.roles or ())
        yield from (("evaluation.untrained", (role,)) for role in evaluation.untrained)
