"""How simulated teachers write a solution down."""

from __future__ import annotations

from collections.abc import Sequence

from magdi.plugins.tasks.word_problems import Line
from magdi.plugins.teachers.simulated.profiles import Style

DOING = {"+": "Adding", "-": "Taking away", "*": "Multiplying by", "/": "Dividing by"}


def written(lines: Sequence[Line], style: Style) -> str:
    """Returns a solution in words, without its final answer."""
    if not lines:
        return ""
    if style == "equations":
        return " ".join(f"{_calculation(line)} = {line.right}." for line in lines)
    if style == "ordered":
        return " ".join(
            f"{'Then' if place else 'First'}, {_calculation(line)} = {line.right}." for place, line in enumerate(lines)
        )
    told = (f"{DOING[line.operation]} {line.amount}: {_calculation(line)} = {line.right}." for line in lines)
    return " ".join([f"We start with {lines[0].left}.", *told])


def _calculation(line: Line) -> str:
    return f"{line.left} {line.operation} {line.amount}"
