"""Every file that a run, a stopped run or a suite leaves, damaged in every way that there is, under every command.

What a command makes of it is the same as before, or names the damaged file, or is refused; somebody's files stay, and
what was paid for is not asked for again. For root no file is without permission, so begin it as one who may not do all:
``setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all python -m benchmarks.fuzz --area damage``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import Lot
from magdi.core.errors import MagdiError
from magdi.core.run.progress import Progress

SUITE = "title: Two lengths.\naxes: {training.steps: [3, 4]}\n"
ANSWERS = ("base.jsonl", "student.jsonl")
COUNTS = ("mags.jsonl", *ANSWERS, "model.safetensors", "heads.safetensors", "tokenizer.json", "cell.json")
MINE = "thesis.tex"


def gone(path: Path, lot: Lot) -> None:
    path.unlink()


def empty(path: Path, lot: Lot) -> None:
    path.write_bytes(b"")


def cut(path: Path, lot: Lot) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: lot.randrange(len(content) or 1)])


def flipped(path: Path, lot: Lot) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[lot.randrange(len(content))] ^= 1 << lot.randrange(8)
    path.write_bytes(content)


def zeros(path: Path, lot: Lot) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)  # what some file systems leave after a crash


def folder(path: Path, lot: Lot) -> None:
    path.unlink()
    path.mkdir()
    (path / MINE).write_text("mine")


def link(path: Path, lot: Lot) -> None:
    path.unlink()
    path.symlink_to(lot.choice(("/etc/hostname", path.name, "nowhere", "/dev/zero")))


def pipe(path: Path, lot: Lot) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path, lot: Lot) -> None:
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(path)


def locked(path: Path, lot: Lot) -> None:
    path.chmod(0)


def older(path: Path, lot: Lot) -> None:
    """As another version may have written it: with another schema, without a key, or with one of another name."""
    whole = path.read_bytes()
    first, *others = whole.split(b"\n") if path.suffix == ".jsonl" else [whole]
    document: Any = None
    with suppress(ValueError):
        document = json.loads(first)
    if not isinstance(document, dict) or not document:
        path.write_bytes(whole[::-1])
        return
    if lot.random() < 0.5 and "schema" in document:
        document["schema"] = "magdi.old/0"
    else:
        key = lot.choice(sorted(document))
        document[lot.choice(("old", f"{key}s"))] = document.pop(key)
    path.write_bytes(b"\n".join([json.dumps(document).encode(), *others]))


WAYS = (gone, empty, cut, flipped, zeros, folder, link, pipe, device, locked, older)


class Stop(Progress):
    """Ends a training in its midst, as Ctrl-C would."""

    def event(self, hook: str, **facts: Any) -> None:
        if hook == "metrics" and facts["stage"] == "distillation" and facts["step"] >= 4:
            raise KeyboardInterrupt


class Outcome(NamedTuple):
    """What came of a command: its exit code, what it said, digests of what it made, and the replies it asked for."""

    code: int
    said: str
    made: dict[str, str]
    asked: int


class Damage:
    """Three directories, each attempt with a damaged file in one, and a command that is shown it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at, self.kept, self.out = folder, folder / "at", folder / "kept", folder / "out"
        self.asked = 0
        self._watch()
        self._make()
        self.commands = [*self._commands()]
        kept = {each: self.kept / each for each in ("whole", "stopped", "suite")}
        self.files = {
            name: [path.relative_to(place) for path in sorted(place.rglob("*")) if path.is_file()]
            for name, place in kept.items()
        }
        self._before: dict[int, Outcome] = {}

    def _watch(self) -> None:
        from magdi.plugins.teachers.simulated.teacher import SimulatedTeacher

        answer: Callable[..., Any] = SimulatedTeacher.answer

        def counted(teacher: Any, request: Any) -> Any:
            self.asked += 1
            return answer(teacher, request)

        SimulatedTeacher.answer = counted  # type: ignore[method-assign]

    def _make(self) -> None:
        import magdi
        from tests.core.run.conftest import TOY

        toy: dict[str, Any] = {**TOY, "training": {**TOY["training"], "save_every": 2}}
        (self.folder / "toy.yaml").write_text(json.dumps(toy))
        (self.folder / "suite.yaml").write_text(SUITE)
        magdi.run(out=self.kept / "whole", **toy)
        magdi.run(out=self.folder / "other", seed=5, **toy)
        with suppress(KeyboardInterrupt):
            magdi.run(out=self.kept / "stopped", progress=Stop(), **toy)
        invoke(self._ablate(self.kept / "suite"))

    def _ablate(self, out: Path, *more: str) -> list[str]:
        files = [str(self.folder / "suite.yaml"), "-c", str(self.folder / "toy.yaml")]
        return ["ablate", *files, "--seeds", "1", "-j", "1", "-q", *more, "-o", str(out)]

    def _commands(self) -> Iterator[list[str]]:
        whole, stopped, suite = (str(self.at / name) for name in ("whole", "stopped", "suite"))
        other, out, toy = str(self.folder / "other"), ["-o", str(self.out)], str(self.folder / "toy.yaml")
        yield ["runs", "list", str(self.at), "-a"]
        for run in (whole, stopped):
            yield ["runs", "show", run]
            yield ["view", run, *out]
            yield from 4 * [["run", "-q", toy, "-o", run]]
        yield ["runs", "compare", whole, other]
        yield ["view", suite, *out]
        yield ["view", whole, other, *out]
        yield from (["mags", *each, whole] for each in (["stats"], ["check"], ["show", "#1"]))
        yield ["mags", "export", "--to", "sft", whole, *out]
        yield ["mags", "merge", whole, other, *out]
        yield ["export", whole, *out]
        yield ["config", "show", whole]
        yield ["ask", whole, "What is 2 + 2?"]
        yield from (["evaluate", whole, *each] for each in (["--limit", "3"], ["-n"]))
        yield ["run", "-q", toy, "-n", "-o", whole]
        yield ["run", "-q", toy, "--mags", whole, *out]
        yield ["discuss", "-q", toy, "--set", f"discussion.cache={whole}", *out]
        yield from (self._ablate(self.at / "suite", *how) for how in ([], [], ["-n"], ["--rescore"]))

    def __call__(self, lot: Lot) -> object:
        number = lot.randrange(len(self.commands))
        command = self.commands[number]
        before = self._undamaged(number)
        name = lot.choice([each for each in self.files if str(self.at / each) in command] or [*self.files])
        file, way = lot.choice(self.files[name]), lot.choice(WAYS)
        self.said: object = (f"{name}/{file}", way.__name__, command)
        self._fresh()
        way(self.at / name / file, lot)
        try:
            now = self._outcome(command)
        except MagdiError as error:
            told = f"{error} {error.hint}"
            assert file.name in told or str(self.folder) in told, f"no file is named: {told}"
            raise
        finally:
            assert way is not folder or any(self.at.rglob(MINE)), "somebody's file is gone"
        self._compare(before, now, file.name, command)
        return None

    def _compare(self, before: Outcome, now: Outcome, name: str, command: list[str]) -> None:
        told = now.said.count(name) > before.said.count(name)
        counts = "cell.json" if command[0] == "ablate" else ""  # students of cells that are done are not looked at
        changed = [key for key in sorted(before.made | now.made) if before.made.get(key) != now.made.get(key)]
        changed = [key for key in changed if key.endswith(counts)]
        assert now.asked <= before.asked or "journal" in name, f"{now.asked} replies were paid for again: {now.said}"
        if now.code or "-n" in command:
            return
        if command[0] in ("run", "discuss", "ablate"):
            assert now.asked or not changed, (
                f"{'wrong, though told' if told else 'silent'}: {changed}: {now.said[-400:]}"
            )
        elif not told:
            assert command[0] == "view" or now.said == before.said, (
                f"silent: {now.said!r:.700} was {before.said!r:.300}"
            )
            assert not changed, f"silent: {changed}: {now.said[-300:]}"

    def _undamaged(self, number: int) -> Outcome:
        if number not in self._before:
            self._fresh()
            self._before[number] = self._outcome(self.commands[number])
        return self._before[number]

    def _fresh(self) -> None:
        for each in (self.at, self.out):
            if each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)
        shutil.copytree(self.kept, self.at)

    def _outcome(self, command: list[str]) -> Outcome:
        self.asked = 0
        result: Any = invoke(command)
        said = re.sub(r"\b[\d.]+ s\b", "", result.output if result is not None else "")  # how long it took
        place = Path(command[command.index("-o") + 1]) if "-o" in command else self.out
        if place.is_file():
            said += place.read_text("utf-8", "replace")
        return Outcome(result.exit_code if result is not None else 1, said, _digests(place), self.asked)


def _digests(place: Path) -> dict[str, str]:
    """Returns digests of what counts in a run, a suite, an export or a file."""
    found: dict[str, str] = {}
    for path in [place] if place.is_file() else sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink() and (path == place or path.name in COUNTS):
            content = b"unreadable"
            with suppress(OSError):
                content = path.read_bytes()
            if path.name in ANSWERS:
                content = content.partition(b"\n")[2]  # whose first line names the model's folder
            if path.name == "cell.json":
                content = json.dumps(json.loads(content)["answers"]).encode()
            found[path.relative_to(place).as_posix()] = hashlib.sha256(content).hexdigest()
    return found
