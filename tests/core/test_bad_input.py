"""Bad input that once was a traceback, or took time and memory: what `python -m benchmarks.fuzz` has found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import magdi
from magdi.cli.app import app
from magdi.core.config.problems import MOST_TOLD
from magdi.core.errors import ConfigError, MagdiError, MagFileError
from magdi.core.evaluation.prediction import OtherPredictions, Prediction, PredictionFile, read_predictions
from magdi.core.mag import Mag
from magdi.plugins.setup import set_up

BOMB = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else '0'] * 9)}]\n" for n in range(12))

FILES: dict[str, tuple[str | bytes, str]] = {
    "aliases that unfold to billions": (BOMB, "it holds more than 10,000 values"),
    "aliases in a known key": (f"{BOMB}plugins: *k11\n", "it holds more than 10,000 values"),
    "an alias of itself": ("a: &a [*a]\n", "or holds itself"),
    "a mapping that holds itself": ("training: &a {x: *a}\n", "or holds itself"),
    "deep lists": ("a: " + "[" * 5000 + "]" * 5000, "nested more than 100 deep"),
    "deep mappings": ("".join(" " * n + "a:\n" for n in range(300)), "nested more than 100 deep"),
    "20,000 keys": ("".join(f"key{n}: 1\n" for n in range(20_000)), "it holds more than 10,000 values"),
    "4,000 unknown keys": ("".join(f"key{n}: 1\n" for n in range(4_000)), "and 3,950 problems more"),
    "many objectives": ("objectives:\n" + "".join(f"  o{n}: {{weight: 1}}\n" for n in range(300)), "o299"),
    "a number of 5,000 digits": (f"seed: {'9' * 5000}\n", "it holds a number of 5,000 digits"),
    "a tag that does not fit": ("seed: !!float x\n", "'x' is no float"),
    "a tag that there is not": ("seed: !!python/name:os.system x\n", "is no YAML"),
    "a plugin that is a list": ("plugins:\n- []\n", "plugins.0: input should be a valid string"),
    "an endless name": (f"encoder: {'b' * 5000}\n", "there is no encoder"),
    "objectives that are words": ("objectives: words\n", "objectives: input should be a valid dictionary"),
    "a level without a name": ("training: {level: [null]}\n", "training.level"),
    "no text": (b"\xff\xfe\x00", "cannot be read"),
    "half a character": ('task: "\\ud800"\n', "it holds half a character"),
    "a zero byte": ("seed: 1\0\n", "is no YAML"),
    "five million letters": ("x" * 5_000_000, "it has 5,000,000 characters"),
}
SETTINGS = {
    "seed=100000000000000000000000000": "at most 2**53",
    "seed=4294967296": "less than 4294967296",
    "discussion.in_flight=100000000000000000000": "at most 2**53",
    "training.learning_rate=.inf": "finite number",
    "training.epochs=.nan": "training.epochs",
    "objectives.positive.weight=.inf": "finite number",
    "objectives.positive.weight=1e300": "less than or equal to 1000000000",
    "objectives={1: 2}": "objectives.1",
    "protocol={name: self-consistency, samples: 1000000000}": "less than or equal to 10000",
    "protocol={name: malt, samples: 1000000000}": "less than or equal to 100",
    "protocol={name: dag, nodes: 1000000000}": "less than or equal to 1000",
    f"training.method={'x' * 300}": "training.method: input should be",
    f"training.method={{x: {'x' * 300}}}": "training.method: input should be",
    f"preset={'x' * 300}": "preset: ",
    "task.train=1000000000": "less than or equal to 1000000",
    "task.max_steps=1000000000": "less than or equal to 100",
    "encoder.layers=1000000000": "less than or equal to 1000",
    "student.tiny.layers=1000000000": "less than or equal to 1000",
    "evaluation.samples=1000000000": "less than or equal to 10000",
}


def turn(step: int, **fields: Any) -> dict[str, Any]:
    said = {"text": f"It is {step % 5}.", "answer": str(step % 5), "correct": step % 5 == 0, "label": step % 5 == 0}
    return {"step": step, "agent": f"a{step % 3}", "round": step // 3, "label_source": "gold", **said, **fields}


def mag(turns: list[dict[str, Any]], **question: Any) -> str:
    asked = {"id": "q", "text": "How many?", "gold": "0", **question}
    return json.dumps({"schema": "magdi.mag/1", "id": "m", "question": asked, "protocol": "p", "turns": turns}) + "\n"


MAGS = {
    "a billionth round": mag([turn(0), turn(1, round=10**9)]),
    "600 turns": mag([turn(n) for n in range(600)]),
    "600 rounds": mag([turn(n, round=n) for n in range(600)]),
    "600 agents": mag([turn(n, agent=f"a{n}", round=0) for n in range(600)]),
    "a number too large": mag([turn(0, round=10**30)]),
    "100,000 options": mag([turn(0)], choices=[{"label": f"L{n}", "text": "t"} for n in range(100_000)]),
    "a line of 10 MB": mag([turn(0, text="x" * 10_000_000)]),
    "10 MB that are no line": "x" * 10_000_000,
}
COMMANDS = (
    ["mags", "stats"],
    ["mags", "check"],
    ["mags", "show", "#1", "--svg"],
    ["mags", "export", "--to", "parquet", "-o", "out.parquet"],
)


@pytest.mark.parametrize("name", FILES)
def test_a_configuration_that_is_none_is_told_so(tmp_path: Path, name: str) -> None:
    content, told = FILES[name]
    file = tmp_path / "c.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MagdiError) as caught:
        set_up([file], environ={}, load=False)
    assert told in caught.value.message
    assert caught.value.message.count("\n") <= MOST_TOLD + 1 or name == "many objectives"


@pytest.mark.parametrize("given", SETTINGS)
def test_a_number_that_cannot_be_computed_with_is_refused(given: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_up(environ={}, sets=[given], load=False)
    assert SETTINGS[given] in caught.value.message


@pytest.mark.parametrize("name", MAGS)
def test_a_discussion_of_any_size_is_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.jsonl").write_text(MAGS[name])
    for command in COMMANDS:
        result = CliRunner().invoke(app, [*command, "m.jsonl"])
        fine = result.exception is None or isinstance(result.exception, MagdiError | SystemExit)
        assert fine, f"{' '.join(command)}: {result.exception!r}"


def test_what_is_counted_of_rounds_does_not_grow_with_their_numbers() -> None:
    from magdi.plugins.corpus.statistics.rounds import MOST_ROUNDS, by_round

    rows = by_round([Mag.model_validate_json(MAGS["a billionth round"])])
    assert len(rows) == MOST_ROUNDS
    assert rows[0]["reached"] == 1


@pytest.mark.parametrize("damage", ["bytes", "a column that is empty", "JSON that is none", "another column"])
def test_a_damaged_table_is_one_line(tmp_path: Path, damage: str) -> None:
    import pyarrow
    import pyarrow.parquet

    from magdi.plugins.corpus.parquet import read_parquet, row

    rows = [row(Mag.model_validate_json(mag([turn(0, text="x" * 5000), turn(1)])))] * 3
    change: dict[str, dict[str, Any]] = {
        "a column that is empty": {"metadata": None},
        "JSON that is none": {"metadata": "[" * 2000},
        "another column": {"question": 3},
    }
    file = tmp_path / "m.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([each | change.get(damage, {}) for each in rows]), file)
    if damage == "bytes":
        whole = file.read_bytes()
        file.write_bytes(whole[:40] + b"\xff" * 200 + whole[240:])
    with pytest.raises(MagFileError, match="m.parquet"):
        list(read_parquet(file))


def test_a_text_of_other_systems_can_always_be_written(tmp_path: Path) -> None:
    import pickle

    from magdi.plugins.formats.importers.items import read_items

    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a\ud800": ("b\udfff",)}))
    assert [item.value for item in read_items(tmp_path / "a.pkl")] == [{"a\ufffd": ("b\ufffd",)}]
    (tmp_path / "a.json").write_text("9" * 5000)
    with pytest.raises(MagFileError, match="no JSON: Exceeds the limit"):
        list(read_items(tmp_path / "a.json"))


def test_names_of_any_depth_are_unfolded() -> None:
    from magdi.plugins.formats.importers.otel.dialects import unfold

    assert unfold({f"a{'.0' * 5000}": 1, f"a.{'9' * 5000}": 2, "a.1": 3}, "a")[1:] == [3, 2]


def test_what_an_importer_raises_over_a_file_is_one_line(tmp_path: Path) -> None:
    from magdi.plugins.formats.importer import Importer
    from magdi.plugins.formats.importers.reader import Reader
    from magdi.plugins.formats.importing import import_files

    class Falling(Importer):
        def recognises(self, value: Any) -> bool:
            return True

        def discussions(self, *args: Any) -> Any:
            raise RecursionError("too deep")

        def read(self, item: Any, reader: Any) -> Any:
            raise NotImplementedError

    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(MagFileError, match=r"a\.json: cannot be read: too deep \(format falling\)"):
        list(import_files([tmp_path / "a.json"], Reader(), {"falling": Falling()}))


def test_what_was_packed_is_not_unfolded_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from magdi.plugins.formats.importers import items

    monkeypatch.setattr(items, "_MOST", 1 << 20)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b'["' + b"a" * (8 << 20)))
    with pytest.raises(MagFileError, match="an item has more than 1,048,576 characters"):
        list(items.read_items(tmp_path / "bomb.json.gz"))


def test_a_dialogue_of_aliases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(f"{BOMB}steps: *k11\n")
    with pytest.raises(ConfigError, match="it holds more than 10,000 values"):
        set_up(environ={}, sets=["protocol=dialogue", f"protocol.file={tmp_path / 'd.yaml'}"], load=False)


def test_a_stage_that_there_is_not_is_said() -> None:
    with pytest.raises(ConfigError, match="until='nonsense': there is no such stage") as caught:
        magdi.run(until="nonsense")  # type: ignore[arg-type]
    assert caught.value.hint == "there is: discussion, distillation, evaluation"


@pytest.mark.parametrize("end", [".jsonl", ".sqlite"])
def test_starting_over_deletes_predictions_and_nothing_else(tmp_path: Path, end: str) -> None:
    kept = [Prediction(id="1", prompt="p", output="o")]
    with PredictionFile(tmp_path / "p.jsonl", {"model": "m"}) as file:
        file.finish(kept)
    other = tmp_path / f"p{end}"
    before = other.read_bytes() if other.exists() else b""
    other.write_text("my thesis")
    with pytest.raises(OtherPredictions, match="is not deleted"), PredictionFile(tmp_path / "p.jsonl", {}, fresh=True):
        pass
    assert other.read_text() == "my thesis"
    other.write_bytes(before)
    with PredictionFile(tmp_path / "p.jsonl", {}, fresh=True):
        pass
    assert read_predictions(tmp_path / "p.jsonl") == []
