"""Objectives with one thing wrong each. `Honest` has nothing wrong."""

import itertools
import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from magdi.core.distill.objective_batch import ObjectiveBatch
from magdi.core.encoder import Encoder
from magdi.core.mag import Mag
from magdi.core.objective import (
    CHAINS,
    NUMBERS,
    PAIRS,
    Chain,
    Column,
    Ints,
    Objective,
    ObjectiveConfig,
    Selecting,
    Taken,
)
from tests.plugins.testing.mutant_register import caught_by


def labelled(mag: Mag, label: bool) -> list[Chain]:
    return [Chain(turn.step) for turn in mag.turns if turn.label is label]


class Honest(Objective):
    """Right turns are to be likelier than wrong ones, a token."""

    columns = {"pairs": PAIRS}
    unit = "pairs"

    def select(self, given: Selecting) -> Taken:
        wrong = labelled(given.mag, False)
        return {"pairs": [(one, other) for one in labelled(given.mag, True) for other in wrong]}

    def gaps(self, batch: ObjectiveBatch) -> Tensor:
        right, wrong = batch.logprobs("pairs") / batch.lengths("pairs")
        return wrong - right

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return functional.softplus(self.gaps(batch)).sum()


class Classifier(Objective):
    """A head says of pooled states which turns are right."""

    columns = {"nodes": CHAINS, "labels": NUMBERS}
    unit = "turns"

    def select(self, given: Selecting) -> Taken:
        turns = [turn for turn in given.mag.turns if turn.label is not None]
        return {"nodes": [Chain(turn.step) for turn in turns], "labels": [int(turn.label is True) for turn in turns]}

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        return nn.Linear(dim, 2)

    def states(self, batch: ObjectiveBatch) -> Tensor:
        return batch.pooled()

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        logits = batch.head(self.states(batch)[batch["nodes"]])
        return functional.cross_entropy(logits, batch["labels"], reduction="sum")


class Imitation(Objective):
    """The cross-entropy of right turns."""

    columns = {"learned": CHAINS}
    unit = "tokens"
    teaches = True

    def select(self, given: Selecting) -> Taken:
        return {"learned": labelled(given.mag, True)}

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return batch.cross_entropy("learned")


class Triples(Honest):
    """One right turn and two wrong ones, by a softmax over the three."""

    columns = {"triples": Column(chains=True, rows=3)}

    def select(self, given: Selecting) -> Taken:
        wrong = labelled(given.mag, False)
        return {"triples": [(one, *two) for one in labelled(given.mag, True) for two in itertools.pairwise(wrong)]}

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return -functional.log_softmax(batch.logprobs("triples"), 0)[0].sum()


class Listwise(Objective):
    """A softmax over all turns of a MAG; a column says how many each has."""

    columns = {"chains": CHAINS, "labels": NUMBERS, "sizes": NUMBERS}

    def select(self, given: Selecting) -> Taken:
        turns = [turn for turn in given.mag.turns if turn.label is not None]
        labels = [int(turn.label is True) for turn in turns]
        return {"chains": [Chain(turn.step) for turn in turns], "labels": labels, "sizes": [len(turns)][: len(turns)]}

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        lists = torch.split(batch.logprobs("chains"), batch["sizes"].tolist())
        labels = torch.split(batch["labels"], batch["sizes"].tolist())
        right = [(functional.log_softmax(one, 0) * of).sum() for one, of in zip(lists, labels, strict=True)]
        return -torch.stack(right).sum()


class OnFrozenStates(Classifier):
    """A probe: it says that nothing is to reach the student."""

    def states(self, batch: ObjectiveBatch) -> Tensor:
        return batch.pooled(frozen=True)


class OfConfidence(Classifier):
    """A head tells what an agent said of its own confidence."""

    def select(self, given: Selecting) -> Taken:
        sure = {turn.step: turn.confidence for turn in given.mag.turns if turn.confidence is not None}
        return {"nodes": [Chain(step) for step in sure], "labels": [confidence > 0.5 for confidence in sure.values()]}


