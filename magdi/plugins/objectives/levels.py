"""Levels: named lists of objectives (MAGDi, Table 1 and section 4). `training.level` takes one by name, or a list.

| name | paper | is |
|---|---|---|
| base | no teacher | nothing |
| single-teacher:NAME | SiT-* | L+ on one agent's right turns of the first round |
| 1 | MAGDi-R0 | L+ on right turns of the first round |
| 2 | MAGDi-CN | L+ on right turns |
| 3 | MAGDi-AN | L+, and L- on right-wrong pairs |
| 4 | MAGDi | L+, L-, and L_I on all turns |
| dss-mt | DSS-MT | L+ on all answered turns; answer and reasoning as two tasks with prefixes |

What ``objectives`` says of one of these changes its settings where the level has it. Any other objective that is named
there joins the level's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from magdi.core.config.models import ComponentChoice, RunConfig
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.mag import Question


@dataclass(frozen=True, slots=True)
class Level:
    """A list of objectives with a name.

    Attributes:
        name: What ``--level`` takes.
        title: The paper's name.
        objectives: By name in the run, their settings; ``name`` where the component is called otherwise.
    """

    name: str
    title: str
    objectives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"level {self.name} ({self.title})" if self.title else f"the level [{self.name}]"


def _distilling_step_by_step(part: str, prefix: str) -> dict[str, str]:
    return {"name": "positive", "learned": "answered", "part": part, "prefix": prefix}


LEVELS: Sequence[Level] = (
    Level("base", "no teacher"),
    Level("1", "MAGDi-R0", {"positive": {"first_round": True}}),
    Level("2", "MAGDi-CN", {"positive": {}}),
    Level("3", "MAGDi-AN", {"positive": {}, "margin": {}}),
    Level("4", "MAGDi", {"positive": {}, "margin": {}, "node": {}}),
    Level(
        "dss-mt",
        "DSS-MT",
        {
            "answer": _distilling_step_by_step("answer", "[label] "),
            "reasoning": _distilling_step_by_step("reasoning", "[rationale] "),
        },
    ),
)
OF_LEVELS = frozenset(name for level in LEVELS for name in level.objectives)
"""Objectives that are on where the level says so, and not for being named."""


def find_level(given: str | Sequence[str]) -> Level:
    """Returns a level by name, or the one that a list of objectives' names is.

    Raises:
        ConfigError: There is none of this name.
    """
    if not isinstance(given, str):
        return Level(", ".join(given), "", {name: {} for name in given})
    kind, colon, agent = given.strip().partition(":")
    if kind == "single-teacher" and agent:
        return Level(given, f"SiT-{agent}", {"positive": {"first_round": True, "agent": agent}})
    levels = {level.name: level for level in LEVELS}
    if given.strip().lower() in levels and not colon:
        return levels[given.strip().lower()]
    raise ConfigError(
        f"training.level: there is no level {given!r}",
        hint=did_you_mean(given, [*levels, "single-teacher:NAME", "a list of objectives, as [positive, margin]"]),
    )


MALT_STAGES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "sft": {"positive": {}},
    "dpo": {"dpo": {"beta": 0.2}},
}
"""What a role is trained by one after the other (MALT, section 4.3 and Appendix A.9), as a level's objectives."""


def objectives_of(config: RunConfig, stage: str = "") -> dict[str, ComponentChoice]:
    """Returns the objectives of a run with what it says of them, by name; those of weight 0 are left out.

    Args:
        config: The run's.
        stage: One of method malt's; all of them when left out.
    """
    named = {name: each.model_dump() for name, each in config.objectives.items()}
    if config.training.method == "malt":
        stages = {stage: MALT_STAGES[stage]} if stage else MALT_STAGES
        given = {
            name: {"name": name, **settings, **_own(name, named.get(name, {}))}
            for objectives in stages.values()
            for name, settings in objectives.items()
        }
    else:
        given = listed_in(config.training.level, named)
    listed = {name: ComponentChoice.model_validate(each) for name, each in given.items()}
    return {name: choice for name, choice in listed.items() if choice.settings.get("weight") != 0}


def listed_in(level: str | Sequence[str], named: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """Returns what a level and the settings of named objectives come to: by name in the run, component and settings."""
    of_level = find_level(level).objectives
    names = dict.fromkeys([*of_level, *(each for each in named if each not in OF_LEVELS)])
    return {name: {"name": name, **of_level.get(name, {}), **_own(name, named.get(name, {}))} for name in names}


def not_on(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yields the objectives of which a run says something and by which it does not train, each with how it would."""
    on = objectives_of(config)
    for name, choice in config.objectives.items():
        if name in on or choice.settings.get("weight") == 0:
            continue
        if config.training.method == "malt":
            yield name, f"method malt trains by {' and '.join(on)}"
            continue
        level = find_level(config.training.level)
        of_level = [f" -O {of}.{key}={value}" for of, own in level.objectives.items() for key, value in own.items()]
        wanted = f"--set 'training.level=[{', '.join([*level.objectives, name])}]'{''.join(of_level)}"
        yield name, f"{level} is without it; {wanted} trains by it, too"


def _own(name: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Returns settings without a name that only repeats the one in the run."""
    return {key: value for key, value in settings.items() if (key, value) != ("name", name)}


def with_prefix(question: Question, config: RunConfig) -> Question:
    """Returns a question as a student of a run is to be asked it; a prefix (DSS-MT's) makes a difference."""
    prefix = next((each.settings.get("prefix", "") for each in objectives_of(config).values()), "")
    return question.model_copy(update={"text": prefix + question.text}) if prefix else question
