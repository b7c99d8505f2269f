"""Bad input by the thousand: nothing may be a traceback, and nothing may hang or take the machine's memory.

    python benchmarks/fuzz.py --area config --count 20000 --seed 1

prints what was tried, and for each finding the seed and the input that made it. What was found is kept as a line in
`tests/core/test_bad_input.py`.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from magdi.core.errors import MagdiError

SECONDS = 20
GIB = 1 << 30
BOMB = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else '0'] * 9)}]\n" for n in range(12))
NUMBERS = (0, -1, 1, 2, 10**9, -(10**9), 2**31, 2**63, 2**64, 10**400, 0.0, -0.5, 1e-300, 1e308, float("inf"))
VALUES: tuple[Any, ...] = (
    *(None, True, False, "", " ", "x", "\0", "\ud800", "\x1b]0;x\a", "a" * 5000, "é\u2028", "{", "{question", "{0.x}"),
    *(
        [],
        [[]],
        {},
        [None],
        ["x"] * 3,
        {"a": {}},
        {"name": None},
        {"name": "\0"},
        [{}],
        [1, "x"],
        "nan",
        ".inf",
        "1e400",
    ),
    *(
        "../..",
        "/dev/null",
        "/proc/self/mem",
        "~",
        "%",
        "a/b",
        ":",
        "a:",
        ":b",
        "#",
        "@",
        "-",
        "--",
        "=",
        "\n",
        "[" * 900,
    ),
    *NUMBERS,
    float("nan"),
)
Lot = random.Random


class Hang(BaseException):
    """Something took longer than it may."""


def alarm(*_: object) -> None:
    raise Hang


def places(document: Any) -> list[tuple[Any, Any]]:
    """Returns every (holder, key) of a document."""
    found: list[tuple[Any, Any]] = []
    todo = [document]
    while todo:
        at = todo.pop()
        for key in list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ():
            found.append((at, key))
            todo.append(at[key])
    return found


def changed(document: Any, lot: Lot, times: int = 1) -> Any:
    """Returns a document with some values changed, deleted, doubled or renamed."""
    document = copy.deepcopy(document)
    for _ in range(times):
        if not (all_ := places(document)):
            return copy.deepcopy(lot.choice(VALUES))
        holder, key = lot.choice(all_)
        how = lot.random()
        if how < 0.08:
            del holder[key]
        elif how < 0.16 and isinstance(holder, dict):
            holder[lot.choice(("x", "", "\0", str(key)[:-1], str(key).upper(), "0", "a.b", "name"))] = holder[key]
        elif how < 0.2 and isinstance(holder, list):
            holder.extend(copy.deepcopy(holder) * lot.choice((1, 50)))
        else:
            holder[key] = copy.deepcopy(lot.choice(VALUES))
    return document


def torn(text: str, lot: Lot) -> bytes:
    """Returns a text whose bytes were changed."""
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(lot.choice((1, 1, 5))):
        if data:
            at = lot.randrange(len(data))
            data[at : at + lot.choice((0, 1, 1, 30))] = lot.choice(
                (b"", b"\0", b"\xff", b"[", b"{", b"\xed\xa0\x80", b"&a *a", b": ", b"\n", b'"', b"9" * 5000, b"!!x")
            )
    return bytes(data)


def as_yaml(document: Any, lot: Lot) -> bytes:
    """Returns a document as YAML, sometimes torn."""
    try:
        text = yaml.safe_dump(document, allow_unicode=lot.random() < 0.5)
    except (yaml.YAMLError, ValueError):
        text = json.dumps(document)
    return torn(text, lot) if lot.random() < 0.15 else text.encode("utf-8", "surrogatepass")


def as_json(document: Any, lot: Lot) -> bytes:
    """Returns a document as a line of JSON, sometimes torn."""
    text = json.dumps(document, ensure_ascii=lot.random() < 0.5)
    return torn(text, lot) if lot.random() < 0.1 else text.encode("utf-8", "surrogatepass")


def in_text(value: Any) -> str:
    """Returns a value as a person may type it."""
    return value if isinstance(value, str) else json.dumps(value)


class Config:
    """Configurations: YAML files, ``--set``, options' values and the environment."""

    def __init__(self, folder: Path) -> None:
        from magdi.core.config.models import RunConfig
        from magdi.plugins.manager import load_plugins

        self.file = folder / "c.yaml"
        self.whole = RunConfig().model_dump(mode="json")
        self.registry = load_plugins().registry
        self.paths = [".".join(p) for p in self._paths(self.whole, ())]
        self.paths += [f"{p}.x" for p in self.paths] + [f"training.{x}.0" for x in ("level", "report_to")]
        self.paths += [
            *("objectives.node.weight", "objectives.dpo.beta", "objectives.x", "objectives", "teachers.0", "teachers"),
            *("teachers.0.kind", "teachers.0.settings.temperature", "teachers", "plugins", "discussion.limits", "a..b"),
            *("objective.alpha", "objective.beta", "objective.gamma", "protocol", "task", "encoder", "training.level"),
        ]
        kinds = ("protocol", "encoder", "task", "objective", "teacher")
        self.names = {kind: [each.component.name for each in self.registry.listing(kind)] for kind in kinds}
        for kind in ("protocol", "encoder", "task"):
            for name in self.names[kind]:
                self.paths += [f"{kind}.{field}" for field in self.registry.config_of(kind, name).model_fields]

    def _paths(self, tree: Any, path: tuple[str, ...]) -> Any:
        for key, value in tree.items():
            yield (*path, key)
            if isinstance(value, dict):
                yield from self._paths(value, (*path, key))

    def __call__(self, lot: Lot) -> object:
        from magdi.plugins.setup import set_up

        sets, files, environ = [], [], {}
        for kind in ("protocol", "encoder", "task"):
            if lot.random() < 0.3:
                sets.append(f"{kind}={lot.choice(self.names[kind])}")
        for _ in range(lot.choice((0, 1, 1, 2, 4))):
            sets.append(f"{lot.choice(self.paths)}={in_text(lot.choice(VALUES))}")
        if lot.random() < 0.4:
            files.append(self.file)
            sections = {key: self.whole[key] for key in lot.sample(list(self.whole), 3)}
            self.file.write_bytes(as_yaml(changed(sections, lot, lot.choice((1, 3))), lot))
        if lot.random() < 0.2:
            name = lot.choice(self.paths).upper().replace(".", "__")
            environ[f"MAGDI_{name}"] = in_text(lot.choice(VALUES))
        self.said = (sets, environ, self.file.read_bytes() if files else b"")
        made = set_up(files, environ=environ, sets=sets, load=False)
        return made


