"""Files that a configuration names: what is in them decides a run as much as its settings do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from magdi.core.config.code import digest_of, files_of, names_file, source_of
from magdi.core.config.models import RunConfig
from magdi.core.run.locations import FILE as MAGS
from magdi.core.run.locations import is_pattern, is_url, state
from magdi.core.seals import digest

WEIGHTS = ("adapter_model.safetensors", "model.safetensors")

SECTIONS = frozenset({"task", "protocol", "encoder", "teachers", "discussion", "evaluation"})
"""Where files are named: questions, convincing samples, calibrations, dialogues, recordings, MAGs."""

PLUGINS = "plugins."
"""How the names of plugins begin among the settings that name files."""

BRINGS = re.compile(rb"magdi_(?!commands|importers|exporters|metrics)\w+s\b")
"""What stands in a plugin that brings what a run is made of: the name of a hook."""


def contents(config: RunConfig) -> dict[str, str]:
    """Returns a digest of every file that is named, by dotted path of the setting that names it.

    A setting names a file by its path, alone or behind ``kind:`` (``jsonl:questions.jsonl``) and before ``#name``
    (``replay:mags.jsonl#ada``). Of folders, that of a run stands for its MAGs, as a teacher (``local:RUN#verifier``)
    for its weights; others are not looked into. Plugins count by what is in them as well.
    """
    named = _strings(config.model_dump(mode="json", include=set(SECTIONS)))
    files = {path: seen for path, value in named if (seen := _state(path, value)) is not None}
    return files | dict(_of_plugins(config.plugins))


def _of_plugins(plugins: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields a digest of every plugin that may bring components, by its name; one that observes decides nothing."""
    sources = {source: plugin for plugin in plugins if (source := source_of(plugin)) is not None}
    by_name: dict[str, list[str]] = {}
    for source, plugin in sources.items():
        if any(BRINGS.search(file.read_bytes()) for file in files_of(source)):
            name = source.name if names_file(plugin) else plugin
            by_name.setdefault(name, []).append(digest_of(source)[:16])
    for name, digests in by_name.items():
        yield f"{PLUGINS}{name}", " ".join(sorted(digests))


def comparable(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Returns the digests of now that a run is held against: what is missing by now is not what has changed.

    Nor is a plugin that has come in addition: were another component chosen by it, the settings would say so. One that
    has taken another's place counts.
    """
    replaced = any(path.startswith(PLUGINS) and path not in now for path in then)
    added = {path for path in now if path.startswith(PLUGINS) and path not in then and not replaced}
    return {**then, **{path: digest for path, digest in now.items() if path not in added}}


def _strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields the strings in nested mappings and lists, by dotted path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _strings(inner, f"{path}.{key}" if path else str(key))


def _state(path: str, value: str) -> str | None:
    """Returns a digest of the file that a string names, of all that fit a pattern of MAG files, or of one at a URL."""
    if path.startswith("discussion.mags") and (is_url(value) or is_pattern(value)):
        return state(value)
    file = _weights(value) or _file(value)
    return None if file is None else digest(file)


def _weights(value: str) -> Path | None:
    """Returns the weights that speak for a teacher that a run has trained; None for any other string."""
    kind, _, target = value.partition(":")
    run, _, role = target.rpartition("#") if "#" in target else (target, "", "")
    found = (Path(run) / "student" / role / name for name in WEIGHTS) if kind == "local" else ()
    return next((file for file in found if file.is_file()), None)


def _file(value: str) -> Path | None:
    """Returns the file that a string names; None where it names none."""
    for text in (value, value.partition(":")[2], value.partition(":")[2].partition("#")[0]):
        try:
            for file in (Path(text), Path(text) / MAGS):
                if text and file.is_file():
                    return file
        except (OSError, ValueError):  # too long for a path, or of signs that no path has
            return None
    return None
