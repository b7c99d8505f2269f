"""What is asked of objectives: that they take what they declare, and their loss is a sum that reaches the student."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaForCausalLM  # noqa: F401 (once, here, and not in every process that is forked off)

from magdi.core.config.models import Student
from magdi.core.distill.batch import MagBatch, collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.objective_batch import ForwardPass, ObjectiveBatch
from magdi.core.distill.reading import Reading
from magdi.core.distill.selection import select
from magdi.core.distill.student import DistillStudent
from magdi.core.encoder import GraphBatch
from magdi.core.errors import MagdiError
from magdi.core.mag import Mag, Turn
from magdi.core.objective import Objective, ObjectiveConfig
from magdi.encoders.none import NoEncoder
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, NotMade
from magdi.plugins.testing.pretend_device import DEVICE, pretending
from magdi.plugins.testing.sample_mags import sample_mag, sample_mags
from magdi.plugins.testing.specimen import Check, Specimen, growth, other_values, require
from magdi.plugins.testing.tiny import tiny_student

NAME = "checked"
CLOSE = 1e-5
"""Relative difference that rounding explains: norms of a model in float64 are computed in float32."""


class _Gain(NoEncoder):
    """Has a weight, by which it is seen whether a loss goes through the encoder."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.gain = torch.nn.Parameter(torch.ones(()))

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, dim], ``batch.x`` times the weight, 1."""
        return batch.x * self.gain


class _Seen(ObjectiveBatch):
    """A batch that notes what is asked of it: ``reference``, ``frozen``."""

    def __init__(self, noted: set[str], *given: Any) -> None:
        super().__init__(*given)
        self._noted = noted

    def _note(self, frozen: bool) -> bool:
        self._noted.update({"frozen"} if frozen else ())
        return frozen

    def states(self, *, frozen: bool = False) -> Tensor:
        return super().states(frozen=self._note(frozen))

    def pooled(self, *, frozen: bool = False) -> Tensor:
        return super().pooled(frozen=self._note(frozen))

    def token_logprobs(self, column: str, *, reference: bool = False) -> Tensor:
        self._noted.update({"reference"} if reference else ())
        return super().token_logprobs(column, reference=reference)

    def logprobs(self, column: str, *, reference: bool = False) -> Tensor:
        self._noted.update({"reference"} if reference else ())
        return super().logprobs(column, reference=reference)


@dataclass(slots=True)
class Trial:
    """An objective with a tiny student in float64, its head, and the MAGs from which it takes something.

    Attributes:
        noted: What it has asked of the batches.
    """

    objective: Objective
    student: DistillStudent
    heads: Heads
    mags: list[Encoded]
    noted: set[str] = field(default_factory=set)

    @contextmanager
    def reading(self, mags: Sequence[Encoded], layout: str = "tree") -> Iterator[tuple[ForwardPass, MagBatch]]:
        """Yields a forward pass of the student over some MAGs."""
        with self.student.attending(LAYOUTS[layout]):
            batch = collate(mags, LAYOUTS[layout]).to(self.student.base.device)
            yield ForwardPass(self.student, batch, LAYOUTS[layout], direct_head=True), batch

    @contextmanager
    def on_a_gpu(self) -> Iterator[None]:
        """Has the student and the head on a GPU that is not there."""
        parts = [self.student.model, self.heads, *([self.student.reference.model] if self.student.reference else [])]
        with pretending():
            for part in parts:
                part.to(DEVICE)
            try:
                yield
            finally:
                for part in parts:
                    part.to("cpu")

    def loss_of(self, read: ForwardPass, scale: float | None) -> Tensor:
        """Returns the weighted loss of a forward pass; without a scale, the loss."""
        head = dict(self.heads.items()).get(NAME)
        seen = _Seen(self.noted, read, NAME, head, lambda *_: None)
        with _own_line_of_missing(self.objective):
            found = self.objective.loss(seen) if scale is None else self.objective.weighted_loss(seen, scale)
        what = f"{tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        if not isinstance(found, Tensor) or found.dim():
            raise NotMade(f"loss gives {what}, not a scalar tensor")
        require(found.dtype in (torch.float32, torch.float64), f"the loss is {found.dtype}, not float32 or wider")
        require(found.isfinite(), f"the loss is {float(found.detach())}")
        return found

    def losses(self, mags: Sequence[Encoded], scale: float | None = 1.0, layout: str = "tree") -> Tensor:
        """Returns the weighted loss of some MAGs."""
        with self.reading(mags, layout) as (read, _):
            return self.loss_of(read, scale)

    def read(self, mags: Sequence[Mag], objectives: Mapping[str, Objective] | None = None) -> list[Encoded]:
        """Returns MAGs as the distiller reads them for the objective, or for several."""
        return list(Reading(self.student.tokenizer, objectives or {NAME: self.objective}).read(mags, Counter()))

    def gradients(self, loss: Tensor) -> list[Tensor]:
        """Returns the gradient of all weights, the student's first."""
        if not loss.requires_grad:
            raise NotMade("the loss has no gradient: something detaches it")
        weights = [*self.student.parameters(), *self.heads.parameters()]
        return list(torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True, materialize_grads=True))