class Mags:
    """MAG files: read, checked, counted, drawn, exported."""

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


def invoke(arguments: list[str], **environ: str) -> object:
    """Runs a command in this process; raises what it raised."""
    from typer.testing import CliRunner

    from magdi.cli.app import app

    result = CliRunner().invoke(app, arguments, env=environ)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        if isinstance(result.exception, OSError) and result.exception.filename is not None:
            return None  # what `main` makes one line of
        raise result.exception
    return result


class Tasks:
    """Files of questions: JSONL, JSON, CSV, parquet."""

    ROWS = (
        {"question": "Is it?", "answer": "yes", "id": "a"},
        {"question": "2 + 2?", "answer": 4},
        {"question": "Which?", "choices": ["one", "two"], "answer": "B"},
        {"question": "Which?", "choices": {"label": ["A", "B"], "text": ["x", "y"]}, "answer": 1},
        {"question": "Which of these?", "choices": [{"label": "A", "text": "x"}], "answer": "A"},
    )

    def __init__(self, folder: Path) -> None:
        from magdi.plugins.manager import load_plugins

        self.folder, self.registry = folder, load_plugins().registry

    def __call__(self, lot: Lot) -> object:
        from magdi.core.config.models import ComponentChoice

        rows = list(self.ROWS)
        rows[lot.randrange(5)] = changed(lot.choice(self.ROWS), lot, lot.choice((1, 2)))
        kind = lot.choice(("jsonl", "jsonl", "json", "csv", "parquet"))
        file = self.folder / f"q.{kind}"
        self.said = (kind, rows)
        if kind == "jsonl":
            file.write_bytes(b"\n".join(as_json(row, lot) for row in rows))
        elif kind == "json":
            file.write_bytes(as_json(rows, lot))
        else:
            import pandas

            try:
                frame = pandas.DataFrame([row for row in rows if isinstance(row, dict)])
                write = frame.to_csv if kind == "csv" else frame.to_parquet
                write(file, index=False)
            except Exception:  # cannot be written so
                return None
            if lot.random() < 0.2:
                data = bytearray(file.read_bytes())
                data[lot.randrange(len(data))] ^= 255
                file.write_bytes(bytes(data))
        columns = {} if lot.random() < 0.6 else {"columns": changed({"answer_type": "auto", "id": "id"}, lot)}
        settings = {"data": str(file), **columns}
        choice = ComponentChoice.model_validate({"name": "jsonl", **settings})
        problems = list(self.registry.problems("task", choice))
        if problems:
            return None
        task = self.registry.task(choice, 0)
        for split in ("train", "validation", "test"):
            for question in task.first(split, lot.choice((None, 1, 3))):
                for text in ("The answer is 4.", "(B)", "yes", str(question.gold)):
                    task.grade(task.extract(text, question), question.gold or "")
        return None


