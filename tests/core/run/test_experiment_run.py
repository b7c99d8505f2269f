"""A run from first question to last answer: what it leaves behind, what it does not do twice, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.api import default_directory
from magdi.core.config.models import RunConfig
from magdi.core.errors import (
    ConfigError,
    DataError,
    LimitReached,
    MagFileError,
    RunDirectoryError,
    TrainingError,
)
from magdi.core.mag import read_mags, write_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.inputs import contents
from magdi.core.run.progress import Progress
from magdi.plugins.runs.finding import compare
from tests.without_magdi import answers


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.core.run.conftest import TOY

    out = tmp_path_factory.mktemp("finished") / "run"
    magdi.run(out=out, **TOY)
    return out


def test_the_outcome_says_what_issue_and_readers_expect(finished: Path, toy: dict[str, Any]) -> None:
    outcome = magdi.run(out=finished, **toy)
    assert outcome["status"] == "done"
    assert outcome["simulated"] is True
    assert outcome["run"] == str(finished)
    assert outcome["mags"]["count"] == 24 == sum(outcome["mags"]["structures"].values())
    assert outcome["training"]["level"] == "4"
    for who in ("base", "student"):
        low, high = outcome[who]["interval"]
        assert -1e-9 < low <= outcome[who]["accuracy"] + 1e-9
        assert outcome[who]["accuracy"] - 1e-9 <= high < 1 + 1e-9
        assert outcome[who]["count"] == 12
    difference = outcome["student"]["accuracy"] - outcome["base"]["accuracy"]
    assert outcome["gain"]["difference"] == pytest.approx(difference)
    assert outcome["tokens"]["discussion"]["completion"] > 0
    assert set(outcome["seconds"]) == {"discussion", "distillation", "evaluation", "total"}
    json.dumps(outcome.to_dict())


def test_all_three_terms_reach_the_student(finished: Path) -> None:
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    for term in ("positive", "margin", "node"):
        assert any(line.get(f"grad_norm/{term}", 0) > 0 for line in lines), term


def test_a_finished_run_is_not_done_again(finished: Path, toy: dict[str, Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.jsonl")}
    magdi.run(out=finished, **toy)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.jsonl")} == before


def test_another_configuration_is_refused_and_the_difference_named(finished: Path, toy: dict[str, Any]) -> None:
    with pytest.raises(RunDirectoryError, match=r"seed: 0 -> 7") as caught:
        magdi.run(out=finished, seed=7, **toy)
    assert "--fresh" in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_file_that_has_changed_makes_another_run(tmp_path: Path, toy: dict[str, Any]) -> None:
    """Samples, calibrations, dialogues, questions: what decides is in the file and not its name."""
    sample = {"question": "How many legs has a cat?", "explanation": "Two pairs.", "answer": "4"}
    file, out = tmp_path / "convincing.json", tmp_path / "run"
    file.write_text(json.dumps({"ada": [sample]}))
    toy["protocol"] = {"name": "reconcile", "rounds": 1, "convincing": str(file)}
    first = magdi.discuss(out=out, **toy)
    assert magdi.discuss(out=out, **toy)["mags"] == first["mags"]
    before = default_directory(RunConfig.model_validate(toy))
    file.write_text(json.dumps({"ada": [sample | {"answer": "2"}]}))
    with pytest.raises(RunDirectoryError, match=r"protocol\.convincing \(the file\): "):
        magdi.discuss(out=out, **toy)
    assert default_directory(RunConfig.model_validate(toy)) != before
    magdi.discuss(out=out, fresh=True, **toy)
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    RunDirectory(copy).update(files={"protocol.convincing": "another"})
    (difference,) = compare(RunDirectory(out), RunDirectory(copy))["configuration"]
    assert difference.startswith("protocol.convincing (the file): ")


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"protocol": {"name": "reconcile", "calibration": "{}"}}, "protocol.calibration"),
        ({"protocol": {"name": "dialogue", "file": "{}"}}, "protocol.file"),
        ({"task": "jsonl:{}"}, "task.name"),
        ({"evaluation": {"task": {"name": "jsonl", "data": "{}"}}}, "evaluation.task.data"),
        ({"teachers": [{"teacher": "replay:{}#ada"}]}, "teachers.0.teacher"),
        ({"discussion": {"mags": "{}"}}, "discussion.mags"),
        ({"teachers": [{"teacher": "simulated:careful", "persona": "long " * 999}]}, None),
    ],
)
def test_files_are_found_where_settings_name_them(tmp_path: Path, settings: dict[str, Any], where: str | None) -> None:
    file = tmp_path / "a file"
    file.write_text("one")
    config = RunConfig.model_validate(json.loads(json.dumps(settings).replace("{}", str(file))))
    first = contents(config)
    assert list(first) == ([where] if where else [])
    file.write_text("another")
    assert (contents(config) == first) == (where is None)


def test_limits_may_change(finished: Path, toy: dict[str, Any]) -> None:
    assert magdi.run(out=finished, max_calls=5, **toy)["status"] == "done"


def test_the_student_answers_where_there_is_no_magdi(finished: Path) -> None:
    assert answers(finished / "student")


def test_a_limit_stops_and_the_same_call_goes_on(tmp_path: Path, toy: dict[str, Any]) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    magdi.discuss(out=whole, **toy)
    for _ in range(40):
        try:
            magdi.discuss(out=parts, max_calls=10, **toy)
            break
        except LimitReached:
            assert RunDirectory(parts).state()["status"] == "stopped"
    assert (parts / "mags.jsonl").read_bytes() == (whole / "mags.jsonl").read_bytes()


def test_fresh_starts_over(tmp_path: Path, toy: dict[str, Any]) -> None:
    first = magdi.discuss(out=tmp_path / "run", **toy)
    again = magdi.discuss(out=tmp_path / "run", seed=3, fresh=True, **toy)
    assert again["mags"] != first["mags"]


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path: Path, toy: dict[str, Any]) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunDirectoryError, match="holds no run"):
        magdi.run(out=tmp_path, fresh=True, **toy)
    assert (tmp_path / "thesis.tex").exists()


def test_a_locked_directory_is_refused(tmp_path: Path, toy: dict[str, Any]) -> None:
    magdi.discuss(out=tmp_path / "run", **toy)
    with RunDirectory(tmp_path / "run").lock(), pytest.raises(RunDirectoryError, match="another process"):
        magdi.discuss(out=tmp_path / "run", **toy)


def test_mags_of_a_file_are_learned_from(finished: Path, tmp_path: Path, toy: dict[str, Any]) -> None:
    outcome = magdi.distill(finished / "mags.jsonl", out=tmp_path / "run", limit=10, **toy)
    assert outcome["mags"]["count"] == 10
    assert outcome["simulated"] is True
    assert list(read_mags(tmp_path / "run" / "mags.jsonl")) == magdi.load_mags(finished / "mags.jsonl")[:10]
    assert (tmp_path / "run" / "student" / "heads.safetensors").exists()


def test_the_students_own_answers_join_the_mags(finished: Path, tmp_path: Path, toy: dict[str, Any]) -> None:
    magdi.distill(finished / "mags.jsonl", out=tmp_path / "run", limit=10, refresh=1, **toy)
    held, renewed = (list(read_mags(tmp_path / "run" / name)) for name in ("mags.jsonl", "renewed.jsonl"))
    for before, after in zip(held, renewed, strict=True):
        *others, own = after.turns
        assert tuple(others) == before.turns
        assert (own.agent, own.seen, own.model) == ("student", (), "")
        assert own.correct == (own.answer == before.question.gold)
    magdi.distill(finished / "mags.jsonl", out=tmp_path / "run", limit=10, fresh=True, **toy)
    assert not (tmp_path / "run" / "renewed.jsonl").exists()


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Discussions of two tasks under three protocols; the first two of the same questions."""
    from tests.core.run.conftest import TOY

    folder = tmp_path_factory.mktemp("talks")
    sums = [{"question": f"What is {n} + 4?", "choices": [str(n + 4), str(n)], "answer": "A"} for n in range(40)]
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, sums)))
    letters = {"task": f"jsonl:{folder / 'sums.jsonl'}", "teacher": [guessing(name) for name in PROFILES]}
    magdi.discuss(out=folder / "one", **TOY)
    magdi.discuss(out=folder / "two", **(TOY | {"protocol": "debate", "limit": 12}))
    magdi.discuss(out=folder / "three", **(TOY | letters | {"protocol": "roundtable", "limit": 9}))
    return {name: folder / name for name in ("one", "two", "three", "sums.jsonl")}


