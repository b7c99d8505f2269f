"""A table as texts, set by a writer for each place (terminal, notebook, Markdown, LaTeX), and figures as texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Number = float | int | None
NOTHING = "-"
"""What stands where there is no figure."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        title: Its heading.
        right: Whether it is set flush right.
        paper: Whether its numbers are the paper's own.
    """

    title: str
    right: bool = True
    paper: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table.

    Attributes:
        title: Its heading.
        columns: Its columns.
        rows: Their texts; a row without any is a line between those above and below it.
        notes: Lines below it.
        labels: How many columns, the first ones, say which row it is.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    labels: int = 1

    @classmethod
    def of(
        cls, title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[str] = ("",)
    ) -> Sheet:
        """Makes a table whose columns are flush right but for those named in ``left``, and one without a heading."""
        columns = tuple(Column(heading, right=heading not in left) for heading in headings)
        return cls(title, columns, tuple(map(tuple, rows)))

    @classmethod
    def of_texts(cls, headings: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> Sheet:
        """Makes a table whose columns are all flush left."""
        return cls.of(title, headings, rows, left=headings)

    def html(self) -> str:
        """Returns it for a notebook; whatever its cells hold is text in it."""
        titles = tuple(column.title for column in self.columns)
        caption = f'<caption style="caption-side:top;text-align:left">{escape(self.title)}</caption>'
        body = "".join(self._line(row, "td") for row in self.rows if row)
        return f"<table>{caption}<thead>{self._line(titles, 'th')}</thead><tbody>{body}</tbody></table>"

    def _line(self, cells: Sequence[str], tag: str) -> str:
        sides = ("right" if column.right else "left" for column in self.columns)
        set_ = (
            f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>' for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{''.join(set_)}</tr>"


def percent(value: Number, sign: str = " %") -> str:
    """Returns a share in per cent with one decimal."""
    return NOTHING if value is None else f"{100 * value:.1f}{sign}"


def points(value: Number) -> str:
    """Returns a difference of shares in percentage points, with its sign."""
    return NOTHING if value is None else f"{100 * value:+.1f}"


def span(interval: Sequence[float] | None, sign: str = "") -> str:
    """Returns an interval in per cent or points."""
    return NOTHING if interval is None else " to ".join(f"{100 * end:{sign}.1f}" for end in interval)


def p_value(value: Number) -> str:
    """Returns a p with two digits, unless it is tiny."""
    return NOTHING if value is None else "<0.001" if value < 0.001 else f"{value:.2g}"
