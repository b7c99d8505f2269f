"""Runs that hold shards of the same discussions: whether all of them are there, whole, and alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from magdi.core.errors import DataError
from magdi.core.run.directory import RunDirectory, differences
from magdi.core.shard import Shard

SETTING = "discussion.shard"


class _Part(NamedTuple):
    run: RunDirectory
    shard: Shard
    decides: dict[str, object]


def doubts(folders: Sequence[Path]) -> Iterator[str]:
    """Yields what is wrong with folders that hold shards, taken together: a line each, nothing where all is well."""
    parts = list(_parts(folders))
    for part in parts:
        yield from _own(part)
    for of in sorted({part.shard.of for part in parts}):
        alike = [part for part in parts if part.shard.of == of]
        if lacking := set(range(1, of + 1)) - {part.shard.number for part in alike}:
            verb = "is" if len(lacking) == 1 else "are"
            yield f"of {of} shards {', '.join(map(str, sorted(lacking)))} {verb} missing"
        for part in alike[1:]:
            if changed := differences(alike[0].decides, part.decides):
                yield f"{part.run.path} is a shard of another run than {alike[0].run.path}: {'; '.join(changed)}"


def _parts(folders: Sequence[Path]) -> Iterator[_Part]:
    for run in map(RunDirectory, folders):
        if run.is_run():
            with suppress(DataError):  # a configuration that cannot be read is not known to be a shard's
                decides = run.deciding()
                if isinstance(shard := decides.pop(SETTING, None), str):
                    yield _Part(run, Shard.read(shard), decides)


def _own(part: _Part) -> Iterator[str]:
    record, named = part.run.stage("discussion"), f"{part.run.path}, shard {part.shard},"
    if not record.get("done"):
        yield f"{named} is not done; its own command goes on with it"
    if failed := record.get("failed", 0):
        yield f"{named} has {failed:,} discussions that failed; its own command tries them again"
