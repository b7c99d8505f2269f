"""What run.json says of a run, in the form that its readers rely on; what else is in it is passed on as it is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NotRequired, get_args

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from magdi.core.errors import DataError
from magdi.core.seals import read_sealed

StageName = Literal["discussion", "distillation", "evaluation"]
STAGES: tuple[StageName, ...] = get_args(StageName)

Count = Annotated[int, Field(ge=0, le=2**53)]
Figure = Annotated[float, Field(ge=-1e18, le=1e18)]  # so neither infinite nor NaN
Interval = Annotated[list[Figure], Field(min_length=2, max_length=2)]


def _checked(moment: str) -> str:
    if datetime.fromisoformat(moment).tzinfo is None:
        raise ValueError("no time zone")
    return moment


Moment = Annotated[str, AfterValidator(_checked)]  # ISO 8601
_form = with_config(ConfigDict(strict=True, extra="allow"))


@_form
class Accuracy(TypedDict):
    """A share of right answers."""

    accuracy: Figure
    interval: Interval
    count: Count


@_form
class Scored(Accuracy):
    """What `magdi.core.evaluation.scores.Scores` says of a model."""

    output_tokens_mean: Figure
    by_task: dict[str, Accuracy]
    cut_off: NotRequired[Figure]
    samples: NotRequired[Count]


@_form
class Gain(TypedDict):
    """What `magdi.core.evaluation.statistics.Comparison` says of base and student."""

    difference: Figure
    interval: Interval
    p: Figure


@_form
class Talk(TypedDict):
    """What `magdi.core.run.summary.Summary` says of discussions."""

    count: Count
    structures: dict[str, Count]
    accuracy: Figure | None
    accuracy_by_round: dict[str, Figure]
    simulated: NotRequired[Count]
    protocols: NotRequired[dict[str, Count]]
    tasks: NotRequired[dict[str, Count]]
    teachers: NotRequired[dict[str, Count]]
    stops: NotRequired[dict[str, Count]]
    turns: NotRequired[Count]
    invalid_turns: NotRequired[Count]


@_form
class Training(TypedDict):
    """What `magdi.core.run.figures.training_document` says of a distillation; of a team together and by role."""

    level: str
    steps: Count
    metrics: NotRequired[dict[str, float]]
    layout: NotRequired[str]
    epochs: NotRequired[Figure]
    mags: NotRequired[Count]
    tokens: NotRequired[Count]
    predicted: NotRequired[Count]
    counted: NotRequired[dict[str, Count]]
    counts: NotRequired[dict[str, Count]]
    best: NotRequired[Count | None]
    roles: NotRequired[dict[str, dict[str, Training]]]
    examples: NotRequired[dict[str, dict[str, Count]]]


@_form
class Stage(TypedDict, total=False):
    """What is kept of a stage; which of the figures there are depends on the stage, and on how far it has come."""

    done: bool
    seconds: Figure
    tokens: dict[str, Figure]
    taken_from: str
    files: dict[str, str]
    simulated: bool
    imported: list[str]
    mags: Talk
    failed: Count
    training: Training
    base: Scored
    student: Scored
    gain: Gain
    trained_on: Count


@_form
class State(TypedDict, total=False):
    """What run.json says."""

    schema: str
    status: str
    error: str | None
    started: Moment
    ended: Moment | None
    command: str
    git: str | None
    host: str
    process: Count
    device: str
    python: str
    versions: dict[str, str]
    config: str
    files: dict[str, str]
    records: dict[str, str]
    trackers: dict[str, str]
    heard: dict[str, Count]
    stages: dict[str, Stage]


_READER = TypeAdapter(State)


def read_state(path: Path) -> State:
    """Returns what is in a run.json; nothing where there is none.

    Raises:
        DataError: It cannot be read, is torn, or says something that no run of magdi does.
    """
    if not path.exists() and not path.is_symlink():
        return {}
    try:
        return _READER.validate_python(read_sealed(path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise DataError(f"{path} cannot be read: {said}") from None
