"""How simulated teachers write a solution down, and how they read one that somebody else wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from magdi.plugins.teachers.simulated.profiles import Style
from magdi.plugins.teachers.simulated.solver import Line

DOING = {"+": "Adding", "-": "Taking away", "*": "Multiplying by", "/": "Dividing by"}

CALCULATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
"""A calculation in any of the styles."""


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


def read_lines(text: str) -> tuple[Line, ...]:
    """Returns the calculations that stand in a text, whatever the style."""
    return tuple(
        Line(int(left), operation, int(amount), int(right))
        for left, operation, amount, right in CALCULATION.findall(text)
    )