@contextmanager
def _own_line_of_missing(objective: Objective) -> Iterator[None]:
    """Says what is behind an encoder that is None."""
    try:
        yield
    except (AttributeError, TypeError) as error:
        if "NoneType" in str(error) and not objective.uses_encoder:
            hint = "its encoder or its head is None; where head() takes the encoder, say uses_encoder = True"
            raise NotMade(f"{hint} ({error})") from error
        raise


def _objective(specimen: Specimen) -> Objective:
    made = specimen.objective()
    require(made.columns, "columns is empty: it says nowhere what it takes of a MAG")
    named = isinstance(made.roles, tuple) and all(isinstance(role, str) and role for role in made.roles)
    require(named, f"roles is {made.roles!r}, no tuple of names")
    return made


def _trial(specimen: Specimen) -> Trial:
    return specimen.keep("trial", lambda: _tried(_objective(specimen)))


def _heads(objective: Objective, dim: int, seed: int) -> Heads:
    with _own_line_of_missing(objective):
        return Heads({NAME: objective}, dim, _Gain(dim), seed=seed)


def _tried(objective: Objective) -> Trial:
    model, tokenizer = tiny_student()
    student = DistillStudent(model.double(), tokenizer, Student(model="tiny", adaptation="full"))
    student = student.with_reference()  # asked for or not: what is read of it is another check's business
    heads = _heads(objective, student.hidden_size, 0).double().eval()
    with torch.no_grad():
        for weight in student.parameters():  # away from where it was, so that a reference makes a difference
            weight.mul_(1.5)
    trial = Trial(objective, student, heads, [])
    try:
        trial.mags = trial.read(sample_mags(objective.roles))
    except MagdiError as error:
        raise NotMade(error.message) from error
    if not trial.mags:
        told = f"roles {', '.join(objective.roles)}" if objective.roles else "critics"
        raise NotMade(
            f"it takes nothing from MAGs with right and wrong turns, {told}, confidences, values and edges; "
            'where it looks for turns of a role, name it: roles = ("verifier",)'
        )
    return trial


def check_settings(specimen: Specimen) -> None:
    """It has a weight and an annealing; ``weight()`` is proportional to the weight, which changes nothing else."""
    missing = set(ObjectiveConfig.model_fields) - set(specimen.target.Config.model_fields)  # type: ignore[attr-defined]
    require(not missing, f"Config lacks {', '.join(sorted(missing))}; derive it from ObjectiveConfig")
    trial = _trial(specimen)
    own = trial.objective.config
    once, twice, never = (_told(specimen, weight=factor * (own.weight or 1.0)) for factor in (1, 2, 0))
    for step in (0, 3):
        same = abs(2 * once.weight(step, 10) - twice.weight(step, 10)) < CLOSE
        require(same and not never.weight(step, 10), f"weight() of step {step} is not proportional to the setting")
    with torch.no_grad():
        other = Trial(twice, trial.student, trial.heads, [])
        _same(
            trial.losses(trial.mags),
            other.losses(other.read(sample_mags(twice.roles))),
            "loss depends on the setting weight",
        )


def _told(specimen: Specimen, **wanted: object) -> Objective:
    config = specimen.objective().config
    return Specimen(specimen.kind, specimen.target, config.model_copy(update=wanted)).objective()


def _columns(objective: Objective, mag: Mag) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in select(mag, {NAME: objective}, seed=3).columns.items()}


def check_takes_what_it_declares(specimen: Specimen) -> None:
    """``select`` gives every column of every MAG, as declared, the same each time, and leaves the MAG alone."""
    objective = _objective(specimen)
    for mag in sample_mags(objective.roles):
        before = mag.to_line()
        try:
            first = _columns(objective, mag)
        except MagdiError as error:
            raise NotMade(error.message) from error
        require(mag.to_line() == before, "select changes the MAG")
        for other in (_columns(objective, mag), _columns(specimen.objective(), mag)):
            changed = [name.partition(".")[2] for name in first if first[name] != other[name]]
            require(not changed, f"select gives another {', '.join(changed)} for the same MAG and seed")


