"""What is given from Python: keyword arguments become settings by path, and components names that a run keeps.

A class is registered as ``local/NAME@DIGEST``, the digest being one of its source: an edited class is another
component, and so another run. An instance is its class with its settings; one that has more to it than its ``config``
is used as it is. What magdi ships is plain data, whichever way it is given.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, SecretStr

from magdi.core.config.shortcuts import SHORTCUTS, flatten
from magdi.core.errors import ConfigError
from magdi.core.files import cache_directory, write_whole
from magdi.core.mag import Question
from magdi.core.seals import fingerprint
from magdi.core.task import Split
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.class_source import class_digest
from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.registration import LOCAL, Registration
from magdi.plugins.target import load_class, resolve

if TYPE_CHECKING:
    from magdi.plugins.registry import Registry

SINGLE: tuple[Kind, ...] = ("protocol", "encoder", "task", "decision")
INNER: tuple[tuple[str, Kind], ...] = (("evaluation", "task"), ("discussion", "decision"))
SPLITS = frozenset({"train", "validation", "test"})


class Given:
    """The classes and objects that one call was given.

    Args:
        split: The split that a bare list of questions is; divided by a hash where it is None.
    """

    def __init__(self, split: Split | None = None) -> None:
        self.split = split
        self.registrations: list[Registration] = []
        self.instances: dict[str, object] = {}

    def plain(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Returns settings of `magdi.run` as plain data, and keeps what classes and objects stood in them.

        Raises:
            ConfigError: One is of the wrong kind.
        """
        plain = dict(settings)
        for kind in SINGLE:
            if plain.get(kind) is not None:
                plain[kind] = self.choice(kind, plain[kind])
        for key in ("teacher", "teachers"):
            if plain.get(key) is not None:
                plain[key] = [self._teacher(each) for each in _listed(plain[key])]
        for section, kind in INNER:
            part = plain.get(section)
            if isinstance(part, Mapping) and kind in part:
                plain[section] = {**part, kind: self.choice(kind, part[kind])}
        return plain | self._objectives(plain)

    def choice(self, kind: Kind, given: Any) -> Any:
        """Returns a component as ``name`` or as ``{name: ..., setting: ...}``.

        Raises:
            ConfigError: It is of another kind.
        """
        if kind == "task" and (isinstance(given, list | tuple) or _is_split(given)):
            return {"name": "jsonl", **_written(given if isinstance(given, Mapping) else {self.split or "": given})}
        if isinstance(given, Mapping):
            named = self.choice(kind, given.get("name"))
            return {**named, **given, "name": named["name"]} if isinstance(named, Mapping) else dict(given)
        if given is None or isinstance(given, str):
            return given
        if isinstance(given, BaseModel):  # a choice that has been read already
            return given.model_dump(mode="json")
        cls = given if isinstance(given, type) else type(given)
        if not issubclass(cls, resolve(KINDS[kind].base)):
            raise ConfigError(f"{kind}: {given!r:.80} is no name, no {kind}, no class of one, and no mapping")
        settings = {} if given is cls else _settings(given.config)
        return {"name": _shipped(kind, cls) or self._registered(kind, cls, given), **settings}

    @property
    def stays_here(self) -> bool:
        """Whether another process could not load all of it."""
        return bool(self.instances) or any(
            isinstance(each.component.target, type) and each.component.target.__module__ == "__main__"
            for each in self.registrations
        )

    def into(self, registry: Registry) -> None:
        """Registers what was given."""
        for registration in self.registrations:
            registry.register(registration)
        registry.instances.update(self.instances)

    def _registered(self, kind: Kind, cls: type, given: Any) -> str:
        """Keeps a class, and the instance where that is more than its settings; returns its address."""
        own = given is not cls and kind != "encoder" and not _is_its_config(given)
        digest = class_digest(cls)
        if own and kind == "teacher":
            digest = hashlib.sha256(f"{digest} {given.identity}".encode()).hexdigest()[:8]
        taken = {each.component.name: each for each in self.registrations if each.kind == kind}
        for there in taken.values():
            if there.component.target is cls and self.instances.get(there.address) is (given if own else None):
                return there.address
        name = _free(_kebab(cls.__name__, kind) + (f"@{digest}" if digest else ""), taken)
        summary = (cls.__doc__ or "").strip().partition("\n")[0]
        registration = Registration(kind, Component(name, cls, summary), LOCAL)
        load_class(registration)  # says what is wrong with it
        self.registrations.append(registration)
        if own:
            self.instances[registration.address] = given
        return registration.address

    def _teacher(self, given: Any) -> Any:
        """Returns a teacher's entry: from a specification, class, instance, mapping, or (name, any of these)."""
        if isinstance(given, tuple) and len(given) == 2:
            name, teacher = given
            entry = self._teacher(teacher)
            return {**({"teacher": entry} if isinstance(entry, str) else entry), "name": name}
        if isinstance(given, str):
            return given
        if isinstance(given, BaseModel):
            return given.model_dump(mode="json", exclude_unset=True)
        if isinstance(given, Mapping):
            inner = self._teacher(given["teacher"]) if "teacher" in given else {}
            return {**given, **inner} if isinstance(inner, Mapping) and "teacher" in inner else dict(given)
        named = self.choice("teacher", given)
        return {"teacher": named.pop("name"), "settings": named}

    def _objectives(self, plain: Mapping[str, object]) -> dict[str, object]:
        """Returns ``objectives`` by name in the run and, where they were a list, these names as the level.

        Raises:
            ConfigError: A list stands beside a level.
        """
        given = plain.get("objectives")
        if given is None:
            return {}
        if isinstance(given, Mapping):
            return {"objectives": {name: self._objective(each) for name, each in given.items()}}
        training = plain.get("training")
        if plain.get("level") is not None or (isinstance(training, Mapping) and "level" in training):
            raise ConfigError(
                "a list of objectives is a level of its own, and there is a level beside it",
                hint='objectives={"NAME": {...}} changes or adds to those of the level',
            )
        named: dict[str, object] = {}
        for each in _listed(given):
            choice = self._objective(each)
            name = _free(_bare(str(choice.get("name"))), named)
            named[name] = choice
        return {"objectives": named, "level": list(named)}

    def _objective(self, given: Any) -> dict[str, object]:
        choice = self.choice("objective", given)
        return {"name": choice} if isinstance(choice, str) else dict(choice or {})


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list | tuple) else [given]


