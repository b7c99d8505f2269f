"""What the heads have learned, and whether it is of use: the figures that explain a level's gain, or its lack.

Pairs and nodes that the score head and the encoder get right, on MAGs that were trained on and on others; and the AUC
of the score head on the student's own answers: 0.5 says that it cannot tell the student's right answers from its wrong
ones, however well it tells the teachers' apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from magdi.core.config.models import Evaluation
from magdi.core.errors import DataError, TrainingError
from magdi.core.mag import Mag, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import kept
from magdi.core.run.stages import Stages

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.corpus import Corpus
    from magdi.core.distill.losses import MagLosses

MAGS = 200
"""MAGs that accuracies of heads are measured on."""

QUESTIONS = 100
SAMPLES = 4
TEMPERATURE = 0.7
AT_ONCE = 16


def diagnose(stages: Stages, directory: RunDirectory, held_out: Path | None) -> dict[str, float]:
    """Returns what the heads of a run's student get right.

    Keys: ``pairs_train``, ``pairs_held_out``, ``nodes_train``, ``nodes_held_out`` (shares),
    ``auc_nodes_train``, ``auc_nodes_held_out`` (areas under the curve), ``nodes_most`` (the share
    of the more frequent label on held-out MAGs, which anyone gets), ``auc_own`` (area under the curve). Those that
    there is no head or no MAG for are absent.
    """
    config = stages.config
    trained = list(kept(directory.mags, config.discussion.keep, config.seed))[:MAGS]
    found = {f"{name}_train": value for name, value in _heads(stages, directory, trained).items() if name != "most"}
    if held_out is not None and RunDirectory(held_out).mags.is_file():
        others = list(read_mags(RunDirectory(held_out).mags))[:MAGS]
        measured = _heads(stages, directory, others)
        most = measured.pop("most", None)
        found |= {f"{name}_held_out": value for name, value in measured.items()}
        found |= {} if most is None else {"nodes_most": most}
    auc = _auc_on_own_answers(stages, directory)
    return found if auc is None else found | {"auc_own": auc}


def _heads(stages: Stages, directory: RunDirectory, mags: Sequence[Mag]) -> dict[str, float]:
    """Returns the shares of ``pairs`` and ``nodes`` that are right, of ``most`` (the frequent label), and AUCs."""
    from magdi.core.distill.corpus import read_corpus
    from magdi.core.distill.heads import HEADS_FILE, Heads
    from magdi.core.distill.losses import MagLosses
    from magdi.core.distill.probe import find_reader
    from magdi.core.distill.student import DistillStudent
    from magdi.core.distill.trainer import reading_of
    from magdi.plugins.generation.loading import load

    config, objectives = stages.config, stages.objectives()
    if not (directory.student / HEADS_FILE).is_file():
        return {}
    student = DistillStudent(
        *load(directory.student, trust_remote_code=config.student.trust_remote_code), config.student
    )
    encoder = stages.components.encoder(config.encoder, student.hidden_size)
    heads = Heads(objectives, student.hidden_size, encoder, seed=config.seed)
    heads.load(directory.student)
    try:
        corpus = read_corpus(mags, reading_of(student, objectives, config.training, config.seed))
    except TrainingError:
        return {}  # there is nothing in these MAGs that this level reads
    reader = find_reader(student, corpus.probes(), config.training.layout)
    heads.to(student.base.device)
    ranked: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)

    def on_ranked(name: str, scores: Tensor, labels: Tensor) -> None:
        ranked[name] += zip(scores.tolist(), labels.tolist(), strict=True)

    counted = _counted(MagLosses(student, objectives, heads, reader, on_ranked).eval(), corpus)
    aucs = {f"auc_{name}": auc(pairs) for name, pairs in ranked.items()}
    return counted | {name: value for name, value in aucs.items() if value is not None}


def _counted(module: MagLosses, corpus: Corpus) -> dict[str, float]:
    import torch

    from magdi.core.distill.batch import collate

    right: Counter[str] = Counter()
    of: Counter[str] = Counter()
    labels: Counter[int] = Counter()
    student, layout = module.student, module.reader.layout
    with student.attending(layout), torch.no_grad():
        for start in range(0, len(corpus), AT_ONCE):
            encoded = corpus[list(range(start, min(start + AT_ONCE, len(corpus))))]
            batch = collate(encoded, layout).to(student.base.device)
            found = module(batch, dict.fromkeys(module.heads, 1.0))
            for place, (name, objective) in enumerate(module.objectives.items()):
                logged = found.logged.get(name, {})
                if f"accuracy/{objective.unit}" in logged:
                    right[objective.unit] += int(logged[f"accuracy/{objective.unit}"])
                    of[objective.unit] += sum(mag.counts[place] for mag in encoded)
                labels.update(batch.entries.get(f"{name}.labels", np.array([])).reshape(-1).tolist())
    shares = {name: right[name] / of[name] for name in right if of[name]}
    if "nodes" in shares:
        shares["most"] = max(labels[0], labels[1]) / of["nodes"]
    return shares


def _auc_on_own_answers(stages: Stages, directory: RunDirectory) -> float | None:
    """Returns how well the score head tells the student's right answers from its wrong ones; on validation questions.

    None where there is no score head, or no validation question, or all answers are right or all wrong.
    """
    from magdi.core.evaluation.answering import answer_questions

    config = stages.config
    try:
        questions = stages.task.questions("validation")[:QUESTIONS]
    except DataError:
        return None
    settings = Evaluation(
        samples=SAMPLES,
        temperature=TEMPERATURE,
        max_new_tokens=config.evaluation.max_new_tokens,
        batch_tokens=config.evaluation.batch_tokens,
    )
    predictions = answer_questions(
        stages.components.engine(directory.student, config.student),
        questions,
        task=stages.task,
        settings=settings,
        seed=config.seed,
    )
    return auc([(each.score, int(bool(each.correct))) for each in predictions if each.score is not None])


def auc(ranked: Sequence[tuple[float, int]]) -> float | None:
    """Returns how likely something labelled 1 has a higher score than something labelled 0 (ties count half).

    None where there is nothing of one label; other labels do not count.
    """
    from scipy.stats import mannwhitneyu

    right, wrong = ([score for score, label in ranked if label == which] for which in (1, 0))
    if not right or not wrong:
        return None
    return float(mannwhitneyu(right, wrong).statistic / (len(right) * len(wrong)))