class Files:
    """Everything else that is read: suites, dialogues, calibrations, convincing samples, predictions, other formats."""

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
        "cells": [{"training.level": "x", "student": "y", "set": {"seed": 1}, "measure": "team", "against": ["a"]}],
        "reference": "1",
        "contrasts": [{"name": "n", "plus": ["1 / small"], "minus": ["2 / small"]}],
        "paper": {"source": "s", "what": "w", "columns": ["a"], "rows": {"r": [1.0]}},
        "settings": {"discussion": {"questions": 2}},
    }
    CALIBRATION = {"ana": {"scale": [[0.1, 0.2], [0.9, 0.5]]}, "ben": [[0.5, 0.5]]}
    CONVINCING = {"ana": [{"question": "q", "explanation": "e", "answer": "a"}]}

    def __init__(self, folder: Path) -> None:
        from magdi.core.evaluation.prediction import Prediction, write_predictions

        self.folder = folder
        rows = [Prediction(id=str(n), prompt="p", output="The answer is 3.", answer="3", gold="3") for n in range(4)]
        write_predictions(folder / "p.jsonl", rows, {"model": "m", "task": "arithmetic", "seed": 0})
        self.predictions = (folder / "p.jsonl").read_bytes().splitlines()
        self.others = [path for path in folder.parent.glob("imports/*") if path.is_file()]
        samples = Path(__file__).parents[1] / "tests/core/corpus"
        sys.path.insert(0, str(samples))

    def __call__(self, lot: Lot) -> object:
        way = lot.choice((self.dialogue, self.suite, self.calibration, self.convincing, self.prediction, self.imported))
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
        file = self._write("k.yaml", as_yaml(changed(self.CALIBRATION, lot), lot))
        return invoke(["discuss", "-n", "-P", f"calibration={file}", "--limit", "2"])

    def convincing(self, lot: Lot) -> object:
        file = self._write("v.yaml", as_yaml(changed(self.CONVINCING, lot), lot))
        return invoke(["discuss", "-n", "-P", f"convincing={file}", "--limit", "2"])

    def prediction(self, lot: Lot) -> object:
        lines = list(self.predictions)
        at = lot.randrange(len(lines))
        lines[at] = as_json(changed(json.loads(lines[at]), lot), lot)
        file = self._write("p.jsonl", b"\n".join(lines) + b"\n")
        return invoke(["evaluate", file, "--task", "arithmetic", "-o", str(self.folder / "predicted")])

    SHAPES: tuple[Any, ...] = (
        {
            "question": "q?",
            "answer": "3",
            "agent_contexts": [[{"role": "user", "content": "q"}, {"role": "assistant", "content": "A: 3"}]] * 2,
        },
        [{"q?": [[[{"role": "user", "content": "q"}, {"role": "assistant", "content": "3"}]], "3"]}],
        {
            "turns": [{"agent": "a", "message": "x", "turn": 0, "solution": "3"}],
            "instruction": "q",
            "references": ["3"],
        },
        {
            "id": 1,
            "question": "q?",
            "gold_answer": "3",
            "solution_1": "3",
            "reasoning": "r",
            "gpt4_output_0": {"reasoning": "r", "answer": "3", "confidence_level": 0.9},
        },
        {"messages": [{"source": "a", "content": "x", "type": "TextMessage"}], "task": "q", "stop_reason": "s"},
        {
            "players": {"Affirmative side": [{"role": "user", "content": "x"}], "Negative side": [], "Moderator": []},
            "debate_topic": "q",
            "base_answer": "3",
        },
    )

    def imported(self, lot: Lot) -> object:
        document = changed(lot.choice(self.SHAPES), lot, lot.choice((1, 2)))
        file = self._write(lot.choice(("i.json", "i.jsonl")), as_json(document, lot))
        how = lot.choice(("", "", "reconcile", "du", "solutions", "eot", "mallm", "mad", "autogen", "magdi"))
        out = str(self.folder / "imported.jsonl")
        return invoke(["mags", "import", file, "-o", out, *(["--format", how] if how else [])])


