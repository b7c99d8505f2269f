"""What objectives take from a MAG, and whether there is a MAG at all from which they take something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from magdi.core.distill.blame import blaming, called
from magdi.core.distill.lessons import Lessons, Prompt
from magdi.core.errors import TrainingError, did_you_mean
from magdi.core.mag import Mag, Question, Turn
from magdi.core.objective import Chain, Column, Ints, Objective, Part, Selecting
from magdi.core.views import View

ALL = Lessons()


@dataclass(frozen=True, slots=True)
class Selection:
    """What some objectives take from one MAG.

    Attributes:
        chains: What the student has to read, each once: prompt after prompt, turn after turn.
        columns: The objectives' columns, [rows, n] each, as "objective.column"; chains by their place in `chains`.
        prompts: By turn, the prompt of its own; empty where all answer the question.
    """

    chains: tuple[Chain, ...]
    columns: dict[str, Ints]
    prompts: tuple[Prompt, ...] = ()

    def prompt_of(self, chain: Chain) -> tuple[str, Prompt | None]:
        """Returns what stands before a chain's prompt, and the prompt; None for the question."""
        return chain.prefix, self.prompts[chain.step] if self.prompts else None


def select(
    mag: Mag,
    objectives: Mapping[str, Objective],
    *,
    view: View = "exact",
    seed: int = 0,
    lessons: Lessons = ALL,
) -> Selection:
    """Returns what objectives take from a MAG.

    Raises:
        DataError: Turns are to be learned after their own prompts, and these are not to be had.
        TrainingError: An objective takes what it has not declared, or a turn that there is not.
    """
    given, prompts = lessons.of(mag, view, seed)
    taken = {name: _taken(name, objective, given) for name, objective in objectives.items()}
    columns = {
        f"{name}.{key}": column for name, objective in objectives.items() for key, column in objective.columns.items()
    }
    entries = {f"{name}.{key}": listed for name, found in taken.items() for key, listed in found.items()}
    met = [chain for name, column in columns.items() if column.chains for chain in _flat(entries[name], column)]
    prefixes = list(dict.fromkeys(chain.prefix for chain in met))
    asked = given.prompts or (0,) * len(mag.turns)
    order = {chain: (prefixes.index(chain.prefix), asked[chain.step], chain.step, chain.part) for chain in met}
    chains = tuple(sorted(order, key=order.__getitem__))
    place = {chain: number for number, chain in enumerate(chains)}
    return Selection(chains, {name: _table(entries[name], columns[name], place) for name in columns}, prompts)


def _taken(name: str, objective: Objective, given: Selecting) -> Mapping[str, Sequence[Any]]:
    if getattr(objective.config, "shuffled", False):
        given = given.with_labels_shuffled()
    with blaming(name, objective, "select"):
        taken = {key: list(entries) for key, entries in objective.select(given).items()}
    who = called(name, objective)
    if taken.keys() != objective.columns.keys():
        raise TrainingError(
            f"{who} gives the columns {', '.join(taken) or 'none'} of MAG {given.mag.id}, "
            f"and declares {', '.join(objective.columns) or 'none'}",
            hint="`select` returns every one of `columns`, an empty list where a MAG has none",
        )
    for key, entries in taken.items():
        column = objective.columns[key]
        for entry in _flat(entries, column):
            if not (_is_chain(entry, given.mag) if column.chains else isinstance(entry, int | np.integer)):
                kind = f"chains of turns 0 to {len(given.mag.turns) - 1}" if column.chains else "integers"
                wanted = kind if column.rows == 1 else f"tuples of {column.rows} {kind}"
                raise TrainingError(f"{who}: column {key!r} of MAG {given.mag.id} holds {entry!r}; it is for {wanted}")
    return taken


def _is_chain(entry: object, mag: Mag) -> bool:
    if not isinstance(entry, Chain) or not isinstance(entry.step, int | np.integer):
        return False
    return 0 <= entry.step < len(mag.turns) and entry.part in get_args(Part) and isinstance(entry.prefix, str)


def counted(name: str, objective: Objective, columns: Mapping[str, Ints], lengths: Ints) -> int:
    """Returns what an objective counts of a MAG.

    Raises:
        TrainingError: It counts no whole number from 0 on.
    """
    with blaming(name, objective, "count"):
        count = objective.count({key: columns[f"{name}.{key}"] for key in objective.columns}, lengths)
    if not isinstance(count, int | np.integer) or count < 0:
        raise TrainingError(f"{called(name, objective)}: count gives {count!r}, no whole number from 0 on")
    return int(count)


