"""What is read besides: suites, dialogues, calibrations, convincing samples, predictions."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import Lot, as_json, as_yaml, changed


class Files:
    """One such file, changed, and the command that reads it."""

    DIALOGUE = {
        "cast": [
            {"name": "a", "persona": "p", "ask": "q"},
            {"name": "b", "role": "critic", "reply": "text", "ask": "r"},
        ],
        "steps": [
            {"speak": ["a"]},
            {"repeat": 2, "until": "approved", "steps": [{"speak": ["b"], "sees": ["last"]}, {"speak": ["all"]}]},
        ],
    }
    SUITE = {
        "title": "t",
        "axes": {"training.level": ["1", "2"], "student": {"small": {"student.tiny.hidden": 16}}},
        "cells": [
            {"training.level": "x", "student": "y", "set": {"seed": 1}, "measure": "team", "against": ["1, small"]}
        ],
        "reference": "1, small",
        "contrasts": [{"name": "n", "plus": ["1, small"], "minus": ["2, small"]}],
        "changes": [{"name": "c", "before": "1, small", "after": "2, small", "as": "% improved"}],
        "paper": {"source": "s", "what": "w", "columns": ["a"], "rows": {"r": [1.0]}},
        "settings": {"discussion": {"questions": 2}},
    }
    CURVE = {"stated": [0.1, 0.9], "right": [0.2, 0.5], "turns": 9}
    CALIBRATION = {"agents": {"ana": CURVE}, "everyone": CURVE}
    CONVINCING = {"ana": [{"question": "q", "explanation": "e", "answer": "a"}]}

    def __init__(self, folder: Path) -> None:
        from magdi.core.config.models import ComponentChoice
        from magdi.core.evaluation.prediction import Prediction, PredictionFile
        from magdi.plugins.manager import load_plugins

        self.folder = folder
        questions = load_plugins().registry.task(ComponentChoice(name="arithmetic"), 0).first("test", 4)
        rows = [
            Prediction(id=each.id, prompt="p", output="The answer is 3.", answer="3", gold="3") for each in questions
        ]
        with PredictionFile(folder / "p.jsonl", {"model": "m", "task": "arithmetic", "seed": 0}) as file:
            file.finish(rows)
        self.predictions = (folder / "p.jsonl").read_bytes().splitlines()

    def __call__(self, lot: Lot) -> object:
        way = lot.choice((self.dialogue, self.suite, self.calibration, self.convincing, self.prediction))
        return way(lot)

    def _write(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        self.said = (name, data[:2000])
        return str(path)

    def dialogue(self, lot: Lot) -> object:
        file = self._write("d.yaml", as_yaml(changed(self.DIALOGUE, lot, lot.choice((1, 2))), lot))
        return invoke(["discuss", "-n", "--protocol", "dialogue", "-P", f"file={file}", "--limit", "2"])

    def suite(self, lot: Lot) -> object:
        file = self._write("s.yaml", as_yaml(changed(self.SUITE, lot, lot.choice((1, 2))), lot))
        return invoke(["ablate", "-n", file, "--limit", "2", "--seeds", "1", "-o", str(self.folder / "suite")])

    def calibration(self, lot: Lot) -> object:
        file = self._write("k.json", as_json(changed(self.CALIBRATION, lot), lot))
        return invoke(["discuss", "-n", "--protocol", "reconcile", "-P", f"calibration={file}", "--limit", "2"])

    def convincing(self, lot: Lot) -> object:
        file = self._write("v.json", as_json(changed(self.CONVINCING, lot), lot))
        return invoke(["discuss", "-n", "--protocol", "reconcile", "-P", f"convincing={file}", "--limit", "2"])

    def prediction(self, lot: Lot) -> object:
        lines = list(self.predictions)
        at = lot.randrange(len(lines))
        lines[at] = as_json(changed(json.loads(lines[at]), lot), lot)
        file = self._write("p.jsonl", b"\n".join(lines) + b"\n")
        return invoke(["evaluate", file, "--task", "arithmetic", "--limit", "4", "-o", str(self.folder / "predicted")])