PROFILES = ("careful", "hasty")


def guessing(name: str) -> dict[str, Any]:
    return {"name": name, "teacher": f"simulated:{name}", "settings": {"guess": True}}


def test_discussions_of_several_tasks_and_protocols_train_together(
    talks: dict[str, Path], tmp_path: Path, toy: dict[str, Any]
) -> None:
    toy["task"] = {"name": "mix", "parts": [toy["task"], {"name": "jsonl", "data": talks["sums.jsonl"]}]}
    files = [talks["one"], talks["two"] / "mags.jsonl", talks["three"]]
    heard = Listening()
    outcome = magdi.run(mags=files, out=tmp_path / "run", progress=heard, **toy)
    assert outcome["mags"]["protocols"] == {"debate": 12, "reconcile": 24, "roundtable": 9}
    assert outcome["mags"]["tasks"] == {"arithmetic": 36, "jsonl": 9}
    ids = {mag.id for mag in read_mags(tmp_path / "run" / "mags.jsonl")}
    assert outcome["training"]["counts"]["used"] == 45 == len(ids)
    assert set(outcome["student"]["by_task"]) == {"arithmetic", "jsonl"}
    assert not [line for line in heard.told if "task" in line]
    steps = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    for term in ("positive", "margin", "node"):
        assert any(step.get(f"grad_norm/{term}", 0) > 0 for step in steps), term
    (again,) = magdi.evaluate(tmp_path / "run", out=tmp_path).to_dict()["models"]
    assert again["by_task"] == outcome["student"]["by_task"]


