"""Objectives are tried before the first teacher is asked, on a made-up discussion and a student of random states."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from magdi.core.distill.blame import called
from magdi.core.distill.selection import Selection, counted, select
from magdi.core.errors import TrainingError
from magdi.core.objective import Objective
from magdi.plugins.guard import process_settings, restore

if TYPE_CHECKING:
    from magdi.core.distill.encoded import Encoded
    from magdi.core.encoder import Encoder

TOKENS = 3
WORDS = 8


def try_objective(name: str, objective: Objective, make_encoder: Callable[[int], Encoder], dim: int) -> None:
    """Lets an objective select from a made-up discussion, count, make its head, and take its loss and gradient.

    Args:
        name: What it is called in the run.
        objective: The objective.
        make_encoder: Makes the encoder, where it uses one.
        dim: The student's hidden size.

    Raises:
        TrainingError: It raises, or gives what is no sum that one can train by; the message names file and line.
    """
    from magdi.plugins.testing.sample_mags import sample_mags

    mag = sample_mags(objective.roles)[0].model_copy(update={"id": "tried"})
    selection = select(mag, {name: objective})
    if selection.chains:
        _try_loss(name, objective, _encoded(name, objective, selection), make_encoder, dim)


def _try_loss(name: str, objective: Objective, mag: Encoded, make_encoder: Callable[[int], Encoder], dim: int) -> None:
    import torch

    from magdi.core.distill.batch import collate
    from magdi.core.distill.heads import Heads
    from magdi.core.distill.layouts import LAYOUTS
    from magdi.core.distill.losses import MagLosses, Reader

    before = process_settings()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        student: Any = _student(dim, remembers=objective.needs_reference)
        heads = Heads({name: objective}, dim, make_encoder(dim) if objective.uses_encoder else None, seed=0)
        losses = MagLosses(student, {name: objective}, heads, Reader(LAYOUTS["padded"]))
        found = losses(collate([mag], LAYOUTS["padded"]), {name: 1.0}).total
    if changed := ", ".join(restore(before)):
        raise TrainingError(f"{called(name, objective)}: it changes {changed}")
    if not found.isfinite():
        raise TrainingError(f"{called(name, objective)}: the loss of a made-up discussion is {found.item()}")
    if not found.requires_grad:
        raise TrainingError(f"{called(name, objective)}: its loss has no gradient: something detaches it")
    torch.autograd.backward(found)


def _student(dim: int, *, remembers: bool) -> Any:
    """Returns what objectives see of a student: states of tokens, the projection to words, whether it was kept."""
    import torch

    class Rough(torch.nn.Module):
        def __init__(self, reference: Rough | None = None) -> None:
            super().__init__()
            self.model = torch.nn.Embedding(WORDS, dim)
            self.head = torch.nn.Linear(dim, WORDS)
            self.reference = reference

        def states(self, batch: Any, layout: Any) -> torch.Tensor:
            found: torch.Tensor = self.model(batch.input_ids.flatten())
            return found

        def projection(self) -> tuple[torch.Tensor, torch.Tensor]:
            return self.head.weight, self.head.bias

    return Rough(Rough() if remembers else None)


def _encoded(name: str, objective: Objective, selection: Selection) -> Encoded:
    from magdi.core.distill.encoded import Encoded, ints

    prefixes = list(dict.fromkeys(chain.prefix for chain in selection.chains))
    chains = tuple(ints(np.arange(TOKENS) + number) % WORDS for number in range(len(selection.chains)))
    return Encoded(
        id="tried",
        prompts=tuple(ints([1, 2]) for _ in prefixes),
        chains=chains,
        prompt_of=ints([prefixes.index(chain.prefix) for chain in selection.chains]),
        columns=selection.columns,
        of_chains=frozenset(f"{name}.{key}" for key, column in objective.columns.items() if column.chains),
        counts=(counted(name, objective, selection.columns, ints([TOKENS] * len(chains))),),
    )