def _flat(entries: Iterable[Any], column: Column) -> Iterator[Any]:
    for entry in entries:
        if column.rows > 1 and isinstance(entry, tuple | list) and len(entry) == column.rows:
            yield from entry
        else:
            yield entry if column.rows == 1 else (entry,)  # whoever checks it says what is wrong


def _table(entries: Sequence[Any], column: Column, place: Mapping[Chain, int]) -> Ints:
    numbers = [place[entry] if column.chains else int(entry) for entry in _flat(entries, column)]
    return np.asarray(numbers, dtype=np.int64).reshape(-1, column.rows).T.copy()


def check_teachable(
    mags: Iterable[Mag], objectives: Mapping[str, Objective], level: str, lessons: Lessons = ALL
) -> None:
    """Looks for one MAG that there is something to learn from, by what teaches to write; cheap, and needs no model.

    Args:
        mags: The MAGs.
        objectives: What they are to be learned from by.
        level: What the objectives are called together.
        lessons: What of the MAGs is taught.

    Raises:
        TrainingError: There is none; the message says what was missing.
    """
    if not objectives:
        raise TrainingError(f"{level} trains on nothing", hint="evaluate the base student instead")
    teaching = {name: each for name, each in objectives.items() if each.teaches}
    count = labelled = others = 0
    answers: Counter[str] = Counter()
    agents: set[str] = set()
    roles: set[str] = set()
    for count, mag in enumerate(mags, start=1):  # noqa: B007
        if select(mag, teaching or objectives, lessons=lessons).chains:
            return
        others += bool(teaching and select(mag, objectives, lessons=lessons).chains)
        labelled += any(turn.label is not None for turn in mag.turns)
        answers.update(_kind(turn, mag.question) for turn in mag.turns)
        agents |= {turn.agent for turn in mag.turns}
        roles |= {turn.role for turn in mag.turns}
    what = f"{level} leaves nothing to train on in {count} MAGs"
    if not count:
        raise TrainingError(what, hint="the MAG file is empty")
    if not labelled:
        why, hint = _unlabelled(answers)
        raise TrainingError(f"{what}: {why}", hint=hint)
    if lessons.role and lessons.role not in roles:
        raise TrainingError(f"{what}: no turn has the role {lessons.role!r}", hint=did_you_mean(lessons.role, roles))
    for objective in teaching.values():
        agent = getattr(objective.config, "agent", None)
        if agent and agent.casefold() not in {known.casefold() for known in agents}:
            raise TrainingError(f"{what}: no agent {agent!r}", hint=did_you_mean(agent, agents))
    if others:
        lacking = " and ".join(dict.fromkeys(each.lacking for each in teaching.values()))
        off = " ".join(f"--set objectives.{name}.weight=0" for name in teaching)
        raise TrainingError(
            f"{level} leaves {', '.join(teaching)} nothing to learn in {count} MAGs: each has {lacking}",
            hint=f"{off} trains by the other objectives alone",
        )
    lacking = " and ".join(dict.fromkeys(each.lacking for each in (teaching or objectives).values()))
    raise TrainingError(
        f"{what}: each has {lacking}",
        hint="teachers that are right more often, easier questions, or another --level give it something",
    )


def _kind(turn: Turn, question: Question) -> str:
    """Returns why a turn carries no label; what it lacks."""
    if turn.answer is not None:
        return "graded" if question.gold is not None else "ungraded"
    return "unread" if turn.text.strip() else "empty"


def _unlabelled(kinds: Counter[str]) -> tuple[str, str]:
    """Returns why no turn of so many of each kind carries a label, and what to do."""
    if kinds["ungraded"] or kinds["graded"]:
        hint = "import them with right answers: magdi mags import --gold TABLE, or --task NAME --match"
        return "no turn carries a label", hint
    look = "magdi mags show '#1' RUN shows the first discussion"
    if not kinds["unread"]:
        hint = f"{look}; a reasoning model thinks first, and may come to no words before sampling.max_tokens"
        return f"all {kinds.total():,} replies are empty", hint
    some = f", {kinds['empty']:,} of them empty" if kinds["empty"] else ""
    return (
        f"no answer could be read in any of {kinds.total():,} replies{some}",
        f"{look}; a reply is to have the form that its prompt asks for ('The answer is 7.', or JSON with a key "
        '"answer"), and to come to its end before sampling.max_tokens',
    )
