"""Levels and baselines as data: which turns of a MAG are learned from, by which losses (MAGDi, Table 1 and section 4).

| name | paper | L+ reads | L- | L_I |
|---|---|---|---|---|
| base | no teacher | nothing | | |
| single-teacher:NAME | SiT-* | right turns of one agent, first round | | |
| 1 | MAGDi-R0 | right turns, first round | | |
| 2 | MAGDi-CN | right turns | | |
| 3 | MAGDi-AN | right turns | right-wrong pairs | |
| 4 | MAGDi | right turns | right-wrong pairs | all turns |
| dss-mt | DSS-MT | all answered turns; answer and reasoning as two tasks with prefixes | | |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from magdi.core.errors import ConfigError, TrainingError, did_you_mean
from magdi.core.mag import Mag, Question, Turn

if TYPE_CHECKING:
    from magdi.core.config.models import Objective

Part = Literal["whole", "answer", "reasoning"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing that the student learns to write for a question.

    Attributes:
        part: The turn's reasoning and answer, or one of them.
        prefix: What stands before the question when this is asked for (Hsieh et al., 2023: ``[label]``).
    """

    part: Part = "whole"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """Which turns of a MAG are learned from, and by which losses.

    Attributes:
        name: What ``--level`` takes.
        title: The paper's name.
        learned: Turns whose tokens L+ (Eq. 1) reads: right ones, all that have an answer, or none.
        first_round: Only of what was said before anyone was shown anything.
        agent: Only what this agent said.
        margin: Whether L- (Eq. 2) contrasts right and wrong turns.
        node: Whether L_I (Eq. 3) classifies every turn through the encoder.
        lessons: What is written for each learned turn; the first is what evaluation asks for.
    """

    name: str
    title: str
    learned: Literal["right", "answered", "none"] = "right"
    first_round: bool = False
    agent: str | None = None
    margin: bool = False
    node: bool = False
    lessons: tuple[Lesson, ...] = (Lesson(),)


LEVELS: tuple[Level, ...] = (
    Level("base", "no teacher", learned="none"),
    Level("1", "MAGDi-R0", first_round=True),
    Level("2", "MAGDi-CN"),
    Level("3", "MAGDi-AN", margin=True),
    Level("4", "MAGDi", margin=True, node=True),
    Level(
        "dss-mt",
        "DSS-MT",
        learned="answered",
        lessons=(Lesson("answer", "[label] "), Lesson("reasoning", "[rationale] ")),
    ),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a level takes from one MAG.

    Attributes:
        learned: Steps of the turns that L+ reads.
        pairs: (right step, wrong step) of every pair that L- reads.
        nodes: Steps of the turns that are nodes of the encoder's graph; those without a label are context.
    """

    learned: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    nodes: tuple[int, ...] = ()

    @property
    def turns(self) -> tuple[int, ...]:
        """Steps of all turns that the student has to read."""
        return tuple(sorted({*self.learned, *self.nodes, *(step for pair in self.pairs for step in pair)}))

    def __bool__(self) -> bool:
        return bool(self.learned or self.pairs or self.nodes)


def find_level(name: str) -> Level:
    """Returns a level by name.

    Raises:
        ConfigError: There is none of this name.
    """
    kind, colon, agent = name.strip().partition(":")
    if kind == "single-teacher" and agent:
        return Level(name, f"SiT-{agent}", first_round=True, agent=agent)
    levels = {level.name: level for level in LEVELS}
    if name.strip().lower() in levels and not colon:
        return levels[name.strip().lower()]
    raise ConfigError(
        f"training.level: there is no level {name!r}", hint=did_you_mean(name, [*levels, "single-teacher:NAME"])
    )


def select(mag: Mag, level: Level, objective: Objective) -> Selection:
    """Returns what a level takes from a MAG; a loss of weight 0 takes nothing."""
    selection = Selection(
        learned=tuple(turn.step for turn in mag.turns if objective.alpha and _is_learned(turn, level)),
        pairs=_pairs(mag) if level.margin and objective.beta else (),
    )
    if not (level.node and objective.gamma) or all(turn.label is None for turn in mag.turns):
        return selection
    nodes = tuple(turn.step for turn in mag.turns if turn.label is not None or turn.text.strip())
    return Selection(selection.learned, selection.pairs, nodes)


def _is_learned(turn: Turn, level: Level) -> bool:
    return (
        level.learned != "none"
        and turn.answer is not None
        and turn.label is not None
        and (turn.label or level.learned == "answered")
        and not (level.first_round and turn.round)
        and (level.agent is None or turn.agent.casefold() == level.agent.casefold())
    )


def _pairs(mag: Mag) -> tuple[tuple[int, int], ...]:
    right = [turn.step for turn in mag.turns if turn.label is True]
    wrong = [turn.step for turn in mag.turns if turn.label is False]
    return tuple((plus, minus) for plus in right for minus in wrong)


def check_teachable(mags: Iterable[Mag], level: Level, objective: Objective) -> None:
    """Looks for one MAG that a level can train on, by L+ where that has a weight; cheap, and needs no model.

    Raises:
        TrainingError: There is none; the message says what was missing.
    """
    count = labelled = others = 0
    agents: set[str] = set()
    for count, mag in enumerate(mags, start=1):  # noqa: B007
        found = select(mag, level, objective)
        if found.learned or (found and not objective.alpha):
            return
        others += bool(found)
        labelled += any(turn.label is not None for turn in mag.turns)
        agents |= {turn.agent for turn in mag.turns}
    what = f"level {level.name} ({level.title}) leaves nothing to train on in {count} MAGs"
    if not count:
        raise TrainingError(what, hint="the MAG file is empty")
    if level.learned == "none":
        raise TrainingError(f"level {level.name} trains on nothing", hint="evaluate the base student instead")
    if not labelled:
        raise TrainingError(f"{what}: no turn carries a label", hint="label them with the task's grader on import")
    if others:
        raise TrainingError(
            f"level {level.name} ({level.title}) leaves L+ nothing to learn in {count} MAGs: none has a right turn",
            hint="--set objective.alpha=0 trains by the other losses alone",
        )
    if level.agent and level.agent.casefold() not in {agent.casefold() for agent in agents}:
        raise TrainingError(f"{what}: no agent {level.agent!r}", hint=did_you_mean(level.agent, agents))
    raise TrainingError(f"{what}: {labelled} have labelled turns, but none that a loss of this level reads")


def asked(question: Question, level: Level) -> Question:
    """Returns a question as a student of this level is to be asked it; only DSS-MT's prefix makes a difference."""
    prefix = level.lessons[0].prefix
    return question.model_copy(update={"text": prefix + question.text}) if prefix else question
