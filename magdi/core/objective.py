"""Objectives: what a student is trained by. One class says what it needs of a discussion, and what it makes of it.

MAGDi's L+, L- and L_I are three of them (section 3.4, Eq. 1-3); the sum of the chosen ones, each with its weight, is
what is minimised (Eq. 4). The distiller knows none by name.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from magdi.core.configurable import Configurable
from magdi.core.mag import Mag, Turn
from magdi.core.views import Edge, View, edges

if TYPE_CHECKING:  # torch is loaded when something is trained
    from torch import Tensor, nn

    from magdi.core.distill.objective_batch import ObjectiveBatch
    from magdi.core.encoder import Encoder

Ints = NDArray[np.int64]
Part = Literal["whole", "answer", "reasoning", "transcript"]
Taken = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, order=True)
class Chain:
    """One thing that the student reads, or learns to write, for a question: what a turn says.

    Attributes:
        step: The turn.
        part: Its reasoning and answer, or one of them; or all that it was shown, and then these, as one transcript.
        prefix: What stands before the question (Hsieh et al., 2023: ``[label]``).
    """

    step: int
    part: Part = "whole"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table of integers that an objective keeps of every MAG.

    Attributes:
        chains: Whether its entries are chains; else plain numbers.
        rows: k for shape [k, n], whose n entries are k-tuples; 1 for shape [n].
    """

    chains: bool = False
    rows: int = 1


CHAINS = Column(chains=True)
"""Chains: [n]."""
PAIRS = Column(chains=True, rows=2)
"""Pairs of chains: [2, n], given as (first, second)."""
NUMBERS = Column()
"""Plain integers: [n]."""


@dataclass(frozen=True)
class Selecting:
    """What an objective is given beside a MAG to choose from it.

    Attributes:
        mag: The MAG; a label of it says what training is to take a turn for.
        view: Which edges the encoder is given (``training.edges``).
        seed: The run's seed.
        prompts: By turn, the number of the prompt after which it is written; None where all answer the question.
    """

    mag: Mag
    view: View = "exact"
    seed: int = 0
    prompts: tuple[int, ...] | None = None

    @cached_property
    def written(self) -> tuple[Turn, ...]:
        """Turns with a label that are something to write after their prompt; after the question that is an answer.

        After prompts of their own, a text that was said several times counts once, and one that was right one time and
        wrong another is left out.
        """
        labelled = tuple(turn for turn in self.mag.turns if turn.label is not None)
        if self.prompts is None:
            return tuple(turn for turn in labelled if turn.answer is not None)
        said: dict[tuple[int, str], list[Turn]] = {}
        for turn in labelled:
            if text := turn.text.strip():
                said.setdefault((self.prompts[turn.step], text), []).append(turn)
        return tuple(same[0] for same in said.values() if len({turn.label for turn in same}) == 1)

    @property
    def preferences(self) -> list[tuple[Turn, Turn]]:
        """Every right turn with every wrong one after the same prompt."""
        right = [turn for turn in self.written if turn.label]
        wrong = [turn for turn in self.written if not turn.label]
        return [(plus, minus) for plus in right for minus in wrong if self.prompt_of(plus) == self.prompt_of(minus)]

    def prompt_of(self, turn: Turn) -> int:
        """Returns the number of the prompt after which a turn is written."""
        return 0 if self.prompts is None else self.prompts[turn.step]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """(source step, target step, kind) of every edge of that view."""
        return tuple(edges(self.mag, self.view))

    @property
    def rng(self) -> np.random.Generator:
        """A generator of this MAG's own: the same draws for the same seed, whatever other MAGs there are."""
        import hashlib

        digest = hashlib.blake2b(f"{self.seed}:{self.mag.id}".encode(), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(digest, "little"))

    def with_labels_shuffled(self) -> Selecting:
        """Returns the same with the MAG's labels dealt out anew among the turns that have one."""
        turns = list(self.mag.turns)
        labelled = [turn.step for turn in turns if turn.label is not None]
        for step, source in zip(labelled, self.rng.permutation(labelled).tolist(), strict=True):
            turns[step] = turns[step].model_copy(update={"label": self.mag.turns[source].label})
        return replace(self, mag=self.mag.model_copy(update={"turns": tuple(turns)}))


