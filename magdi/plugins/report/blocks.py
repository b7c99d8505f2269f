"""What a page is made of: plain data that says what to show; the page's own script draws it.

A suite's page is made of the same blocks as a run's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal

from magdi.plugins.report.chunks import Store

CellKind = Literal["text", "number", "percent", "share", "points", "interval", "interval-points", "mark", "link"]
"""How a value is written: ``share`` as per cent with a bar, ``points`` as signed percentage points, ``interval`` (of
shares) and ``interval-points`` (of differences) from a pair, ``mark`` (true, false, None) as right, wrong, no label,
``link`` as a text that leads to the page of a run, see `magdi.plugins.report.page`."""

Link = tuple[str, str]
"""A text and, relative to the page, where it leads; the latter is empty where there is nothing yet."""

Tone = Literal["", "good", "bad"]
Value = str | float | int | bool | None | Sequence[float] | Link


@dataclass(frozen=True, slots=True)
class Block:
    """Part of a section; ``kind`` is what the page's script knows it by, ``needs`` the libraries that draw it."""

    kind: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    def document(self) -> dict[str, object]:
        """Returns it as plain data."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of a summary.

    Attributes:
        label: What it is.
        value: The figure as it is to be read, e.g. ``"62.5 %"``.
        note: A line below it.
        tone: Whether it is drawn as good or bad news.
    """

    label: str
    value: str
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Facts(Block):
    """A row of figures."""

    kind: ClassVar[str] = "facts"
    items: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Notice(Block):
    """A sentence that must not be overlooked."""

    kind: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True, slots=True)
class Listing(Block):
    """A text of many lines, folded, e.g. a configuration."""

    kind: ClassVar[str] = "listing"
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; ``note`` explains its heading, ``digits`` are those behind the point of a ``number``."""

    title: str
    kind: CellKind = "text"
    note: str = ""
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Table(Block):
    """A table that the reader sorts, filters and copies; long ones are cut into pages.

    Attributes:
        columns: Its columns.
        rows: A value for each column; None is shown as a dash.
        title: Its heading.
        note: A line below the heading.
        half: Whether it takes half the page's width where there is room.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    title: str = ""
    note: str = ""
    half: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: values ``y``, None where there is none, at ``x``.

    ``hue`` is the number of its colour, else its place; a ``thin`` one is behind others, and not in the legend.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    hue: int | None = None
    thin: bool = False


@dataclass(frozen=True, slots=True)
class Curves(Block):
    """Lines over one x.

    Attributes:
        title: Its heading.
        x: What x is.
        series: The lines.
        y: What y is.
        note: A line below it.
        percent: Whether y are shares.
        log: Whether y is first drawn on a logarithmic scale.
        half: Whether it takes half the page's width.
        group: Plots of one group point at the same x together.
    """

    kind: ClassVar[str] = "curves"
    needs: ClassVar[tuple[str, ...]] = ("uplot",)
    title: str
    x: str
    series: tuple[Series, ...]
    y: str = ""
    note: str = ""
    percent: bool = False
    log: bool = False
    half: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A named point; ``low`` and ``high`` are the ends of its interval."""

    name: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Scatter(Block):
    """Named points; those of a group in ``joined`` are joined by a line. ``y`` are shares."""

    kind: ClassVar[str] = "scatter"
    needs: ClassVar[tuple[str, ...]] = ("uplot",)
    title: str
    x: str
    y: str
    points: tuple[Point, ...]
    note: str = ""
    log: bool = False
    percent: bool = True
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A row of `Intervals`: a value, its interval, and what it is the mean of; ``shown`` rows stand out in colour."""

    name: str
    value: float
    low: float | None
    high: float | None
    each: tuple[float, ...] = ()
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Intervals(Block):
    """Estimates one below the other, as ``share`` or as signed ``points`` around a line of no difference."""

    kind: ClassVar[str] = "intervals"
    needs: ClassVar[tuple[str, ...]] = ("uplot",)
    title: str
    x: str
    rows: tuple[Estimate, ...]
    unit: Literal["share", "points"] = "share"
    note: str = ""
    half: bool = False


@dataclass(frozen=True, slots=True)
class Browser:
    """Records that the reader looks through one at a time; they lie in a store that is unpacked in parts.

    Attributes:
        kind: ``discussions`` or ``answers``.
        id: What addresses of single records begin with.
        store: The records.
        more: What else this kind of browser is told.
        mathematics: Whether there may be some in the records.
    """

    kind: Literal["discussions", "answers"]
    id: str
    store: Store
    more: dict[str, object] = field(default_factory=dict)
    mathematics: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """The libraries that show it."""
        return ("marked", "dompurify", *(("katex",) if self.mathematics else ()))

    def document(self) -> dict[str, object]:
        """Returns it as plain data, without the records."""
        return {"kind": self.kind, "id": self.id, "store": self.store.document(), **self.more}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page with a heading; the bar at the top leads to it."""

    id: str
    title: str
    blocks: tuple[Block | Browser, ...]
    note: str = ""

    def document(self) -> dict[str, object]:
        """Returns it as plain data."""
        blocks = [block.document() for block in self.blocks]
        return {"id": self.id, "title": self.title, "note": self.note, "blocks": blocks}

    @property
    def stores(self) -> list[Store]:
        """The stores of its browsers."""
        return [block.store for block in self.blocks if isinstance(block, Browser)]


_MATHEMATICS = re.compile(r"\\\(|\\\[|\\begin\{|\$\$|(?<![\w\\$])\$[^\s$](?:[^$\n]*[^\s$\\])?\$(?![\w$])")
"""More than what `assets/prose.js` takes for mathematics, which looks closer at sums of money."""


def may_have_mathematics(text: str) -> bool:
    """Returns whether a page that shows the text should be able to draw mathematics."""
    return ("$" in text or "\\" in text) and _MATHEMATICS.search(text) is not None
