"""`dpo` and TRL's DPOTrainer on the same pairs: the same loss, with a frozen copy and with an adapter switched off."""

from __future__ import annotations

import copy
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from magdi.core.config.models import Lora, Student
from magdi.core.discussion.stepper import Stepper
from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.lessons import Lessons, OwnPrompts
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent, load_student
from magdi.core.mag import Mag, Question
from magdi.core.protocol import Agent
from magdi.core.reply import Parsed
from magdi.plugins.objectives.dpo import Dpo
from magdi.plugins.testing import tiny_student
from magdi.plugins.testing.sample_mags import sample_mags
from magdi.protocols.malt import Malt

BETA = 0.3


def loaded(folder: Path, adaptation: str) -> DistillStudent:
    model, tokenizer = tiny_student()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = Student(adaptation=adaptation, lora=Lora(r=4, dropout=0.0))
    student = load_student(config, path=folder, seed=0)
    student.model.double()
    return student.with_reference()


def move(student: DistillStudent) -> None:
    """Takes the weights away from where they were, as training does."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in student.parameters():
            weight.add_(torch.randn(weight.shape, generator=draw), alpha=0.05)


def trl_trainer(student: DistillStudent, folder: Path) -> Any:
    """TRL's trainer, which keeps its own reference: a frozen copy, or the adapter as it is now."""
    pytest.importorskip("trl", reason="TRL is not installed (the extra dev has it)")
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer  # type: ignore[attr-defined]  # made when asked for

    texts = Dataset.from_list([{"prompt": "What?", "chosen": "This.", "rejected": "That."}])
    before = copy.deepcopy(student.base) if student.config.adaptation == "full" else None
    args = DPOConfig(str(folder), beta=BETA, report_to="none", use_cpu=True, bf16=False, gradient_checkpointing=False)
    return DPOTrainer(student.model, before, args, train_dataset=texts, processing_class=student.tokenizer)


def theirs(trainer: Any, student: DistillStudent, mags: list[Encoded]) -> float:
    """TRL's mean loss over all pairs."""
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    rows = [
        {"prompt_ids": mag.whole_prompts()[mag.prompt_of[plus]].tolist()}
        | {"chosen_ids": mag.chains[plus].tolist(), "rejected_ids": mag.chains[minus].tolist()}
        for mag in mags
        for plus, minus in mag.columns["dpo.pairs"].T
    ]
    inputs = DataCollatorForPreference(pad_token_id=student.tokenizer.pad_token_id)(rows)
    return float(trainer.compute_loss(student.model.eval(), inputs))


def by_role() -> list[Mag]:
    """Two of MALT's trees: what follows their second verifications is right one time and wrong the other."""
    return [_tree(thought) for thought in ("Thought", "Idea")]


def _tree(thought: str) -> Mag:
    question, protocol = Question(id=thought, text="What is 17 * 3?", gold="51"), Malt(Malt.Config(samples=2))
    stepper = Stepper(question, protocol, [Agent("A")], grade=lambda answer, gold: answer == gold, keep_prompts=True)
    while not stepper.done:
        for step, ask, _, _ in stepper.pending:
            answer = "7" if ask.branch[1:] == (1, 1) else "51"
            said = f"{thought} {step}: {answer}."
            stepper.answer(step, Parsed(said, None if ask.role == "verifier" else answer), said)
    return stepper.result


GIVEN = [("full", None), ("lora", None), ("lora", "refiner"), ("lora", "verifier")]


@pytest.mark.filterwarnings("ignore")  # TRL's own
@pytest.mark.parametrize(("adaptation", "role"), GIVEN)
def test_the_loss_is_trls(adaptation: str, role: str | None, tmp_path: Path) -> None:
    student = loaded(tmp_path / "model", adaptation)
    trainer = trl_trainer(student, tmp_path / "trl")
    move(student)
    objectives = {"dpo": Dpo(Dpo.Config(beta=BETA))}
    lessons = Lessons(role, OwnPrompts() if role else None)
    given = by_role() if role else sample_mags()
    mags = list(Reading(student.tokenizer, objectives, lessons=lessons).read(given, Counter()))
    module = MagLosses(student, objectives, Heads(objectives, 32, seed=0), Reader(LAYOUTS["tree"])).eval()
    pairs = sum(mag.counts[0] for mag in mags)
    with student.attending(LAYOUTS["tree"]), torch.no_grad():
        ours = float(module(collate(mags, LAYOUTS["tree"]), {"dpo": 1 / pairs}).total)
    assert pairs == {None: 10, "refiner": 4, "verifier": 4}[role]
    assert abs(ours - math.log(2)) > 1e-3  # the student is not its reference
    assert ours == pytest.approx(theirs(trainer, student, mags), abs=1e-6)
