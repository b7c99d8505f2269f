"""A run's files changed at random: every command that reads them says what is wrong, and none falls over or hangs."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

import magdi
from magdi.cli.app import app
from magdi.core.errors import MagdiError
from tests.made_once import of_all_workers

FILES = (
    "run.json",
    "config.yaml",
    "mags.jsonl",
    "metrics.jsonl",
    "evaluation/student.jsonl",
    "failures.jsonl",
    ".magdi",
)
WRONG: tuple[Any, ...] = (
    None,
    0,
    -1,
    1e308,
    10**400,
    "",
    "x",
    [],
    {},
    True,
    [[1]],
    {"a": {}},
    float("nan"),
    float("inf"),
)
DEEP = b"[" * 100_000
BOMB = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else '0'] * 9)}]\n" for n in range(12)).encode()
LINES = (b"null", b"[]", b"3", b"{}", b"[" * 5000, b'{"step": null, "loss": 1}', b'{"step": 1e400}', b"\xff\xfe")


def one_value(document: Any, lot: random.Random) -> Any:
    """Changes or deletes one value anywhere in a document."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(document)
    if not places:
        return lot.choice(WRONG)
    holder, key = lot.choice(places)
    if lot.random() < 0.2:
        del holder[key]
    else:
        holder[key] = lot.choice(WRONG)
    return document


def value_changed(name: str, content: bytes, lot: random.Random) -> bytes:
    if name.endswith(".yaml"):
        return yaml.safe_dump(one_value(yaml.safe_load(content), lot)).encode()
    if name.endswith(".json"):
        return json.dumps(one_value(json.loads(content), lot)).encode()
    lines = content.splitlines()
    if name.endswith(".jsonl"):
        place = lot.randrange(len(lines))
        lines[place] = json.dumps(one_value(json.loads(lines[place]), lot)).encode()
    return b"\n".join(lines) + b"\n"


def bits_flipped(content: bytes, lot: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(lot.choice((1, 1, 20))):
        changed[lot.randrange(len(changed))] ^= 1 << lot.randrange(8)
    return bytes(changed)


def mutate(run: Path, lot: random.Random) -> str:
    """Changes a file of a run; returns what was done."""
    name, how = lot.choice(FILES), lot.choice(("value",) * 6 + ("cut", "bits", "line", "deep", "bomb", "gone", "other"))
    path = run / name
    content = path.read_bytes()
    if how == "value":
        path.write_bytes(value_changed(name, content, lot))
    elif how == "line":
        lines = content.split(b"\n")
        lines.insert(lot.randrange(len(lines)), lot.choice(LINES))
        path.write_bytes(b"\n".join(lines))
    elif how in ("gone", "other"):
        path.unlink()
        if how == "other":
            other = lot.choice(
                (Path.mkdir, os.mkfifo, lambda at: at.symlink_to("nowhere"), lambda at: at.symlink_to(at.name))
            )
            other(path)
    else:
        made = {
            "cut": content[: lot.randrange(len(content))],
            "bits": bits_flipped(content, lot),
            "deep": DEEP,
            "bomb": BOMB,
        }
        path.write_bytes(made[how])
    return f"{name}: {how}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAGDI_CACHE", str(of_all_workers(tmp_path_factory) / "magdi-cache"))
        from tests.core.run.conftest import TOY

        magdi.run(out=run, **TOY)
    (run / "failures.jsonl").write_text('{"question": "q", "error": "server down", "turns": []}\n')
    return run


def invoke(*command: str) -> Result:
    return CliRunner().invoke(app, [*command])


def test_a_student_that_is_not_as_it_was_trained_does_not_answer(whole: Path, tmp_path: Path) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    weights, template = run / "student/model.safetensors", run / "student/chat_template.jinja"
    kept = template.read_text("utf-8")
    weights.write_bytes(weights.read_bytes()[::-1])
    (run / "student/notes.txt").write_text("somebody's")
    for command in (["ask", str(run), "?"], ["export", str(run)], ["evaluate", "-n", str(run)]):
        assert f"{weights} is gone or not as the training left it" in str(invoke(*command).exception)
    weights.write_bytes(weights.read_bytes()[::-1])
    template.write_text(kept.upper())
    assert f"{template} is gone" in str(invoke("export", str(run)).exception)
    template.write_text(kept)
    (run / "run.json").rename(tmp_path / "run.json")
    assert "run.json is gone" in str(invoke("export", str(run)).exception)
    (tmp_path / "run.json").rename(run / "run.json")
    assert invoke("export", str(run), "-o", str(tmp_path / "exported")).exit_code == 0


@pytest.mark.parametrize("name", ["evaluation/base.jsonl", "mags.jsonl"])
def test_what_is_shorter_than_the_run_left_it_is_told(whole: Path, tmp_path: Path, name: str) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    assert str(run / name) not in invoke("runs", "show", str(run)).output
    (run / name).write_bytes(b"".join((run / name).read_bytes().splitlines(keepends=True)[:-1]))
    told = f"gone, or not as the run left it: {run / name}"
    for command in (["runs", "show", str(run)], ["runs", "compare", str(whole), str(run)]):
        assert told in invoke(*command).output.replace("\n", "")
    page = Path(invoke("view", str(run)).output.strip())
    assert told in page.read_text("utf-8")
    if name == "mags.jsonl":
        assert f"warning: {run / name} is not as the run left it" in invoke("mags", "stats", str(run)).stderr


def test_what_cannot_be_read_is_told_and_compared_with_nothing(whole: Path, tmp_path: Path) -> None:
    run = shutil.copytree(whole, tmp_path / "run", ignore=shutil.ignore_patterns("student"))
    (run / "metrics.jsonl").write_text('{"step": 1}\nnull\n[[\n')
    assert f"2 lines of {run / 'metrics.jsonl'}" in Path(invoke("view", str(run)).output.strip()).read_text("utf-8")
    predictions = run / "evaluation/base.jsonl"
    predictions.write_bytes(predictions.read_bytes() + b"{}\n")
    assert f"{predictions}:14" in str(invoke("runs", "compare", str(whole), str(run)).exception)
    (run / "config.yaml").write_text("a: [")
    assert "config.yaml cannot be read" in invoke("runs", "list", str(tmp_path)).output
    assert "config.yaml cannot be read" in str(invoke("trust", str(run)).exception)
    (run / "run.json").unlink()
    assert "run.json is gone" in invoke("runs", "show", str(run)).output


@pytest.mark.parametrize("seed", range(50))
def test_no_command_falls_over_what_is_in_a_run(whole: Path, tmp_path: Path, seed: int) -> None:
    lot = random.Random(seed)
    run = shutil.copytree(whole, tmp_path / "run", ignore=shutil.ignore_patterns("student"))
    done = mutate(run, lot)
    commands = (
        ["runs", "list", str(tmp_path)],
        ["runs", "show", str(run)],
        ["runs", "compare", str(run), str(whole)],
        ["view", str(run), "-o", str(tmp_path / "page.html")],
        ["mags", "stats", str(run)],
        ["mags", "check", str(run)],
        ["mags", "show", "#1", str(run)],
        ["export", str(run), "-o", str(tmp_path / "exported")],
    )
    for command in (commands[0], *lot.sample(commands[1:], 2)):
        result = CliRunner().invoke(app, command)
        fine = result.exception is None or isinstance(result.exception, MagdiError | SystemExit)
        assert fine, f"{done}: {' '.join(command)}: {result.exception!r}"
    listed = CliRunner().invoke(app, ["runs", "list", str(tmp_path)])
    assert listed.exit_code == 0
