"""Parquet, and a folder as the Hugging Face hub takes it; one discussion a row, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from magdi.core.files import write_whole
from magdi.core.mag import SCHEMA, Mag
from magdi.core.redact import without_servers
from magdi.core.run.summary import simulated
from magdi.core.views import View
from magdi.plugins.corpus.parquet import parquet_writer
from magdi.plugins.exporting.card_data import common, licensed, own
from magdi.plugins.formats.exporter import Exporter

if TYPE_CHECKING:
    from huggingface_hub import DatasetCardData


class Parquet(Exporter):
    """One Parquet file, one discussion a row."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes one Parquet file, some rows at a time; returns the number of rows."""
        count = 0
        with parquet_writer(path, view) as put:
            for count, mag in enumerate(mags, start=1):  # noqa: B007
                put(mag)
        return count


class DatasetConfig(BaseModel, extra="forbid", frozen=True):
    """What the card says that MAGs do not."""

    licence: str = Field("", description="Of the dataset, as the hub names it; found out where it can be when empty.")


class Dataset(Exporter):
    """A folder for the Hugging Face hub: Parquet and a card."""

    Config = DatasetConfig
    folder = True

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes ``data/train-00000-of-00001.parquet``, and README.md, which is the dataset's card."""
        card = Card()
        count = Parquet().write(
            card.watching(map(_for_the_public, mags)), path / "data" / "train-00000-of-00001.parquet", view
        )
        write_whole(path / "README.md", card.text(view, self.config.licence))
        return count


def _for_the_public(mag: Mag) -> Mag:
    """Returns a MAG whose turns name their models without the servers that they were asked at."""
    named = [turn.model_copy(update={"model": turn.model and without_servers(turn.model)}) for turn in mag.turns]
    return mag.model_copy(update={"turns": tuple(named)})


class Card:
    """The card of a dataset: what is in it, where it is from, what to beware of; made while its MAGs go by."""

    def __init__(self) -> None:
        self._mags = self._simulated = self._turns = self._right = self._wrong = self._edges = self._prompts = 0
        self._counts = {title: Counter[str]() for title in _TITLES}

    def watching(self, mags: Iterable[Mag]) -> Iterator[Mag]:
        """Passes MAGs on, counting what the card says of them."""
        for mag in mags:
            self._add(mag)
            yield mag

    def _add(self, mag: Mag) -> None:
        self._mags += 1
        self._simulated += any(simulated(mag))
        self._turns += len(mag.turns)
        self._right += sum(turn.label is True for turn in mag.turns)
        self._wrong += sum(turn.label is False for turn in mag.turns)
        self._edges += len(mag.edges)
        self._prompts += sum(turn.prompt is not None for turn in mag.turns)
        teachers = [turn.model or turn.agent for turn in mag.turns]
        for title, values in zip(
            _TITLES, ([mag.protocol], [mag.question.task or "none"], [mag.structure], teachers), strict=True
        ):
            self._counts[title].update(values)

    def data(self, licence: str = "") -> DatasetCardData:
        """Returns the head that hubs read.

        Args:
            licence: As the hub names it; where it is empty, magdi's own if programs of magdi have said all.
        """
        from huggingface_hub import DatasetCardData

        made_up = common({own(task) for task in self._counts["Tasks"]}) if self._simulated == self._mags else ""
        return DatasetCardData(
            language="en",
            task_categories=["question-answering", "text-generation"],
            tags=["multi-agent", "debate", "reasoning", "magdi", *(["simulated-teachers"] if self._simulated else [])],
            size_categories=next((name for name, most in _SIZES if self._mags < most), "1M<n<10M"),
            configs=[{"config_name": "default", "data_files": "data/train-*.parquet"}],
            **licensed(licence or made_up),
        )

    def text(self, view: View = "exact", licence: str = "") -> str:
        """Returns the card as Markdown with its head of YAML."""
        from huggingface_hub import DatasetCard

        data, speakers = self.data(licence), _speakers(self._simulated, self._mags)
        terms = "those of their sources; name them here" if data.license == "other" else f"`{data.license}`"
        lines = [
            "---", data.to_yaml(), "---", "",
            "# Multi-agent interaction graphs", "",
            f"{self._mags} discussions between {speakers}, {self._turns} turns ({self._right} right, "
            f"{self._wrong} wrong, {self._turns - self._right - self._wrong} without a label), {self._edges} edges. "
            "An edge (u, v) says that the text of turn u stood in the prompt of turn v.", "",
            *(_counted(title, counts) for title, counts in self._counts.items()), "",
            "## Fields", "",
            f"One row is one discussion, schema `{SCHEMA}`: `id`, `question` (text, choices, gold), `protocol`, "
            "`turns` (agent, role, round, seen, text, reasoning, answer, confidence, correct, label, status, ...), "
            f"`decision`, `stop`; `edges` under the view `{view}`. `metadata` and `votes` are JSON text.", "",
            "## Before you use it", "",
            f"Turns are what {speakers} said; wrong ones are kept on purpose, for a student learns from the "
            f"difference. Licences of the models' outputs and of the questions: {terms}. Teachers named `simulated:` "
            "are programs, not language models.", "",
            f"{self._prompts:,} of {self._turns:,} turns hold their prompt. Questions, texts, prompts, names of agents "
            "and models, and `metadata` (source files, trace and conversation ids) are as they were recorded: look "
            "through them for what is nobody else's to see.", "",
        ]  # fmt: skip
        return str(DatasetCard("\n".join(lines)))


_TITLES = ("Protocols", "Tasks", "Graph types (rounds after the first)", "Teachers")


def _speakers(simulated: int, count: int) -> str:
    """Returns who spoke in so many discussions, in some of which programs did."""
    if not simulated:
        return "language models"
    programs = "**simulated** teachers (programs, no language models)"
    return programs if simulated == count else f"language models and, in {simulated:,} of them, {programs}"


_SIZES = (("n<1K", 1_000), ("1K<n<10K", 10_000), ("10K<n<100K", 100_000), ("100K<n<1M", 1_000_000))


def _counted(title: str, counts: Counter[str]) -> str:
    return f"- {title}: {', '.join(f'{value} {count}' for value, count in counts.most_common())}"