class Options:
    """Every command with any value of any option."""

    def __init__(self, folder: Path) -> None:
        import typer
        from typer.main import get_command

        from magdi.cli.app import app

        self.folder = folder
        self.commands: dict[tuple[str, ...], Any] = {}
        todo: list[tuple[tuple[str, ...], Any]] = [((), get_command(app))]
        while todo:
            path, command = todo.pop()
            inner = getattr(command, "commands", None)
            if inner:
                todo += [((*path, name), each) for name, each in inner.items()]
            else:
                self.commands[path] = command
        del typer
        self.mags = folder / "mags.jsonl"
        from magdi.core.mag import write_mags
        from magdi.plugins.testing.objective_checks import sample_mags

        write_mags(self.mags, sample_mags())
        (folder / "file").write_text("x")
        (folder / "locked").mkdir(exist_ok=True)

    def __call__(self, lot: Lot) -> object:
        path = lot.choice([*self.commands])
        command = self.commands[path]
        arguments = list(path)
        if path[0] in ("run", "discuss", "distill", "ablate") or path == ("mags", "convincing"):
            if path == ("mags", "convincing"):
                return None
            arguments.append("-n")
        for parameter in lot.sample(command.params, min(len(command.params), lot.choice((1, 2, 3)))):
            name = parameter.opts[0] if parameter.param_type_name == "option" else ""
            if name in ("--open", "--install-completion", "--show-completion", "--processes", "--rescore", "--jobs"):
                continue
            if name and getattr(parameter, "is_flag", False):
                arguments.append(name)
            else:
                arguments += [name, self.value(lot, name)] if name else [self.value(lot, name)]
        if path[0] in ("evaluate", "ask") and "--task" not in arguments:
            arguments += ["--task", "arithmetic"]
        self.said = arguments
        if any("\0" in each for each in arguments):
            return None  # no shell can say that
        return invoke(arguments, MAGDI_CACHE=str(self.folder / "cache"))

    def value(self, lot: Lot, name: str) -> str:
        places = ("", ".", "..", "/", "/dev/null", "/proc/self/x", "nowhere", "a" * 300, "é", "~", str(self.mags))
        places = (*places, str(self.folder), str(self.folder / "file"), str(self.folder / "file" / "x"), "-", "--")
        words = (
            "gsm8k",
            "arithmetic",
            "jsonl:",
            "jsonl:nowhere",
            "mix:",
            "mix:a+b",
            "hf:",
            "hf:x/y",
            "replay:",
            "openai:",
            "local:",
            "x:y@z",
            "debate",
            "gcn",
            "positive",
            "a=b",
            "a.b=c",
            "=",
            "1",
            "0",
            "-1",
            "1e9",
            "99999999999999999999",
            "nan",
            "inf",
            "1,2",
            ",",
            "#1",
            "#0",
            "simulated:",
            "simulated:x#y",
            "a=openai:x@http://[",
            "openai:x@http://:x",
            "openai:x@ftp://x",
            "rounds=10000000000",
            "rounds=-1",
            "weight=nan",
        )
        return lot.choice((*places, *words, in_text(lot.choice(VALUES))[:2000]))


AREAS: dict[str, Callable[[Path], Any]] = {
    "config": Config,
    "mags": Mags,
    "tasks": Tasks,
    "files": Files,
    "options": Options,
}


def where(error: BaseException) -> str:
    """Returns the last line of ours in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/magdi/" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def main() -> None:
    """Tries an area."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=AREAS, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1e9, help="Ends after so long.")
    given = parser.parse_args()
    began = time.monotonic()

    resource.setrlimit(resource.RLIMIT_DATA, (6 * GIB, 6 * GIB))
    signal.signal(signal.SIGPROF, alarm)
    outcomes: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= {"MAGDI_CACHE": folder + "/cache", "XDG_CONFIG_HOME": folder, "HF_HUB_OFFLINE": "1"}
        attempt = AREAS[given.area](Path(folder))
        for number in range(given.seed, given.seed + given.count):
            if time.monotonic() - began > given.seconds:
                break
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            started = time.process_time()
            try:
                attempt(Lot(number))
                outcomes["accepted"] += 1
            except MagdiError:
                outcomes["refused"] += 1
            except (Exception, Hang) as error:
                kind = f"{type(error).__name__} at {where(error)}"
                outcomes["found"] += 1
                shown[kind] += 1
                if shown[kind] == 1:
                    print(f"{kind}: {str(error)[:300]!r}\n   seed {number}: {str(attempt.said)[:600]}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            if (took := time.process_time() - started) > 3:
                print(f"   slow: {took:.1f} s, seed {number}: {str(attempt.said)[:300]}", flush=True)
    print(given.area, dict(outcomes), dict(shown))


if __name__ == "__main__":
    main()
