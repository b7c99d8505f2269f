"""Tables of what discussions came to: graph types, rounds, agents, changed minds, rules of decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from magdi.core.mag import Mag, Turn
from magdi.plugins.corpus.statistics.compared import BaselineFound, RuleFound
from magdi.plugins.corpus.statistics.document import TalkFound
from magdi.plugins.corpus.statistics.flips import Kinds, OfAgent, OfPair
from magdi.plugins.corpus.statistics.rounds import RoundFound
from magdi.plugins.corpus.statistics.shares import ShareFound
from magdi.plugins.report.blocks import Column, Table, Value
from magdi.plugins.report.shares import mean


def tables(mags: Sequence[Mag], document: TalkFound) -> Iterator[Table]:
    """Yields the tables, the one by graph type first; those that would be empty are left out.

    Args:
        mags: The discussions.
        document: Rounds, flips, decisions and baselines, as `magdi.plugins.corpus.statistics` has them.
    """
    yield _structures(mags)
    yield _rounds(document["rounds"])
    yield _agents(mags)
    flips = document["flips"]
    if flips["by_agent"]:
        yield _changes(flips["by_agent"])
    if flips["who_moved_whom"]:
        yield _movers(flips["who_moved_whom"])
    if any(row["accuracy"]["count"] for row in document["decisions"]):
        yield _rules(document["decisions"])
        yield _baselines(document["baselines"])


def _structures(mags: Sequence[Mag]) -> Table:
    columns = (
        Column("graph", note="G0 to G3: rounds after the first (MAGDi, section 3.1)"),
        Column("discussions", "number"),
        Column("share", "share"),
        Column("team right", "share"),
        Column("turns", "number", digits=1),
        Column("edges", "number", digits=1),
        Column("tokens written", "number", digits=0),
    )
    groups: dict[str, list[Mag]] = {}
    for mag in sorted(mags, key=lambda each: each.rounds):
        groups.setdefault(mag.structure, []).append(mag)
    rows = tuple(
        (
            name,
            len(some),
            len(some) / len(mags),
            mean([mag.decision.correct for mag in some if mag.decision.correct is not None]),
            mean([len(mag.turns) for mag in some]),
            mean([len(mag.edges) for mag in some]),
            mean([mag.usage.completion_tokens for mag in some]) or None,
        )
        for name, some in groups.items()
    )
    return Table(columns, rows, title="By graph type", note="Turns, edges and tokens are means.")


def _rounds(rounds: Sequence[RoundFound]) -> Table:
    columns = (
        Column("round", "number"),
        Column("discussions", "number", note="that got this far"),
        Column("turns right", "share"),
        Column("all agreed", "share", note="discussions in which all gave the same answer in this round"),
        Column("agreement", "share", note="turns that gave the round's most frequent answer"),
        Column("different answers", "number", digits=2, note="in a discussion, on average"),
        Column("entropy, bits", "number", digits=2, note="of the answers"),
    )
    rows = tuple(
        (
            row["round"],
            row["reached"],
            row["accuracy"]["share"],
            row["consensus"]["share"],
            row["agreement"],
            row["distinct"],
            row["entropy"],
        )
        for row in rounds
    )
    fewer = rounds[-1]["reached"] < rounds[0]["reached"]
    note = "A later round holds only the questions on which the talk went on, so its turns are on harder ones."
    return Table(columns, rows, title="By round", note=note if fewer else "")


def _agents(mags: Sequence[Mag]) -> Table:
    columns = (
        Column("agent"),
        Column("teacher"),
        Column("turns", "number"),
        Column("right at first", "share", note="its first answer in a discussion"),
        Column("right in the end", "share", note="its last answer in a discussion"),
        Column("tokens a turn", "number", digits=1),
        Column("sure when right", "percent", note="mean stated confidence of right turns"),
        Column("sure when wrong", "percent", note="mean stated confidence of wrong turns"),
        Column("unreadable", "number"),
    )
    turns: dict[str, list[Turn]] = {}
    firsts: dict[str, list[bool]] = {}
    lasts: dict[str, list[bool]] = {}
    for mag in mags:
        graded: dict[str, list[bool]] = {}
        for turn in mag.turns:
            turns.setdefault(turn.agent, []).append(turn)
            if turn.correct is not None:
                graded.setdefault(turn.agent, []).append(turn.correct)
        for agent, right in graded.items():
            firsts.setdefault(agent, []).append(right[0])
            lasts.setdefault(agent, []).append(right[-1])
    rows = tuple(
        (
            agent,
            ", ".join(dict.fromkeys(turn.model for turn in said)),
            len(said),
            mean(firsts.get(agent, [])),
            mean(lasts.get(agent, [])),
            mean([turn.usage.completion_tokens for turn in said]) or None,
            _sure(said, True),
            _sure(said, False),
            sum(turn.status == "invalid" for turn in said),
        )
        for agent, said in turns.items()
    )
    return Table(columns, rows, title="Agents")


def _sure(turns: Sequence[Turn], correct: bool) -> float | None:
    return mean([turn.confidence for turn in turns if turn.confidence is not None and turn.correct is correct])


def _changes(by_agent: Sequence[OfAgent]) -> Table:
    columns = (
        Column("agent"),
        Column("kept", "number", note="its answer, from one turn to its next"),
        Column("wrong to right", "number"),
        Column("right to wrong", "number"),
        Column("wrong to wrong", "number"),
        Column("for the better", "share", note="of changes between right and wrong"),
    )
    rows = tuple((row["agent"], row["kept"], *_kinds(row)) for row in by_agent)
    return Table(columns, rows, title="Changed minds", note="From an agent's answer to its next one.", half=True)


def _movers(moved: Sequence[OfPair]) -> Table:
    columns = (
        Column("who moved"),
        Column("whom"),
        Column("wrong to right", "number"),
        Column("right to wrong", "number"),
        Column("wrong to wrong", "number"),
        Column("for the better", "share", note="of changes between right and wrong"),
    )
    rows = tuple((row["mover"], row["moved"], *_kinds(row)) for row in moved)
    note = "Changed to the very answer of another's turn that stood in the prompt; all who gave it count."
    return Table(columns, rows, title="Who moved whom", note=note, half=True)


def _kinds(row: Kinds) -> tuple[Value, ...]:
    up, down, across = row["wrong-to-right"], row["right-to-wrong"], row["wrong-to-wrong"]
    return up, down, across, up / (up + down) if up + down else None


def _rules(decisions: Sequence[RuleFound]) -> Table:
    columns = (
        Column("rule"),
        Column("right", "share", note="of all discussions"),
        Column("95 % interval", "interval"),
        Column("decided", "number"),
        Column("right where decided", "share"),
    )
    rows = tuple(
        (row["rule"], *_figure(row["accuracy"]), row["decided"], row["accuracy_decided"]["share"]) for row in decisions
    )
    return Table(columns, rows, title="Other rules on the same discussions", half=True)


def _baselines(baselines: Sequence[BaselineFound]) -> Table:
    columns = (
        Column("what"),
        Column("calls", "number", digits=1, note="of teachers, a question"),
        Column("right", "share"),
        Column("95 % interval", "interval"),
    )
    rows = tuple((row["name"], row["calls"], *_figure(row["accuracy"])) for row in baselines)
    note = "The best teacher is chosen on these very questions, so it is a little flattered."
    return Table(columns, rows, title="What talking is worth", note=note, half=True)


def _figure(accuracy: ShareFound) -> tuple[Value, Value]:
    return accuracy["share"], accuracy["interval"]