def test_several_files_are_taken_in_turn_and_what_is_left_or_foreign_is_told(
    talks: dict[str, Path], tmp_path: Path, toy: dict[str, Any]
) -> None:
    heard = Listening()
    files = [talks["one"], talks["two"], talks["three"]]
    outcome = magdi.distill(files, out=tmp_path / "run", limit=6, progress=heard, **toy)
    assert outcome["mags"]["protocols"] == {"debate": 2, "reconcile": 2, "roundtable": 2}
    ids = [mag.id for mag in read_mags(tmp_path / "run" / "mags.jsonl")]
    assert ids[1] == f"{ids[0]}-2"
    assert "the first 6 MAGs are learned from; --limit N takes more" in heard.told
    assert any("task is arithmetic, and there are MAGs of others (2 of jsonl)" in line for line in heard.told)


def test_a_broken_line_ends_it_unless_told_otherwise(finished: Path, tmp_path: Path, toy: dict[str, Any]) -> None:
    lines = (finished / "mags.jsonl").read_text().splitlines()
    broken = tmp_path / "mags.jsonl"
    broken.write_text("\n".join([lines[0], lines[1][:40], *lines[2:]]) + "\n")
    with pytest.raises(MagFileError, match=r"mags\.jsonl:2"):
        magdi.distill(broken, out=tmp_path / "strict", **toy)
    assert magdi.distill(broken, out=tmp_path / "lenient", skip_bad=True, **toy)["mags"]["count"] == 23


def test_mags_are_simulated_only_where_every_teacher_was(finished: Path, tmp_path: Path, toy: dict[str, Any]) -> None:
    few = magdi.load_mags(finished / "mags.jsonl")[:6]
    few[1] = few[1].model_copy(update={"turns": tuple(each.model_copy(update={"model": "x"}) for each in few[1].turns)})
    first = few[2].turns[0].model_copy(update={"model": "openai:gpt-4o"})
    few[2] = few[2].model_copy(update={"turns": (first, *few[2].turns[1:])})
    write_mags(tmp_path / "mixed.jsonl", few)
    toy["training"]["level"] = "base"
    outcome = magdi.distill(tmp_path / "mixed.jsonl", out=tmp_path / "run", **toy)
    assert outcome["simulated"] is False
    assert (outcome["mags"]["count"], outcome["mags"]["simulated"]) == (6, 5)


def test_no_teachers_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "2 + 2?", "answer": "4"}\n')
    with pytest.raises(ConfigError, match="no teachers"):
        magdi.discuss(out=tmp_path / "run", task={"name": "jsonl", "data": str(questions)})


