"""`unlikelihood` against plain loops over stock logits."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from magdi.core.config.models import Student
from magdi.core.distill.batch import collate
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from magdi.plugins.objectives.unlikelihood import Unlikelihood
from magdi.plugins.testing import tiny_student
from magdi.plugins.testing.sample_mags import sample_mags


@pytest.mark.parametrize("direct", [True, False])
def test_it_is_the_log_of_what_is_left(direct: bool) -> None:
    model, tokenizer = tiny_student()
    student = DistillStudent(model, tokenizer, Student(adaptation="full"))
    objectives = {"unlikelihood": Unlikelihood()}
    mags = list(Reading(tokenizer, objectives).read(sample_mags(), Counter()))
    module = MagLosses(student, objectives, Heads(objectives, 32, seed=0), Reader(LAYOUTS["tree"], direct)).eval()
    with student.attending(LAYOUTS["tree"]), torch.no_grad():
        ours = float(module(collate(mags, LAYOUTS["tree"]), {"unlikelihood": 1.0}).total)
    expected = 0.0
    for mag in mags:
        for place in mag.columns["unlikelihood.wrong"][0]:
            prompt, chain = mag.prompts[0], mag.chains[place]
            logits = model(torch.tensor([[*prompt, *chain]])).logits[0].double()
            for at, token in enumerate(chain):
                expected -= math.log(1 - float(logits[len(prompt) + at - 1].softmax(-1)[token].detach()))
    assert ours == pytest.approx(expected, rel=1e-5)
