"""A MAG as SVG, the one drawing that there is of it: nodes for turns, curves for edges, rounds as columns.

Pages, notebooks and files have the same. A node is an ``svg`` of its own, so that what is in it ends at its border.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from magdi.core.mag import Mag, Turn
from magdi.core.views import Edge, View, edges
from magdi.plugins.report.drawing.layout import Layout, Voice, lay_out
from magdi.plugins.report.drawing.style import COLOURS, CSS, aside, breadth, cut, escape, fitted, short, state

HEIGHT, ROW = 50, 68
NARROWEST, WIDEST = 76, 176
"""Pixels that nodes take; all of a drawing are as wide as the widest label needs."""
GAP, TOP, MARGIN = 62, 40, 14
MOST_NAME = 116
"""Pixels that names at the left take."""
ANSWER, NAME, SMALL = 14, 12, 11 * 0.9
"""Sizes of letters, in pixels; small ones are not bold, which makes them narrower."""
BEFORE, AFTER = 30, 10
"""Pixels of a node before its labels and after them."""

_SHAPES = {
    "right": '<circle class="mark" cx="16" cy="25" r="5"/>',
    "wrong": '<rect class="mark" x="11.2" y="20.2" width="9.6" height="9.6" rx="1.2"/>',
}
_DIAMOND = '<path class="mark" d="M16,18.8 L22.2,25 L16,31.2 L9.8,25 Z"/>'


def svg(mag: Mag, view: View = "exact", *, standalone: bool = True) -> str:
    """Returns a drawing of a MAG.

    Args:
        mag: What to draw.
        view: The edges to draw.
        standalone: Bring the style along; without it, the page around the drawing must have it.
    """
    return _Drawing.of(mag).whole(view, f"<style>{COLOURS}{CSS}</style>" if standalone else "")


@dataclass(frozen=True, slots=True)
class _Drawing:
    mag: Mag
    layout: Layout
    left: int
    wide: int

    @classmethod
    def of(cls, mag: Mag) -> _Drawing:
        layout = lay_out(mag)
        names = max((breadth(name) * NAME for voice in layout.voices for name in voice), default=0.0)
        left = MARGIN + (min(MOST_NAME, ceil(names)) + 18 if layout.voices else 0)
        labels = (max(breadth(short(turn)) * ANSWER, breadth(aside(turn)) * SMALL) for turn in mag.turns)
        wide = min(WIDEST, max(NARROWEST, ceil(max(labels)) + BEFORE + AFTER))
        return cls(mag, layout, left, wide)

    def whole(self, view: View, style: str) -> str:
        width = self.left + (self.layout.width - 1) * (self.wide + GAP) + self.wide + MARGIN
        height = TOP + (self.layout.height - 1) * ROW + HEIGHT + MARGIN
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="mag" viewBox="0 0 {width} {height:g}" '
                f'width="{width}" height="{height:g}" role="img">',
                f"<title>{escape(cut(self.mag.question.text, 200))}</title>{style}",
                *self._rounds(height),
                *self._voices(),
                *(self._curve(edge) for edge in edges(self.mag, view)),
                *(self._node(turn) for turn in self.mag.turns),
                "</svg>",
            ]
        )

    def _place(self, step: int) -> tuple[float, float]:
        return self.left + self.layout.columns[step] * (self.wide + GAP), TOP + self.layout.rows[step] * ROW

    def _rounds(self, height: float) -> Iterator[str]:
        for place, (number, (first, last)) in enumerate(self.layout.rounds.items()):
            x, width = self.left + first * (self.wide + GAP) - 8, (last - first) * (self.wide + GAP) + self.wide + 16
            if place % 2 == 0:
                yield f'<rect class="band" x="{x}" y="6" width="{width}" height="{height - 12:g}" rx="8"/>'
            # A grid has its roles at the left; in a tree all turns of a round have one.
            roles = {turn.role for turn in self.mag.turns if turn.round == number and not self.layout.voices}
            title = " · ".join([f"round {number}", *sorted(roles - {"solver"})])
            title = fitted(title, width + GAP - 20, SMALL)
            yield f'<text class="soft" x="{x + width / 2:g}" y="24" text-anchor="middle">{escape(title)}</text>'

    def _voices(self) -> Iterator[str]:
        rows: dict[Voice, float] = {}
        for turn in self.mag.turns if self.layout.voices else ():
            voice = (turn.agent, turn.role)
            rows[voice] = min(rows.get(voice, self.layout.height), self.layout.rows[turn.step])
        room = self.left - MARGIN - 18
        for (agent, role), row in rows.items():
            y, plain = TOP + row * ROW + HEIGHT / 2, role == "solver"
            name = escape(fitted(agent, room, NAME))
            yield f'<text class="voice" x="{MARGIN}" y="{y + 4 * plain:g}">{name}<title>{escape(agent)}</title></text>'
            if not plain:
                yield f'<text class="soft" x="{MARGIN}" y="{y + 15:g}">{escape(fitted(role, room, SMALL))}</text>'

    def _curve(self, edge: Edge) -> str:
        source, target, kind = edge
        (x1, y1), (x2, y2) = self._place(source), self._place(target)
        x1, y1, x2, y2 = x1 + self.wide, y1 + HEIGHT / 2, x2 - 6, y2 + HEIGHT / 2
        columns = self.layout.columns[target] - self.layout.columns[source]
        if columns > 1 and y1 == y2:
            # Over the nodes between them, not behind them.
            lift = y1 - HEIGHT * 0.75 - 3 * columns
            path = f"M{x1},{y1:g} C{x1 + 46},{lift:g} {x2 - 46},{lift:g} {x2},{y2:g}"
        else:
            bend = max(abs(x2 - x1) * 0.45, 36)
            path = f"M{x1},{y1:g} C{x1 + bend:g},{y1:g} {x2 - bend:g},{y2:g} {x2},{y2:g}"
        ends = f'data-from="{source}" data-to="{target}"'
        return (
            f'<g class="edge {kind}" {ends}><path d="{path}"/><path class="tip" d="M{x2 + 5},{y2:g} l-8,-4 v8 Z"/></g>'
        )

    def _node(self, turn: Turn) -> str:
        x, y = self._place(turn.step)
        name = state(turn)
        said = cut(turn.text, 60) if turn.answer is None else turn.answer
        room = self.wide - BEFORE - AFTER
        kind = "words" if turn.answer is None else "answer"
        return (
            f'<svg class="node {name}" data-step="{turn.step}" tabindex="0" x="{x:g}" y="{y:g}" '
            f'width="{self.wide}" height="{HEIGHT}">'
            f"<title>{escape(f'{turn.agent} ({turn.role}), turn {turn.step}: {said}')}</title>"
            f'<rect class="box" x="2" y="2" width="{self.wide - 4}" height="{HEIGHT - 4}" rx="8"/>'
            f"{_SHAPES.get(name, _DIAMOND)}"
            f'<text class="{kind}" x="{BEFORE}" y="22">{escape(fitted(short(turn), room, ANSWER))}</text>'
            f'<text class="soft" x="{BEFORE}" y="39">{escape(fitted(aside(turn), room, SMALL))}</text></svg>'
        )
