"""Training by role (MALT, section 4.3): which roles, in which stages, each with what settings, after which prompts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.config.levels import MALT_STAGES
from magdi.core.config.models import Preferring, RunConfig, Training
from magdi.core.corpus.files import mag_file
from magdi.core.corpus.replay import Held
from magdi.core.decisions import make_rule
from magdi.core.distill.lessons import Lessons, OwnPrompts
from magdi.core.errors import ConfigError, TrainingError, did_you_mean
from magdi.core.files import read_json, write_whole
from magdi.core.mag import Mag
from magdi.core.protocol import Agent
from magdi.core.run.directory import RunDirectory
from magdi.core.run.seats import agents

DONE = "trained.json"
"""Written last into an adapter's folder: what its training came to."""

SFT, DPO = MALT_STAGES


@dataclass(frozen=True, slots=True)
class RoleStage:
    """One training of one role.

    Attributes:
        role: The role.
        stage: ``sft`` or ``dpo``.
        folder: Of the adapter, within the student's; the role's own name for its last stage.
        start: Folder of the adapter that it goes on from; None for a new one.
        training: Its settings.
    """

    role: str
    stage: str
    folder: str
    start: str | None
    training: Training

    def outcome(self, student: Path) -> dict[str, Any] | None:
        """Returns what the training came to; None where it has not been done."""
        file = student / self.folder / DONE
        return dict(read_json(file)) if file.is_file() else None

    def keep(self, student: Path, outcome: Mapping[str, Any]) -> None:
        """Says that it has been done."""
        write_whole(student / self.folder / DONE, json.dumps(outcome, indent=1) + "\n")


def stages(training: Training, examples: Mapping[str, Examples]) -> Iterator[RoleStage]:
    """Yields the trainings of all roles, one role after the other; what there is nothing for is left out.

    Raises:
        ConfigError: ``training.dpo.roles`` names one that there is not.
    """
    preferring = training.dpo.roles
    for role in preferring:
        if role not in examples and preferring != Preferring().roles:
            raise ConfigError(f"training.dpo.roles: no turn has the role {role!r}", hint=did_you_mean(role, examples))
    for role, found in examples.items():
        if not found.right:
            continue
        both = role in preferring and found.pairs > 0
        first = f"{role}.{SFT}" if both else role
        yield RoleStage(role, SFT, first, None, _settings(training, role, SFT))
        if both:
            yield RoleStage(role, DPO, role, first, _settings(training, role, DPO))


def _settings(training: Training, role: str, stage: str) -> Training:
    changed: dict[str, Any] = {"prompt": "role", "role": role, "level": tuple(MALT_STAGES[stage])}
    if stage == DPO:
        changed["learning_rate"] = training.dpo.learning_rate or training.learning_rate
        changed["epochs"] = training.dpo.epochs or training.epochs
        changed["steps"] = training.dpo.steps or (None if training.dpo.epochs else training.steps)
    return training.model_copy(update=changed)


@dataclass(slots=True)
class Examples:
    """What there is to learn from for a role, each once.

    Attributes:
        right: Right turns.
        wrong: Wrong turns.
        pairs: Right and wrong ones after the same prompt.
    """

    right: int = 0
    wrong: int = 0
    pairs: int = 0


def examples(mags: Iterable[Mag], taught: Lessons) -> dict[str, Examples]:
    """Returns what there is to learn from, by role in the order in which they speak.

    Raises:
        DataError: Prompts are not to be had.
        TrainingError: There is nothing.
    """
    found: dict[str, Examples] = {}
    for mag in mags:
        given, _ = taught.of(mag)
        for turn in given.mag.turns:
            found.setdefault(turn.role, Examples())
        for turn in given.written:
            found[turn.role].right += turn.label is True
            found[turn.role].wrong += turn.label is False
        for right, _ in given.preferences:
            found[right.role].pairs += 1
    if not any(each.right for each in found.values()):
        raise TrainingError(
            f"no turn of the roles {', '.join(found) or '(none)'} is right",
            hint="method malt learns from outcomes: the questions need gold answers",
        )
    return found


def origins(config: RunConfig) -> Iterator[RunConfig]:
    """Yields the configurations by which a run's MAGs may have been held: of the runs they are from, then its own."""
    for file in map(Path, config.discussion.mag_files):
        run = RunDirectory(mag_file(file).parent)
        if run.is_run():
            yield from origins(run.config())
    yield config


def lessons(config: RunConfig, training: Training, components: Components) -> Lessons:
    """Returns which turns of a run's MAGs are taught, and after which prompts."""
    prompts = own_prompts(config, components) if training.prompt == "role" else None
    return Lessons(training.role, prompts, training.credit)


def own_prompts(config: RunConfig, components: Components) -> OwnPrompts:
    """Returns where the prompts of a run's MAGs are found: kept ones, else what their protocols make of them."""
    held: dict[str, Held] = {}
    for each in origins(config):
        if each.protocol.name not in held:
            people = agents(each, components.task(each.task, each.seed)).items()
            decide = each.discussion.decision
            held[each.protocol.name] = Held(
                components.protocol(each.protocol),
                tuple(Agent(name, choice.persona) for name, choice in people),
                make_rule(decide) if decide else None,
            )
    return OwnPrompts(held)
