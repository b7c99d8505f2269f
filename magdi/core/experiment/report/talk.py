"""What a run's discussions came to, as blocks: graph types, rounds, agents, changed minds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

from magdi.core.decision import last_words, tally
from magdi.core.experiment.report.blocks import Block, Column, Curves, Point, Series, Table
from magdi.core.experiment.report.figures import mean, share, wilson_of
from magdi.core.mag import Mag, Turn

Said = TypeVar("Said")

TEAM = "team, plain vote"


class Talk:
    """Counts over MAGs, which it is shown one at a time."""

    def __init__(self) -> None:
        self.count = 0
        self.decided: list[bool] = []
        self.simulated = False
        self._by_structure: dict[str, list[tuple[bool | None, int, int, int]]] = defaultdict(list)
        self._rounds: dict[int, list[Turn]] = defaultdict(list)
        self._reached: Counter[int] = Counter()
        self._agents: dict[str, list[Turn]] = defaultdict(list)
        self._histories: dict[str, list[list[bool]]] = defaultdict(list)
        self._written: list[list[int]] = []
        self._changes: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
        self._moved: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)

    def add(self, mag: Mag) -> None:
        """Counts a MAG."""
        self.count += 1
        if mag.decision.correct is not None:
            self.decided.append(mag.decision.correct)
        self._by_structure[mag.structure].append(
            (mag.decision.correct, len(mag.turns), len(mag.edges), mag.usage.completion_tokens)
        )
        self._reached.update(range(mag.rounds + 1))
        for turn in mag.turns:
            self.simulated = self.simulated or turn.model.startswith("simulated:")
            self._rounds[turn.round].append(turn)
            self._agents[turn.agent].append(turn)
        self._follow(mag)
        for before, after in revisions(mag):
            self._revised(mag, before, after)

    def _follow(self, mag: Mag) -> None:
        """Remembers who was right, and how much was written, up to each round."""
        rounds = range(mag.rounds + 1)
        told = [[turn for turn in mag.turns if turn.round <= number] for number in rounds]
        self._written.append([sum(turn.usage.completion_tokens for turn in turns) for turns in told])
        words = [last_words(turns) for turns in told]
        votes = [_vote_is_right(each) for each in words]
        if None not in votes:
            self._histories[TEAM].append([bool(vote) for vote in votes])
        for agent in {turn.agent for turn in words[-1]}:
            own = [next((turn.correct for turn in each if turn.agent == agent), None) for each in words]
            if own[-1] is not None:
                self._histories[agent].append([bool(right) for right in own])

    def _revised(self, mag: Mag, before: Turn, after: Turn) -> None:
        if before.correct is None or after.correct is None:
            return
        self._changes[after.agent][before.correct, after.correct] += 1
        if before.answer == after.answer:
            return
        shown = (mag.turns[step] for step in after.sources)
        for other in {turn.agent for turn in shown if turn.answer == after.answer} - {after.agent}:
            self._moved[other, after.agent][after.correct] += 1

    @property
    def first_answers(self) -> list[bool]:
        """Which answers of the first round are right."""
        return [turn.correct for turn in self._rounds[0] if turn.correct is not None]

    @property
    def written(self) -> float | None:
        """Tokens that a discussion's replies have, on average; None where nobody counted them."""
        return mean([tokens[-1] for tokens in self._written]) or None

    def blocks(self) -> Iterator[Block]:
        """Yields what there is to be said; tables that would be empty are left out."""
        yield self._structures()
        yield self._rounds_table()
        if len(self._reached) > 1 and self._histories:
            yield self._after_rounds()
        yield self._agents_table()
        if self._changes:
            yield self._changes_table()
        if self._moved:
            yield self._movers()

    def points(self) -> Iterator[Point]:
        """Yields accuracy against tokens: each teacher's first answers, and the team after each round."""
        for agent, turns in self._agents.items():
            alone = [turn for turn in turns if turn.round == 0 and turn.correct is not None]
            tokens = mean([turn.usage.completion_tokens for turn in alone])
            if tokens:
                right = [bool(turn.correct) for turn in alone]
                yield Point(f"{agent} alone", tokens, share(right) or 0.0, *wilson_of(right), group="teachers alone")
        for number in sorted(self._reached) if self.written else ():
            right = _at(self._histories[TEAM], number)
            if right:
                tokens = mean(_at(self._written, number)) or 0.0
                name = f"team after round {number}"
                yield Point(name, tokens, share(right) or 0.0, *wilson_of(right), group="discussion, plain vote")

    def _structures(self) -> Table:
        columns = (
            Column("graph", note="G0 to G3: rounds after the first (MAGDi, section 3.1)"),
            Column("discussions", "number"),
            Column("share", "share"),
            Column("team right", "share"),
            Column("turns", "number", digits=1),
            Column("edges", "number", digits=1),
            Column("tokens written", "number", digits=0),
        )
        rows = []
        for name, found in sorted(self._by_structure.items()):
            decided, turns, edges, tokens = zip(*found, strict=True)
            graded = [right for right in decided if right is not None]
            means = (mean(turns), mean(edges), mean(tokens))
            rows.append((name, len(found), len(found) / self.count, share(graded), *means))
        return Table(columns, tuple(rows), title="By graph type", note="Turns, edges and tokens are means.", half=True)

    def _rounds_table(self) -> Table:
        columns = (
            Column("round", "number"),
            Column("discussions", "number", note="that got this far"),
            Column("turns", "number"),
            Column("right", "share", note="of the turns that are graded"),
            Column("sure when right", "percent", note="mean stated confidence of right turns"),
            Column("sure when wrong", "percent", note="mean stated confidence of wrong turns"),
            Column("unreadable", "number"),
        )
        rows = tuple((number, self._reached[number], *_about(turns)) for number, turns in sorted(self._rounds.items()))
        note = "A later round holds only the questions on which the talk went on, so its turns are on harder ones."
        return Table(columns, rows, title="By round", note=note, half=True)

    def _agents_table(self) -> Table:
        columns = (
            Column("agent"),
            Column("teacher"),
            Column("turns", "number"),
            Column("right at first", "share"),
            Column("right in the end", "share"),
            Column("tokens a turn", "number", digits=1),
            Column("sure when right", "percent"),
            Column("sure when wrong", "percent"),
            Column("unreadable", "number"),
        )
        rows = []
        for agent, turns in self._agents.items():
            ends = self._histories.get(agent, [])
            count, _, *rest = _about(turns)
            models = ", ".join(dict.fromkeys(turn.model for turn in turns))
            tokens = mean([turn.usage.completion_tokens for turn in turns])
            rows.append((agent, models, count, share(_at(ends, 0)), share(_at(ends, -1)), tokens, *rest))
        return Table(columns, tuple(rows), title="Agents")

    def _after_rounds(self) -> Curves:
        numbers = sorted(self._reached)
        series = [
            Series(name, tuple(numbers), tuple(share(_at(self._histories[name], number)) for number in numbers))
            for name in (*self._agents, TEAM)
            if self._histories.get(name)
        ]
        note = "All questions at every round: an agent that was not asked again keeps its answer."
        return Curves("Right after so many rounds", "round", tuple(series), note=note, percent=True)

    def _changes_table(self) -> Table:
        columns = (
            Column("agent"),
            Column("answered again", "number"),
            Column("wrong to right", "number"),
            Column("right to wrong", "number"),
            Column("stayed right", "number"),
            Column("stayed wrong", "number"),
            Column("wrongs mended", "share", note="of answers that were wrong, those that became right"),
            Column("rights lost", "share", note="of answers that were right, those that became wrong"),
        )
        rows = []
        for agent, seen in self._changes.items():
            up, down, kept, stuck = seen[False, True], seen[True, False], seen[True, True], seen[False, False]
            mended = up / (up + stuck) if up + stuck else None
            lost = down / (down + kept) if down + kept else None
            rows.append((agent, seen.total(), up, down, kept, stuck, mended, lost))
        return Table(
            columns, tuple(rows), title="Changed minds", note="From one turn of an agent to its next.", half=True
        )

    def _movers(self) -> Table:
        columns = (
            Column("who moved"),
            Column("whom"),
            Column("times", "number"),
            Column("to right", "number"),
            Column("to wrong", "number"),
            Column("for the better", "share"),
        )
        rows = tuple(
            (source, target, moved.total(), moved[True], moved[False], moved[True] / moved.total())
            for (source, target), moved in sorted(self._moved.items(), key=lambda item: -item[1].total())
        )
        note = "An agent changed its answer to one that another's turn in its prompt gave; all who gave it count."
        return Table(columns, rows, title="Who moved whom", note=note, half=True)


