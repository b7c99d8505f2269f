"""The start-up probe: which layout is exact for this very model, found by trying and not by name.

Several families are silently wrong when sequences share a row (state-space layers carry their state over, some
attention classes do not look at what they are handed). So two MAGs are read on the real model both ways, in the
precision that training computes in, and the attention that is ours is held against the formula (`kernel`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from magdi.core.distill.batch import MagBatch, collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.kernel import WrongKernel, checked_kernel
from magdi.core.distill.layouts import LAYOUTS, Layout
from magdi.core.distill.losses import Reader
from magdi.core.distill.student import DistillStudent
from magdi.core.errors import TrainingError

log = logging.getLogger(__name__)

TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 5e-2, torch.int8: 5e-2}
"""Largest relative difference of states that rounding explains, by the narrowest type that is computed in."""

LEAK = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 5e-3, torch.int8: 5e-2}
"""Largest share of a chain's own movement that may be seen elsewhere."""

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def find_reader(
    student: DistillStudent, mags: Sequence[Encoded], layout: str = "auto", *, precision: str = "no"
) -> Reader:
    """Returns how a student can read exactly.

    Args:
        student: In the place where it is trained.
        mags: One or two MAGs, among them one as long as they get: sliding windows show only there.
        layout: The one to take; auto takes the first of tree, tree-mask, packed, padded that is exact.
        precision: What training computes in: ``bf16`` or ``fp16`` by autocast, or ``no``: as the weights are.

    Raises:
        TrainingError: The layout asked for is not exact for this model.
    """
    training, device = student.model.training, student.base.device.type
    student.model.eval()
    try:
        with torch.no_grad(), torch.autocast(device, AUTOCAST.get(precision), enabled=precision in AUTOCAST):
            return _find(student, mags, layout)
    finally:
        student.model.train(training)


def _find(student: DistillStudent, mags: Sequence[Encoded], layout: str) -> Reader:
    with _Narrowest() as computed:
        states = _plain_states(student, mags)
    reference = _Reference(states, TOLERANCE[computed.found], LEAK[computed.found])
    wanted = [LAYOUTS[layout]] if layout in LAYOUTS else list(LAYOUTS.values())
    if layout == "tree":
        wanted.append(LAYOUTS["tree-mask"])
    faults: list[str] = []
    for candidate in wanted:
        fault = _fault(student, mags, candidate, reference)
        if fault is None:
            if faults and layout == "auto":
                log.warning("layout %s: %s", candidate.name, "; ".join(faults))
            return Reader(candidate, _head_is_direct(student, mags, candidate))
        faults.append(f"{candidate.name} is not exact for this model ({fault})")
    raise TrainingError("; ".join(faults), hint="--set training.layout=auto takes one that is")


@dataclass(frozen=True, slots=True)
class _Reference:
    """What a layout is compared with.

    Attributes:
        states: Of all chains with their prompts, each read alone.
        tolerance: Largest relative difference from them.
        leak: Largest share of a chain's own movement elsewhere.
    """

    states: Tensor
    tolerance: float
    leak: float


class _Narrowest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Finds the narrowest type that anything is rounded to: of a quantized layer no weight says what it computes in."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found = torch.float64

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for each in out if isinstance(out, tuple | list) else (out,):
            if isinstance(each, Tensor) and TOLERANCE.get(each.dtype, 0.0) > TOLERANCE[self.found]:
                self.found = each.dtype
        return out


def _fault(student: DistillStudent, mags: Sequence[Encoded], layout: Layout, reference: _Reference) -> str | None:
    """Says what is wrong with a layout on this model; None when nothing is."""
    try:
        with student.attending(layout), checked_kernel() if layout.attention == "segments" else nullcontext():
            found, _ = _path_states(student, mags, layout)
            difference = float((found - reference.states).norm() / reference.states.norm())
            if not difference <= reference.tolerance:
                return f"its states differ by {difference:.1e}"
            leak = _leak(student, mags, layout, found)
    except WrongKernel as error:
        return error.message
    except (NotImplementedError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'refused'}"
    return f"a change in one chain moves others by {leak:.1e}" if not leak <= reference.leak else None


def _plain_states(student: DistillStudent, mags: Sequence[Encoded]) -> Tensor:
    """Returns the states of all chains, each read alone in a row of its own."""
    padded = LAYOUTS["padded"]
    rows = [_only(mag, number) for mag in mags for number in range(len(mag.chains))]
    with student.attending(padded):
        return torch.cat([_path_states(student, [row], padded)[0] for row in rows])


def _only(mag: Encoded, chain: int) -> Encoded:
    keep = np.array([chain])
    return replace(
        mag,
        chains=(mag.chains[chain],),
        prompt_of=mag.prompt_of[keep],
        columns={},
    )


def _path_states(student: DistillStudent, mags: Sequence[Encoded], layout: Layout) -> tuple[Tensor, MagBatch]:
    """Returns the states of every chain with its prompt, path after path."""
    batch = collate(mags, layout).to(student.base.device)
    states = student.states(batch, layout).index_select(0, batch.pool_index)
    return states.to(torch.promote_types(states.dtype, torch.float32)), batch


def _leak(student: DistillStudent, mags: Sequence[Encoded], layout: Layout, before: Tensor) -> float:
    """Changes the first chain of each MAG; returns how much the others move, as a share of its own movement."""
    moved = [replace(mag, chains=(np.where(mag.chains[0] == 0, 1, 0), *mag.chains[1:])) for mag in mags]
    after, batch = _path_states(student, moved, layout)
    first = torch.tensor([number == 0 for mag in mags for number in range(len(mag.chains))], device=after.device)
    changed = first[batch.pool_node]
    own = (after - before)[changed].abs().max()
    if changed.all() or not own:
        return 0.0
    return float((after - before)[~changed].abs().max() / own)


def _head_is_direct(student: DistillStudent, mags: Sequence[Encoded], layout: Layout) -> bool:
    """Whether the model's logits are its projected last states, bit for bit; a cap on small logits is small, too."""
    head = student.head
    if not isinstance(head, torch.nn.Linear) or not head.weight.is_floating_point():
        return False
    calls: list[tuple[Tensor, Tensor]] = []
    hook = head.register_forward_hook(lambda module, given, out: calls.append((given[0], out)))
    try:
        with student.attending(layout):
            states, logits = student.states_and_logits(collate(mags[:1], layout).to(student.base.device), layout)
    finally:
        hook.remove()
    if len(calls) != 1:
        return False
    given, out = (each.flatten(0, -2) for each in calls[0])
    return torch.equal(given.to(states.dtype), states) and torch.equal(out.to(logits.dtype), logits)