class OfVerifiers(Honest):
    """The same of one role's turns, whether they have an answer or not."""

    roles: ClassVar[tuple[str, ...]] = ("generator", "verifier")

    def select(self, given: Selecting) -> Taken:
        chains = {
            label: [Chain(t.step) for t in given.mag.turns if t.role == "verifier" and t.label is label]
            for label in (True, False)
        }
        return {"pairs": [(one, other) for one in chains[True] for other in chains[False]]}


class FromReference(Honest):
    """Identity preference optimisation, with a schedule of its own and pairs along edges, drawn by the MAG's rng."""

    needs_reference = True

    def select(self, given: Selecting) -> Taken:
        label = {turn.step: turn.label for turn in given.mag.turns}
        pairs = [(Chain(v), Chain(u)) for u, v, _ in given.edges if label[v] and label[u] is False]
        return {"pairs": [pairs[place] for place in given.rng.permutation(len(pairs))[:3]]}

    def weight(self, step: int, steps: int) -> float:
        return self.config.weight * 0.5 * (1 + math.cos(math.pi * step / steps))

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        right, wrong = batch.logprobs("pairs") - batch.reference_logprobs("pairs")
        return (right - wrong - 0.5).square().sum()


@caught_by("keeps_nothing", alone=True)
class KeepsEveryBatch(Honest):
    def gaps(self, batch: ObjectiveBatch) -> Tensor:
        found = super().gaps(batch)
        self.seen = [*getattr(self, "seen", []), found.detach()]
        return found


HONEST = [OfVerifiers, Honest, Classifier, Imitation, Triples, Listwise, OnFrozenStates, OfConfidence, FromReference]


@caught_by("settings", alone=True)
class ForgetsItsWeight(Honest):
    """Weight 0 does not leave it out."""

    def weight(self, step: int, steps: int) -> float:
        return 1 - step / steps


@caught_by("counts")
class KeepsItsRoleForItself(OfVerifiers):
    """It looks for turns of a role and says nowhere of which."""

    roles = ()


@caught_by("settings")
class WeighsTwice(Honest):
    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return self.config.weight * super().loss(batch)


@caught_by("takes_what_it_declares", alone=True)
class WritesIntoTheMag(Honest):
    def select(self, given: Selecting) -> Taken:
        given.mag.metadata["read"] = given.mag.metadata.get("read", 0) + 1
        return super().select(given)


@caught_by("takes_what_it_declares")
class RemembersMags(Honest):
    """Takes more of every MAG that it is shown."""

    taken = 0

    def select(self, given: Selecting) -> Taken:
        self.taken += 1
        return {"pairs": super().select(given)["pairs"][: self.taken]}


@caught_by("takes_what_it_declares")
class ForgetsAColumn(Honest):
    """Where a MAG has nothing for it."""

    def select(self, given: Selecting) -> Taken:
        pairs = super().select(given)["pairs"]
        return {"pairs": pairs} if pairs else {}


@caught_by("reading", alone=True)
class HidesASetting(Honest):
    """Columns are found again that another setting would not have made."""

    class Config(ObjectiveConfig):
        most: int = Field(1, ge=1, description="Most pairs of a MAG.")

    def select(self, given: Selecting) -> Taken:
        return {"pairs": super().select(given)["pairs"][: self.config.most]}

    @property
    def reading(self) -> Mapping[str, object]:
        return {}


@caught_by("labels_alone", alone=True)
class TakesNoLabelForWrong(Honest):
    def select(self, given: Selecting) -> Taken:
        wrong = [Chain(turn.step) for turn in given.mag.turns if not turn.label]
        return {"pairs": [(one, other) for one in labelled(given.mag, True) for other in wrong]}


@caught_by("labels_alone")
class TakesInvalidTurns(Imitation):
    def select(self, given: Selecting) -> Taken:
        return {"learned": [Chain(turn.step) for turn in given.mag.turns]}


@caught_by("counts", alone=True)
class CountsMags(Classifier):
    """One for every MAG, those from which it takes nothing, too."""

    def count(self, columns: Mapping[str, Ints], lengths: Ints) -> int:
        return 1


