"""Weights that a forward pass may leave without a gradient: where there may be some, DDP has to look for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from magdi.core.distill.batch import MagBatch, collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.losses import MagLosses
from magdi.core.errors import MagdiError


def may_be_unused(module: MagLosses, mag: Encoded, steps: int) -> bool:
    """Returns whether a trained weight may go without a gradient in some process at some step.

    So it is where an objective is annealed to 0, where experts take turns, and where a weight is not reached by a MAG,
    or not by the same one with nothing in it for any objective: whoever finds more to do reaches no less.

    Args:
        module: In the place where it is trained; without dropout from here on.
        mag: Any that is learned from.
        steps: Optimizer steps of the run.
    """
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    off = any(not each.weight(step, steps) for each in module.objectives.values() for step in range(steps))
    if off or any(".experts." in name for name in trained):
        return True
    nothing = replace(mag, columns={name: column[:, :0] for name, column in mag.columns.items()})
    wanted, device = {id(weight) for weight in trained.values()}, next(iter(trained.values())).device
    module.eval()
    try:
        batches = [collate([each], module.reader.layout).to(device) for each in (nothing, mag)]
        return any(wanted - set(_reached(module, batch)) for batch in batches)
    except (MagdiError, RuntimeError):  # an objective that cannot do without: whether it has to, training says
        return True


def _reached(module: MagLosses, batch: MagBatch) -> Iterator[int]:
    """Yields the ids of the weights that the loss of a batch is made from."""
    left: list[Any] = [module(batch, dict.fromkeys(module.objectives, 1.0)).total.grad_fn]
    seen: set[Any] = {None}
    while left:
        if (node := left.pop()) not in seen:
            seen.add(node)
            left += [each for each, _ in node.next_functions]
            yield id(getattr(node, "variable", None))
