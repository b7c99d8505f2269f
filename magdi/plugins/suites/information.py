"""What is known of held-out turns: whether each is right, by its student's states, its log-probability, its edges.

Probes are trained on some of the questions and tested on the others, never on turns of a question that they have seen.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.config.models import Kept, RunConfig
from magdi.core.errors import DataError
from magdi.core.mag import Mag, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import kept
from magdi.core.run.stages import Stages
from magdi.core.views import EDGE_KINDS, View, edges
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.suites.diagnostics import auc
from magdi.plugins.suites.turn_states import Read, read_turns

if TYPE_CHECKING:
    from torch import Tensor, nn

    from magdi.core.encoder import Encoder

MEASURE = "knows:"
"""How such a measure begins; what follows is one of `KNOWN`."""

TRAINED = 0.5
"""Share of the questions that probes are trained on."""

HELD_BACK = 0.25
"""Share of those that say when to stop."""

STEPS, RATE, DECAY = 300, 1e-2, 1e-2
PATIENCE = 50
"""Steps without a better loss on those that are held back, after which none better is waited for."""

HIDDEN = 32


@dataclass(frozen=True, slots=True)
class Node:
    """A turn that has a label.

    Attributes:
        mag: Number of its MAG.
        step: The turn.
        right: Its label.
        trained: Whether its question is one that probes are trained on.
    """

    mag: int
    step: int
    right: bool
    trained: bool


@dataclass(frozen=True)
class Information:
    """What a probe says of the turns that it was not trained on.

    Attributes:
        answers: By MAG's id and step, whether it is right about the turn.
        figures: ``auc``; ``auc_within``, where only turns of one discussion are compared; and ``auc_train``, on what it
            was trained on.
    """

    answers: dict[str, bool]
    figures: dict[str, float]


def information(stages: Stages, directory: RunDirectory, what: str) -> Information:
    """Returns how well something tells right turns from wrong ones, on held-out questions.

    Args:
        stages: The run's configuration and components.
        directory: The run; its student where there is one, else the one before distillation.
        what: One of `KNOWN`.

    Raises:
        DataError: One side of the split has turns of one label only.
    """
    import torch

    mags = _not_learned(directory.mags, stages.config)
    nodes = [
        Node(place, turn.step, turn.label, _is_first(mag, stages.config.seed, TRAINED))
        for place, mag in enumerate(mags)
        for turn in mag.turns
        if turn.label is not None and turn.answer is not None
    ]
    for trained in (True, False):
        if len({node.right for node in nodes if node.trained == trained}) < 2:
            raise DataError(
                "too few MAGs: probes need right and wrong turns to be trained on, and others to be tested on"
            )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stages.config.seed)
        scores = KNOWN[what](Known(stages, directory, mags, nodes))
    return _told(mags, nodes, scores.tolist())


def _not_learned(file: Path, config: RunConfig) -> list[Mag]:
    """Returns the discussions of questions that a student has not learned from, where it is kept from some of them.

    What it has learned from it knows by heart: who was right there, too.
    """
    if config.discussion.keep == Kept():
        return list(read_mags(file))
    learned = {mag.question.prompt for mag in kept(file, config.discussion.keep, config.seed)}
    return [mag for mag in read_mags(file) if mag.question.prompt not in learned]


def _is_first(mag: Mag, lot: object, share: float) -> bool:
    """Returns whether a lot puts a question into the first share: a matter of its text, whatever MAG it is in."""
    digest = hashlib.blake2b(f"{lot}\n{mag.question.prompt}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) < share * 2**32


def _told(mags: Sequence[Mag], nodes: Sequence[Node], scores: Sequence[float]) -> Information:
    ranked: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
    for node, score in zip(nodes, scores, strict=True):
        ranked[node.trained].append((score, int(node.right)))
    answers = {
        f"{node.mag} {mags[node.mag].id} {node.step}": (score > 0) == node.right
        for node, score in zip(nodes, scores, strict=True)
        if not node.trained
    }
    over = {"auc": auc(ranked[False]) or 0.5, "auc_train": auc(ranked[True]) or 0.5}
    return Information(answers, over | {"auc_within": _within(nodes, scores)})


def _within(nodes: Sequence[Node], scores: Sequence[float]) -> float:
    """Returns how many pairs of a right and a wrong held-out turn of one discussion are in order; equal ones half."""
    beside: dict[int, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for node, score in zip(nodes, scores, strict=True):
        if not node.trained:
            beside[node.mag][node.right].append(score)
    pairs = [(r > w) + 0.5 * (r == w) for wrong, right in beside.values() for w in wrong for r in right]
    return sum(pairs) / len(pairs) if pairs else 0.5


@dataclass(frozen=True)
class Known:
    """What predictors go by; each of their methods returns a logit [N] of "right" for every node."""

    stages: Stages
    directory: RunDirectory
    mags: Sequence[Mag]
    nodes: Sequence[Node]

    def most(self) -> Tensor:
        """The more frequent label, whatever the turn."""
        import torch

        share = sum(node.right for node in self.nodes if node.trained) / sum(node.trained for node in self.nodes)
        return torch.full((len(self.nodes),), share - 0.5)

    def rounds(self) -> Tensor:
        """The round, and how long the discussion went on."""
        return self._probed(self._rounds, hidden=HIDDEN)

    def agreement(self) -> Tensor:
        """How many turns give the same answer: of all, and of those that the edges lead from and to."""
        return self._probed([self._agreeing(node) for node in self.nodes], hidden=HIDDEN)

    def agreement_rounds(self) -> Tensor:
        """Both: how many say the same, and the round and how long the discussion went on."""
        features = [[*self._agreeing(node), *rounds] for node, rounds in zip(self.nodes, self._rounds, strict=True)]
        return self._probed(features, hidden=HIDDEN)

    def agreement_last(self) -> Tensor:
        """Both, for what a state adds to agreement: how many say the same, and the last token's state."""
        import torch

        agreeing = torch.tensor([self._agreeing(node) for node in self.nodes])
        return self._probed(torch.cat([agreeing, self._read.last], 1), hidden=HIDDEN)

    def logprob(self) -> Tensor:
        """The mean log-probability of the turn's tokens, to the student."""
        return self._probed(self._read.logprob[:, None])

    def pooled(self) -> Tensor:
        """h_x: the last layer's states of question and turn, weighted 1..T by position."""
        return self._probed(self._read.pooled)

    def last(self) -> Tensor:
        """The last layer's state of the last token."""
        return self._probed(self._read.last)

    def middle(self) -> Tensor:
        """The middle layer's state of the last token."""
        return self._probed(self._read.middle)

    def encoder(self) -> Tensor:
        """The run's encoder over h_x along the run's edges, trained as L_I trains it; the student stays as it is."""
        return self._encoded(self._read.pooled)

    def encoder_logprob(self) -> Tensor:
        """The same, with the mean log-probability beside h_x."""
        import torch

        return self._encoded(torch.cat([self._read.pooled, self._read.logprob[:, None]], 1))

    def _turn(self, node: Node) -> Any:
        return self.mags[node.mag].turns[node.step]

    @property
    def _rounds(self) -> list[list[float]]:
        last = [max(turn.round for turn in mag.turns) for mag in self.mags]
        return [[self._turn(node).round, last[node.mag]] for node in self.nodes]

    def _agreeing(self, node: Node) -> list[float]:
        mag, own = self.mags[node.mag], self._turn(node)
        near = {v if u == node.step else u for u, v, _ in self._edges(mag) if node.step in (u, v)}
        found: list[float] = []
        for turns in (mag.turns, [mag.turns[step] for step in sorted(near)]):
            others = [turn for turn in turns if turn.step != own.step and turn.answer is not None]
            same = sum(turn.answer == own.answer for turn in others)
            found += [same, len(others) - same, same / len(others) if others else 0.5]
        return found if self._view == "full" else found[3:]

    @property
    def _view(self) -> View:
        return self.stages.config.training.edges

    def _edges(self, mag: Mag) -> Sequence[tuple[int, int, Any]]:
        return edges(mag, self._view)

    @property
    def _read(self) -> Read:
        stages = self.stages
        place = self.directory.student if objectives_of(stages.config) else stages.base
        turns = [(self.mags[node.mag].question, self._turn(node)) for node in self.nodes]
        return read_turns(place, stages.config.student, turns)

    def _probed(self, features: Tensor | Sequence[Sequence[float]], hidden: int = 0) -> Tensor:
        """Trains a probe on standardised features: logistic, or with one hidden layer."""
        import torch
        from torch import nn

        x = self._standardised(torch.as_tensor(features, dtype=torch.float32))
        width = x.shape[1]
        layers = [nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1)] if hidden else [nn.Linear(width, 1)]
        probe = nn.Sequential(*layers)
        return self._fitted(probe, lambda: probe(x).squeeze(1))

    def _encoded(self, features: Tensor) -> Tensor:
        import torch
        from torch import nn

        from magdi.core.encoder import GraphBatch

        x = self._standardised(features)
        encoder: Encoder = self.stages.components.encoder(self.stages.config.encoder, x.shape[1])
        if encoder.needs_tokens:
            raise DataError(f"the encoder {self.stages.config.encoder.name} reads tokens; no states of tokens are kept")
        place = {(node.mag, node.step): row for row, node in enumerate(self.nodes)}
        listed = [
            (place[number, u], place[number, v], EDGE_KINDS.index(kind))
            for number, mag in enumerate(self.mags)
            for u, v, kind in self._edges(mag)
            if (number, u) in place and (number, v) in place
        ]
        table = torch.tensor(listed, dtype=torch.long).reshape(-1, 3).T
        numbers = torch.tensor([node.mag for node in self.nodes])
        graph = GraphBatch(x, table[:2], table[2], numbers, len(self.mags))
        classifier = nn.Linear(encoder.out_dim, 1)
        return self._fitted(nn.ModuleList([encoder, classifier]), lambda: classifier(encoder(graph)).squeeze(1))

    def _standardised(self, x: Tensor) -> Tensor:
        import torch

        known = x[torch.tensor([node.trained for node in self.nodes])]
        return (x - known.mean(0)) / (known.std(0) + 1e-6)

    def _fitted(self, module: nn.Module, logits: Callable[[], Tensor]) -> Tensor:
        """Trains by AdamW on the trained questions' nodes, all at once; stops where those held back of them say so."""
        import torch
        from torch.nn import functional

        trained = torch.tensor([node.trained for node in self.nodes])
        back = trained & torch.tensor([_is_first(self.mags[node.mag], "held back", HELD_BACK) for node in self.nodes])
        labels = torch.tensor([float(node.right) for node in self.nodes])
        optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=DECAY)
        best, found, since = float("inf"), torch.zeros(len(labels)), 0
        for step in range(STEPS):
            module.eval()
            with torch.no_grad():
                now = logits()
                loss = float(functional.binary_cross_entropy_with_logits(now[back], labels[back]))
            if loss < best:
                best, found, since = loss, now, step
            elif step - since >= PATIENCE:
                break
            module.train()
            optimizer.zero_grad()
            functional.binary_cross_entropy_with_logits(logits()[trained & ~back], labels[trained & ~back]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return found


KNOWN: dict[str, Callable[[Known], Tensor]] = {
    "most": Known.most,
    "rounds": Known.rounds,
    "agreement": Known.agreement,
    "agreement-rounds": Known.agreement_rounds,
    "agreement-last": Known.agreement_last,
    "logprob": Known.logprob,
    "pooled": Known.pooled,
    "last": Known.last,
    "middle": Known.middle,
    "encoder": Known.encoder,
    "encoder-logprob": Known.encoder_logprob,
}
"""What may tell right turns from wrong ones."""

TEXTLESS = frozenset({"most", "rounds", "agreement", "agreement-rounds"})
"""Those of them that no student is asked for."""


def reads(measure: str) -> bool:
    """Returns whether a cell's measure has the student read turns."""
    return measure.startswith(MEASURE) and measure.removeprefix(MEASURE) not in TEXTLESS
