"""Distillation: MAGs in, a student out (MAGDi, section 3.4)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from magdi.core.config.models import Training
from magdi.core.distill import sharding
from magdi.core.distill.arguments import training_arguments
from magdi.core.distill.checkpoints import RENEWED, claim, discard, newest
from magdi.core.distill.corpus import Corpus, read_corpus
from magdi.core.distill.encoded import Size
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.lessons import Lessons
from magdi.core.distill.loop import MagTrainer, Metrics
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.probe import find_reader
from magdi.core.distill.processes import by_first, process_group
from magdi.core.distill.reading import Reading
from magdi.core.distill.renewal import AskStudent, Renewal
from magdi.core.distill.schedule import Schedule
from magdi.core.distill.selection import ALL
from magdi.core.distill.steps import Steps
from magdi.core.distill.student import DistillStudent, precision
from magdi.core.encoder import Encoder
from magdi.core.errors import ConfigError
from magdi.core.mag import Mag
from magdi.core.objective import Objective
from magdi.core.quiet import quiet
from magdi.core.threads import fitting, threads


@dataclass(frozen=True, slots=True)
class DistillReport:
    """What a distillation did.

    Attributes:
        student: Directory of the trained student.
        level: The level's name.
        layout: How turns shared forward passes.
        steps: Optimizer steps done, those before a resume included.
        epochs: Passes over the MAGs.
        mags: MAGs trained on.
        tokens: Tokens read in all, every prompt counted once a MAG.
        counted: By objective, what it counted in all: tokens, pairs, nodes.
        predicted: Tokens that the student was taught to write, in all.
        seconds: Wall time of this call.
        counts: What was met when the MAGs were read: cut chains, turns without a label, MAGs left out, ...
        metrics: The last line of metrics.
        best: Step of the best checkpoint, where there was a validation split.
    """

    student: Path
    level: str
    layout: str
    steps: int
    epochs: float
    mags: int
    tokens: int
    counted: Mapping[str, int]
    predicted: int
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: int | None = None


@quiet()
@process_group()
def distill(
    mags: Iterable[Mag] | Path,
    student: DistillStudent,
    encoder: Encoder | None,
    *,
    objectives: Mapping[str, Objective],
    training: Training,
    seed: int,
    out: Path,
    on_metrics: Metrics = lambda metrics: None,
    cache: Path | None = None,
    lessons: Lessons = ALL,
    name: str = "",
    ask_student: AskStudent | None = None,
) -> DistillReport:
    """Trains a student on MAGs and saves it to ``out/student``.

    Checkpoints go to ``out/checkpoints``; a call with the same arguments goes on from the newest and ends with the
    weights that it would have had without the interruption (bit by bit on a CPU). They are removed at the end.

    Args:
        mags: MAGs, or a file of them that is read as a stream through a table that is kept.
        student: From `load_student`; trained in place.
        encoder: Graph encoder of width ``student.hidden_size``; needed where an objective uses one.
        objectives: What it is trained by, by the names under which they are logged; those of weight 0 are left out.
        training: Edges, steps, learning rate, layout.
        seed: Seed of the order of MAGs, the heads' first weights and dropout.
        out: Where to write.
        on_metrics: Told every line of metrics.
        cache: Where tables of encoded MAGs are kept.
        lessons: Which turns are taught, and after which prompts.
        name: A folder within ``out/student`` and ``out/checkpoints``, where several are trained.
        ask_student: Returns MAGs together with what the student says by then; needed for ``training.refresh``.

    Raises:
        ConfigError: The settings do not fit together.
        TrainingError: Nothing to train on, losses that are not finite, no memory, or checkpoints of another run.
    """
    started = time.perf_counter()
    objectives = {name: each for name, each in objectives.items() if each.config.weight}
    needing = [name for name, each in objectives.items() if each.uses_encoder]
    if encoder is None and needing:
        raise ConfigError(f"{', '.join(needing)}: it needs a graph encoder", hint="--encoder gcn, or none")
    if training.refresh and ask_student is None:
        raise ConfigError("training.refresh: nobody is there to ask the student", hint="distill(ask_student=...)")
    mags = mags if isinstance(mags, Path) else list(mags)
    reading = reading_of(student, objectives, training, seed, lessons)
    corpus = read_corpus(mags, reading, cache)
    trained, validation = corpus.split(training.validation, seed)
    order = Schedule.plan(len(trained), training.mags_per_step, steps=training.steps, epochs=training.epochs, seed=seed)
    checkpoints, target = out / "checkpoints" / name, out / "student" / name
    computed = precision(student.config, student.checkpoint_type, _device())
    arguments = training_arguments(training, steps=order.total, seed=seed, precision=computed, folder=checkpoints)
    if not sharding.asked_for("FSDP"):
        student.model.to(arguments.device)
    if any(each.needs_reference for each in objectives.values()):
        student = student.with_reference()
    rank, processes = arguments.process_index, arguments.world_size
    unread, even = Reader(LAYOUTS["padded"]), sharding.asked_for()  # until the trainer has tried
    steps = Steps(trained, order, unread.layout, training.tokens_per_batch, rank, processes, even=even)
    heads = Heads(objectives, student.hidden_size, encoder, seed=seed)
    heads.to(torch.promote_types(student.base.dtype, torch.float32))
    module = MagLosses(student, objectives, heads, unread)
    renewal = Renewal(mags, ask_student, module, reading, corpus, checkpoints, cache) if ask_student else None
    if renewal is not None:
        steps.every = training.refresh
        steps.renewed = lambda number: renewal.corpus(number).split(training.validation, seed)[0]
    identity = _identity(trained, objectives, training, seed)
    count, resume = by_first(lambda: (claim(checkpoints, identity, fitting(student.base)), newest(checkpoints)))
    last: list[Mapping[str, float]] = [{}]

    def told(metrics: Mapping[str, float]) -> None:
        last[0] = metrics
        on_metrics(metrics)

    trainer = MagTrainer(
        module,
        arguments,
        steps,
        precision=computed,
        probe=partial(find_reader, student, corpus.probes(), training.layout, precision=computed),
        reduction=training.reduction,
        validation=validation,
        patience=training.patience,
        norms_every=training.norms_every,
        on_metrics=told,
        failed=out / (f"failed_batch.{rank}.json" if rank else "failed_batch.json"),
    )
    with student.attending(unread.layout), threads(count):
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    weights, tops = (
        sharding.gathered(each, keep=rank == 0) for each in (student.state(), heads.state_dict(keep_vars=True))
    )
    report = _report(trainer, steps, corpus, training.level_name, target, time.perf_counter() - started, last[0])
    renewals = steps.renewals(report.steps - 1)
    if renewal is not None and renewals:
        report = replace(report, counts={**report.counts, **renewal.tally(renewals)})
    trainer.accelerator.wait_for_everyone()  # what rank 0 discards has been read by all
    if rank == 0:
        student.save(target, weights)
        heads.save(target, tops)
        if renewal is not None and renewals:
            renewal.keep(renewals, out / RENEWED)
        discard(checkpoints)
    trainer.accelerator.wait_for_everyone()
    return report


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def reading_of(
    student: DistillStudent,
    objectives: Mapping[str, Objective],
    training: Training,
    seed: int,
    lessons: Lessons = ALL,
) -> Reading:
    """Returns how a training with these settings reads its MAGs."""
    return Reading(
        tokenizer=student.tokenizer,
        objectives=objectives,
        prompt=student.config.prompt,
        max_length=student.max_length,
        drop_agreement=training.drop_agreement,
        view=training.edges,
        seed=seed,
        level=training.title,
        lessons=lessons,
    )


def _identity(corpus: Corpus, objectives: Mapping[str, Objective], training: Training, seed: int) -> dict[str, object]:
    """What must be the same for a run to go on from its checkpoints; how it is logged and saved may change."""
    free = {"log_every", "norms_every", "save_every", "report_to", "patience"}
    return {
        "objectives": {name: each.config.model_dump(mode="json") for name, each in objectives.items()},
        "training": training.model_dump(mode="json", exclude=free),
        "seed": seed,
        "mags": len(corpus),
        "sizes": corpus.sizes.total().row(),
    }


def _report(
    trainer: MagTrainer,
    steps: Steps,
    corpus: Corpus,
    level: str,
    student: Path,
    seconds: float,
    last: Mapping[str, float],
) -> DistillReport:
    done = trainer.state.global_step
    counted = _counted(steps, done)
    objectives = trainer.model.objectives
    by_name = dict(zip(objectives, counted.counts, strict=True))
    return DistillReport(
        student=student,
        level=level,
        layout=steps.layout.name,
        steps=done,
        epochs=steps.schedule.epoch(done),
        mags=len(steps.corpus),
        tokens=counted.tokens,
        counted=by_name,
        predicted=sum(by_name[name] for name, each in objectives.items() if each.teaches),
        seconds=seconds,
        counts=corpus.tally,
        metrics=last,
        best=trainer.state.best_global_step,
    )


def _counted(steps: Steps, done: int) -> Size:
    """Returns what is counted of the first steps together."""
    rows = []
    for _, alike in groupby(range(done), key=steps.renewals):
        numbers = list(alike)
        table = steps.corpus_at(numbers[0]).sizes.table
        rows.append(table[np.concatenate([steps.schedule.step(number) for number in numbers])].sum(0))
    return (
        Size.from_row(np.sum(rows, axis=0).tolist()) if rows else Size(counts=(0,) * len(steps.corpus.sizes[0].counts))
    )
