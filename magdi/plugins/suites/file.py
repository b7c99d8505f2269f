"""A suite as it is written: a YAML file that says what varies, against what, and what the paper has to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from magdi.core.config.models import Part, RunConfig
from magdi.core.config.problems import Problem, validate
from magdi.core.errors import ConfigError, did_you_mean
from magdi.plugins.source import read_file

Equal = Literal["steps", "tokens", "calls"]

SHIPPED = Path(__file__).parent / "suites"


class Match(Part):
    """Evens a cell out with another one: its steps or its MAGs become fewer or more."""

    by: Equal = Field(description="steps, tokens (that L+ predicts) or calls (of teachers).")
    to: str = Field(description="Name of the cell that has the amount.")


class CellEntry(BaseModel):
    """A cell beside the grid: a label for each axis, e.g. ``level: "2"``, and what it is made of."""

    model_config = ConfigDict(frozen=True, extra="allow")

    set: dict[str, object] = Field(default_factory=dict, description="Settings, as in a configuration.")
    measure: str = Field(
        "student",
        description="Whose answers are counted: student, team (the discussion's decision), agent:NAME (first round), "
        "or knows:WHAT: how well something tells right turns from wrong ones.",
    )
    control: str = Field("", description="What this cell rules out, where it is a control.")
    against: tuple[str, ...] = Field((), description="Cells that it is compared with beside the reference.")
    match: Match | None = Field(None, description="Evens it out with another cell.")

    @property
    def labels(self) -> dict[str, str]:
        """What it is called along each axis."""
        return {axis: str(label) for axis, label in (self.model_extra or {}).items()}


class Contrast(Part):
    """A comparison of several cells, e.g. of two gains: what ``plus`` are together more than ``minus``."""

    name: str = Field(description="What is compared, in words.")
    plus: tuple[str, ...] = Field(min_length=1, description="Names of cells.")
    minus: tuple[str, ...] = Field(min_length=1, description="As many names of cells.")

    @model_validator(mode="after")
    def _as_many(self) -> Contrast:
        if len(self.plus) != len(self.minus):
            raise ValueError("plus and minus need as many cells")
        return self


class Change(Part):
    """A figure of one cell as a change of another's, as the paper prints it below its tables."""

    name: str = Field(description="What changes, in words.")
    figure: str = Field("accuracy", description="Which figure.")
    before: str = Field(description="Name of a cell.")
    after: str = Field(description="Name of another cell.")
    form: Literal["% improved", "times less"] = Field(alias="as", description="How it is told.")
    paper: dict[str, float] = Field(default_factory=dict, description="The paper's own, by benchmark.")

    def of(self, before: float, after: float) -> float:
        """Returns the change."""
        return before / after if self.form == "times less" else 100 * (after / before - 1)

    def written(self, value: float) -> str:
        """Returns a change as the paper prints it."""
        return f"{value:.1f}x" if self.form == "times less" else f"{value:.2f} % improved"


class Paper(Part):
    """What the paper reports, for comparison; never mixed with what was measured here."""

    source: str = Field(description="Where, e.g. MAGDi, Table 6.")
    what: str = Field(description="What the numbers are.")
    columns: tuple[str, ...] = Field(min_length=1, description="What the numbers of a row are for.")
    rows: dict[str, tuple[float | None, ...]] = Field(description="By name of a cell, or the paper's own name.")
    beside: tuple[str, ...] | None = Field(None, description="Columns that stand beside ours; all by default.")

    @model_validator(mode="after")
    def _rows_fit(self) -> Paper:
        for name, row in self.rows.items():
            if len(row) != len(self.columns):
                raise ValueError(f"row {name!r} has {len(row)} numbers for {len(self.columns)} columns")
        unknown = [name for name in self.beside or () if name not in self.columns]
        if unknown:
            raise ValueError(f"beside names {unknown[0]!r}; {did_you_mean(unknown[0], self.columns)}")
        return self


