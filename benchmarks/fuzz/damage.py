"""Every file that a run, a stopped run or a suite leaves, damaged in every way a disk or a person can, under every command.

What a command makes of it is the same as before, or names the damaged file, or is refused; and what was paid for is not
asked for again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import Lot

SMALL = ("--quiet", "--set", "training.save_every=1")
SUITE = """title: Two seats.
axes: {training.steps: [3, 4]}
"""


def without(path: Path, lot: Lot) -> None:
    path.unlink()


def empty(path: Path, lot: Lot) -> None:
    path.write_bytes(b"")


def cut(path: Path, lot: Lot) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: lot.randrange(len(content))] if content else b"")


def flipped(path: Path, lot: Lot) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[lot.randrange(len(content))] ^= 1 << lot.randrange(8)
    path.write_bytes(content)


def folder(path: Path, lot: Lot) -> None:
    path.unlink()
    path.mkdir()
    (path / "thesis.tex").write_text("mine")


def link(path: Path, lot: Lot) -> None:
    path.unlink()
    path.symlink_to(lot.choice(("/etc/hostname", path.name, "nowhere", "/dev/zero")))


def pipe(path: Path, lot: Lot) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path, lot: Lot) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero


def locked(path: Path, lot: Lot) -> None:
    path.chmod(0)


def zeros(path: Path, lot: Lot) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)  # what some file systems leave after a crash


def older(path: Path, lot: Lot) -> None:
    """As some other version may have written it: a key has another name, one is missing, a schema is another."""
    text = path.read_bytes().decode("utf-8", "replace")
    lines = text.splitlines()
    try:
        document = json.loads(lines[0] if path.suffix == ".jsonl" else text)
        if lot.random() < 0.5 and "schema" in document:
            document["schema"] = "magdi.old/0"
        else:
            key = lot.choice(sorted(document))
            document[lot.choice(("old", key + "s"))] = document.pop(key)
        path.write_text(
            "\n".join([json.dumps(document), *lines[1:]]) + "\n" if path.suffix == ".jsonl" else json.dumps(document)
        )
    except (ValueError, AttributeError, IndexError, TypeError):
        path.write_bytes(path.read_bytes()[::-1])


WAYS: tuple[Callable[[Path, Lot], None], ...] = (
    without,
    empty,
    cut,
    flipped,
    zeros,
    folder,
    link,
    pipe,
    device,
    locked,
    older,
)


class Damage:
    """Runs and a suite that are there, each attempt a damaged copy of one."""

    def __init__(self, folder: Path) -> None:
        import magdi
        from tests.core.run.conftest import TOY

        self.folder, self.at, self.kept = folder, folder / "at", folder / "kept"
        self.toy = folder / "toy.yaml"
        self.toy.write_text(json.dumps(TOY))
        (folder / "suite.yaml").write_text(SUITE)
        run = ["run", str(self.toy), "--quiet"]
        magdi.run(out=self.kept / "whole", **TOY)
        magdi.run(out=folder / "other", seed=5, **TOY)
        self.stop(TOY)
        invoke(
            [
                "ablate",
                str(folder / "suite.yaml"),
                "-c",
                str(self.toy),
                "--seeds",
                "1",
                "-o",
                str(self.kept / "suite"),
                "-j",
                "1",
                "-q",
            ]
        )
        at = {name: str(self.at / name) for name in ("whole", "stopped", "suite")}
        out = ["-o", str(folder / "out")]
        self.asked = 0
        look: list[list[str]] = [
            ["runs", "list", str(self.at), "-a"],
            *(["runs", "show", at[name]] for name in ("whole", "stopped")),
            ["runs", "compare", at["whole"], str(folder / "other")],
            *(["view", each, *out] for each in at.values()),
            ["view", at["whole"], str(folder / "other"), *out],
            *(
                ["mags", *each, at["whole"]]
                for each in (["stats"], ["check"], ["show", "#1"], ["export", "--to", "sft", *out])
            ),
            ["mags", "merge", at["whole"], str(folder / "other"), *out],
            ["export", at["whole"], *out],
            ["config", "show", at["whole"]],
            ["ask", at["whole"], "What is 2 + 2?"],
            ["evaluate", at["whole"], "--limit", "3"],
            ["evaluate", "-n", at["whole"]],
            ["run", "--quiet", str(self.toy), "-n", "-o", at["whole"]],
            ["run", "--quiet", str(self.toy), "--mags", at["whole"], *out],
            ["discuss", "-q", str(self.toy), "--set", f"discussion.cache={at['whole']}", *out],
            [*run, "-o", at["whole"]],
            [*run, "-o", at["stopped"]],
            [*run, "-o", at["whole"]],
            [*run, "-o", at["stopped"]],
            *(
                [
                    "ablate",
                    str(folder / "suite.yaml"),
                    "-c",
                    str(self.toy),
                    "--seeds",
                    "1",
                    "-o",
                    at["suite"],
                    *how,
                    "-q",
                    "-j",
                    "1",
                ]
                for how in ([], ["-n"], ["--rescore"])
            ),
        ]
        self.commands = look
        self.watch()
        self.files = {
            name: [p.relative_to(self.kept / name) for p in sorted((self.kept / name).rglob("*")) if p.is_file()]
            for name in at
        }
        self.as_they_were = {}
        for number, command in enumerate(look):
            self.fresh()
            self.as_they_were[number] = self.outcome(command)
            assert self.as_they_were[number][0] is not None, command

    def stop(self, toy: Any) -> None:
        """A run that was stopped in the midst of its training."""
        import magdi
        from magdi.core.run.progress import Progress

        class Stop(Progress):
            def event(self, name: str, **what: Any) -> None:
                if name == "metrics" and what["stage"] == "distillation" and what["step"] >= 4:
                    raise KeyboardInterrupt

        import magdi.api

        try:
            magdi.run(
                out=self.kept / "stopped", progress=Stop(), **{**toy, "training": {**toy["training"], "save_every": 2}}
            )
        except KeyboardInterrupt:
            pass

    def watch(self) -> None:
        from magdi.plugins.teachers.simulated.teacher import SimulatedTeacher

        before = SimulatedTeacher.answer

        def counted(teacher: Any, request: Any) -> Any:
            self.asked += 1
            return before(teacher, request)

        SimulatedTeacher.answer = counted  # type: ignore[method-assign]

    def fresh(self) -> None:
        for each in (self.at, self.folder / "out"):
            if each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)
        shutil.copytree(self.kept, self.at)

    def outcome(self, command: list[str]) -> tuple[Any, str, str, int]:
        """Returns the result, what it said, a digest of what it made, and how many replies it paid for."""
        self.asked = 0
        result: Any = invoke(command)
        said = result.output if result is not None else ""
        made = {}
        for place in [self.folder / "out"] if "-o" in command and str(self.folder / "out") in command else []:
            if place.is_file():
                said += place.read_text("utf-8", "replace")
                made["out"] = hashlib.sha256(place.read_bytes()).hexdigest()
            elif place.is_dir():
                made |= results(place)
        for name in ("whole", "stopped", "suite"):
            if command[0] in ("run", "ablate") and command[command.index("-o") + 1] == str(self.at / name):
                made |= {f"{name}/{key}": value for key, value in results(self.at / name).items()}
        said = re.sub(r"\b[\d.]+ s\b", "", said)  # how long it took
        return result, said, json.dumps(made, sort_keys=True), self.asked

    def __call__(self, lot: Lot) -> object:
        from magdi.core.errors import MagdiError

        number = lot.randrange(len(self.commands))
        command = self.commands[number]
        of = [name for name in self.files if str(self.at / name) in command] or [*self.files]
        name = lot.choice(of)
        file, way = lot.choice(self.files[name]), lot.choice(WAYS)
        self.fresh()
        self.said: object = (f"{name}/{file}", way.__name__, command)
        path = self.at / name / file
        way(path, lot)
        try:
            result, said, made, asked = self.outcome(command)
        except MagdiError as error:
            full = f"{error} {error.hint}"
            assert file.name in full or str(self.at) in full or str(self.folder) in full, f"names no file: {full}"
            assert path.name != "thesis.tex"
            raise
        before = self.as_they_were[number]
        if way is folder:
            assert any(p.name == "thesis.tex" for p in self.at.rglob("*")), "somebody's file is gone"
        told = said.count(file.name) > before[1].count(file.name)
        assert asked <= before[3] or "journal" in file.name, f"{asked} replies were paid for again: {said}"
        if result is not None and result.exit_code == 0 and not told:
            if command[0] not in ("run", "discuss", "ablate") and "view" not in command:
                assert said == before[1], f"silent: {said!r:.700} was {before[1]!r:.300}"
            assert made == before[2], f"silent: {changes(before[2], made)}: {said[-300:]}"
        if (
            result is not None
            and result.exit_code == 0
            and told
            and command[0] == "run"
            and "-n" not in command
            and not asked
        ):
            assert made == before[2], f"wrong though told: {changes(before[2], made)}: {said[-300:]}"
        return result


def changes(before: str, after: str) -> str:
    old, new = json.loads(before), json.loads(after)
    return ", ".join(key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key))


def results(place: Path) -> dict[str, str]:
    """Returns digests of what counts of a run or an export."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if not path.is_file() or path.is_symlink() or "thesis" in name or name.endswith(".damaged"):
            continue
        if path.name in (
            "mags.jsonl",
            "base.jsonl",
            "student.jsonl",
            "model.safetensors",
            "heads.safetensors",
            "tokenizer.json",
        ):
            try:
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError:
                found[name] = "unreadable"
        elif path.name == "run.json":
            try:
                stages = json.loads(path.read_bytes()).get("stages", {})
                found[name] = hashlib.sha256(
                    json.dumps(
                        [
                            {k: v for k, v in stage.items() if k not in ("seconds", "training")}
                            for stage in stages.values()
                        ],
                        sort_keys=True,
                    ).encode()
                ).hexdigest()
            except (OSError, ValueError):
                found[name] = "unreadable"
    return found
