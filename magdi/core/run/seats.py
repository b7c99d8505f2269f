"""Who sits at the table: teachers of a configuration, with names that are told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product

from magdi.core.components import Components
from magdi.core.config.models import Limits, RunConfig, TeacherChoice
from magdi.core.discussion.driver import Seat
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.mag import Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.task import Task
from magdi.core.teacher import Teacher

SHOWN = 20
"""Questions of a run that its teachers are shown before it begins."""


def seats(config: RunConfig, task: Task, components: Components) -> list[Seat]:
    """Returns the agents of a run with their teachers.

    Where the configuration names none, they are those that the task brings along.

    Raises:
        ConfigError: There are none, or two of one name.
    """
    taking_part = agents(config, task)
    if not taking_part:
        raise ConfigError(
            f"no teachers: task {config.task.name!r} brings none along",
            hint="name at least one with --teacher, e.g. --teacher openai:gpt-4o-mini, or give MAGs with --mags",
        )
    return [
        Seat(
            Agent(name, choice.persona),
            priced(components.teacher(choice, config.seed), config.discussion),
            choice.sampling,
        )
        for name, choice in taking_part.items()
    ]


def check_count(protocol: Protocol, name: str, count: int) -> None:
    """Sees to it that a protocol can do with so many agents.

    Raises:
        ConfigError: There are too few, or too many.
    """
    least, most = protocol.min_agents, protocol.max_agents
    if least <= count and (most is None or count <= most):
        return
    wanted = f"{least} or more" if most is None else str(least) if most == least else f"{least} to {most}"
    raise ConfigError(
        f"protocol {name!r} takes {wanted} agents, and there are {count}",
        hint="--teacher, once for each agent; discussion.agents chooses among them",
    )


def check_able(taking_part: Sequence[Seat], questions: Sequence[Question]) -> None:
    """Sees to it that the teachers are made for a run's questions, a few of which they are shown.

    Raises:
        ConfigError: One is not.
    """
    for seat, question in product(taking_part, questions[:: -(-len(questions) // SHOWN) or 1]):
        if not seat.teacher.can_answer(question):
            raise ConfigError(
                f"{seat.agent.name} ({seat.teacher.identity}) cannot do such questions as {question.text[:80]!r}",
                hint="--teacher names others, e.g. --teacher openai:gpt-4o-mini; simulated teachers do word problems "
                "of the task arithmetic, and guess with guess=true",
            )


def priced(teacher: Teacher, limits: Limits) -> Teacher:
    """Gives a teacher whose price is not known the one that the configuration has for such."""
    if teacher.served and teacher.price is None:
        teacher.price = limits.price
    return teacher


def agents(config: RunConfig, task: Task) -> dict[str, TeacherChoice]:
    """Returns the teachers who take part, by their agents' names; none where nobody names any.

    Raises:
        ConfigError: Two are of one name, or ``discussion.agents`` names one who is not there.
    """
    choices = config.teachers or tuple(TeacherChoice.model_validate(each) for each in task.teachers)
    named = dict(zip(agent_names(choices), choices, strict=True))
    wanted = config.discussion.agents
    if wanted is None:
        return named
    for name in wanted:
        if name not in named:
            raise ConfigError(f"discussion.agents: no teacher is named {name!r}", hint=did_you_mean(name, named))
    return {name: choice for name, choice in named.items() if name in wanted}


def agent_names(choices: Sequence[TeacherChoice]) -> list[str]:
    """Returns the agents' names; where one is not given it is the model's, numbered when it comes again.

    Raises:
        ConfigError: One name is given twice.
    """
    given = Counter(choice.name for choice in choices if choice.name)
    twice = [name for name, count in given.items() if count > 1]
    if twice:
        raise ConfigError(f"two teachers are named {twice[0]!r}", hint="agents need names that tell them apart")
    return list(_told_apart((choice.name or _model_name(choice.teacher) for choice in choices), taken=set(given)))


def _model_name(teacher: str) -> str:
    kind, _, target = teacher.partition(":")
    own = kind.removeprefix("local/").partition("@")[0]  # a class of the user's, by its name
    return target.partition("@")[0].rstrip("/").rpartition("/")[2] or own


def _told_apart(names: Iterable[str], taken: set[str]) -> Iterable[str]:
    used: set[str] = set()
    for name in names:
        candidate, number = name, 1
        while candidate in used or (number > 1 and candidate in taken):
            number += 1
            candidate = f"{name}-{number}"
        used.add(candidate)
        yield candidate