def _is_split(given: Any) -> bool:
    return isinstance(given, Mapping) and bool(given) and given.keys() <= SPLITS


def _bare(name: str) -> str:
    return name.rpartition("/")[2].partition("@")[0]


def _free(name: str, taken: Iterable[str]) -> str:
    return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)


def _kebab(name: str, kind: Kind) -> str:
    """Returns a class's name as a component's: ``MyProtocol`` is ``my-protocol``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return "-".join(word.lower() for word in words) or kind


def _shipped(kind: Kind, cls: type) -> str:
    """Returns the name under which magdi ships a class; empty where it does not."""
    target = f"{cls.__module__}:{cls.__qualname__}"
    return next((each.name for each in BUILTINS[kind] if each.target == target), "")


def _is_its_config(given: Any) -> bool:
    """Returns whether an instance can be made again from class and settings."""
    made = type(given).__init__.__module__
    return vars(given).keys() == {"config"} and str(made).startswith("magdi.")


def _settings(config: BaseModel) -> dict[str, object]:
    """Returns what was set in an instance's config, as plain data."""
    return cast("dict[str, Any]", _as_data(config.model_dump(exclude_unset=True)))


def _as_data(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()  # what is written down of it is redacted there
    if isinstance(value, Mapping):
        return {key: _as_data(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_data(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def _written(parts: Mapping[str, Sequence[Any]]) -> dict[str, object]:
    """Writes questions into the cache, under a digest of what they say; returns settings of the task jsonl."""
    kinds = {getattr(each, "answer_type", "auto") for questions in parts.values() for each in questions}
    form = {"columns": {"answer_type": kinds.pop()}} if len(kinds) == 1 else {}
    texts = {name: "".join(f"{_line(each)}\n" for each in questions) for name, questions in parts.items()}
    digest = fingerprint(texts)[:16]
    folder = cache_directory() / "questions"
    if "" in texts:
        file = folder / f"{digest}.jsonl"
        write_whole(file, texts[""])
        return {"data": str(file.resolve()), **form}
    for name, text in texts.items():
        write_whole(folder / digest / f"{name}.jsonl", text)
    return {"data": str((folder / digest).resolve()), **form}


def _line(given: Any) -> str:
    """Returns a question as a row of the task jsonl.

    Raises:
        ConfigError: It is none, or cannot be written as JSON.
    """
    if isinstance(given, Question):
        row = given.model_dump(mode="json", include={"id", "text", "gold", "choices", "answer_type"})
    elif isinstance(given, Mapping):
        row = dict(given)
    elif isinstance(given, tuple) and len(given) == 2:
        row = {"question": given[0], "answer": given[1]}
    else:
        raise ConfigError(f"task: {given!r:.80} is no Question, no dictionary, and no pair (question, gold answer)")
    named = {{"text": "question", "gold": "answer"}.get(key, key): value for key, value in row.items()}
    try:
        return json.dumps(named, ensure_ascii=False)
    except TypeError as error:
        raise ConfigError(f"task: {given!r:.80} cannot be written as JSON: {error}") from None


def long_form(settings: Mapping[str, object]) -> dict[str, object]:
    """Returns settings by dotted path; a mapping under a section's own name is that section.

    ``student="tiny"`` is ``student.model``, ``student={"max_length": 512}`` is ``student.max_length``. Paths may be
    ``Path``s, or what came out of a run.
    """
    settings = _plain(settings)
    sections = {_section(name): value for name, value in settings.items() if isinstance(value, Mapping)}
    return flatten(sections) | {
        SHORTCUTS.get(name, name): value for name, value in settings.items() if not isinstance(value, Mapping)
    }


def _section(name: str) -> str:
    """Returns the path of the section that a mapping is: of that name, unless only a shortcut has it."""
    sections = {path.partition(".")[0] for path in SHORTCUTS.values()}
    return name if name in sections else SHORTCUTS.get(name, name)


def _plain(value: Any) -> Any:
    """Returns a value with strings in the place of paths, in nested mappings and sequences too."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