def test_a_missing_file_is_an_error(tmp_path: Path, toy: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no such file"):
        magdi.distill(tmp_path / "none.jsonl", out=tmp_path / "run", **toy)


def test_a_file_without_a_mag_is_said_to_hold_none(tmp_path: Path, toy: dict[str, Any]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(DataError, match=r"empty\.jsonl holds no MAG$") as caught:
        magdi.distill(empty, out=tmp_path / "run", **toy)
    assert not caught.value.hint
    empty.write_text("{broken\n")
    with pytest.raises(DataError, match=r"holds no MAG that can be read$") as caught:
        magdi.distill(empty, out=tmp_path / "run2", skip_bad=True, **toy)
    assert "empty.jsonl:1" in caught.value.hint


def test_a_level_that_leaves_nothing_is_an_error_before_a_model_is_made(
    finished: Path, tmp_path: Path, toy: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magdi.plugins.tiny.base.tiny_base", lambda *args, **kwargs: pytest.fail("a base was made"))
    with pytest.raises(TrainingError, match=r"leaves nothing to train on in 24 MAGs: no agent 'nobody'"):
        magdi.distill(finished / "mags.jsonl", out=tmp_path / "run", level="single-teacher:nobody", **toy)


def test_mags_without_a_right_turn_are_told(finished: Path, tmp_path: Path, toy: dict[str, Any]) -> None:
    few = magdi.load_mags(finished / "mags.jsonl")[:6]
    wrong = tuple(each.model_copy(update={"label": False, "correct": False}) for each in few[0].turns)
    some = sum(not any(turn.label for turn in mag.turns) for mag in few[1:]) + 1
    write_mags(tmp_path / "some.jsonl", [few[0].model_copy(update={"turns": wrong}), *few[1:]])
    heard = Listening()
    magdi.distill(tmp_path / "some.jsonl", out=tmp_path / "run", progress=heard, **toy)
    (said,) = (line for line in heard.told if "right turn" in line)
    assert said.startswith(f"warning: {some} of 6 MAGs have no right turn")


def test_the_base_alone_can_be_evaluated(finished: Path, tmp_path: Path, toy: dict[str, Any]) -> None:
    outcome = magdi.run(out=tmp_path / "run", mags=str(finished / "mags.jsonl"), level="base", **toy)
    assert outcome["base"]["accuracy"] == magdi.run(out=finished, **toy)["base"]["accuracy"]
    assert "student" not in outcome


def test_a_student_of_prefixed_lessons_is_asked_with_its_prefix(
    finished: Path, tmp_path: Path, toy: dict[str, Any]
) -> None:
    magdi.run(out=tmp_path / "run", mags=str(finished / "mags.jsonl"), level="dss-mt", **toy)
    prompts = [line["prompt"] for line in map(json.loads, _lines(tmp_path / "run/evaluation/student.jsonl"))]
    assert all("[label]" in prompt for prompt in prompts)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:]


class Listening(Progress):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def test_what_was_cut_is_told_with_the_setting_that_makes_room(
    finished: Path, tmp_path: Path, toy: dict[str, Any]
) -> None:
    short = {"student": toy["student"] | {"max_length": 60}, "evaluation": {"max_new_tokens": 3, "base": False}}
    short["training"] = toy["training"] | {"learning_rate": 5e-6}
    heard = Listening()
    magdi.run(out=tmp_path / "run", mags=str(finished / "mags.jsonl"), progress=heard, **(toy | short))
    assert any("4 steps at 5e-06 hardly move any weight" in line for line in heard.told)
    chains, answers = (line for line in heard.told if "cut" in line)
    assert re.search(r"\d+ of 138 texts to learn from were cut at 60 tokens.*--set student\.max_length=N", chains)
    assert "100 % of the answers of the student were cut off at 3 tokens; --set evaluation.max_new_tokens=N" in answers
    heard = Listening()
    magdi.evaluate(tmp_path / "run", questions=5, max_new_tokens=2, out=tmp_path, progress=heard)
    assert any("100 % of the answers of" in line and "--max-new-tokens N" in line for line in heard.told)


def test_questions_that_were_learned_from_are_counted_and_told(
    finished: Path, tmp_path: Path, toy: dict[str, Any]
) -> None:
    heard = Listening()
    assert magdi.run(out=finished, **toy)["trained_on"] == 0
    talk = magdi.discuss(out=tmp_path / "talk", discussion={"split": "test"}, **toy)
    mags = str(tmp_path / "talk" / "mags.jsonl")
    outcome = magdi.run(out=tmp_path / "run", mags=mags, progress=heard, **toy)
    assert outcome["trained_on"] == 12 == talk["mags"]["count"]
    assert any("12 of 12 evaluated questions" in text for text in heard.told)


def test_runs_are_evaluated_from_python_as_from_the_command_line(
    finished: Path, tmp_path: Path, toy: dict[str, Any]
) -> None:
    assert '"count": 5' in json.dumps(magdi.evaluate(finished, questions=5, out=tmp_path).to_dict())
    with pytest.raises(ConfigError, match="no task was named"):
        magdi.evaluate(str(tmp_path), out=tmp_path / "asked")
