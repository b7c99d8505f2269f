"""Any dataset on the hub, by the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from magdi.core.errors import ConfigError
from magdi.core.task import Split
from magdi.plugins.tasks.columns import Columns
from magdi.plugins.tasks.dataset import DatasetConfig, Source
from magdi.plugins.tasks.hub import hub_rows
from magdi.plugins.tasks.jsonl import ColumnTask
from magdi.plugins.tasks.rows import Row


class HfConfig(DatasetConfig):
    """Which dataset, which of its splits is what, and which column is what."""

    dataset: str = Field(min_length=1, description="The dataset's name on the hub, e.g. openai/gsm8k.")
    subset: str | None = Field(None, description="The dataset's configuration, where it has several.")
    splits: dict[Split, str] = Field(
        {"train": "train", "test": "test"},
        description="The dataset's split for each of train, validation, test; validation is cut from train without.",
    )
    columns: Columns = Columns()


class Hf(ColumnTask):
    """Questions from any dataset on the hub, or from local files with its columns."""

    Config = HfConfig
    name = "hf"
    source = Source("")  # for local files; on the hub, the settings say where

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Returns the settings of ``hf:DATASET`` or ``hf:DATASET:SUBSET``."""
        dataset, _, subset = target.partition(":")
        if not dataset:
            raise ConfigError("the task hf needs a dataset", hint="e.g. hf:openai/gsm8k:main")
        return {"dataset": dataset, **({"subset": subset} if subset else {})}

    def _has(self, split: Split) -> bool:
        return split in self.config.splits if self.config.data is None else super()._has(split)

    def _load(self, split: Split) -> tuple[Sequence[Row], str]:
        if self.config.data is not None or split not in self.config.splits:
            return super()._load(split)
        return hub_rows(self.config.dataset, self.config.subset, self.config.splits[split]), self.config.dataset
