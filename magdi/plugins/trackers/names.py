"""Which trackers there are, and which follow a run; known without loading any of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from magdi.core.errors import ConfigError, did_you_mean

TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
"""Each has the name of its module; any other one is a plugin with hooks."""

UNASKED = "tensorboard"


def chosen(asked: Sequence[str]) -> list[str]:
    """Returns which trackers follow a run: those that were asked for, else TensorBoard where it is installed.

    Raises:
        ConfigError: There is none of a name, or it is not installed.
    """
    if "none" in asked:
        return []
    if not asked or "all" in asked:
        return [name for name in (TRACKERS if asked else [UNASKED]) if find_spec(name)]
    for name in asked:
        if name not in TRACKERS:
            raise ConfigError(f"training.report_to: {name!r}", hint=did_you_mean(name, (*TRACKERS, "all", "none")))
    missing = [name for name in asked if not find_spec(name)]
    if missing:
        raise ConfigError(
            f"training.report_to: {', '.join(missing)} is not installed", hint=f"pip install {' '.join(missing)}"
        )
    return list(dict.fromkeys(asked))
