"""What a cell's run came to: which questions were answered rightly, at what cost, and figures that explain it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from magdi.core.components import Components
from magdi.core.config.models import Evaluation, RunConfig
from magdi.core.errors import DataError
from magdi.core.evaluation.prediction import Prediction, read_predictions, regraded
from magdi.core.evaluation.scores import score
from magdi.core.evaluation.voting import correct_by_question
from magdi.core.mag import Mag, Question, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import kept
from magdi.core.run.progress import Progress
from magdi.core.run.resuming import changed
from magdi.core.run.stages import Stages
from magdi.core.run.state import Training
from magdi.core.seals import read_sealed, write_sealed
from magdi.core.task import Task
from magdi.plugins.objectives.levels import find_level, objectives_of
from magdi.plugins.suites.diagnostics import diagnose
from magdi.plugins.suites.evening_out import needed_calls
from magdi.plugins.suites.information import MEASURE, information
from magdi.plugins.suites.jobs import Job
from magdi.plugins.teams.training import SFT

DIFFICULTY = ("steps", "level", "luck")
"""What tasks call a question's difficulty in its metadata."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one cell with one seed.

    Attributes:
        answers: By question (a hash of id and text, since tasks may share ids), whether the answer is right.
        figures: Numbers by name; docs/suites.md lists them.
        difficulty: By difficulty, right answers and questions.
        simulated: Whether any teacher was.
        seconds: Of the run's stages.
    """

    answers: Mapping[str, bool]
    figures: Mapping[str, float]
    difficulty: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    simulated: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)


_READER = TypeAdapter(Measured)


def write_measured(path: Path, measured: Measured) -> None:
    """Writes what was measured, whole or not at all."""
    write_sealed(path, asdict(measured))


def read_measured(path: Path) -> Measured | None:
    """Returns what was measured; None where it is not there yet, or not whole."""
    with suppress(DataError, ValidationError):
        return _READER.validate_python(read_sealed(path))
    return None


def measure(
    directory: RunDirectory, config: RunConfig, job: Job, components: Components, *, again: Measured | None = None
) -> Measured:
    """Measures a cell's run.

    Args:
        directory: The run.
        config: Its configuration, evened out.
        job: What else is known of it.
        components: Makes the task.
        again: What was measured before: answers are read and graded anew, the rest is taken from it.

    Raises:
        DataError: Answers or discussions cannot be read, or are graded anew and not as the run left them.
    """
    if again is not None:
        directory.state()  # or figures that it does not have would be 0
        if torn := changed(directory):
            raise DataError(
                f"{torn[0]} is gone or not as the run left it", hint=f"--fresh makes {directory.path} again"
            )
    stages = Stages(config, directory, components, Progress())
    figures: dict[str, float] = {}
    if job.measure == "student":
        predictions = read_predictions(directory.predictions("student" if objectives_of(config) else "base"))
        task = stages.examination
        asked = {question.id: question for question in task.questions(config.evaluation.split)}
        if again is not None:
            predictions = [regraded(task, asked[each.id], each) for each in predictions if each.id in asked]
        answers = correct_by_question(predictions)
        figures = _of_answers(predictions) | _traits(task, asked, predictions)
        figures |= _of_training(directory, config.evaluation)
    elif job.measure.startswith(MEASURE):
        if again is not None:
            return again
        told = information(stages, directory, job.measure.removeprefix(MEASURE))
        answers, asked = told.answers, {}
        figures = (_of_training(directory, config.evaluation) if objectives_of(config) else {}) | told.figures
    else:
        mags = list(read_mags(directory.mags))
        asked = {mag.question.id: mag.question for mag in mags}
        answers = dict(_of_talk(mags, job.measure, stages.task))
        figures["output_tokens"] = _spoken(mags, job.measure) / len(mags)
        with suppress(DataError):
            figures["questions_test"] = len(stages.task.questions("test"))
    figures["accuracy"] = sum(answers.values()) / len(answers)
    keyed, difficulty = _keyed(answers, asked), _by_difficulty(answers, asked)
    if again is not None:
        return Measured(keyed, {**again.figures, **figures}, difficulty, again.simulated)
    figures = _of_mags(kept(directory.mags, config.discussion.keep, config.seed), config, job.measure) | figures
    if job.diagnostics:
        figures |= diagnose(stages, directory, job.held_out)
    return Measured(
        answers=keyed,
        figures=figures,
        difficulty=difficulty,
        simulated=directory.stage("discussion").get("simulated", False),
        seconds={name: stage.get("seconds", 0.0) for name, stage in directory.stages().items()},
    )


def _of_answers(predictions: Sequence[Prediction]) -> dict[str, float]:
    found = score(predictions)
    figures = {"output_tokens": found.output_tokens_mean, "answered": found.answered, "cut_off": found.cut_off}
    if found.samples > 1:
        weighted = {} if found.score_weighted is None else {"score_weighted": found.score_weighted.accuracy}
        figures |= {"single": found.single or 0.0, "oracle": found.oracle or 0.0, **weighted}
    return figures


def _traits(task: Task, asked: Mapping[str, Question], predictions: Sequence[Prediction]) -> dict[str, float]:
    """Returns what the task can say of the answers, as shares of them."""
    found: Counter[str] = Counter()
    for each in predictions:
        if each.id in asked:
            found.update({name: int(holds) for name, holds in task.traits(each.output, asked[each.id]).items()})
    return {name: count / len(predictions) for name, count in found.items()}


def _of_training(directory: RunDirectory, evaluation: Evaluation) -> dict[str, float]:
    """Returns what the student was taught; of a team, those roles and stages of it that have a part in the answers."""
    stage = directory.stage("distillation")
    training, tokens = stage.get("training"), stage.get("tokens", {})
    found = {
        "steps": training["steps"] if training else 0,
        "trained_tokens": tokens.get("predicted", 0),
        "read_tokens": tokens.get("read", 0),
        "training_seconds": stage.get("seconds", 0.0),
    }
    if training and "roles" in training:
        heard = list(_heard(training["roles"], evaluation))
        found["steps"] = sum(each["steps"] for each in heard)
        found["trained_tokens"] = sum(each.get("predicted", 0) for each in heard)
        found["read_tokens"] = sum(each.get("tokens", 0) for each in heard)
        return found if heard else {**found, "calls": 0}
    metrics = training.get("metrics", {}) if training else {}
    return found | {name.replace("/", "_"): value for name, value in metrics.items() if name.startswith("grad_norm/")}


def _heard(roles: Mapping[str, Mapping[str, Training]], evaluation: Evaluation) -> Iterator[Training]:
    """Yields the trainings of a team's roles that answers depend on."""
    for role in set(evaluation.roles or roles) - set(evaluation.untrained):
        for stage, training in roles.get(role, {}).items():
            if stage == SFT or evaluation.stage in ("", stage):
                yield training


