"""What the discussions of a run take, and what they leave for a student to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypedDict

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.discussion.budget import Budget
from magdi.core.mag import Question
from magdi.core.run.locations import Location
from magdi.core.run.seats import check_able, check_count, seats
from magdi.core.shard import sharded
from magdi.core.task import Task
from magdi.plugins.corpus.files import count_mags, mag_files, read
from magdi.plugins.runs.discussion_plan import AgentPlan, Amount, DiscussionPlan, DiscussionPlanner
from magdi.plugins.runs.drives import DrivenTalk
from magdi.plugins.runs.earlier import Earlier
from magdi.plugins.runs.stage_costs import Range, Took, talking
from magdi.plugins.runs.stand_in import tokens

SAMPLED = 64  # lines of a MAG file that are looked at
BYTES_OF_A_TOKEN = 12.0  # in a MAG file, where a turn's words stand twice, with keys around them


class TeacherFigures(TypedDict):
    """What is asked of teachers, in a document: ``cost`` is in US dollars; None is no limit."""

    calls: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class DiscussionCosts:
    """What a run's discussions take, and what they leave for a student to read.

    Attributes:
        questions: To be discussed.
        agents: By agent, what it takes.
        unpriced: The teachers whose price is not known.
        mags: How many there will be, at most.
        tokens: Of a MAG, as a student reads it.
        took: The seconds.
        expected: Calls, tokens, dollars, bytes, about.
        most: The same at most.
        task: What the questions are of; where discussions are held.
    """

    mags: int
    tokens: Range
    questions: int = 0
    agents: tuple[AgentPlan, ...] = ()
    unpriced: tuple[str, ...] = ()
    took: Took | None = None
    expected: Amount = Amount()
    most: Amount = Amount()
    task: Task | None = None


def discussion_costs(config: RunConfig, components: Components, earlier: Earlier) -> DiscussionCosts:
    """Returns what the discussions of a run take.

    Raises:
        ConfigError: Nobody is there to discuss, or a limit cannot be kept.
        DataError: The questions cannot be had, or the MAG file cannot be read.
    """
    return _imported(config) if config.discussion.mag_files else _discussions(config, components, earlier)


def _imported(config: RunConfig) -> DiscussionCosts:
    """Returns what taking over MAGs takes: nothing but reading them."""
    files = mag_files(config.discussion.mag_files)
    there = sum(map(count_mags, files))
    mags = min(there, config.discussion.questions or there)
    usual, longest = _lengths(files)
    tokens_read = Range(usual / BYTES_OF_A_TOKEN, 4 * longest / BYTES_OF_A_TOKEN)
    return DiscussionCosts(mags, tokens_read, expected=Amount(bytes=mags * usual), most=Amount(bytes=mags * longest))


def _discussions(config: RunConfig, components: Components, earlier: Earlier) -> DiscussionCosts:
    given = config.discussion
    task = components.task(config.task, config.seed)
    protocol, taking_part = components.protocol(config.protocol), seats(config, task, components)
    check_count(protocol, config.protocol.name, len(taking_part))
    questions = sharded(task.first(given.split, given.questions), given.shard)
    Budget.of(given).check(seat.teacher for seat in taking_part)
    check_able(taking_part, questions)
    rule = components.decision(given.decision) if given.decision else None
    if rule is not None:
        rule.check([seat.agent.name for seat in taking_part])
    teachers = {seat.teacher.identity for seat in taking_part}
    planner = DiscussionPlanner(
        DrivenTalk(protocol, taking_part, rule),
        given,
        earlier.characters(teachers),
        earlier.a_discussion(teachers, config),
    )
    made = planner.plan(questions)
    return DiscussionCosts(
        made.questions,
        _tokens(made, questions, config),
        made.questions,
        made.agents,
        tuple(made.unpriced),
        talking(made, taking_part, config, earlier),
        made.expected,
        made.most,
        task,
    )


def _tokens(made: DiscussionPlan, questions: Sequence[Question], config: RunConfig) -> Range:
    """Returns the tokens of a MAG: its question, and every turn once."""
    count = max(1, made.questions)
    asked = sum(tokens(question.prompt) for question in questions) / count
    turns = made.most.calls / (config.discussion.reasks + 1) / count
    longest = made.most.completion_tokens / (made.most.calls or 1)
    return Range(
        asked + made.expected.completion_tokens / count, 4 * asked + turns * min(config.student.max_length, longest)
    )


def _lengths(files: Sequence[Location]) -> tuple[float, float]:
    """Returns the bytes of a MAG in some files, by the first of each: on average, and of the longest."""
    lengths = [len(mag.to_line().encode()) for file in files for mag in islice(read(file, []), SAMPLED)]
    return sum(lengths) / max(1, len(lengths)), float(max(lengths, default=0))


def whole(figure: float | None) -> int | None:
    """Returns a whole number; None for what is not known or not limited."""
    return None if figure is None or not math.isfinite(figure) else round(figure)


def figures(amount: Amount) -> TeacherFigures:
    """Returns figures as a document has them: whole, but for dollars, and None for what is not limited."""
    return {
        "calls": whole(amount.calls),
        "prompt_tokens": whole(amount.prompt_tokens),
        "completion_tokens": whole(amount.completion_tokens),
        "cost": amount.cost if math.isfinite(amount.cost) else None,
    }
