"""Training by role (MALT, section 4.3): which roles, in which stages, each with what settings, after which prompts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, cast

from magdi.core.config.models import Preferring, Training
from magdi.core.distill.processes import by_first, rank
from magdi.core.errors import ConfigError, TrainingError, did_you_mean
from magdi.core.files import read_json, write_whole
from magdi.core.mag import Mag, read_mags
from magdi.core.run.figures import training_document
from magdi.core.run.stages import Adapter, Stages
from magdi.core.run.state import Stage
from magdi.core.run.state import Training as Trained
from magdi.core.seals import digest
from magdi.plugins.corpus.replay import origins
from magdi.plugins.objectives.levels import MALT_STAGES
from magdi.plugins.teams.team import Team, write_team

DONE = "trained.json"
"""Written last into an adapter's folder: what its training came to, with digests of its MAGs and weights."""

WEIGHTS = "adapter_model.safetensors"

SFT, DPO = MALT_STAGES
COUNTED: tuple[Literal["tokens", "predicted"], ...] = ("tokens", "predicted")


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

    @property
    def adapter(self) -> Adapter:
        """Where it goes, and what it goes on from."""
        return Adapter(self.folder, f"{self.role} ({self.stage})", self.start)

    def outcome(self, student: Path, mags: Path) -> Trained | None:
        """Returns what the training came to; None where it has not been done, or with other MAGs, or was damaged."""
        file, weights = student / self.folder / DONE, student / self.folder / WEIGHTS
        if not file.is_file() or not weights.is_file():
            return None
        done = read_json(file)
        return cast(Trained, done["outcome"]) if done["of"] == [digest(mags), digest(weights)] else None

    def keep(self, student: Path, mags: Path, outcome: Trained) -> None:
        """Says that it has been done."""
        folder = student / self.folder
        done = {"of": [digest(mags), digest(folder / WEIGHTS)], "outcome": outcome}
        write_whole(folder / DONE, json.dumps(done, indent=1) + "\n")


def train_roles(run: Stages, mags: Path) -> Stage:
    """Trains an adapter for each role, one after the other; what has been done of it is not done again.

    Every process of several goes the same way; the first one alone writes.
    """
    config, directory = run.config, run.directory
    given = examples(read_mags(mags), run)
    for role, each in given.items():
        told = f"{role}: {each.right:,} right and {each.wrong:,} wrong turns, {each.pairs:,} preferences"
        run.progress.note(told)
    if not given.keys() & set(config.training.dpo.roles) and any(each.pairs for each in given.values()):
        run.progress.note(
            f"nobody learns preferences, as no turn has the role {' or '.join(config.training.dpo.roles)}; "
            f"--set 'training.dpo.roles=[{', '.join(given)}]' has these learn them"
        )
    found: dict[str, dict[str, Trained]] = {}
    steps = 0
    for stage in role_stages(config.training, given):
        outcome = by_first(partial(stage.outcome, directory.student, mags))
        if outcome is None:
            report = run.train(mags, stage.training, run.objectives(stage.stage), stage.adapter, steps)
            outcome = training_document(report)
            if rank() == 0:
                stage.keep(directory.student, mags, outcome)
        found.setdefault(stage.role, {})[stage.stage] = outcome
        steps += outcome["steps"]
    if rank() == 0:
        write_team(directory.student, _team(run, mags, found))
        with suppress(OSError):  # something that is not magdi's is in it
            directory.checkpoints.rmdir()
    return _document(found, {role: asdict(each) for role, each in given.items()})


def _team(run: Stages, mags: Path, trained: Mapping[str, Mapping[str, Trained]]) -> Team:
    first = next(read_mags(mags))
    name = first.protocol
    held = next((each.protocol for each in origins(run.config) if each.protocol.name == name), None)
    return Team(
        protocol=name,
        settings=held.settings if held else {},
        base=str(run.base),
        roles={role: role for role in trained},
        agents=tuple(dict.fromkeys(turn.agent for turn in first.turns)),
        trained={role: tuple(done) for role, done in trained.items()},
    )


def role_stages(training: Training, examples: Mapping[str, Examples]) -> Iterator[RoleStage]:
    """Yields the trainings of all roles, one role after the other; what there is nothing for is left out.

    Raises:
        ConfigError: ``training.dpo.roles`` names one that there is not.
    """
    both = training.dpo.roles
    for role in both:
        if role not in examples and both != Preferring().roles:
            raise ConfigError(f"training.dpo.roles: no turn has the role {role!r}", hint=did_you_mean(role, examples))
    for role, found in examples.items():
        if not found.right:
            continue
        first = f"{role}.{SFT}" if role in both and found.pairs else role
        yield RoleStage(role, SFT, first, None, _settings(training, role, SFT))
        if first != role:
            yield RoleStage(role, DPO, role, first, _settings(training, role, DPO))


def _settings(training: Training, role: str, stage: str) -> Training:
    own = {"prompt": "role", "role": role, "level": tuple(MALT_STAGES[stage])}
    return (preferring(training) if stage == DPO else training).model_copy(update=own)


def preferring(training: Training) -> Training:
    """Returns the settings of the second stage."""
    own = training.dpo
    steps = own.steps or (None if own.epochs else training.steps)
    changed = {"learning_rate": own.learning_rate or training.learning_rate, "epochs": own.epochs or training.epochs}
    return training.model_copy(update={**changed, "steps": steps})


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


def examples(mags: Iterable[Mag], run: Stages) -> dict[str, Examples]:
    """Returns what a run's roles have to learn from, by role in the order in which they speak.

    Raises:
        DataError: Prompts are not to be had.
        TrainingError: There is nothing.
    """
    taught = run.lessons(run.config.training.model_copy(update={"prompt": "role"}))
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


def _document(roles: dict[str, dict[str, Trained]], examples: dict[str, dict[str, int]]) -> Stage:
    """Returns a distillation by role as `Stages.distillation` does one: by role and stage, and together."""
    done = [outcome for stages in roles.values() for outcome in stages.values()]
    read, predicted = (sum(outcome[key] for outcome in done) for key in COUNTED)
    training: Trained = {
        "steps": sum(outcome["steps"] for outcome in done),
        "tokens": read,
        "predicted": predicted,
        "level": "malt",
        "mags": max(outcome["mags"] for outcome in done),
        "roles": roles,
        "examples": examples,
    }
    return {"training": training, "tokens": {"read": read, "predicted": predicted}}
