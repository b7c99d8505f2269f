"""MATH: competition mathematics (Hendrycks et al., 2021); answers are expressions, graded by math-verify."""

from __future__ import annotations

from collections.abc import Mapping

from magdi.plugins.answers.spans import boxed
from magdi.plugins.tasks.dataset import DatasetTask, Source, gold_form
from magdi.plugins.tasks.rows import Row


class Math(DatasetTask):
    r"""7,500 training and 5,000 test problems; a local test file of MATH-500 has 500."""

    name = "math"
    source = Source(
        "DigitalLearningGmbH/MATH-lighteval", splits={"train": "train", "test": "test"}, folder="math", licence="MIT"
    )
    answer_type = "expression"

    def question(self, row: Row) -> Mapping[str, object]:
        r"""Reads ``problem`` and ``answer``, or else what stands in the last \boxed{} of ``solution``."""
        solution = str(row.get("solution") or "")
        answer = row["answer"] if "answer" in row else boxed(solution)
        if answer is None:
            raise ValueError('"solution" has no \\boxed{answer}')
        metadata = {"rationale": solution} | {key: row[key] for key in ("level", "type", "subject") if key in row}
        return {"text": row["problem"], "gold": gold_form(answer, "expression"), "metadata": metadata}
