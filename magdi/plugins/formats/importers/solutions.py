"""GSM8K's example_model_solutions.jsonl: one chain each of four models, which have not heard of each other.

``{question, ground_truth, NAME: {solution, is_correct}, ...}``. What the file says of right and wrong is kept in the
MAG's metadata; labels are the task's.
"""

from __future__ import annotations

from typing import Any

from magdi.core.mag import Mag
from magdi.plugins.formats.importer import Importer, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader, scalar


class Solutions(Importer):
    """GSM8K's example_model_solutions."""

    example = {
        "question": "What is 2 + 3?",
        "ground_truth": "#### 5",
        "small": {"solution": "2 + 3 = 5. The answer is 5."},
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a question with solutions of several models."""
        return has(value, "question", "ground_truth") and any(has(each, "solution") for each in value.values())

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns a MAG without edges."""
        row = item.value
        solutions = {name: each for name, each in row.items() if has(each, "solution")}
        if not solutions:
            raise ValueError("no model has a solution")
        question = reader.question(row["question"], row["ground_truth"], rationale=scalar(row["ground_truth"]))
        turns = [
            reader.turn(question, step, name, scalar(each["solution"]), model=name)
            for step, (name, each) in enumerate(solutions.items())
        ]
        said = {name: str(each["is_correct"]).lower() for name, each in solutions.items() if "is_correct" in each}
        judged = {name: each in ("true", "1", "yes") for name, each in said.items()}
        return reader.mag(item, question, "single", turns, stop="answered", format="solutions", is_correct=judged)
