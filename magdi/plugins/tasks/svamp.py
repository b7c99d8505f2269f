"""SVAMP: one-step word problems, varied so that shallow tricks fail (Patel et al., 2021); for testing."""

from __future__ import annotations

from collections.abc import Mapping

from magdi.plugins.tasks.dataset import DatasetTask, Source, gold_form
from magdi.plugins.tasks.rows import Row


class Svamp(DatasetTask):
    """All 1,000 problems are for testing, as in the paper; there are none for training."""

    name = "svamp"
    source = Source("ChilleD/SVAMP", splits={"test": "train+test"}, folder="svamp", licence="MIT")
    answer_type = "number"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads ``Body``, ``Question``, ``Answer``, and ``Equation`` into the metadata."""
        body = row["Body"].strip()
        text = f"{body}{'' if body.endswith(('.', '?', '!', ',')) else '.'} {row['Question'].strip()}"
        metadata = {"rationale": str(row.get("Equation") or "")}
        return {"text": text, "gold": gold_form(row["Answer"], "number"), "metadata": metadata}
