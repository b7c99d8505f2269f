"""Run directories: any of their files changed, the journal too, and then looked at, or gone on with."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import VALUES, Lot

WAY = ("--protocol", "debate", "--limit", "2", "--seed", "3")


class Runs:
    """A run of two discussions and a tiny student, and one that stopped halfway."""

    def __init__(self, folder: Path) -> None:
        import magdi
        from tests.core.run.conftest import TOY

        self.whole, self.run = folder / "whole", folder / "run"
        magdi.run(out=self.whole, **TOY)
        (self.whole / "failures.jsonl").write_text('{"question": "q", "error": "server down", "turns": []}\n')
        self.talk, self.talking = folder / "talk", folder / "talking"
        invoke(["discuss", *WAY, "-o", str(self.talk)])

    def __call__(self, lot: Lot) -> object:
        return self.resumed(lot) if lot.random() < 0.5 else self.looked_at(lot)

    def looked_at(self, lot: Lot) -> object:
        from tests.core.run.test_experiment_mutated import mutate

        shutil.rmtree(self.run, ignore_errors=True)
        run = str(shutil.copytree(self.whole, self.run, ignore=shutil.ignore_patterns("model.safetensors")))
        self.said: object = mutate(self.run, lot)
        commands = (
            ["runs", "list", str(self.run.parent)],
            ["runs", "show", run],
            ["runs", "compare", run, str(self.whole)],
            ["view", run, "-o", f"{run}.html"],
            ["mags", "stats", run],
            ["mags", "check", run],
            ["mags", "show", "#1", run],
            ["export", run, "-o", f"{run}.exported"],
            ["config", "show", run],
            ["ask", run, "What is 2 + 2?"],
            ["trust", run],
            ["distill", "-n", run],
        )
        command = lot.choice(commands)
        self.said = (self.said, command)
        return invoke([*command, *(["--json"] if lot.random() < 0.3 and command[0] != "view" else [])])

    def resumed(self, lot: Lot) -> object:
        shutil.rmtree(self.talking, ignore_errors=True)
        shutil.copytree(self.talk, self.talking)
        for name in lot.sample(("mags.jsonl", "run.json"), lot.choice((0, 1, 2))):
            (self.talking / name).unlink(missing_ok=True)
        self.said = self.journal_changed(lot)
        return invoke(["discuss", *WAY, "-o", str(self.talking)])

    def journal_changed(self, lot: Lot) -> str:
        journal = self.talking / "journal.sqlite"
        if lot.random() < 0.5:
            data = bytearray(journal.read_bytes())
            for _ in range(lot.choice((1, 1, 20))):
                data[lot.randrange(len(data))] ^= 1 << lot.randrange(8)
            journal.write_bytes(data[: lot.randrange(len(data))] if lot.random() < 0.3 else data)
            return "bits"
        column = lot.choice(("key", "prompt", "teacher", "request", "reply", "checksum"))
        value = lot.choice([each for each in VALUES if isinstance(each, str | int | float) and abs_(each) < 2**63])
        value = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        with closing(sqlite3.connect(journal)) as base, base, suppress(sqlite3.Error):
            row = "(SELECT key FROM replies ORDER BY key LIMIT 1 OFFSET 2)"
            more = ", checksum = NULL" if lot.random() < 0.5 else ""
            base.execute(f"UPDATE replies SET {column} = ?{more} WHERE key = {row}", (value,))
        return f"{column} = {value!r:.80}{more}"


def abs_(value: object) -> float:
    return abs(value) if isinstance(value, int | float) else 0
