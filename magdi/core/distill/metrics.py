"""What is said of training while it runs: sums over the steps between two lines, then shares of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from magdi.core.distill.encoded import Size
from magdi.core.distill.losses import Losses


class Window:
    """Sums over the optimizer steps since the last line of metrics; stays on the device until it is read."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor | float] = {}
        self._steps: dict[str, int] = {}
        self._since = time.perf_counter()
        self.norms: dict[str, float] = {}

    def add(self, found: Mapping[str, Tensor | float]) -> None:
        """Adds to sums."""
        for name, value in found.items():
            self._sums[name] = self._sums.get(name, 0.0) + (value.detach() if isinstance(value, Tensor) else value)

    def add_losses(self, found: Losses, processes: int) -> None:
        """Adds one forward pass's weighted losses, without the number of processes in them, and what was logged."""
        self.add({f"loss/{name}": value.detach() / processes for name, value in found.weighted.items()})
        self.add({f"{of}|{name}": value for of, logged in found.logged.items() for name, value in logged.items()})

    def close_step(self, weights: Mapping[str, float], size: Size, mags: int, loss: float) -> None:
        """Adds what is known of a whole optimizer step; an objective of weight 0 is not averaged over this step."""
        self.add({"steps": 1.0, "mags": mags, "tokens": size.tokens, "loss": loss})
        self.add({f"weight/{name}": weight for name, weight in weights.items()})
        counts = zip(weights, size.counts, strict=True)
        self.add({f"count/{name}": count for name, count in counts if weights[name]})

    def read(self, over_processes: Callable[[dict[str, float]], dict[str, float]] = dict) -> dict[str, float]:
        """Returns the metrics, and starts over; ``over_processes`` adds up what each process counted for itself.

        ``loss``; for each objective ``loss/NAME`` as in Eq. 1-3 and ``weighted/NAME`` as in Eq. 4, means over the
        steps, and what it logs itself; tokens and MAGs a second (prompts counted once, all processes together);
        memory in MiB; threads.
        """
        sums = {name: float(value) for name, value in self._sums.items()}
        seconds, self._since = time.perf_counter() - self._since, time.perf_counter()
        self._sums = {}
        sums |= over_processes({name: value for name, value in sums.items() if name.startswith("loss") or "|" in name})
        steps = sums.get("steps", 0.0)
        if not steps:
            return {}
        out = {"loss": sums["loss"] / steps}
        for name in [key.partition("/")[2] for key in sums if key.startswith("weight/")]:
            if weight := sums[f"weight/{name}"]:
                found = sums.get(f"loss/{name}", 0.0)
                out |= {f"loss/{name}": found / weight, f"weighted/{name}": found / steps}
        for key, value in sums.items():
            of, bar, name = key.partition("|")
            if bar and (count := sums.get(f"count/{of}")):
                out[name if name not in out else f"{name}/{of}"] = value / count
        out |= {f"grad_norm/{term}": norm for term, norm in self.norms.items()}
        out |= {
            "tokens_per_second": sums["tokens"] / seconds,
            "mags_per_second": sums["mags"] / seconds,
            "memory_mib": memory_mib(),
            "threads": torch.get_num_threads(),
        }
        self.norms = {}
        return out


def memory_mib() -> float:
    """Returns the most memory that was in use: the device's where there is one, else the process's; 0 where unknown."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.exists():  # there, because what getrusage says is inherited from the process that started this one
        line = next(
            (line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM")),
            "VmHWM: 0 kB",
        )
        return float(line.split()[1]) / 2**10
    if find_spec("resource") is None:
        return 0.0  # Windows
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class TermNorms:
    """Gradient norms of the weighted losses at the student's trained weights, on one forward pass.

    A term costs a backward pass; the last one is what the common backward pass leaves when the others are taken away.

    Args:
        found: The weighted losses, before their common backward pass.
        parameters: The student's trained weights, without gradients yet.
        alone: Whether that backward pass will leave the sum of the terms' gradients in the weights.
    """

    def __init__(self, found: Mapping[str, Tensor], parameters: list[nn.Parameter], *, alone: bool) -> None:
        present = [name for name, loss in found.items() if loss.requires_grad]
        self._parameters = parameters
        self._norms: dict[str, float] = {}
        self._rest: str | None = present[0] if present and alone else None
        self._others: list[Tensor] | None = None
        for term in present:
            if term != self._rest:
                self._take(term, found[term])

    def _take(self, term: str, loss: Tensor) -> None:
        found = torch.autograd.grad(
            loss, self._parameters, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        self._norms[term] = _norm(found)
        if self._rest is None:
            return
        self._others = list(found) if self._others is None else [*map(torch.add, self._others, found)]

    def read(self) -> dict[str, float]:
        """Returns the norms, after the common backward pass."""
        if self._rest is not None:
            left = [torch.zeros_like(w) if w.grad is None else w.grad for w in self._parameters]
            if self._others is not None:
                left = [*map(torch.sub, left, self._others)]
            self._norms[self._rest] = _norm(left)
        return self._norms


def norms_by_backward(
    found: Mapping[str, Tensor], parameters: list[nn.Parameter], backward: Callable[..., None]
) -> dict[str, float]:
    """Runs the backward pass of each weighted loss by itself, and returns the norms of what each has added.

    For weights that are sharded: their gradients are made where a backward pass ends, and `TermNorms` would see none.
    The norms are those of all processes' passes together.
    """
    present = {name: loss for name, loss in found.items() if loss.requires_grad}
    norms: dict[str, float] = {}
    before = [None if each.grad is None else each.grad.clone() for each in parameters]
    for place, (name, loss) in enumerate(present.items()):
        backward(loss, retain_graph=place < len(present) - 1)
        after = [None if each.grad is None else each.grad.clone() for each in parameters]
        pairs = [(new, old) for new, old in zip(after, before, strict=True) if new is not None]
        norms[name] = _norm(new if old is None else new - old for new, old in pairs)
        before = after
    return norms


def _norm(gradients: Iterable[Tensor]) -> float:
    norm = torch.nn.utils.get_total_norm(list(gradients))
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