class ObjectiveConfig(BaseModel, extra="forbid", allow_inf_nan=False):
    """What every objective can be told; an objective's own ``Config`` derives from it."""

    weight: float = Field(1.0, ge=0, le=1e9, description="What it is multiplied by; 0 leaves it out.")
    anneal: float = Field(
        0.0, ge=0, le=1, description="Share of training after which the weight has fallen linearly to 0; 0: constant."
    )
    shuffled: bool = Field(
        False,
        description="A control: it is given every MAG's labels dealt out by lot among its turns. What it then still "
        "gains does not come from who is right.",
    )


class Objective(Configurable):
    """Base class of objectives.

    `select` says which chains of a MAG the student has to read, and remembers them in named columns; `loss` makes a
    sum over these columns' entries from the student's states or from the chains' log-probabilities. The distiller
    divides it by the objective's count over the whole optimizer step (never over a forward pass: means of means are
    not the mean), multiplies it by the weight, and adds it to the others.

    Attributes:
        columns: What it keeps of a MAG, by name. The first one is what it counts.
        unit: What it counts: ``tokens`` (those of the first column's chains), or a name for that column's entries.
        teaches: Whether it is what teaches the student to write answers: a run needs MAGs from which it can learn.
        sign: What the paper calls its loss (``L+``), where there is little room; its name in the run where it is empty.
        lacking: What a MAG lacks from which it takes nothing, for error messages.
        uses_encoder: Whether its head holds a graph encoder.
        needs_reference: Whether it compares with the student as it was before training.
        roles: Roles by which it looks for turns (``turn.role``), so that what tries it has turns of these; empty where
            it takes turns of any role.
    """

    Config: ClassVar[type[BaseModel]] = ObjectiveConfig
    columns: ClassVar[Mapping[str, Column]] = {}
    unit: ClassVar[str] = "items"
    teaches: ClassVar[bool] = False
    sign: ClassVar[str] = ""
    lacking: ClassVar[str] = "nothing that it reads"
    uses_encoder: ClassVar[bool] = False
    needs_reference: ClassVar[bool] = False
    roles: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def select(self, given: Selecting) -> Taken:
        """Returns what it takes from ``given.mag``: entries of every column, empty where the MAG has none.

        Entries are `Chain`s or ints; k-tuples of these in a column of k rows.
        """

    @abstractmethod
    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns the sum over the columns' entries in a batch: a scalar, in float32 or wider.

        `ObjectiveBatch.log` takes further sums that are to be logged, divided by the same count.
        """

    def weighted_loss(self, batch: ObjectiveBatch, scale: float) -> Tensor:
        """Returns ``scale`` times the loss; to be replaced only where the scale can be used earlier."""
        return scale * self.loss(batch)

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        """Makes what it trains beside the student and throws away afterwards; None for nothing.

        Random weights are drawn from the run's seed.

        Args:
            dim: d, the student's hidden size.
            encoder: The graph encoder of width d, where it `uses_encoder`.
        """
        return None

    def count(self, columns: Mapping[str, Ints], lengths: Ints) -> int:
        """Returns what the loss of one MAG is a sum of, to be divided by.

        Args:
            columns: [rows, n] entries; chains are numbered from 0 within the MAG.
            lengths: Tokens of each chain.
        """
        first = columns[next(iter(self.columns))]
        return int(lengths[first].sum()) if self.unit == "tokens" else int(first.shape[-1])

    def weight(self, step: int, steps: int) -> float:
        """Returns what the mean is multiplied by at a step of so many."""
        settings = self.config
        factor = max(0.0, 1.0 - step / (settings.anneal * steps)) if settings.anneal else 1.0
        return float(settings.weight * factor)

    @property
    def reading(self) -> Mapping[str, object]:
        """The settings that decide what `select` takes: all but how it is weighed."""
        return {key: value for key, value in self.config.model_dump(mode="json").items() if key not in WEIGHING}


WEIGHING = frozenset({"weight", "anneal"})
"""Settings that decide nothing of what is read."""
