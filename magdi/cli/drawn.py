"""Tables on a terminal of whatever width: no number is cut, no word is broken, and a row keeps its label.

What is too wide is, in this order: folded at words, rid of columns that say the same in every row (which a line then
says), turned on its side if it has few rows, or set as several tables one below the other, each with the rows' labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from magdi.cli.visible import visible
from magdi.plugins.sheet import NOTHING, Column, Sheet

RULED = Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n")
GAP = 2
LONGEST = 26
"""Characters of a word, a path for instance, that stand on one line."""
WIDE = 120
"""Signs a line above which there is room for longer words, too."""
LABEL = 38
"""The same of one that says which row it is, if that leaves half of the line."""
LINE, TIGHT = 24, 12
"""Characters of a text that stand on one line, at least; and where this spares a table being taken apart."""
FEW = 3
"""Rows that may become columns."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A table that is drawn as wide as there is room for.

    Attributes:
        sheet: What is in it.
    """

    sheet: Sheet

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = tuple(tuple(map(visible, row)) for row in self.sheet.rows)
        if self.sheet.title:
            yield Text(self.sheet.title, style="bold")
        yield from _set(replace(self.sheet, rows=rows), options.max_width)
        if self.sheet.title:
            yield Text("")


def drawn(sheet: Sheet) -> RenderableType:
    """Returns a table as it is drawn: its heading, its rows, and an empty line; without a heading just its rows."""
    return Drawn(sheet)


@dataclass(frozen=True, slots=True)
class _Room:
    """What there is to draw in: signs a line, and of a text that may not be folded further."""

    width: int
    line: int = LINE

    def holds(self, sheet: Sheet) -> bool:
        return sum(self.least(sheet)) + GAP * (len(sheet.columns) - 1) <= self.width

    def widths(self, sheet: Sheet) -> list[int]:
        """Returns the columns' widths: what they need; texts share what is left over, and headings what they leave."""
        widths = self.least(sheet)
        lacking = [max(map(_length, cells)) - width for cells, width in zip(_columns(sheet), widths, strict=True)]
        left = self.width - sum(widths) - GAP * (len(widths) - 1)
        for figures in (False, True):
            places = [place for place, column in enumerate(sheet.columns) if column.right is figures]
            share = min(1.0, left / max(1, sum(lacking[place] for place in places)))
            for place in places:
                more = int(lacking[place] * share)
                widths[place] += more
                left -= more
        return widths

    def least(self, sheet: Sheet) -> list[int]:
        """Returns how wide columns are, at least."""
        label = max(LONGEST, min(LABEL, self.width * 9 // 20))
        other = min(LONGEST, 2 * self.line) if self.width <= WIDE else self.width // 2
        words = [label if place < sheet.labels else other for place in range(len(sheet.columns))]
        return [self._needed(*each) for each in zip(sheet.columns, _columns(sheet), words, strict=True)]

    def _needed(self, column: Column, cells: Sequence[str], most: int) -> int:
        """Returns a column's least width: whole numbers, whole words, and of a text more than a word or two."""
        title, *values = cells
        head = max(map(cell_len, title.split()), default=0)
        longest = max(map(_length, values), default=0)
        if column.right:
            return max(1, head, longest)
        word = max((cell_len(word) for value in values for word in value.split()), default=0)
        return max(1, head, min(word, most), min(longest, self.line))


def _set(sheet: Sheet, width: int) -> Iterator[RenderableType]:
    room = _Room(width)
    if room.holds(sheet):
        yield _grid(sheet, room)
        return
    sheet, same = _shared(sheet)
    if same:
        yield Text(f"in every row: {', '.join(same)}")
    for place, (each, room) in enumerate(_narrow(sheet, width)):
        if place:
            yield Text("")
        if room.holds(each):
            yield _grid(each, room)
        else:
            yield from _records(each)


def _narrow(sheet: Sheet, width: int) -> list[tuple[Sheet, _Room]]:
    """Returns what is set instead of a table, which may be too wide itself where not even a label has room."""
    room, turned = _Room(width), _turned(sheet)
    if room.holds(sheet):
        return [(sheet, room)]
    if len(turned.columns) <= FEW + 1 and room.holds(turned):
        return [(turned, room)]
    tight = _Room(width, TIGHT)
    return [(sheet, tight)] if tight.holds(sheet) else [(band, room) for band in _bands(sheet, room)]


def _shared(sheet: Sheet) -> tuple[Sheet, list[str]]:
    """Returns a table without the columns that say the same of every row, and what these say; figures stay."""
    rows = [row for row in sheet.rows if row]
    alike = [
        place
        for place, column in enumerate(sheet.columns)
        if place >= sheet.labels
        and column.title
        and len(rows) > 1
        and _says_the_same(column, [row[place] for row in rows])
    ]
    said = [f"{sheet.columns[place].title} {rows[0][place]}" for place in alike]
    return _of(sheet, [place for place in range(len(sheet.columns)) if place not in alike]), said


def _says_the_same(column: Column, cells: Sequence[str]) -> bool:
    return bool(column.title) and len(set(cells)) == 1 and (not column.right or cells[0] == NOTHING)


def _of(sheet: Sheet, places: Sequence[int]) -> Sheet:
    """Returns a table of some of the columns."""
    rows = tuple(tuple(row[place] for place in places) if row else () for row in sheet.rows)
    return replace(sheet, columns=tuple(sheet.columns[place] for place in places), rows=rows)


def _turned(sheet: Sheet) -> Sheet:
    """Returns a table whose rows are columns, headed by their labels."""
    rows = [row for row in sheet.rows if row]
    heads = [Column(" ".join(row[: sheet.labels]), right=max(map(_length, row)) <= LABEL) for row in rows]
    first = Column(sheet.columns[0].title if sheet.columns else "", right=False)
    turned = tuple(
        (column.title, *(row[place] for row in rows))
        for place, column in enumerate(sheet.columns)
        if place >= sheet.labels
    )
    return replace(sheet, columns=(first, *heads), rows=turned, labels=1)


def _bands(sheet: Sheet, room: _Room) -> list[Sheet]:
    """Returns tables that have some of the columns each, and the labels of the rows all of them."""
    labels = list(range(sheet.labels))
    bands: list[list[int]] = []
    for place in range(sheet.labels, len(sheet.columns)):
        if bands and room.holds(_of(sheet, [*labels, *bands[-1], place])):
            bands[-1].append(place)
        else:
            bands.append([place])
    return [_of(sheet, [*labels, *band]) for band in bands] or [sheet]


def _records(sheet: Sheet) -> Iterator[RenderableType]:
    """Yields each row as lines of heading and value, below its label."""
    for row in filter(None, sheet.rows):
        yield Text(" ".join(row[: sheet.labels]), style="bold", overflow="fold")
        for column, cell in list(zip(sheet.columns, row, strict=True))[sheet.labels :]:
            yield Text(f"  {column.title} {cell}".rstrip(), overflow="fold")


def _grid(sheet: Sheet, room: _Room) -> Table:
    table = Table(box=RULED, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="bold")
    table.show_header = any(column.title for column in sheet.columns)
    widths = room.widths(sheet)
    for column, width in zip(sheet.columns, widths, strict=True):
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            style="dim" if column.paper else None,
            width=width,
            overflow="fold",
        )
    for row in sheet.rows:
        if row:
            table.add_row(*(Text(_folded(cell, width)) for cell, width in zip(row, widths, strict=True)))
        else:
            table.add_section()
    return table


def _folded(text: str, width: int) -> str:
    """Returns a text with words that are too long for a line, such as paths, folded at hyphens where they have some."""
    if all(len(word) <= width for word in text.split()):
        return text
    return "\n".join(part for line in text.split("\n") for part in wrap(line, width) or [""])


def _columns(sheet: Sheet) -> list[list[str]]:
    """Returns each column's heading and cells."""
    rows = [row for row in sheet.rows if row]
    return [[column.title, *(row[place] for row in rows)] for place, column in enumerate(sheet.columns)]


def _length(text: str) -> int:
    return max(map(cell_len, text.split("\n")), default=0)
