"""MAG files: read, checked, counted, drawn, exported."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import Lot, as_json, changed


class Mags:
    """JSON lines, of which one is changed."""

    def __init__(self, folder: Path) -> None:
        from magdi.plugins.testing.objective_checks import sample_mags

        self.file, self.folder = folder / "m.jsonl", folder
        self.documents = [json.loads(mag.to_line()) for mag in sample_mags()[:3]]
        for document in self.documents:
            document["question"]["choices"] = [{"label": "A", "text": "one"}, {"label": "B", "text": "two"}]
            document["turns"][0]["usage"] = {"prompt_tokens": 3, "completion_tokens": 4, "cost": 0.1}
            document["turns"][0] |= {"confidence": 0.5, "value": 0.5, "branch": [0, 1], "model": "m", "attempts": 2}
            document["turns"][0]["prompt"] = [{"role": "user", "content": "What?"}]
            document["decision"] = {"answer": "0", "rule": "vote", "votes": {"0": 2.0}, "correct": True}
            document["metadata"] = {"a": 1}

    def __call__(self, lot: Lot) -> object:

        lines = [json.dumps(each).encode() for each in self.documents]
        lines[0] = as_json(changed(self.documents[0], lot, lot.choice((1, 1, 3))), lot)
        self.said = lines[0]
        self.file.write_bytes(b"\n".join(lines) + b"\n")
        out = self.folder / "out"
        commands = [
            ["mags", "stats"],
            ["mags", "check"],
            ["mags", "check", "--readings"],
            ["mags", "show", "#1", "--text"],
            ["mags", "show", "#1", "--svg"],
            ["mags", "show", "#1", "--html"],
            ["mags", "calibrate", "-o", f"{out}.yaml"],
            ["mags", "export", "-o", f"{out}.parquet", "--to", "parquet"],
            ["mags", "export", "-o", f"{out}.graphml", "--to", "graphml"],
            ["mags", "export", "-o", f"{out}.json", "--to", "node-link"],
            ["view", "-o", f"{out}.html"],
        ]
        for command in lot.sample(commands, 2):
            invoke([*command, str(self.file), *(["--json"] if lot.random() < 0.3 else [])])
        return None


class Tables:
    """The same in Parquet, whole or in shards, with columns of other types, rows and bytes changed."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.parquet

        lines = Mags(folder)
        lines.file.write_text("".join(json.dumps(each) + "\n" for each in lines.documents))
        invoke(["mags", "export", "-o", str(folder / "whole.parquet"), "--to", "parquet", str(lines.file)])
        self.folder, self.rows = folder, pyarrow.parquet.read_table(folder / "whole.parquet").to_pylist()

    def __call__(self, lot: Lot) -> object:
        import pyarrow
        import pyarrow.parquet

        rows = changed(self.rows, lot, lot.choice((1, 2)))
        file = self.folder / f"shard-{lot.randrange(3)}.parquet"
        self.said: object = rows
        try:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
        except (pyarrow.ArrowException, AttributeError, TypeError, ValueError, OverflowError):
            return None  # no table
        if lot.random() < 0.3:
            data = bytearray(file.read_bytes())
            for _ in range(lot.choice((1, 1, 30))):
                data[lot.randrange(len(data))] ^= 1 << lot.randrange(8)
            file.write_bytes(data[: lot.randrange(len(data))] if lot.random() < 0.2 else data)
        where = lot.choice((str(file), f"{self.folder}/shard-*.parquet"))
        out = ["-o", str(self.folder / f"out.{lot.choice(('jsonl', 'parquet'))}")]
        commands = (["stats"], ["check"], ["show", "#1"], ["merge", *out], ["export", "--to", "lessons", *out])
        return invoke(["mags", *lot.choice(commands), where])
