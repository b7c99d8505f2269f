"""From what a suite file says to its cells: every combination, placeholders filled in, settings made whole."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from magdi.core.config.models import RunConfig
from magdi.core.config.problems import Path as Place
from magdi.core.config.yaml_text import write_value
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.files import portable
from magdi.core.run.directory import deciding
from magdi.core.seals import fingerprint
from magdi.plugins.given import long_form
from magdi.plugins.source import Layer, nest
from magdi.plugins.suites.file import CellEntry, Change, Contrast, Match, SuiteFile
from magdi.plugins.suites.information import KNOWN, MEASURE

Configure = Callable[[Layer | None], RunConfig]
"""Makes a configuration of all sources, with a layer above them all."""

Lookup = Callable[[Place], Any]
"""Returns the value that a setting has without the suite; None where it has none."""

NUMBERED = re.compile(r"\{agent(\d+)\}")
TIMES = re.compile(r"x\s*(\d+(?:\.\d+)?)")
EVERY = "{agent}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a suite; with a seed it is an ordinary run.

    Attributes:
        name: Its labels, joined.
        labels: What it is called along each axis.
        config: Its configuration, before it is evened out; the seed is the first one.
        measure: Whose answers are counted: student, team or agent:NAME.
        control: What it rules out, where it is a control.
        against: Names of cells that it is compared with beside the reference.
        match: Evens it out with another cell.
    """

    name: str
    labels: Mapping[str, str]
    config: RunConfig
    measure: str = "student"
    control: str = ""
    against: tuple[str, ...] = ()
    match: Match | None = None

    def seeded(self, seed: int) -> RunConfig:
        """Returns its configuration for a seed."""
        return self.config.model_copy(update={"seed": seed})

    def directory(self, suite: Path) -> Path:
        """Returns where its runs are; another configuration is in another place, whatever the cell is called."""
        made_of = [deciding(self.seeded(0)), self.measure, self.match and self.match.model_dump()]
        digest = fingerprint(made_of)
        slug = re.sub(r"[^\w.+]+", "-", self.name).strip("-").lower()
        return suite / portable(f"{slug[:60]}-{digest[:6]}")


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells of a suite.

    Attributes:
        file: What was written.
        cells: The cells, by name, in order.
        reference: Name of the cell that the others are compared with.
        contrasts: Further comparisons, placeholders filled in.
        changes: Changes of figures, placeholders filled in.
        paper: The paper's rows by name of a cell, placeholders filled in.
    """

    file: SuiteFile
    cells: Mapping[str, Cell]
    reference: str
    contrasts: Sequence[Contrast]
    changes: Sequence[Change]
    paper: Mapping[str, tuple[float | None, ...]]


def make_grid(file: SuiteFile, agents: Sequence[str], configure: Configure, lookup: Lookup) -> Grid:
    """Returns the cells of a suite.

    Args:
        file: What was written.
        agents: Names of the teachers' agents, for the placeholders ``{agent1}``, ``{agent2}``, ... (a cell that names
            one who is not there is left out) and ``{agent}`` (such a cell is repeated for each).
        configure: Makes a cell's configuration.
        lookup: Knows settings that ``x 3`` multiplies.

    Raises:
        ConfigError: Lists all that is wrong, by cell.
    """
    cells: dict[str, Cell] = {}
    problems: list[str] = []
    for entry in _entries(file):
        for filled in _filled(entry, agents):
            try:
                cell = _cell(filled, file.axis_names, configure, lookup)
            except ConfigError as error:
                name = ", ".join(filled.labels.values())
                problems += [f"{name}: {line}" for line in error.problems or (error.message,)]
                continue
            if cell.name in cells:
                problems.append(f"{cell.name}: there are two cells of this name")
            cells[cell.name] = cell
    reference = next(iter(_text_filled(file.reference, agents)), "") or next(iter(cells), "")
    contrasts = [
        Contrast.model_validate_json(filled)
        for contrast in file.contrasts
        for filled in _text_filled(contrast.model_dump_json(), _quoted(agents))
    ]
    changes = [
        Change.model_validate_json(filled)
        for change in file.changes
        for filled in _text_filled(change.model_dump_json(by_alias=True), _quoted(agents))
    ]
    problems += _unknown(cells, reference, contrasts, changes)
    if problems:
        raise ConfigError("a suite that cannot be run:", problems=dict.fromkeys(problems))
    rows = file.paper.rows.items() if file.paper else ()
    paper = {filled: numbers for name, numbers in rows for filled in _text_filled(name, agents)}
    return Grid(file, cells, reference, contrasts, changes, paper)


def _unknown(
    cells: Mapping[str, Cell], reference: str, contrasts: Sequence[Contrast], changes: Sequence[Change]
) -> Iterator[str]:
    named = [("reference", reference)]
    named += [(f"contrast {each.name}", other) for each in contrasts for other in (*each.plus, *each.minus)]
    named += [(f"change {each.name}", other) for each in changes for other in (each.before, each.after)]
    named += [(f"{cell.name}: against", other) for cell in cells.values() for other in cell.against]
    named += [(f"{cell.name}: match.to", cell.match.to) for cell in cells.values() if cell.match]
    for where, name in named:
        if name not in cells:
            yield f"{where}: there is no cell {name!r}; {did_you_mean(name, cells)}"


def _entries(file: SuiteFile) -> Iterator[CellEntry]:
    """Yields the combinations of all axes, then the cells beside them."""
    if file.axes:
        options = [list(_options(axis, values)) for axis, values in file.axes.items()]
        for combination in itertools.product(*options):
            labels = dict(zip(file.axes, (label for label, _ in combination), strict=True))
            settings = {key: value for _, each in combination for key, value in each.items()}
            yield CellEntry(set=settings, measure=file.measure, **labels)
    yield from file.cells


def _options(axis: str, values: list[Any] | dict[str, dict[str, object]]) -> Iterator[tuple[str, dict[str, object]]]:
    if isinstance(values, dict):
        yield from values.items()
        return
    for value in values:
        label = value.get("name") if isinstance(value, Mapping) else value
        yield (label if isinstance(label, str) else write_value(value)), {axis: value}


def _filled(entry: CellEntry, agents: Sequence[str]) -> Iterator[CellEntry]:
    """Yields an entry with agents in the place of placeholders: none, one, or one for each agent.

    One that names ``{agent}`` only in what it is compared with is compared with each.
    """
    alone = entry.model_copy(update={"against": ()}).model_dump_json()
    if EVERY not in alone:
        each = tuple(filled for other in entry.against for filled in _text_filled(other, agents))
        entry = entry.model_copy(update={"against": each})
    text = entry.model_dump_json()
    for filled in _text_filled(text, _quoted(agents)):
        yield CellEntry.model_validate_json(filled)


def _quoted(agents: Sequence[str]) -> list[str]:
    """Returns names as they stand inside a string of JSON."""
    return [json.dumps(name)[1:-1] for name in agents]


def _text_filled(text: str, agents: Sequence[str]) -> Iterator[str]:
    if any(not 1 <= int(number) <= len(agents) for number in NUMBERED.findall(text)):
        return
    text = NUMBERED.sub(lambda found: agents[int(found[1]) - 1], text)
    if EVERY not in text:
        yield text
        return
    for name in agents:
        yield text.replace(EVERY, name)


def _cell(entry: CellEntry, axes: Sequence[str], configure: Configure, lookup: Lookup) -> Cell:
    labels = {axis: entry.labels[axis] for axis in axes}
    name = ", ".join(labels.values())
    layer = settings_layer(entry.set, f"cell {name}", lookup)
    known = ("student", "team", *(f"{MEASURE}{what}" for what in KNOWN))
    if entry.measure not in known and not entry.measure.startswith("agent:"):
        problem = f"measure: {entry.measure!r} is neither agent:NAME nor any of {', '.join(known)}"
        raise ConfigError("measure", problems=[problem])
    return Cell(
        name=name,
        labels=labels,
        config=configure(layer),
        measure=entry.measure,
        control=entry.control,
        against=entry.against,
        match=entry.match,
    )


def settings_layer(settings: Mapping[str, object], origin: str, lookup: Lookup = lambda path: None) -> Layer:
    """Returns settings by dotted path, short name or section as a layer of configuration.

    A value ``x 3`` is three times what the setting is without it; where it is nothing, the setting is left out.
    """
    flat = ((tuple(key.split(".")), value) for key, value in long_form(settings).items())
    values = [(origin, path, value) for path, value in _multiplied(flat, lookup)]
    return nest(values)


def _multiplied(flat: Iterator[tuple[Place, Any]], lookup: Lookup) -> Iterator[tuple[Place, Any]]:
    for path, value in flat:
        times = TIMES.fullmatch(value) if isinstance(value, str) else None
        if times is None:
            yield path, value
            continue
        now = lookup(path)
        if isinstance(now, int | float) and not isinstance(now, bool):
            found = now * float(times[1])
            yield path, round(found) if isinstance(now, int) else found


def chosen(cells: Mapping[str, Cell], only: Sequence[str]) -> dict[str, Cell]:
    """Returns the cells that ``key=value`` pairs leave: any value of one axis, and of all axes that are named.

    Args:
        cells: All cells.
        only: Pairs; a value may have wildcards (``level=single*``), and ``cell=`` goes by the cell's name.

    Raises:
        ConfigError: A pair is none, or names no axis or no cell, or nothing is left.
    """
    wanted: dict[str, list[str]] = {}
    axes = {"cell": None, **{axis: None for cell in cells.values() for axis in cell.labels}}
    for pair in only:
        axis, equals, value = pair.partition("=")
        if not equals or axis not in axes:
            raise ConfigError(f"--only {pair!r}: {did_you_mean(axis, axes)}", hint="e.g. --only encoder=gcn")
        if not any(_is_wanted(cell, {axis: [value]}) for cell in cells.values()):
            labels = dict.fromkeys({**cell.labels, "cell": name}[axis] for name, cell in cells.items())
            hint = f"there is: {'; '.join(labels)}; one of your own is added in a copy of the suite's file"
            raise ConfigError(f"--only {pair!r}: no cell of the suite has it", hint=hint)
        wanted.setdefault(axis, []).append(value)
    kept = {name: cell for name, cell in cells.items() if _is_wanted(cell, wanted)}
    if not kept:
        raise ConfigError(f"--only {' '.join(only)} leaves no cell", hint="there is: " + "; ".join(cells))
    return kept


def _is_wanted(cell: Cell, wanted: Mapping[str, Sequence[str]]) -> bool:
    labels = {**cell.labels, "cell": cell.name}
    return all(any(fnmatchcase(labels[axis], value) for value in values) for axis, values in wanted.items())