class SuiteFile(Part):
    """A suite."""

    title: str = Field(description="One line.")
    repeats: str = Field("", description="The part of the paper that it repeats, e.g. Table 6.")
    asks: str = Field("", description="The question that it answers, in a line; the title says it when left out.")
    about: str = Field("", description="What is asked, and how to read the answer.")
    settings: dict[str, object] = Field(
        default_factory=dict, description="Settings of all cells; configuration files and options go before them."
    )
    instrument: str = Field("arithmetic", description="The embedded task that it is run on unless another is named.")
    embedded: dict[str, object] = Field(default_factory=dict, description="Further settings where that task is taken.")
    axes: dict[str, list[Any] | dict[str, dict[str, object]]] = Field(
        default_factory=dict,
        description="What varies. A list: values of the setting that the axis is named after. A mapping: settings by "
        "label. Cells are all combinations.",
    )
    cells: tuple[CellEntry, ...] = Field((), description="Cells beside the combinations.")
    measure: str = Field("student", description="Whose answers are counted in the combinations of axes; see cells.")
    contrasts: tuple[Contrast, ...] = Field((), description="Further comparisons.")
    changes: tuple[Change, ...] = Field((), description="Figures as changes of one another.")
    reference: str = Field("", description="The cell that all others are compared with; the first when left out.")
    equal: Equal | None = Field(None, description="Even all cells out with the reference (calls: with the cheapest).")
    diagnostics: bool = Field(False, description="Measure heads on held-out MAGs and on the student's own answers.")
    columns: tuple[str, ...] = Field((), description="Further figures that the table shows; see docs/suites.md.")
    paper: Paper | None = None

    @model_validator(mode="after")
    def _has_cells(self) -> SuiteFile:
        if not self.axes and not self.cells:
            raise ValueError("there are neither axes nor cells")
        empty = [axis for axis, values in self.axes.items() if not values]
        if empty:
            raise ValueError(f"the axis {empty[0]!r} has no values")
        names = set(self.axes) or set(self.cells[0].labels)
        for cell in self.cells:
            if set(cell.labels) != names:
                raise ValueError(f"a cell is labelled {cell.labels}, but the axes are {sorted(names)}")
        return self

    @property
    def axis_names(self) -> list[str]:
        """What the cells are told apart by."""
        return list(self.axes or self.cells[0].labels)


def shipped() -> dict[str, Path]:
    """Returns the files of the suites that come along, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def find(name: str) -> Path:
    """Returns the file of a suite: a shipped one by name, or any by path.

    Raises:
        ConfigError: There is none.
    """
    known = shipped()
    if name in known:
        return known[name]
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    raise ConfigError(f"there is no suite {name!r}", hint=f"{did_you_mean(name, known)}; or name a YAML file")


def _below_settings(problem: Problem) -> Problem:
    """Says where a setting of a run goes that stands beside a suite's own keys."""
    key, *inner = problem.path or ("",)
    if inner or key not in RunConfig.model_fields or key in SuiteFile.model_fields:
        return problem
    return Problem(problem.path, f"is a setting of runs; those of all cells go below settings (settings.{key})")


def read_suite(path: Path) -> SuiteFile:
    """Returns the suite in a file.

    Raises:
        ConfigError: Lists all that is wrong with it.
    """
    layer = read_file(path)
    suite, problems = validate(SuiteFile, _with_text_labels(layer.tree)) if not layer.problems else (None, [])
    found = [*layer.problems, *map(_below_settings, problems)]
    if suite is None or found:
        lines = [f"{problem} ({layer.origin(problem.path)})" if problem.path else str(problem) for problem in found]
        raise ConfigError(f"{path} is no suite that can be run:", problems=dict.fromkeys(lines))
    return suite


def _with_text_labels(tree: Mapping[str, object]) -> dict[str, object]:
    """Returns the tree with references to cells as text: ``reference: 4`` means the cell ``"4"``."""
    return {key: str(value) if key == "reference" else value for key, value in tree.items()}


INSTRUMENTS: Mapping[str, Mapping[str, object]] = {
    "arithmetic": {"discussion.questions": 300},
    "order": {"task": "order", "discussion.questions": 300, "training.steps": 200},
    "bugs": {"task": "bugs", "discussion.questions": 300, "training.steps": 200},
}
"""By name, settings that lie below all files; the embedded default's 1,000 questions bring nearly every student of
`arithmetic` to 99 %, where nothing can be told from anything."""

EMBEDDED = "arithmetic"
"""What is run on where a suite or a configuration names another task or MAGs of its own."""
