"""What a page says of a run, whatever the run has come to."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import RunConfig
from magdi.core.errors import DataError
from magdi.core.mag import write_mags
from magdi.core.run.directory import RunDirectory
from magdi.plugins.manager import load_plugins
from magdi.plugins.report.answers import Answers
from magdi.plugins.report.blocks import Browser, Curves, Facts, Notice, Scatter, Table
from magdi.plugins.report.curves import curves
from magdi.plugins.report.data import RunContent, mag_file_sections, view
from magdi.plugins.report.headline import blocks
from magdi.plugins.report.prompts import Reworder
from magdi.plugins.report.talk import TalkFigures
from tests.core.run.run_directories import opened_run
from tests.plugins.report.report_samples import a_mag, a_prediction, a_run


def test_summary_says_what_came_out(run_directory: RunDirectory) -> None:
    sections = {section.id: section for section in RunContent(run_directory).sections()}
    assert list(sections) == ["summary", "training", "talk", "discussions", "answers", "run"]
    facts = next(block for block in sections["summary"].blocks if isinstance(block, Facts))
    figures = {fact.label: fact for fact in facts.items}
    assert figures["before distillation"].value == "50.0 %"
    assert figures["distilled student"].value == "66.7 %"
    assert figures["gain, paired"].value == "+16.7"
    assert "only" not in figures["gain, paired"].note
    assert figures["discussions"].value == "130"
    assert figures["teachers' teams right"].value == "100.0 %"
    assert figures["teachers' first answers right"].value == "75.0 %"


def test_points_are_tokens_and_shares(run_directory: RunDirectory) -> None:
    summary = RunContent(run_directory).sections()[0]
    scatter = next(block for block in summary.blocks if isinstance(block, Scatter))
    points = {point.name: point for point in scatter.points}
    assert (points["ada"].x, points["ada"].y) == (20, 1.0)
    assert (points["ben"].x, points["ben"].y) == (20, 0.5)
    assert (points["round 0"].x, points["round 0"].y) == (40, 1.0)  # a tie goes to ada, who spoke first
    assert points["round 1"].x == 60  # half of them went on
    assert points["distilled student"].low < points["distilled student"].y < points["distilled student"].high  # type: ignore[operator]


@pytest.mark.parametrize(("of", "said"), [(0, ""), (1, "Of 3 discussions 1 are of"), (3, "this run are simulated")])
def test_a_page_calls_teachers_simulated_only_where_all_were(of: int, said: str) -> None:
    talk = TalkFigures()
    for number in range(3):
        model = "simulated:careful" if number < of else "openai:gpt-4o"
        mag = a_mag(number)
        turns = tuple(each.model_copy(update={"model": model}) for each in mag.turns)
        talk.add(mag.model_copy(update={"turns": turns}))
    notices = [block.text for block in blocks(talk, {}) if isinstance(block, Notice)]
    assert len(notices) == bool(said)
    assert all(said in notice for notice in notices)


def test_tables_count_changed_minds(run_directory: RunDirectory) -> None:
    talk = next(section for section in RunContent(run_directory).sections() if section.id == "talk")
    tables = {block.title: block for block in talk.blocks if isinstance(block, Table)}
    assert tables["By graph type"].rows[0][:4] == ("G0", 65, 0.5, 1.0)
    changes = {row[0]: row[1:] for row in tables["Changed minds"].rows}
    assert changes == {"ada": (65, 0, 0, 0, None), "ben": (0, 65, 0, 0, 1.0)}
    assert tables["Who moved whom"].rows == (("ada", "ben", 65, 0, 0, 1.0),)
    agents = {row[0]: row for row in tables["Agents"].rows}
    assert agents["ben"][3:5] == (0.5, 1.0)
    lines = next(block for block in talk.blocks if isinstance(block, Curves))
    assert {line.name: line.y for line in lines.series}["ben"] == (0.5, 1.0)


def test_curves_are_grouped_and_new_measurements_are_drawn() -> None:
    first = {"step": 1, "loss": 2.0, "weighted/node": 1.0, "loss/node": 3.0, "surprise": 1, "threads": 1}
    lines: list[dict[str, Any]] = [first, {"step": 2, "loss": None}]
    plots = {block.title: block for block in curves(lines) if isinstance(block, Curves)}
    assert [line.name for line in plots["Weighted losses"].series] == ["L_I node", "sum"]
    assert plots["Losses"].series[0].y == (3.0,)
    assert plots["surprise"].series[0].x == (1.0,)
    assert "threads" not in plots, "it is the machine's, and always the same"
    many = [{"step": step, "loss": 1.0} for step in range(9999)]
    assert len(next(iter(curves(many))).series[0].x) <= 2000  # type: ignore[attr-defined]


def test_answers_stand_beside_teachers(run_directory: RunDirectory) -> None:
    answers = next(section for section in RunContent(run_directory).sections() if section.id == "answers")
    browser = answers.blocks[0]
    assert isinstance(browser, Browser)
    told: Any = browser.more["who"]
    assert [who for who, _ in told] == ["team", "base", "student"]
    assert len(browser.store) == 60


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    directory = opened_run(tmp_path / "run", RunConfig())
    assert [section.id for section in RunContent(directory).sections()] == ["summary", "run"]
    assert view(directory.path) == directory.path / "report.html"


def test_files_that_are_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither"):
        view(tmp_path)
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with pytest.raises(DataError, match="holds no MAG"):
        view(empty)


def test_bad_lines_are_told_of(tmp_path: Path) -> None:
    file = tmp_path / "mags.jsonl"
    write_mags(file, [a_mag(1)])
    file.write_text(file.read_text() + "{}\n")
    notice = mag_file_sections(file)[0].blocks[0]
    assert isinstance(notice, Notice)
    assert "mags.jsonl:2" in notice.text


@pytest.mark.parametrize("protocol", ["reconcile", "malt", "mad"])
def test_prompts_made_again_are_those_that_were_sent(tmp_path: Path, protocol: str) -> None:
    from magdi.api import discuss
    from magdi.core.mag import read_mags

    discuss(protocol=protocol, limit=4, out=tmp_path / "run", discussion={"keep_prompts": True})
    directory = RunDirectory(tmp_path / "run")
    reworder = Reworder.of(directory.config(), load_plugins((), enabled=False).registry)
    assert reworder is not None
    for mag in read_mags(directory.mags):
        bare = mag.model_copy(update={"turns": tuple(turn.model_copy(update={"prompt": None}) for turn in mag.turns)})
        assert reworder.complete(bare) == mag
        other = bare.model_copy(update={"turns": (bare.turns[0].model_copy(update={"round": 7}), *bare.turns[1:])})
        assert reworder.complete(other).turns[0].prompt is None  # not what the protocol would have asked


def test_a_question_reads_as_it_was_asked() -> None:
    asked = Answers({"student": [a_prediction(1, True)]}, {"q1": "What is 1?"})
    assert '"question":"What is 1?"' in first_record(asked)
    reworded = Answers({"student": [a_prediction(1, True)]}, {"q1": "What is one?"})
    assert '"question":"<s>What is 1?"' in first_record(reworded)


def first_record(answers: Answers) -> str:
    browser = answers.section({}).blocks[0]
    assert isinstance(browser, Browser)
    return gzip.decompress(base64.b64decode(dict(browser.store.parts())["answers-0"])).decode()


def test_questions_are_those_of_the_task_that_the_run_was_examined_in(tmp_path: Path) -> None:
    path = tmp_path / "exam.jsonl"
    path.write_text("\n".join(json.dumps({"question": f"{n}?", "answer": n, "id": f"q{n}"}) for n in range(50)))
    directory = a_run(tmp_path / "run")
    config = {"evaluation": {"task": {"name": "jsonl", "data": str(path)}}}
    (directory.path / directory.CONFIG).write_text(json.dumps(config))
    questions = RunContent(directory, load_plugins().registry)._questions()
    assert questions
    assert all(text == f"{name.removeprefix('q')}?" for name, text in questions.items())


def test_a_run_that_is_still_at_work(tmp_path: Path) -> None:
    directory = a_run(tmp_path / "run")
    for file in (directory.mags, directory.metrics, directory.predictions("student")):
        file.write_bytes(file.read_bytes()[:-20])  # a line that is not all there yet
    directory.failures.write_text('{"question": "q200", "error": "401"}\n{"quest')
    directory.update(status="running")
    with directory.lock():
        sections = {section.id: section for section in RunContent(directory).sections()}
    notices = [block.text for block in sections["summary"].blocks if isinstance(block, Notice)]
    assert notices[0] == "Status of this run: running."
    assert "student.jsonl" in notices[1]
    assert "mags.jsonl:130" in notices[2]
    assert "short ones come first" in notices[3]
    facts = next(block for block in sections["summary"].blocks if isinstance(block, Facts))
    assert {fact.label: fact.value for fact in facts.items}["discussions"] == "129"
    failures = [block for block in sections["run"].blocks if isinstance(block, Table)][-1]
    assert failures.rows == (("q200", "401"),)
