"""A discussion in the terminal: a tree by rounds, right green, wrong red, and who had been shown what."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from magdi.core.corpus.drawing.style import MARKS, cut, state
from magdi.core.mag import Mag, Turn

STYLES = {"right": "green", "wrong": "red", "invalid": "yellow", "open": "cyan"}
KINDS = {"content": "", "self": "own ", "critique": "criticism ", "summary": "summary ", "control": "chosen by "}
EXCERPT = 100


def discussion(mag: Mag, *, whole: bool = False) -> RenderableType:
    """Returns a drawing of a discussion; with ``whole`` all that was said."""
    tree = Tree(Text(mag.id, style="bold"), guide_style="dim")
    for round in sorted({turn.round for turn in mag.turns}):  # noqa: A001
        branch = tree.add(Text(f"round {round}", style="dim"))
        for turn in mag.turns:
            if turn.round == round:
                branch.add(_turn(mag, turn, whole=whole))
    return Group(Text(mag.question.prompt), *_facts(mag), tree, Text(""))


def _facts(mag: Mag) -> Iterable[Text]:
    answer = mag.decision.answer
    style = {True: "green", False: "red", None: ""}[mag.decision.correct]
    line = Text(f"{mag.protocol}, {mag.structure}, {len(mag.turns)} turns, {len(mag.edges)} edges; answered ")
    line.append("nothing" if answer is None else answer, style=style)
    if mag.question.gold is not None:
        line.append(f"; right is {mag.question.gold}")
    line.append(f"; ended: {mag.stop}" if mag.stop else "")
    yield line


def _turn(mag: Mag, turn: Turn, *, whole: bool) -> RenderableType:
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
    line.append(_shown(mag, turn), style="dim")
    said = turn.text.strip() if whole else cut(turn.reasoning or turn.text, EXCERPT)
    return Group(line, Text(said, style="" if whole else "dim")) if said else line


def _shown(mag: Mag, turn: Turn) -> str:
    if not turn.seen:
        return ""
    told = [f"{KINDS[edge.kind]}#{edge.step} {cut(mag.turns[edge.step].answer or '·', 16)}" for edge in turn.seen]
    return f"  <- {', '.join(told)}"
