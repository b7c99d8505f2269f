"""One forward pass of the student, as its objectives see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from magdi.core.distill import vocabulary
from magdi.core.distill.batch import MagBatch
from magdi.core.distill.layouts import Layout
from magdi.core.distill.student import DistillStudent
from magdi.core.encoder import GraphBatch, TokenStates
from magdi.core.errors import TrainingError, did_you_mean
from magdi.core.objective import Ints

Kind = TypeVar("Kind")
Ranked = Callable[[str, Tensor, Tensor], None]
"""Told a name, scores, and labels."""


class ForwardPass:
    """The student's states over some MAGs, and what is made of them for several objectives at once.

    Args:
        student: The student; within its `attending`.
        batch: The MAGs.
        layout: How they share the forward pass.
        direct_head: Whether the logits are the projected last states and nothing else; else the model makes them.
    """

    def __init__(self, student: DistillStudent, batch: MagBatch, layout: Layout, *, direct_head: bool) -> None:
        self.student, self.batch, self.layout, self.direct_head = student, batch, layout, direct_head
        self.device = batch.input_ids.device
        self._autocast = torch.is_autocast_enabled(self.device.type)
        self.states, self._logits = self._read(student)

    def _read(self, student: DistillStudent) -> tuple[Tensor, Tensor | None]:
        if self.direct_head:
            return student.states(self.batch, self.layout), None
        return student.states_and_logits(self.batch, self.layout)

    @property
    def _before(self) -> DistillStudent:
        if self.student.reference is None:
            raise TrainingError("the student before training was not kept", hint="say needs_reference = True")
        return self.student.reference

    @cached_property
    def exact(self) -> Tensor:
        """[T, d], the last layer's states of all tokens, in float32 or wider."""
        return self.states.to(torch.promote_types(self.states.dtype, torch.float32))

    @cached_property
    def pooled(self) -> Tensor:
        """[C, d], h_x of every chain: the mean of its tokens' states, weighted 1..T by position.

        One matrix product: the prompt's states are read once, however many chains follow it.
        """
        weights = self.exact.new_zeros(len(self.batch.graph), len(self.exact))
        weights[self.batch.pool_node, self.batch.pool_index] = self.batch.pool_weight.to(self.exact.dtype)
        return weights @ self.exact

    @cached_property
    def reference(self) -> tuple[Tensor, Tensor | None]:
        """States and logits of the student as it was before training, without dropout and without gradient."""
        self._before.model.eval()
        with torch.no_grad(), self.as_the_student_computes():
            return self._read(self._before)

    def cross_entropy(self, chains: Ints, scale: float) -> Tensor:
        """Returns the sum over the chains' tokens of scale * -log p."""
        index, labels = self._predicting(chains)
        wide = torch.promote_types(self.states.dtype, torch.float32)
        factor = torch.full((len(labels),), scale, dtype=wide, device=self.device)
        if self._logits is not None:
            each = F.cross_entropy(self._logits[index].to(wide), labels, reduction="none")
            return (each * factor).sum()
        with self.as_the_student_computes():
            return vocabulary.cross_entropy(
                self.states.index_select(0, index), *self.student.projection(), labels, factor
            )

    def token_logprobs(self, chains: Ints, *, reference: bool = False) -> Tensor:
        """Returns [K], log p of every token of the chains, chain after chain."""
        index, labels = self._predicting(chains)
        states, logits = self.reference if reference else (self.states, self._logits)
        if logits is not None:
            wide = torch.promote_types(logits.dtype, torch.float32)
            return -F.cross_entropy(logits[index].to(wide), labels, reduction="none")
        weight, bias = (self._before if reference else self.student).projection()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not reference), self.as_the_student_computes():
            return vocabulary.token_logprobs(states.index_select(0, index), weight, bias, labels)

    def _predicting(self, chains: Ints) -> tuple[Tensor, Tensor]:
        """Returns places of the states that predict the chains' tokens, and these tokens."""
        index, labels = self.batch.predicting(chains)
        return torch.from_numpy(index).to(self.device), torch.from_numpy(labels).to(self.device)

    @contextmanager
    def as_the_student_computes(self) -> Iterator[None]:
        """Computes in the student's precision: objectives themselves are never autocast."""
        with torch.autocast(self.device.type, enabled=self._autocast):
            yield


