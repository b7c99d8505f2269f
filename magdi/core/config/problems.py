"""What is wrong with a configuration: every problem at once, each with its path and a hint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from magdi.core.config.shortcuts import SHORTCUTS
from magdi.core.errors import did_you_mean

Path = tuple[str, ...]
MOST_TOLD = 50
"""Problems of a configuration that are told; all are counted."""
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: Where, e.g. ("training", "steps"); empty for the configuration as a whole.
        message: What, and where possible what was meant.
        unknown: Whether there is no such key.
    """

    path: Path
    message: str
    unknown: bool = False

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.message}" if self.path else self.message


def dotted(path: Iterable[str | int]) -> str:
    """Returns a path as it is written, e.g. ``training.steps``."""
    return ".".join(str(part) for part in path)


def validate(model: type[Model], data: Mapping[str, object], prefix: Path = ()) -> tuple[Model | None, list[Problem]]:
    """Returns the validated model, or all that is wrong with the data.

    A number where a string is wanted is taken as its text: ``level: 4`` means ``level: "4"``.

    Args:
        model: What the data should be.
        data: Nested mappings and lists, as YAML gives them.
        prefix: Put before the path of every problem.
    """
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        mended = _numbers_as_text(data, error)
        if mended is not None:
            return validate(model, mended, prefix)
        return None, problems_of(error, model, data, prefix)


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Mapping[str, object], prefix: Path = ()
) -> list[Problem]:
    """Returns pydantic's errors as problems, with "did you mean" for unknown keys."""
    found = error.errors(include_url=False)
    told = [_problem(details, model, data, prefix) for details in found[:MOST_TOLD]]
    more = len(found) - len(told)
    return [*told, Problem(prefix, f"and {more:,} problems more")] if more else told


def _problem(details: Any, model: type[BaseModel], data: Mapping[str, object], prefix: Path) -> Problem:
    path = tuple(str(part) for part in _steps(details["loc"], data))
    if details["type"] == "extra_forbidden":
        known = keys_at(model, path[:-1])
        meant = SHORTCUTS.get(path[-1], "") if len(path) == 1 else ""
        hint = f"it is {meant}" if meant.partition(".")[0] in known else did_you_mean(path[-1], known)
        return Problem(prefix + path, f"there is no such key; {hint}", unknown=True)
    if details["type"] == "missing":
        return Problem(prefix + path, "must be given")
    message = details["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    message = message[:1].lower() + message[1:]
    given = details["input"]
    told = isinstance(given, Mapping | BaseModel) or (isinstance(given, str) and repr(given) in message)
    return Problem(prefix + path, message if told else f"{message}, not {_short(given)}")


def _short(value: object, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def _steps(loc: Sequence[str | int], data: Any) -> list[str | int]:
    """Returns the part of pydantic's location that is a path in the data: members of unions are left out."""
    steps: list[str | int] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(data, Mapping):
            if part in data or last:
                steps.append(part)
                data = data.get(part)
        elif isinstance(data, Sequence) and not isinstance(data, str) and isinstance(part, int) and part < len(data):
            steps.append(part)
            data = data[part]
    return steps


def _numbers_as_text(data: Mapping[str, object], error: ValidationError) -> dict[str, object] | None:
    """Returns the data with numbers as text where a string was wanted; None where there is no such place."""
    wanted = [
        tuple(_steps(details["loc"], data))
        for details in error.errors(include_url=False)
        if details["type"] in ("string_type", "literal_error") and type(details["input"]) in (int, float)
    ]
    if len(wanted) > MOST_TOLD:
        return None  # each costs a copy
    mended: dict[str, object] = dict(data)
    before = dict(data)
    for path in wanted:
        mended = _with_text(mended, path)
    return mended if wanted and mended != before else None


def _with_text(data: Any, path: Sequence[str | int]) -> Any:
    if not path:
        return str(data)
    head, *rest = path
    if isinstance(data, Mapping):
        return {key: _with_text(value, rest) if key == head else value for key, value in data.items()}
    return [_with_text(value, rest) if index == head else value for index, value in enumerate(data)]


def keys_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Returns the keys that a model has at a path; empty where it says nothing of that place."""
    for part in path:
        if part.isdigit():
            continue
        field = model.model_fields.get(part)
        inner = None if field is None else model_in(field.annotation)
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Returns the pydantic model in an annotation such as ``Part``, ``Part | None`` or ``tuple[Part, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, list):
        return next((found for found in map(model_in, get_args(annotation)) if found is not None), None)
    return None