def revisions(mag: Mag) -> Iterator[tuple[Turn, Turn]]:
    """Yields (earlier, later) for each turn with an answer and the same agent's next one in the same role."""
    newest: dict[tuple[str, str, tuple[int, ...]], Turn] = {}
    for turn in mag.turns:
        if turn.answer is None:
            continue
        voice = (turn.agent, turn.role, turn.branch)
        if voice in newest:
            yield newest[voice], turn
        newest[voice] = turn


def _at(histories: Sequence[Sequence[Said]], number: int) -> list[Said]:
    """Returns what each history says at a round; one that ended earlier says what it said last."""
    return [history[-1] if number < 0 else history[min(number, len(history) - 1)] for history in histories]


def _vote_is_right(turns: Sequence[Turn]) -> bool | None:
    votes = tally(turns)
    if not votes:
        return None
    answer = max(votes, key=lambda key: votes[key])
    return next(turn.correct for turn in turns if turn.answer == answer)


def _about(turns: Sequence[Turn]) -> tuple[int, float | None, float | None, float | None, int]:
    """Returns count, share right, stated confidence when right and when wrong, unreadable ones."""
    graded = [turn.correct for turn in turns if turn.correct is not None]
    sure = {
        right: mean([turn.confidence for turn in turns if turn.confidence is not None and turn.correct is right])
        for right in (True, False)
    }
    unreadable = sum(turn.status == "invalid" for turn in turns)
    return len(turns), share(graded), sure[True], sure[False], unreadable
