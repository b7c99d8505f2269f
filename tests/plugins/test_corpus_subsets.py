"""Files from files: what is merged is there once, no question is on both sides, and the seed alone draws."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.errors import ConfigError, DataError
from magdi.core.mag import Mag, Question, Seen, Turn, read_mags, write_mags
from magdi.plugins.corpus.subsets import Filter, labels_of, sample
from magdi.plugins.formats.importers.matching import fingerprint


def mag(
    number: int, labels: tuple[bool | None, ...] = (True, False), *, text: str = "", rounds: int = 1, **fields: Any
) -> Mag:
    question = Question(id=f"train-{number}", text=text or f"What is {number} + 1?", gold=str(number + 1), task="sums")
    turns = [
        Turn(step=step, agent="abc"[step % 3], text=f"It is {number}." * (step + 1), answer="7", label=label)
        for step, label in enumerate(labels)
    ]
    if rounds:
        turns.append(Turn(step=len(turns), agent="z", round=rounds, seen=(Seen(step=0),), text="Yes.", label=None))
    return Mag(**{"id": f"m{number}", "question": question, "protocol": "debate", "turns": tuple(turns)} | fields)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.jsonl"
    write_mags(path, [mag(place // 2, rounds=place % 3, id=f"m{place}") for place in range(400)])
    return path


def magdi(*arguments: object) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["mags", *map(str, arguments), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_merging_writes_once_what_is_there_twice(tmp_path: Path) -> None:
    again = mag(1, text="What is  1+1 ?", id="another id", metadata={"from": "elsewhere"})
    write_mags(tmp_path / "a.jsonl", [mag(1), mag(2)])
    write_mags(tmp_path / "b.jsonl", [again, mag(2, (False, False)), mag(3)])
    files = (tmp_path / "a.jsonl", tmp_path / "b.jsonl", "-o", tmp_path / "out.jsonl")

    def merged(*options: str) -> list[str]:
        magdi("merge", *files, *options)
        return [each.id for each in read_mags(tmp_path / "out.jsonl")]

    assert merged() == ["m1", "m2", "m2-2", "m3"]
    assert merged("--once", "question") == ["m1", "m2", "m3"]
    assert merged("--once", "none") == ["m1", "another id", "m2", "m2-2", "m3"]


def test_no_question_stands_on_both_sides(many: Path, tmp_path: Path) -> None:
    shares = ("--share", "train=8", "--share", "dev=1", "--share", "test=1")
    counts = magdi("split", many, "-o", tmp_path / "parts", *shares)["mags"]
    sides = {name: list(read_mags(tmp_path / "parts" / f"{name}.jsonl")) for name in ("train", "dev", "test")}
    assert counts == {name: len(found) for name, found in sides.items()}
    assert sum(counts.values()) == 400
    assert 280 < counts["train"] < 360
    questions = [{fingerprint(each.question.text) for each in found} for found in sides.values()]
    assert sum(map(len, questions)) == len(set.union(*questions)) == 200
    magdi("split", many, "-o", tmp_path / "other", *shares, "--seed", 1)
    assert (tmp_path / "other" / "test.jsonl").read_text() != (tmp_path / "parts" / "test.jsonl").read_text()


def test_a_file_that_has_grown_is_split_as_before(many: Path, tmp_path: Path) -> None:
    magdi("split", many, "-o", tmp_path / "before")
    write_mags(tmp_path / "grown.jsonl", [*(mag(place) for place in range(900, 950)), *read_mags(many)])
    magdi("split", tmp_path / "grown.jsonl", "-o", tmp_path / "after")
    for side in ("train", "test"):
        before, after = (
            {each.question.id for each in read_mags(tmp_path / when / f"{side}.jsonl")} for when in ("before", "after")
        )
        assert before <= after


def test_a_side_that_stays_empty_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    write_mags(tmp_path / "one.jsonl", [mag(1)])
    with pytest.raises(DataError, match="no question fell to"):
        magdi("split", tmp_path / "one.jsonl", "-o", tmp_path / "parts")
    assert not list((tmp_path / "parts").glob("*"))


@pytest.mark.parametrize("share", ["train", "train=x", "=1", "../up=1", "train=0", ".hidden=1", "a=nan"])
def test_shares_are_names_and_positive_numbers(many: Path, tmp_path: Path, share: str) -> None:
    with pytest.raises(ConfigError):
        magdi("split", many, "-o", tmp_path / "parts", "--share", share)


def test_samples_are_drawn_by_the_seed_in_the_files_order(many: Path, tmp_path: Path) -> None:
    def drawn(*options: object) -> list[int]:
        magdi("sample", many, "-o", tmp_path / "out.jsonl", *options)
        return [int(each.id[1:]) for each in read_mags(tmp_path / "out.jsonl")]

    first = drawn("-n", 40)
    assert len(first) == 40
    assert first == sorted(first) == drawn("-n", 40)
    assert first != drawn("-n", 40, "--seed", 1)
    assert set(first) < set(drawn("-n", 60))
    assert Counter(place % 3 for place in drawn("-n", 7, "--per", "structure")) == {0: 7, 1: 7, 2: 7}
    assert drawn("-n", 4000) == list(range(400))


def test_every_discussion_is_as_likely(many: Path) -> None:
    mags = list(read_mags(many))[:20]
    times = Counter(each.id for seed in range(400) for each in sample(mags, 5, seed))
    assert len(times) == 20
    assert all(60 < count < 140 for count in times.values())  # 100 expected, deviation 8.7


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (("--protocol", "debate"), "abcd"),
        (("--protocol", "mad", "--protocol", "debate"), "abcde"),
        (("--structure", "G0"), "b"),
        (("--label", "mixed"), "ae"),
        (("--label", "right", "--label", "none"), "bd"),
        (("--agent", "z"), "acde"),
        (("--question", "train-?"), "abcd"),
        (("--question", "train-1*", "--invert"), "bcd"),
        (("--task", "sums"), "abcde"),
        (("--metadata", "level=[1-2]"), "ab"),
        (("--metadata", "level=1", "--metadata", "level=3", "--metadata", "kind=odd"), "ac"),
        (("--metadata", "level=*", "--invert"), "de"),
        (("--turns", "3:3"), "acde"),
        (("--turns", ":2"), "b"),
        (("--turns", "2"), "b"),
        (("--length", "40:"), "e"),
        (("--structure", "G1", "--label", "wrong"), "c"),
    ],
)
def test_filters(tmp_path: Path, options: tuple[str, ...], kept: str) -> None:
    mags = [
        mag(1, id="a"),
        mag(2, (True, True), rounds=0, id="b"),
        mag(3, (False, False), id="c"),
        mag(4, (None, None), id="d"),
        mag(123456, rounds=2, id="e", protocol="mad"),
    ]
    for level, each in enumerate(mags[:3], 1):
        each.question.metadata.update(level=level, kind="odd" if level % 2 else "even")
    write_mags(tmp_path / "in.jsonl", mags)
    magdi("filter", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl", *options)
    assert "".join(each.id for each in read_mags(tmp_path / "out.jsonl")) == kept


def test_a_filter_that_nothing_fits_writes_nothing(many: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of 400 discussions fits"):
        magdi("filter", many, "-o", tmp_path / "out.jsonl", "--protocol", "mad")
    assert not (tmp_path / "out.jsonl").exists()


def test_labels_of_a_discussion() -> None:
    found = [labels_of(mag(1, labels)) for labels in ((True,), (False, None), (None,), (True, False))]
    assert found == ["right", "wrong", "none", "mixed"]
    assert Filter()(mag(1))


def test_bad_lines_are_passed_over_when_asked(many: Path, tmp_path: Path) -> None:
    many.write_text(many.read_text() + "{broken\n")
    arguments = ["mags", "filter", str(many), "-o", str(tmp_path / "o.jsonl"), "--turns", "1:", "--json", "--skip-bad"]
    done = CliRunner().invoke(app, arguments)
    assert json.loads(done.stdout) | {"schema": ""} == {
        "schema": "",
        "out": str(tmp_path / "o.jsonl"),
        "mags": 400,
        "of": 400,
        "skipped": 1,
    }
    assert "many.jsonl:401" in done.stderr
