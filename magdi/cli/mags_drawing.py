"""A discussion in the terminal: a tree by rounds, right green, wrong red, and who had been shown what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from magdi.cli.visible import visible
from magdi.core.mag import EdgeKind, Mag, Turn
from magdi.core.views import View, edges
from magdi.plugins.report.drawing.layout import by_round
from magdi.plugins.report.drawing.style import MARKS, cut, state

STYLES = {"right": "green", "wrong": "red", "invalid": "yellow", "open": "cyan"}
KINDS = {"content": "", "self": "own ", "critique": "criticism ", "summary": "summary ", "control": "chosen by "}
EXCERPT = 100


def discussion(mag: Mag, *, view: View = "exact", whole: bool = False) -> RenderableType:
    """Returns a drawing of a discussion with the edges of a view; with ``whole`` all that was said."""
    drawn = edges(mag, view)
    tree = Tree(Text(mag.id, style="bold"), guide_style="dim")
    shown: dict[int, list[tuple[int, EdgeKind]]] = {}
    for source, target, kind in drawn:
        shown.setdefault(target, []).append((source, kind))
    for number, turns in by_round(mag.turns).items():
        branch = tree.add(Text(f"round {number}", style="dim"))
        for turn in turns:
            branch.add(_turn(mag, turn, shown.get(turn.step, []), whole=whole))
    return Group(Text(mag.question.prompt), *_facts(mag, len(drawn)), tree, Text(""))


def _facts(mag: Mag, drawn: int) -> Iterable[Text]:
    answer = mag.decision.answer
    style = {True: "green", False: "red", None: ""}[mag.decision.correct]
    line = Text(f"{mag.protocol}, {mag.structure}, {len(mag.turns)} turns, {drawn} edges; answered ")
    line.append("nothing" if answer is None else answer, style=style)
    if len(mag.decision.votes) > 1:
        line.append(f" ({', '.join(f'{each} {votes:.3g}' for each, votes in mag.decision.votes.items())})", style="dim")
    if mag.question.gold is not None:
        line.append(f"; right is {mag.question.gold}")
    line.append(f"; ended: {mag.stop}" if mag.stop else "")
    yield line


def _turn(mag: Mag, turn: Turn, shown: Sequence[tuple[int, EdgeKind]], *, whole: bool) -> RenderableType:
    name = state(turn)
    line = Text(f"{MARKS[name]} ", style=STYLES[name])
    line.append(f"#{turn.step} {turn.agent}", style="bold")
    line.append(f" ({turn.role})" if turn.role != "solver" else "", style="dim")
    if turn.answer is not None:
        line.append(" ")
        line.append(turn.answer, style=STYLES[name])
    if turn.confidence is not None:
        line.append(f" {turn.confidence:.0%} sure", style="dim")
    if turn.value is not None:
        line.append(f" V {turn.value:.2f}", style="dim")
    line.append(_shown(mag, shown), style="dim")
    said = visible(turn.text.strip() if whole else cut(turn.reasoning or turn.text, EXCERPT))
    return Group(line, Text(said, style="" if whole else "dim")) if said else line


def _shown(mag: Mag, shown: Sequence[tuple[int, EdgeKind]]) -> str:
    if not shown:
        return ""
    told = [f"{KINDS[kind]}#{step} {cut(mag.turns[step].answer or '·', 16)}" for step, kind in shown]
    return f"  <- {', '.join(told)}"
