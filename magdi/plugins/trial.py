"""What trains is tried before the first teacher is asked, on something small: what is wrong shows before it costs.

The encoder is tried on a tiny graph, objectives on a made-up discussion and a student of random states; the student is
looked for. Discussions are rehearsed: `magdi.plugins.rehearsal`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from magdi.core.components import Components
from magdi.core.config.models import RunConfig, Student
from magdi.core.distill.blame import blaming, called
from magdi.core.distill.selection import Selection, counted, select
from magdi.core.errors import ComponentError, ConfigError, MagdiError, TrainingError, first_line, raised
from magdi.core.objective import Objective
from magdi.core.quiet import quiet
from magdi.plugins.guard import process_settings, restore
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.runs.named_roles import check_roles

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.encoded import Encoded
    from magdi.core.encoder import Encoder, GraphBatch


def try_training(config: RunConfig, components: Components) -> None:
    """Tries a run's objectives, and its encoder where one of them uses it.

    Raises:
        ConfigError: A setting names a role that the protocol has not, or there is no such student.
        ComponentError: The encoder does not work.
        TrainingError: An objective does not work.
    """
    check_roles(config, components)
    objectives = {name: components.objective(choice) for name, choice in objectives_of(config).items()}
    dim = width(config.student)
    if not objectives or dim is None:
        return

    def encoder(dim: int) -> Encoder:
        return components.encoder(config.encoder, dim)

    if any(each.uses_encoder for each in objectives.values()):
        try_encoder(config.encoder.name, encoder, dim)
    for name, objective in objectives.items():
        try_objective(name, objective, encoder, dim)


NODES = 4


def width(student: Student) -> int | None:
    """Returns a student's hidden size; None where that is not known before it is loaded.

    Raises:
        ConfigError: There is no such student, or no tokenizer of it.
    """
    if student.model == "tiny":
        return student.tiny.hidden
    from transformers import AutoConfig, AutoTokenizer
    from transformers.utils import find_adapter_config_file

    name, revision = student.model, student.revision
    try:
        with quiet():
            AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=student.trust_remote_code)
            if find_adapter_config_file(name, revision=revision) is not None:
                return None  # an adapter's own configuration does not say it
            found = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=student.trust_remote_code)
    except (OSError, ValueError) as error:
        raise ConfigError(f"student.model: cannot load {student.source}: {first_line(error)}") from error
    size = getattr(found.get_text_config(), "hidden_size", None)
    return size if isinstance(size, int) else None


def try_encoder(name: str, make: Callable[[int], Encoder], dim: int) -> None:
    """Sends a tiny graph through an encoder, and gradients back.

    Args:
        name: What the encoder is called.
        make: Makes it.
        dim: The student's hidden size.

    Raises:
        ComponentError: It cannot be made, raises, or gives something else than a finite [N, out_dim] that depends on
            the nodes' states.
    """
    import torch

    before = process_settings()
    with torch.random.fork_rng(devices=[]):
        try:
            encoder = make(dim)
            batch = _graph(dim)
            wrong = _wrong(encoder, batch, encoder(batch))
        except MagdiError:
            raise
        except Exception as error:
            wrong = f"raises {raised(error)}"
    if changed := ", ".join(restore(before)):
        wrong = wrong or f"changes {changed}"
    if wrong:
        hint = "magdi plugins check tries it in many more ways"
        raise ComponentError(f"encoder {name!r}, tried on a graph of {NODES} turns, {wrong}", hint=hint)


def _graph(dim: int) -> GraphBatch:
    import torch

    from magdi.core.encoder import GraphBatch, TokenStates

    states = torch.randn(2 * NODES, dim, requires_grad=True)
    node = torch.arange(NODES).repeat_interleave(2)
    edges = torch.tensor([[0, 1, 0, 1], [2, 2, 3, 3]])
    x = states.view(NODES, 2, dim).mean(1)
    kinds, graph = torch.zeros(edges.shape[1], dtype=torch.long), torch.zeros(NODES, dtype=torch.long)
    return GraphBatch(x, edges, kinds, graph, 1, TokenStates(states, node))


def _wrong(encoder: Encoder, batch: GraphBatch, out: Tensor | object) -> str:
    import torch

    if not isinstance(out, torch.Tensor):
        return f"gives {type(out).__name__}, which is no tensor"
    if tuple(out.shape) != (NODES, encoder.out_dim):
        return f"gives {list(out.shape)} instead of [{NODES}, {encoder.out_dim}], N x out_dim"
    if not out.isfinite().all():
        return "gives what is not finite"
    if not out.requires_grad:
        return "lets no gradient through to the nodes' states"
    torch.autograd.backward(out.float().sum())
    return ""


STEPS = 10
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
    _try_weight(name, objective)
    if selection.chains:
        _try_loss(name, objective, _encoded(name, objective, selection), make_encoder, dim)


def _try_weight(name: str, objective: Objective) -> None:
    for step in range(STEPS + 1):
        with blaming(name, objective, "weight"):
            weight: object = objective.weight(step, STEPS)
        if not (isinstance(weight, float | int) and 0 <= weight < math.inf):
            raise TrainingError(
                f"{called(name, objective)}: weight({step}, {STEPS}) gives {weight!r}, no number from 0 on"
            )


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
