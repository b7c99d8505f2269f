"""What `magdi mags` prints: tables of counts, shares and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.plugins.sheet import Sheet

if TYPE_CHECKING:
    from magdi.plugins.corpus.check import Report
    from magdi.plugins.corpus.readings import Readings
    from magdi.plugins.corpus.statistics.compared import BaselineFound, RuleFound
    from magdi.plugins.corpus.statistics.counts import TotalsFound, TurnsFound
    from magdi.plugins.corpus.statistics.document import Statistics
    from magdi.plugins.corpus.statistics.flips import FlipsFound
    from magdi.plugins.corpus.statistics.rounds import RoundFound
    from magdi.plugins.corpus.statistics.shares import ShareFound
    from magdi.plugins.formats.imported import ImportFound
    from magdi.protocols.confidence import Fitted

PROBLEMS = 20
"""Problems that are printed; --json has all of them."""
READINGS = 3
"""Turns that are printed for each rule by which answers are read."""


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], left: Sequence[str] = ("",)
) -> RenderableType:
    """Returns a table; the first column, and those named in ``left``, are text, the others are numbers."""
    return drawn(Sheet.of(title, columns, [[_told(value) for value in row] for row in rows], (columns[0], *left)))


def _told(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(share: ShareFound) -> str:
    """Returns "73.8 [63.2, 82.1]" of a share with its interval."""
    if share["share"] is None:
        return "-"
    if share["interval"] is None:
        return f"{share['share']:.1%}"
    low, high = share["interval"]
    return f"{100 * share['share']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def import_table(document: ImportFound) -> RenderableType:
    """Returns what an import has read."""
    names = ["mags", "turns", "answered", "right", "wrong", "edges"]
    judged = document["totals"]["judged"] > 0
    names += ["judged", "agreed"] if judged else []
    counts: list[tuple[str, Mapping[str, object]]] = [(each["source"], each) for each in document["sources"]]
    if len(counts) > PROBLEMS:  # a file a discussion: --json has each
        counts = [(f"{len(counts):,} files", document["totals"])]
    elif len(counts) > 1:
        counts.append(("all", document["totals"]))
    rows = [[source, *(found[name] for name in names)] for source, found in counts]
    parts: list[RenderableType] = [table(f"written to {document['out']}", ["source", *names], rows)]
    if judged:
        parts.append(
            Text("judged: turns whose file says itself whether they are right; agreed: our label says the same")
        )
    if tested := document["totals"]["tested"]:
        parts.append(
            Text(
                f"{tested:,} are about test questions: a student of theirs is not measured by that test set; "
                f"magdi mags split {document['out']} gives them a split of their own"
            )
        )
    parts += [
        Text(f"differs: {each['mag']} {each['agent']} (answer {each['answer']})")
        for each in document["disagreements"][:PROBLEMS]
    ]
    return Group(*parts)


def statistics_tables(document: Statistics) -> RenderableType:
    """Returns all statistics as tables."""
    parts = [_totals(document["totals"])]
    parts += [_turns(name, rows) for name, rows in document["turns"].items() if len(rows) > 1 or name == "round"]
    parts += [_rounds(document["rounds"]), *_flips(document["flips"])]
    parts += [_decisions(document["decisions"]), _baselines(document["baselines"])]
    if document["judged"]:
        judged = document["judged"]
        parts.append(Text(f"The files judge {judged['turns']} turns themselves; labels agree on {judged['agreed']}."))
    return Group(*parts)


def _totals(totals: TotalsFound) -> RenderableType:
    fields: Mapping[str, object] = totals
    rows = [[name, _told(fields[name])] for name in ("mags", "questions", "turns", "edges", "calls", "tokens")]
    kinds = {
        "protocols": totals["protocols"],
        "tasks": totals["tasks"],
        "structures": totals["structures"],
        "stops": totals["stops"],
        "edge kinds": totals["edge_kinds"],
    }
    rows += [
        [name, ", ".join(f"{key or '(none)'} {count:,}" for key, count in counts.items()) or "-"]
        for name, counts in kinds.items()
    ]
    return table("discussions", ["", ""], [*rows, ["decided right, %", percent(totals["accuracy"])]])


def _turns(name: str, rows: Sequence[TurnsFound]) -> RenderableType:
    columns = ["turns", "answered", "invalid", "repaired", "right", "wrong", "unlabelled", "tokens"]
    headings = {"right": "label right", "wrong": "label wrong", "unlabelled": "no label"}
    counts: Sequence[Mapping[str, object]] = rows
    shares = [percent(row["accuracy"]) for row in rows]
    return table(
        f"turns by {name}",
        [name, *(headings.get(column, column) for column in columns), "right, %"],
        [[row["group"], *map(row.get, columns), share] for row, share in zip(counts, shares, strict=True)],
    )


def _rounds(rows: Sequence[RoundFound]) -> RenderableType:
    columns = [
        "round",
        "reached",
        "all agree, %",
        "agreement",
        "answers",
        "entropy, bit",
        "turns right, %",
        "vote right, %",
    ]
    return table(
        "discussions by round (vote: of all discussions, had they ended there)",
        columns,
        [
            [
                row["round"], row["reached"], percent(row["consensus"]), row["agreement"], row["distinct"],
                row["entropy"], percent(row["accuracy"]), percent(row["vote"]),
            ]
            for row in rows
        ],
    )  # fmt: skip


def _flips(flips: FlipsFound) -> list[RenderableType]:
    if not flips["steps"]:
        return []
    from magdi.plugins.corpus.statistics.flips import KINDS

    kinds = KINDS[:4]
    by_agent: list[list[object]] = [["all", *(flips["kinds"].get(kind, 0) for kind in kinds)]]
    by_agent += [[row["agent"], *(row[kind] for kind in kinds)] for row in flips["by_agent"]]
    moved = sorted(flips["who_moved_whom"], key=lambda row: -sum(row[kind] for kind in kinds))
    edges = flips["edges"]
    along = sum(edges[kind] for kind in kinds[1:])
    return [
        table("changes of mind, from an answer to the next", ["agent", *kinds], by_agent),
        table(
            f"who moved whom ({along} of {edges['shown']:,} edges led to the answer that they showed)",
            ["from -> to", *kinds[1:]],
            [[f"{row['mover']} -> {row['moved']}", *(row[kind] for kind in kinds[1:])] for row in moved[:12]],
        ),
    ]


def _decisions(rows: Sequence[RuleFound]) -> RenderableType:
    return table(
        "decision rules on the same discussions",
        ["rule", "right, %", "decided", "right where decided, %"],
        [[row["rule"], percent(row["accuracy"]), row["decided"], percent(row["accuracy_decided"])] for row in rows],
    )


def _baselines(rows: Sequence[BaselineFound]) -> RenderableType:
    made = table(
        "beside single agents",
        ["", "calls a question", "right, %"],
        [[row["name"], row["calls"], percent(row["accuracy"])] for row in rows],
    )
    short = next((row["fewer_samples_than_calls"] for row in rows if row.get("fewer_samples_than_calls")), 0)
    return Group(made, Text(f"self-consistency had fewer samples than calls on {short} questions")) if short else made


def check_table(reports: Mapping[str, Report], readings: Mapping[str, Readings]) -> RenderableType:
    """Returns what a check has looked at in files, what it found wrong, and how their answers are read."""
    columns = ["mags", "turns", "edges", "prompts", "replayed"]
    rows = [[file, *attrgetter(*columns)(each), "yes" if each.sound else "no"] for file, each in reports.items()]
    problems = [problem for report in reports.values() for problem in report.problems]
    parts: list[RenderableType] = [table("checked", ["file", *columns, "sound"], rows)]
    parts += [Text(f"{each.where}: {each.check}: {each.what}") for each in problems[:PROBLEMS]]
    if len(problems) > PROBLEMS:
        parts.append(Text(f"... and {len(problems) - PROBLEMS} more (--json has all)"))
    parts += [part for file, each in readings.items() for part in _readings(file, each)]
    return Group(*parts)


def _readings(file: str, found: Readings) -> Iterator[RenderableType]:
    """Yields how a file's answers are read: counts by rule, and the least certain turns."""
    counts = list(found.rules.items())
    yield Text("")
    yield Text(f"how the answers in {file} are read, the least certain first", style="bold")
    yield table("", ["rule", "turns"], counts)
    if found.differ:
        yield Text(f"for {found.differ} turns the file has another answer than is read")
    for rule, _ in counts:
        for turn in [turn for turn in found.turns if turn.rule == rule][:READINGS]:
            other = "" if turn.answer == turn.recorded else f" (in the file: {_told(turn.recorded)})"
            yield Text(f"{rule}: {_told(turn.answer)}{other}, {turn.agent} in turn {turn.step} of {turn.mag}")
            yield Padding(Text(turn.end, style="dim"), (0, 0, 0, 4), expand=False)
    if sum(found.rules.values()) > READINGS * len(counts):
        yield Text(f"({READINGS} of each rule are shown; --json has up to 100)")


def calibration_table(fitted: Fitted, out: str) -> RenderableType:
    """Returns each agent's curve from stated confidence to accuracy."""
    curves = {**fitted.agents, "everyone": fitted.everyone}
    rows: list[list[object]] = []
    for agent, curve in curves.items():
        steps = [f"{stated:.2f}: {right:.0%}" for stated, right in zip(curve.stated, curve.right, strict=True)]
        rows.append([agent, curve.turns, "  ".join(steps[:: max(1, len(steps) // 8)])])
    headings = ["agent", "turns", "right at stated confidence"]
    return table(f"written to {out}", headings, rows, left=headings[2:])
