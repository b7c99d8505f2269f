"""Tries what a run is configured to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magdi.core.components import Components
from magdi.core.config.levels import objectives_of
from magdi.core.config.models import RunConfig
from magdi.plugins.trial.encoder import try_encoder, width
from magdi.plugins.trial.objective import try_objective
from magdi.plugins.trial.roles import check_roles

if TYPE_CHECKING:
    from magdi.core.encoder import Encoder


def try_out(config: RunConfig, components: Components) -> None:
    """Tries a run's objectives, and its encoder where one of them uses it.

    Raises:
        ConfigError: A setting names a role that the protocol has not.
        ComponentError: The encoder does not work.
        TrainingError: An objective does not.
    """
    check_roles(config, components)
    objectives = {name: components.objective(choice) for name, choice in objectives_of(config).items()}
    if not objectives or (dim := width(config.student)) is None:
        return

    def encoder(dim: int) -> Encoder:
        return components.encoder(config.encoder, dim)

    if any(each.uses_encoder for each in objectives.values()):
        try_encoder(config.encoder.name, encoder, dim)
    for name, objective in objectives.items():
        try_objective(name, objective, encoder, dim)
