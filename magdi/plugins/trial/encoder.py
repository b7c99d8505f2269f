"""The encoder is tried before the first teacher is asked: what is wrong with it shows before anything is paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from magdi.core.config.models import Student
from magdi.core.errors import ComponentError, MagdiError, raised
from magdi.plugins.guard import process_settings, restore

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.encoder import Encoder, GraphBatch

NODES = 4


def width(student: Student) -> int | None:
    """Returns a student's hidden size; None where that is not known before it is loaded."""
    if student.model == "tiny":
        return student.tiny.hidden
    from transformers import AutoConfig

    try:
        found = AutoConfig.from_pretrained(
            student.model, revision=student.revision, trust_remote_code=student.trust_remote_code
        )
    except (OSError, ValueError):
        return None  # loading it will say so
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
