"""Tasks over files: what is read, drawn and held out, and what is said when it cannot be."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.errors import ConfigError, DataError
from magdi.core.task import Task
from magdi.plugins.registry import default_registry
from magdi.plugins.tasks import hub as hub_module
from magdi.plugins.tasks import rows as rows_module


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def gsm_rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"question": f"What is {n} + 1?", "answer": f"It is {n + 1}. #### {n + 1}"} for n in range(start, start + count)
    ]


def task(name: str, seed: int = 0, **settings: Any) -> Task:
    return default_registry().task(ComponentChoice(name=name, **settings), seed)


@pytest.fixture
def gsm(tmp_path: Path) -> Path:
    write(tmp_path / "train.jsonl", *gsm_rows(40))
    write(tmp_path / "test.jsonl", *gsm_rows(10, start=100))
    return tmp_path


def test_draws_training_questions_with_the_seed_and_validates_on_the_rest(gsm: Path) -> None:
    first, other = task("gsm8k", data=gsm, train=20), task("gsm8k", seed=1, data=gsm, train=20)
    train, validation = first.questions("train"), first.questions("validation")
    assert len(train) == 20
    assert len(validation) == 8  # a fifth: there is not enough to spare
    assert not {question.id for question in train} & {question.id for question in validation}
    assert train == task("gsm8k", data=gsm, train=20).questions("train")
    assert train != other.questions("train")
    assert first.questions("test")[3].id == "gsm8k-test-3"
    assert first.questions("test")[3].gold == "104"
    assert first.questions("test")[3].metadata == {"rationale": "It is 104."}


def test_sizes_do_not_change_who_is_who(gsm: Path) -> None:
    small, large = task("gsm8k", data=gsm, train=10).questions("train"), task("gsm8k", data=gsm).questions("train")
    by_id = {question.id: question for question in large}
    assert all(by_id[question.id] == question for question in small if question.id in by_id)


def test_leaves_training_questions_out_that_are_held_out_too(gsm: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(gsm / "test.jsonl", *gsm_rows(5, start=38))
    with caplog.at_level(logging.WARNING):
        train = task("gsm8k", data=gsm, train=None).questions("train")
    assert "2 of 40 training questions are held-out questions too" in caplog.text
    tested = {question.text for question in task("gsm8k", data=gsm).questions("test")}
    assert not tested & {question.text for question in train}


def test_reads_parquet_and_the_hubs_layout(tmp_path: Path) -> None:
    for number, part in enumerate((gsm_rows(3), gsm_rows(2, start=3))):
        path = tmp_path / "main" / f"test-0000{number}-of-00002.parquet"
        path.parent.mkdir(exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(part), path)
    assert [question.gold for question in task("gsm8k", data=tmp_path).questions("test")] == list("12345")


def test_asks_the_hub_where_no_data_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def hub(path: str, config: str | None, split: str) -> list[dict[str, Any]]:
        asked.append((path, config, split))
        return gsm_rows(5)

    monkeypatch.setattr("magdi.plugins.tasks.dataset.hub_rows", hub)
    monkeypatch.setattr("magdi.plugins.tasks.hf.hub_rows", hub)
    assert len(task("gsm8k").questions("test")) == 5
    assert len(task("hf:openai/gsm8k:main", splits={"test": "test"}).questions("test")) == 5
    assert asked == [("openai/gsm8k", "main", "test")] * 2


def test_a_hub_that_cannot_be_reached_is_one_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def unreachable(*arguments: object, **options: object) -> None:
        raise ConnectionError("no route to host\nand much more")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(
        DataError, match=r"openai/gsm8k \(test\) cannot be loaded from the hub: no route to host$"
    ) as raised:
        task("gsm8k").questions("test")
    assert "data=FOLDER" in raised.value.hint


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"question": "a", "answer": "#### 1"}\n{oops\n', r"test\.jsonl:2: is no JSON"),
        ('{"question":\n', r"test\.jsonl:1: is no JSON: Expecting value at column 13"),
        ("[1]\n", r"test\.jsonl:1: is no JSON object"),
        ('{"answer": "#### 1"}\n', r"row test-0 of .*test\.jsonl: column 'question' is missing"),
        ('{"question": "a", "answer": "one"}\n', r'row test-0 .*"answer" does not end with'),
        ('{"question": "a", "answer": "#### many"}\n', r"the gold answer ' many' is no number"),
        ("", r"test\.jsonl has no questions"),
    ],
)
def test_says_what_is_wrong_with_a_file_and_where(content: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        task("gsm8k", data=tmp_path).questions("test")


def test_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no train questions") as raised:
        task("svamp", data=tmp_path).questions("train")
    assert "train.jsonl" in raised.value.hint


def test_a_broken_parquet_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "test.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match="is no parquet file"):
        rows_module.read_rows(tmp_path / "test.parquet")


JSONL: list[dict[str, Any]] = [
    {"id": "cats", "question": "How many legs have three cats?", "answer": 12},
    {"id": "whale", "question": "Is a whale a fish?", "answer": False},
    {"id": "metal", "question": "Which is a metal?", "choices": ["wood", "iron"], "answer": "iron"},
    {"id": "second", "question": "Which is second?", "choices": ["x", "y", "z"], "answer": 1},
    {"id": "hub", "question": "Hub?", "choices": {"label": ["1", "2"], "text": ["u", "v"]}, "answer": "B"},
    {
        "id": "own",
        "question": "Own?",
        "choices": [{"label": "P", "text": "u"}, {"label": "Q", "text": "v"}],
        "answer": "Q",
    },
    {"id": "twice", "question": "What is 2 * 3?", "answer": "Two threes are six. #### 6"},
    {"id": "city", "question": "Where is the Louvre?", "answer": "In Paris"},
]


def test_jsonl_tells_each_answers_form(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", *JSONL)
    questions = {question.id: question for question in task("jsonl", data=tmp_path).questions("test")}
    assert {name: (question.answer_type, question.gold) for name, question in questions.items()} == {
        "cats": ("number", "12"),
        "whale": ("boolean", "no"),
        "metal": ("letter", "B"),
        "second": ("letter", "B"),
        "hub": ("letter", "B"),
        "own": ("letter", "Q"),
        "twice": ("number", "6"),
        "city": ("text", "in paris"),
    }
    jsonl = task("jsonl", data=tmp_path)
    assert jsonl.grade(jsonl.extract("So the answer is (Q).", questions["own"]), "Q")
    assert jsonl.grade(jsonl.extract("The answer is in Paris.", questions["city"]), "in paris")


def test_jsonl_divides_one_file_and_adding_rows_moves_none(tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", *gsm_rows(100))
    before = task(f"jsonl:{path}")
    splits = {
        split: {question.text for question in before.questions(split)} for split in ("train", "validation", "test")
    }
    assert sum(map(len, splits.values())) == 100
    assert 10 < len(splits["test"]) < 30
    write(path, *gsm_rows(150))
    assert splits["test"] <= {question.text for question in task(f"jsonl:{path}").questions("test")}


def test_jsonl_reads_other_columns(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", {"q": "Simplify.", "a": "\\frac{2}{4}x"})
    columns = {"question": "q", "answer": "a", "answer_type": "expression"}
    expressions = task("jsonl", data=tmp_path, columns=columns)
    (question,) = expressions.questions("test")
    assert question.gold is not None
    assert expressions.grade(expressions.extract("\\boxed{\\frac{x}{2}}", question), question.gold)


def test_an_id_that_comes_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", JSONL[0], JSONL[0])
    with pytest.raises(DataError, match="has the id 'cats' more than once"):
        task("jsonl", data=tmp_path).questions("test")


def test_mix_takes_turns_and_each_part_grades_its_own(gsm: Path) -> None:
    write(gsm / "svamp" / "test.jsonl", {"Body": "Ann has 3 pens", "Question": "How many pens?", "Answer": 3.0})
    write(
        gsm / "strategyqa" / "dev.jsonl",
        {"question": "Is it?", "answer": True},
        {"question": "Was it?", "answer": False},
    )
    mix = task("mix:gsm8k+svamp+strategyqa", data=str(gsm))
    test = mix.questions("test")
    assert [question.id for question in test[:5]] == [
        "gsm8k/gsm8k-test-0",
        "svamp/svamp-test-0",
        "strategyqa/strategyqa-test-0",
        "gsm8k/gsm8k-test-1",
        "strategyqa/strategyqa-test-1",
    ]
    assert [mix.grade(mix.extract("The answer is yes.", question), question.gold or "") for question in test[:5]] == [
        False, False, True, False, False,
    ]  # fmt: skip
    assert {question.task for question in mix.questions("train")} == {"gsm8k"}


def test_mix_refuses_one_task_or_one_twice() -> None:
    with pytest.raises(ConfigError, match="two or more"):
        task("mix:gsm8k")
    with pytest.raises(ConfigError, match="twice"):
        task("mix:gsm8k+gsm8k").questions("test")


def test_math_takes_the_answer_from_the_solution(tmp_path: Path) -> None:
    write(
        tmp_path / "test.jsonl",
        {"problem": "Add.", "solution": "It is $\\boxed{\\frac{1}{\\sqrt{2}}}$.", "level": "Level 1"},
    )
    (question,) = task("math", data=tmp_path).questions("test")
    assert question.gold == "\\frac{1}{\\sqrt{2}}"
    assert question.metadata["level"] == "Level 1"


def test_arc_calls_its_options_by_letters(tmp_path: Path) -> None:
    choices = {"label": ["1", "2", "3"], "text": ["ice", "fire", "air"]}
    write(tmp_path / "test.jsonl", {"question": "Hot?", "choices": choices, "answerKey": "2"})
    (question,) = task("arc-challenge", data=tmp_path).questions("test")
    assert question.prompt == "Hot?\n(A) ice\n(B) fire\n(C) air"
    assert question.gold == "B"


def test_boolq_shows_the_passage_unless_told_not_to(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", {"question": "is it wet", "answer": True, "passage": "It rains."})
    assert task("boolq", data=tmp_path).questions("test")[0].text == "It rains.\nIs it wet?"
    assert task("boolq", data=tmp_path, passage=False).questions("test")[0].text == "Is it wet?"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test.jsonl", '{"question": "2 + 3 = ÷", "answer": "5"}\n'),
        ("test.json", '[{"question": "2 + 3 = ÷", "answer": "5"}]'),
        ("test.json", '{"question": "2 + 3 = ÷", "answer": "5"}\n{"question": "b", "answer": "6"}\n'),
        ("test.csv", 'question,answer,\r\n"2 + 3 = ÷",5,\r\n'),
    ],
)
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    (tmp_path / name).write_text(text, encoding=encoding)
    question = task("jsonl", data=tmp_path).questions("test")[0]
    assert (question.text, question.gold) == ("2 + 3 = ÷", "5")


def test_options_in_columns_of_their_own_or_with_their_letters(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text('q,a,b,right\n"Which, then?",iron,wood,wood\n', encoding="utf-8")
    columns: dict[str, Any] = {"question": "q", "choices": ["a", "b"], "answer": "right"}
    write(tmp_path / "aqua" / "test.jsonl", {"question": "Which?", "options": ["A)iron", "B) wood"], "correct": "B"})
    aqua = {"choices": "options", "answer": "correct"}
    for folder, named in ((tmp_path, columns), (tmp_path / "aqua", aqua)):
        (question,) = task("jsonl", data=folder, columns=named).questions("test")
        assert [(each.label, each.text) for each in question.choices] == [("A", "iron"), ("B", "wood")]
        assert question.gold == "B"


def test_a_torn_csv_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("question,answer\nb,2\nc\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.csv:3: has fewer columns"):
        task("jsonl", data=tmp_path).questions("test")


def test_test_questions_that_stand_there_twice_are_told_once(gsm: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = gsm_rows(10, start=100)
    write(gsm / "test.jsonl", *rows, rows[3] | {"question": "What  is 103 + 1?"})
    tested = task("gsm8k", data=gsm)
    with caplog.at_level(logging.WARNING):
        assert len(tested.questions("test")) == len(tested.questions("test")) == 11
    told = [record.getMessage() for record in caplog.records if "more than once" in record.getMessage()]
    assert told == [
        "gsm8k: 1 of 11 test questions stand there more than once, and count each time (the first is gsm8k-test-3)"
    ]


def test_a_hub_that_takes_no_connection_is_not_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    offline = []

    def cached(*arguments: object, **options: object) -> list[dict[str, Any]]:
        offline.append((constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE))
        raise ConnectionError("no cached copy")

    def refused(address: tuple[str, int], patience: float) -> None:
        raise OSError(111, f"refused by {address[0]}:{address[1]}")

    monkeypatch.setattr(datasets, "load_dataset", cached)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.test")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_module, "getproxies", dict)
    with pytest.raises(DataError, match="no cached copy") as raised:
        task("gsm8k").questions("test")
    assert "hub.test cannot be reached (refused by hub.test:443)" in raised.value.hint
    assert (offline, constants.HF_HUB_OFFLINE) == ([(True, True)], False)
    monkeypatch.setattr(hub_module, "getproxies", lambda: {"https": "http://proxy.test:3128"})
    with pytest.raises(DataError) as raised:
        task("gsm8k").questions("test")
    assert "refused by proxy.test:3128" in raised.value.hint
