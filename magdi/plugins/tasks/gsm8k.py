"""GSM8K: grade-school mathematics in words (Cobbe et al., 2021)."""

from __future__ import annotations

from collections.abc import Mapping

from magdi.plugins.tasks.dataset import DatasetTask, Source, gold_form
from magdi.plugins.tasks.rows import Row


class Gsm8k(DatasetTask):
    """7,473 training and 1,319 test problems of 2 to 8 steps; the answer is a number."""

    name = "gsm8k"
    source = Source("openai/gsm8k", "main", {"train": "train", "test": "test"}, folder="gsm8k", licence="MIT")
    answer_type = "number"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads ``question`` and ``answer``, a rationale that ends with "#### gold"."""
        rationale, mark, gold = row["answer"].rpartition("####")
        if not mark:
            raise ValueError('"answer" does not end with "#### gold"')
        metadata = {"rationale": rationale.strip()}
        return {"text": row["question"], "gold": gold_form(gold, "number"), "metadata": metadata}