def _of_mags(mags: Iterable[Mag], config: RunConfig, measure: str) -> dict[str, float]:
    """Returns counts of the MAGs that are learned from: their types, their turns by round, what they cost.

    An agent by itself costs its first answers, as a student that learns from it does.
    """
    settings: Iterable[Mapping[str, object]] = [each.settings for each in objectives_of(config).values()]
    if measure != "student":
        measure = "team" if measure.startswith(MEASURE) else measure
        agent = measure.partition(":")[2]
        settings = find_level(f"single-teacher:{agent}" if agent else "2").objectives.values()
    counts: Counter[str] = Counter()
    for mag in mags:
        counts["mags"] += 1
        counts[mag.structure] += 1
        counts["calls"] += needed_calls(mag, settings)
        counts["teacher_tokens"] += mag.usage.total_tokens
        counts["team_right"] += bool(mag.decision.correct)
        for turn in mag.turns:
            counts[f"round_{turn.round}"] += 1
            counts[f"agent_{turn.agent}"] += 1
    right = counts.pop("team_right") / counts["mags"]
    return {**counts, "turns_per_mag": _turns(counts) / counts["mags"], "team_accuracy": right}


def _turns(counts: Counter[str]) -> int:
    return sum(count for name, count in counts.items() if name.startswith("round_"))


def _of_talk(mags: Sequence[Mag], measure: str, task: Task) -> Iterator[tuple[str, bool]]:
    """Yields by question whether the team, or one agent's first answer, is right.

    Raises:
        DataError: No question has a gold answer, or nobody of that name speaks.
    """
    agent = measure.partition(":")[2].casefold()
    graded = 0
    for mag in mags:
        gold = mag.question.gold
        if gold is None:
            continue
        answer = mag.decision.answer if measure == "team" else _first(mag, agent)
        graded += 1
        yield mag.question.id, task.grade(answer, gold)
    if not graded:
        raise DataError("no question that was discussed has a gold answer, so nothing can be said of the team")


def _first(mag: Mag, agent: str) -> str | None:
    said = [turn for turn in mag.turns if turn.agent.casefold() == agent]
    if not said:
        raise DataError(f"in {mag.id} nobody named {agent!r} speaks")
    return said[0].answer


def _spoken(mags: Sequence[Mag], measure: str) -> int:
    """Returns the tokens that the team, or an agent for its first answer, has written."""
    if measure == "team":
        return sum(mag.usage.completion_tokens for mag in mags)
    agent = measure.partition(":")[2].casefold()
    first = (next(turn for turn in mag.turns if turn.agent.casefold() == agent) for mag in mags)
    return sum(turn.usage.completion_tokens for turn in first)


def _keyed(answers: Mapping[str, bool], asked: Mapping[str, Question]) -> dict[str, bool]:
    def key(name: str) -> str:
        text = f"{name}\n{asked[name].prompt if name in asked else ''}"
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    return {key(name): right for name, right in answers.items()}


def _by_difficulty(answers: Mapping[str, bool], asked: Mapping[str, Question]) -> dict[str, tuple[int, int]]:
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for name, correct in answers.items():
        metadata = asked[name].metadata if name in asked else {}
        found = next((f"{metadata[key]} {key}" for key in DIFFICULTY if key in metadata), None)
        if found is not None:
            count[found] += 1
            right[found] += correct
    return {name: (right[name], count[name]) for name in sorted(count)}