@caught_by("is_a_sum", alone=True)
class TakesTheMean(Honest):
    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return super().loss(batch) / max(1, len(batch["pairs"][0]))


@caught_by("is_a_sum")
class ContrastsMags(Honest):
    """A softmax over the whole batch: each MAG's turns are negatives of another's."""

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        right, wrong = batch.logprobs("pairs")
        return (torch.logsumexp(torch.cat([right, wrong]), 0) - right).sum()


@caught_by("layouts_agree", alone=True)
class CountsRows(Honest):
    """Looks at how many tokens are read: that depends on what shares a row."""

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return super().loss(batch) + 0.1 * len(batch.states()) * bool(len(batch["pairs"][0]))


@caught_by("leaves_batch_alone", alone=True)
class TurnsLabelsRound(Classifier):
    """In place: the next objective that reads them finds them turned."""

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        batch["labels"].sub_(1).neg_()
        return super().loss(batch)


@caught_by("scale", alone=True)
class TurnsTheSign(Honest):
    def weighted_loss(self, batch: ObjectiveBatch, scale: float) -> Tensor:
        return -scale * self.loss(batch)


@caught_by("scale")
class ScalesWithin(Honest):
    def weighted_loss(self, batch: ObjectiveBatch, scale: float) -> Tensor:
        return functional.softplus(scale * self.gaps(batch)).sum()


@caught_by("nothing_is_zero", alone=True)
class LooksForTheLargest(Honest):
    """Of nothing there is none."""

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return super().loss(batch) + 0 * self.gaps(batch).max()


@caught_by("gradients", alone=True)
class DetachesStates(Classifier):
    def states(self, batch: ObjectiveBatch) -> Tensor:
        return batch.pooled().detach()


@caught_by("gradients")
class DetachesAll(Honest):
    def gaps(self, batch: ObjectiveBatch) -> Tensor:
        return super().gaps(batch).detach()


@caught_by("gradients")
class LeavesItsHead(Honest):
    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        return nn.Linear(dim, 1)


@caught_by("teaches", alone=True)
class TeachesTheContrary(Imitation):
    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return batch.token_logprobs("learned").sum()


@caught_by("reference", alone=True)
class SaysNoReference(Honest):
    """What is read then is the student of now."""

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        right, wrong = batch.logprobs("pairs") - batch.reference_logprobs("pairs")
        return functional.softplus(wrong - right).sum()


@caught_by("reference")
class KeepsACopyForNothing(Honest):
    needs_reference = True


@caught_by("head_is_seeded", alone=True)
class DrawsItsHead(Classifier):
    """From a generator of its own that nobody has seeded."""

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        head, generator = nn.Linear(dim, 2), torch.Generator()
        generator.seed()
        nn.init.normal_(head.weight, generator=generator)
        return head


@caught_by("head_is_seeded")
class SeedsAllTheSame(Classifier):
    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        torch.manual_seed(0)
        return super().head(dim, encoder)


@caught_by("is_a_sum")
class GivesABfloat(Honest):
    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return super().loss(batch).bfloat16()


@caught_by("is_a_sum")
class GivesAVector(Honest):
    def loss(self, batch: ObjectiveBatch) -> Tensor:
        return functional.softplus(self.gaps(batch))


@caught_by("counts")
class SaysNoEncoder(Classifier):
    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        return nn.Linear(encoder.out_dim, 2)


@caught_by("gradients", alone=True)
class ForgetsItsEncoder(Classifier):
    uses_encoder = True


@caught_by("gradients", alone=True)
class KeepsAnIdleEncoder(Classifier):
    uses_encoder = True

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module | None:
        head = super().head(dim, encoder)
        head.encoder = encoder
        return head


@caught_by("device", alone=True)
class WeighsOnTheProcessor(Honest):
    def gaps(self, batch: ObjectiveBatch) -> Tensor:
        gaps = super().gaps(batch)
        return gaps * torch.full((len(gaps),), 0.5)


@caught_by("device", alone=True)
class AsksNumpy(Honest):
    def gaps(self, batch: ObjectiveBatch) -> Tensor:
        gaps = super().gaps(batch)
        return gaps * float(gaps.detach().numpy().size > 0)
