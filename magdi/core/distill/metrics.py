"""What is said of training while it runs: sums over the steps between two lines, then shares of them."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from magdi.core.distill.encoded import Size
from magdi.core.distill.losses import TERMS, Term


class Window:
    """Sums over the optimizer steps since the last line of metrics; stays on the device until it is read."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor | float] = {}
        self._steps: dict[str, int] = {}
        self._since = time.perf_counter()
        self.norms: dict[str, float] = {}

    def add(self, found: Mapping[str, Tensor | float]) -> None:
        """Adds one forward pass's weighted losses and counts, or a step's sizes."""
        for name, value in found.items():
            self._sums[name] = self._sums.get(name, 0.0) + (value.detach() if isinstance(value, Tensor) else value)

    def close_step(self, weights: Mapping[Term, float], size: Size, mags: int, loss: float) -> None:
        """Adds what is known of a whole optimizer step; a term of weight 0 is not averaged over this step."""
        self.add({"steps": 1.0, "mags": mags, "tokens": size.tokens, "loss": loss})
        self.add({f"weight/{term}": weight for term, weight in weights.items()})
        if weights["margin"]:
            self.add({"pairs": size.pairs})
        if weights["node"]:
            self.add({"nodes": size.nodes})

    def read(self, over_processes: Callable[[dict[str, float]], dict[str, float]] = dict) -> dict[str, float]:
        """Returns the metrics, and starts over; ``over_processes`` adds up what each process counted for itself.

        ``loss``; ``loss/TERM`` as in Eq. 1-3 and ``weighted/TERM`` as in Eq. 4, means over the steps; accuracies of
        the heads in [0, 1]; tokens and MAGs a second (prompts counted once, all processes together); memory in MiB.
        """
        sums = {name: float(value) for name, value in self._sums.items()}
        seconds, self._since = time.perf_counter() - self._since, time.perf_counter()
        self._sums = {}
        own = {name: sums.get(name, 0.0) for name in (*TERMS, "pairs_right", "nodes_right", "loss")}
        sums |= over_processes(own)
        steps = sums.get("steps", 0.0)
        if not steps:
            return {}
        out = {"loss": sums["loss"] / steps}
        for term in TERMS:
            if weight := sums.get(f"weight/{term}", 0.0):
                out[f"loss/{term}"] = sums.get(term, 0.0) / weight
                out[f"weighted/{term}"] = sums.get(term, 0.0) / steps
        for name, right, of in (("pairs", "pairs_right", "pairs"), ("nodes", "nodes_right", "nodes")):
            if sums.get(of):
                out[f"accuracy/{name}"] = sums.get(right, 0.0) / sums[of]
        out |= {f"grad_norm/{term}": norm for term, norm in self.norms.items()}
        out |= {
            "tokens_per_second": sums["tokens"] / seconds,
            "mags_per_second": sums["mags"] / seconds,
            "memory_mib": memory_mib(),
        }
        self.norms = {}
        return out


def memory_mib() -> float:
    """Returns the most memory that was in use: the device's where there is one, else the process's."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def term_norms(found: Mapping[str, Tensor], parameters: list[nn.Parameter]) -> dict[str, float]:
    """Returns the gradient norm of each weighted loss at the student's trained weights.

    One backward pass a term, so this is done on logged steps only, and on their first forward pass.
    """
    norms = {}
    for term in TERMS:
        if term not in found or not found[term].requires_grad:
            continue
        gradients = torch.autograd.grad(found[term], parameters, retain_graph=True, allow_unused=True)
        present = [gradient for gradient in gradients if gradient is not None]
        norms[str(term)] = float(torch.nn.utils.get_total_norm(present)) if present else 0.0
    return norms