class ObjectiveBatch:
    """What an objective's loss is made from: its columns of a batch, and the student's forward pass over it.

    ``batch["pairs"]`` is a column, [n] or [rows, n] on the device; chains are numbered through the batch.

    Args:
        read: The forward pass.
        name: The objective's name in the run.
        head: What the objective trains beside the student.
        log: Told the name and value of a sum that is to be logged.
        ranked: Told scores and labels, where somebody measures how well the ones tell the others apart.
    """

    def __init__(
        self,
        read: ForwardPass,
        name: str,
        head: nn.Module | None,
        log: Callable[[str, Tensor], None],
        ranked: Ranked | None = None,
    ) -> None:
        self._read, self._name, self._log, self._ranked = read, name, log, ranked
        self.head: Any = head

    def __getitem__(self, column: str) -> Tensor:
        found = self._of(self._read.batch.columns, column)
        return found.squeeze(0) if len(found) == 1 else found

    def _entries(self, column: str) -> Ints:
        return self._of(self._read.batch.entries, column)

    def _of(self, found: Mapping[str, Kind], column: str) -> Kind:
        own = f"{self._name}."
        if own + column in found:
            return found[own + column]
        known = [key.removeprefix(own) for key in found if key.startswith(own)]
        raise TrainingError(f"objective {self._name!r} has no column {column!r}", hint=did_you_mean(column, known))

    def _chains(self, column: str) -> tuple[Ints, tuple[Ints, tuple[int, ...]]]:
        """Returns each chain of a column once, and how the column is made of them."""
        entries = self._entries(column)
        once, places = np.unique(entries, return_inverse=True)
        return once, (places.reshape(-1), entries.shape[1:] if len(entries) == 1 else entries.shape)

    def log(self, name: str, value: Tensor) -> None:
        """Keeps a sum over the batch, to be logged as ``name``, divided by the objective's count."""
        self._log(name, value.detach().reshape(()))

    def ranked(self, name: str, scores: Tensor, labels: Tensor) -> None:
        """Tells [n] scores and labels (1 and 0 count) to who measures how well scores tell labels apart.

        Nobody does in training.
        """
        if self._ranked is not None:
            self._ranked(name, scores.detach(), labels)

    def states(self, *, frozen: bool = False) -> Tensor:
        """Returns [T, d], the last layer's states of all tokens; without gradient where they are frozen."""
        return self._read.exact.detach() if frozen else self._read.exact

    def pooled(self, *, frozen: bool = False) -> Tensor:
        """Returns [C, d], h_x of every chain of the batch: its and its prompt's states, weighted 1..T by position."""
        return self._read.pooled.detach() if frozen else self._read.pooled

    def tokens(self, column: str, *, frozen: bool = False) -> TokenStates:
        """Returns the states of the tokens of a column's chains, chain after chain; ``node`` is the place in it."""
        batch = self._read.batch
        entries = batch.entries[f"{self._name}.{column}"][0]
        index = torch.from_numpy(batch.tokens_of(batch.chain_place, entries)).to(self._read.device)
        node = torch.from_numpy(np.repeat(np.arange(len(entries)), batch.chain_length[entries])).to(self._read.device)
        return TokenStates(self.states(frozen=frozen).index_select(0, index), node)

    def graph(self, nodes: str, edges: str, kinds: str, *, frozen: bool = False, tokens: bool = False) -> GraphBatch:
        """Returns the columns of nodes, edges and their kinds as what an encoder reads; edges are between these nodes.

        Args:
            nodes: Column of chains.
            edges: Column of pairs of chains, both among the nodes.
            kinds: Column of the edges' kinds, see `magdi.core.views.EDGE_KINDS`.
            frozen: Whether states are without gradient.
            tokens: Whether the encoder reads token states, too.
        """
        batch, chains = self._read.batch, self[nodes]
        place = chains.new_zeros(len(batch.graph)).index_copy_(
            0, chains, torch.arange(len(chains), device=chains.device)
        )
        return GraphBatch(
            x=self.pooled(frozen=frozen).index_select(0, chains),
            edge_index=place[self[edges]],
            edge_kind=self[kinds],
            graph=batch.graph.index_select(0, chains),
            num_graphs=len(batch.ids),
            tokens=self.tokens(nodes, frozen=frozen) if tokens else None,
        )

    def cross_entropy(self, column: str, scale: float = 1.0) -> Tensor:
        """Returns the sum of scale * -log p over all tokens of a column's chains; no logits are kept."""
        return self._read.cross_entropy(self._entries(column).reshape(-1), scale)

    def token_logprobs(self, column: str, *, reference: bool = False) -> Tensor:
        """Returns [K], log p of every token of a column's chains, chain after chain; no logits are kept."""
        chains = self._entries(column).reshape(-1)
        return self._read.token_logprobs(chains, reference=reference)

    def lengths(self, column: str) -> Tensor:
        """Returns the tokens of each chain, in the column's shape."""
        entries = self._entries(column)
        found = torch.from_numpy(self._read.batch.chain_length[entries]).to(self._read.device)
        return found.squeeze(0) if len(found) == 1 else found

    def logprobs(self, column: str, *, reference: bool = False) -> Tensor:
        """Returns log p of each chain given its prompt, in the column's shape: exact, and each chain read once."""
        once, (places, shape) = self._chains(column)
        each = self._read.token_logprobs(once, reference=reference)
        owner = np.repeat(np.arange(len(once)), self._read.batch.chain_length[once])
        sums = each.new_zeros(len(once)).index_add_(0, torch.from_numpy(owner).to(each.device), each)
        return sums[torch.from_numpy(places).to(each.device)].reshape(shape)

    def reference_logprobs(self, column: str) -> Tensor:
        """Returns the same for the student as it was before training; for objectives that ``needs_reference``."""
        return self.logprobs(column, reference=True)