def check_reading(specimen: Specimen) -> None:
    """A setting that changes what ``select`` takes is in ``reading``: columns are kept under it."""
    base = _objective(specimen)
    for name, info in type(base.config).model_fields.items():
        for value in other_values(info.annotation, getattr(base.config, name)):
            try:
                config = type(base.config).model_validate(base.config.model_dump() | {name: value})
                other = Specimen(specimen.kind, specimen.target, config).objective()
                changed = any(_columns(base, mag) != _columns(other, mag) for mag in sample_mags(base.roles))
            except Exception:  # a value that it does not take
                continue
            lost = changed and dict(other.reading) == dict(base.reading)
            require(not lost, f"the setting {name} changes what select takes, and is not in reading")


def check_labels_alone(specimen: Specimen) -> str | None:
    """An invalid turn changes nothing, and neither does ``correct``, unless it is meant: labels say what is learned."""
    trial = _trial(specimen)
    for mag in sample_mags(trial.objective.roles)[:2]:
        step = len(mag.turns)
        unread = Turn(step=step, agent="agent-9", round=mag.rounds, text="said nothing", status="invalid")
        pairs = [trial.read([each]) for each in (mag, mag.model_copy(update={"turns": (*mag.turns, unread)}))]
        with torch.no_grad():
            one, other = (trial.losses(each) if each else torch.zeros(()) for each in pairs)
        _same(one, other, "a turn whose reply could not be read, without a label, changes the loss")
        turns = tuple(turn.model_copy(update={"correct": not turn.label}) for turn in mag.turns)
        if _columns(trial.objective, mag) != _columns(trial.objective, mag.model_copy(update={"turns": turns})):
            return "it goes by correct, not by label"
    return None


def check_counts(specimen: Specimen) -> None:
    """It counts something in MAGs from which it takes something, and 0 where its columns are empty."""
    trial = _trial(specimen)
    require(any(mag.counts[0] for mag in trial.mags), "count is 0 for every MAG from which it takes something")
    for mag in trial.mags:
        count, first = mag.counts[0], mag.columns[f"{NAME}.{next(iter(trial.objective.columns))}"]
        require(count >= 0, f"count is {count}")
        require(count == 0 or first.size, f"count is {count} for MAG {mag.id}, whose first column is empty")
    empty = {name: np.zeros((column.rows, 0), np.int64) for name, column in trial.objective.columns.items()}
    count = trial.objective.count(empty, np.zeros(0, np.int64))
    require(count == 0, f"count is {count} for a MAG from which it takes nothing")


def check_is_a_sum(specimen: Specimen) -> None:
    """The loss of several MAGs is the sum of each one's: no mean, and no MAG looks into another."""
    trial = _trial(specimen)
    with torch.no_grad():
        together, alone = trial.losses(trial.mags), sum(trial.losses([mag]) for mag in trial.mags)
    _same(together, torch.as_tensor(alone), "the loss of several MAGs is not the sum of their losses")


def check_layouts_agree(specimen: Specimen) -> None:
    """How MAGs share a forward pass, and in which order they come, makes no difference."""
    trial = _trial(specimen)
    with torch.no_grad():
        _same(trial.losses(trial.mags), trial.losses(trial.mags, layout="padded"), "tree and padded rows differ")
        _same(trial.losses(trial.mags), trial.losses(trial.mags[::-1]), "the loss changes with the order of the MAGs")


def check_device(specimen: Specimen) -> None:
    """The loss is computed where the student is, so that it is on a GPU; none is needed to see it."""
    trial = _trial(specimen)
    with torch.no_grad():
        usual = trial.losses(trial.mags)
        with trial.on_a_gpu():
            loss = trial.losses(trial.mags)
    _same(usual, loss, "the loss is another where the student is on a GPU")


def check_leaves_batch_alone(specimen: Specimen) -> None:
    """The loss changes neither the states nor the columns in place: other objectives read them."""
    trial = _trial(specimen)
    with torch.no_grad(), trial.reading(trial.mags) as (read, batch):
        shared = {"states": read.exact, "pooled()": read.pooled}
        shared |= {f"the column {name.partition('.')[2]}": column for name, column in batch.columns.items()}
        before = {name: each.clone() for name, each in shared.items()}
        trial.loss_of(read, 1.0)
    changed = [name for name, each in shared.items() if not torch.equal(each, before[name])]
    require(not changed, f"loss changes {', '.join(changed)} in place")


def check_keeps_nothing(specimen: Specimen) -> None:
    """Nothing of a batch is kept when the next one comes."""
    trial = _trial(specimen)
    more = growth(lambda: trial.losses(trial.mags))
    require(more <= 0, f"it keeps {more} tensors of every batch: memory would grow with every step")


def check_scale(specimen: Specimen) -> None:
    """``weighted_loss`` is the scale times the loss, in value and in gradient."""
    trial = _trial(specimen)
    once, thrice = (trial.losses(trial.mags, scale) for scale in (None, 3.0))
    _same(3 * once, thrice, "weighted_loss with scale 3 is not three times the loss")
    for one, three in zip(trial.gradients(once), trial.gradients(thrice), strict=True):
        _same(3 * one, three, "the gradient of weighted_loss with scale 3 is not three times the gradient")


