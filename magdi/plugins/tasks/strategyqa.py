"""StrategyQA: yes-no questions whose steps are implicit (Geva et al., 2021)."""

from __future__ import annotations

from collections.abc import Mapping

from magdi.plugins.tasks.dataset import DatasetTask, Source, gold_form
from magdi.plugins.tasks.rows import Row


class StrategyQa(DatasetTask):
    """The hub's copy has 1,603 training and 687 test questions; a local ``dev`` file is the paper's 229 for testing.

    The facts that come with a question are kept in the metadata and are not shown.
    """

    name = "strategyqa"
    source = Source(
        "ChilleD/StrategyQA",
        splits={"train": "train", "test": "test"},
        files={"test": ("dev", "test"), "validation": ("validation",)},
        folder="strategyqa",
        licence="MIT",
    )
    answer_type = "boolean"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads ``question`` and ``answer``, and ``facts`` where there are some."""
        facts = row.get("facts") or []
        rationale = facts if isinstance(facts, str) else " ".join(facts)
        gold = gold_form(row["answer"], "boolean")
        return {"text": row["question"], "gold": gold, "metadata": {"rationale": rationale}}
