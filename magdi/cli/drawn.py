"""Tables on a terminal."""

from __future__ import annotations

from rich.box import HEAVY_HEAD, Box
from rich.table import Table
from rich.text import Text

from magdi.core.sheet import Sheet

LABEL = 26
"""Characters of a name that stand on one line, where headings are folded before any number is."""


def plain_table(*titles: str) -> Table:
    """Returns a table without rules."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def drawn(sheet: Sheet, box: Box = HEAVY_HEAD, *, narrow: bool = False) -> Table:
    """Returns a table as it is drawn; ``narrow`` folds headings before any number."""
    table = Table(title=Text(sheet.title), title_justify="left", box=box)
    if narrow:
        table.pad_edge, table.padding = False, (0, 1, 0, 0)
    for place, column in enumerate(sheet.columns):
        widest = max((len(row[place]) for row in sheet.rows if row), default=0)
        least = max(map(len, column.title.split()), default=0)
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            style="dim" if column.paper else None,
            width=max(least, widest if column.right else min(widest, LABEL)) if narrow else None,
            overflow="fold",
        )
    for row in sheet.rows:
        if row:
            table.add_row(*map(Text, row))
        else:
            table.add_section()
    return table