def check_nothing_is_zero(specimen: Specimen) -> None:
    """Where a batch holds nothing for it, its loss is 0 and still has a gradient: other processes wait for it."""
    from magdi.plugins.objectives.positive import Positive

    trial = _trial(specimen)
    (empty,) = trial.read([sample_mag("x", [True])], {NAME: trial.objective, "positive": Positive()})
    if any(column.size for name, column in empty.columns.items() if name.startswith(f"{NAME}.")):
        return  # it takes something from every MAG that anybody learns from
    loss = trial.losses([empty])
    require(float(loss.detach()) == 0, f"the loss of a batch with nothing in its columns is {float(loss.detach())}")
    trial.gradients(loss)


def check_gradients(specimen: Specimen) -> str | None:
    """Finite gradients reach the student, unless it asks for frozen states, and all of the head, encoder included."""
    trial = _trial(specimen)
    loss = trial.losses(trial.mags)
    found = trial.gradients(loss)
    require(all(gradient.isfinite().all() for gradient in found), "a gradient is not finite")
    reached = any(bool(gradient.any()) for gradient in found[: len(trial.student.parameters())])
    frozen = "frozen" in trial.noted and bool(trial.heads)
    require(reached or frozen, "no gradient reaches the student: it would learn nothing")
    through = any(isinstance(part, _Gain) and _moves(loss, part.gain) for part in trial.heads.modules())
    require(
        through or not trial.objective.uses_encoder,
        "uses_encoder is True, and the loss does not go through the encoder: --encoder would change nothing; keep it "
        "in what head() returns and call it with batch.graph(...), or leave uses_encoder out",
    )
    missed = [name for name, weight in trial.heads.named_parameters() if not _moves(loss, weight)]
    require(not missed, f"no gradient reaches the head's {', '.join(missed)}")
    return None if reached else "states are frozen: only its head learns"


def check_teaches(specimen: Specimen) -> None:
    """Where it ``teaches``, a small step along its gradient makes right answers likelier, not less likely."""
    from magdi.plugins.objectives.positive import Positive

    trial = _trial(specimen)
    if not trial.objective.teaches:
        raise DoesNotApply("it does not say that it teaches")
    usual = Trial(Positive(), trial.student, trial.heads, [])
    wanted = usual.losses(usual.read(sample_mags()))
    weights = trial.student.parameters()
    pairs = zip(trial.gradients(trial.losses(trial.mags)), torch.autograd.grad(wanted, weights), strict=False)
    along = sum(float((one * other).sum()) for one, other in pairs)
    require(along > 0, "its gradient makes right answers less likely, though it says that it teaches: mind the sign")


def check_reference(specimen: Specimen) -> None:
    """It reads the student as it was before training if and only if ``needs_reference`` says so."""
    trial = _trial(specimen)
    trial.losses(trial.mags)
    reads, says = "reference" in trial.noted, trial.objective.needs_reference
    require(says or not reads, "it reads reference_logprobs: say needs_reference = True, or there is no reference")
    require(reads or not says, "needs_reference is True, and it reads none: a copy of the student is kept for nothing")


def check_head_is_seeded(specimen: Specimen) -> None:
    """Its head starts the same for the same seed, and elsewhere for another."""
    objective = _objective(specimen)
    first, second, other = (_heads(objective, 8, seed).state_dict() for seed in (5, 5, 6))
    require(first.keys() == second.keys(), "its head has other parts the second time")
    differing = [name for name in first if not torch.equal(first[name], second[name])]
    require(not differing, f"its head starts elsewhere for the same seed: {', '.join(differing)}")
    drawn = [name for name, weight in first.items() if weight.is_floating_point() and len(weight.unique()) > 2]
    moved = any(not torch.equal(first[name], other[name]) for name in drawn)
    require(moved or not drawn, "its head starts the same for every seed: something seeds the generator")


def _moves(loss: Tensor, weight: Tensor) -> bool:
    (found,) = torch.autograd.grad(loss, [weight], retain_graph=True, allow_unused=True)
    return found is not None


def _same(one: Tensor, other: Tensor, message: str) -> None:
    if not (one - other).norm() <= CLOSE * (1 + one.norm()):
        raise CheckFailed(f"{message} ({one.flatten()[:3].tolist()}, {other.flatten()[:3].tolist()})")


CHECKS: tuple[Check, ...] = (
    check_settings,
    check_takes_what_it_declares,
    check_reading,
    check_labels_alone,
    check_counts,
    check_is_a_sum,
    check_layouts_agree,
    check_device,
    check_leaves_batch_alone,
    check_keeps_nothing,
    check_scale,
    check_nothing_is_zero,
    check_gradients,
    check_teaches,
    check_reference,
    check_head_is_seeded,
)
