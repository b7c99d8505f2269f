"""`magdi mags`: what it prints and writes, its exit codes, and that one bad line loses nothing unasked."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from magdi.cli.app import app as magdi
from magdi.cli.mags import app
from magdi.cli.mags_tables import check_table
from magdi.core.errors import ComponentError, ConfigError, DataError, MagdiError, MagFileError, StorageError
from magdi.core.mag import Decision, Mag, Question, Seen, Turn, read_mags, write_mags
from magdi.plugins.corpus.readings import readings
from magdi.plugins.formats.importers.autogen import AutogenResults

QUESTION = Question(id="q1", text="What is 17 * 3?", answer_type="number", gold="51", task="sums")
SOLUTION = {"question": "17 * 3?", "ground_truth": "A: 51", "m": {"solution": "It is 51.\nA: 51", "is_correct": True}}


def a_mag(name: str = "m-1") -> Mag:
    grades = {"correct": True, "label": True, "label_source": "gold", "confidence": 0.9}
    first = Turn(step=0, agent="Ada", text="So 51 it is.", answer="51", **grades)
    wrong = {"correct": False, "label": False, "label_source": "gold"}
    second = Turn(step=1, agent="Bob", text="[red]7[/red]", answer="7", round=1, seen=(Seen(step=0),), **wrong)
    decision = Decision(answer="51", rule="plurality", correct=True)
    return Mag(id=name, question=QUESTION, protocol="debate", turns=(first, second), decision=decision, stop="rounds")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def mags(tmp_path: Path) -> Path:
    path = tmp_path / "mags.jsonl"
    write_mags(path, [a_mag(), a_mag("m-2")])
    return path


@pytest.fixture
def broken(mags: Path) -> Path:
    mags.write_text(mags.read_text() + "{broken\n")
    return mags


def test_an_import_of_many_files_is_one_row(tmp_path: Path) -> None:
    files = [tmp_path / f"run-{number}.json" for number in range(21)]
    for file in files:
        file.write_text(json.dumps(AutogenResults.example))
    said = run("import", *files, "-o", tmp_path / "all.jsonl").stdout
    assert "21 files" in said
    assert "run-3.json" not in said
    assert "run-3.json" in run("import", *files[:20], "-o", tmp_path / "all.jsonl").stdout


def test_files_and_runs_named_after_distill_are_learned_from(mags: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_mags(tmp_path / "run" / "mags.jsonl", [a_mag("m-3")])
    (tmp_path / "steps.yaml").write_text("training: {steps: 7}")
    arguments = ["distill", mags, tmp_path / "run", tmp_path / "steps.yaml", "--mags", mags, "-n", "--json"]
    plan = json.loads(CliRunner().invoke(magdi, [str(argument) for argument in arguments]).stdout)
    assert (plan["mags"], plan["training"]["steps"], plan["most"]["calls"]) == (5, 7, 0)


def test_import_reads_grades_and_counts(tmp_path: Path) -> None:
    source, out = tmp_path / "some.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps(SOLUTION))
    document = json.loads(run("import", source, "-o", out, "--task", "gsm8k", "--json").stdout)
    assert document["totals"] == {
        "mags": 1, "turns": 1, "edges": 0, "answered": 1, "right": 1, "wrong": 0, "judged": 1, "agreed": 1, "tested": 0,
    }  # fmt: skip
    (mag,) = read_mags(out)
    assert (mag.question.task, mag.question.gold) == ("gsm8k", "51")
    assert "some.jsonl" in run("import", source, "-o", out).stdout


def test_import_matches_the_tasks_own_questions(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [{"question": "17 * 3?", "answer": "so\n#### 51"}]
    (folder / "test.jsonl").write_text(json.dumps(rows[0]))
    source, out = tmp_path / "some.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps(SOLUTION))
    run("import", source, "-o", out, "--task", "gsm8k", "--task-arg", f"data={folder}", "--match")
    assert next(read_mags(out)).question.id == "gsm8k-test-0"


def test_a_bad_item_stops_an_import_and_leaves_no_file_unless_skipped(tmp_path: Path) -> None:
    source, out = tmp_path / "some.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps(SOLUTION) + "\n[]\n")
    with pytest.raises(MagFileError) as caught:
        run("import", source, "-o", out)
    assert (caught.value.line, caught.value.exit_code, out.exists()) == (2, 2, False)
    result = run("import", source, "-o", out, "--skip-bad", "--json")
    assert json.loads(result.stdout)["skipped"] == 1
    assert "some.jsonl:2" in result.stderr


def test_stats_as_tables_and_as_one_document(mags: Path) -> None:
    text = run("stats", mags).stdout
    for title in ("turns by round", "turns by agent", "decision rules", "beside single agents"):
        assert title in text
    document = json.loads(run("stats", mags, "--json").stdout)
    assert document["totals"]["mags"] == 2
    assert {row["group"] for row in document["turns"]["agent"]} == {"Ada", "Bob"}


def test_several_files_and_run_directories_are_counted_together(mags: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    write_mags(folder / "mags.jsonl", [a_mag("other")])
    assert json.loads(run("stats", mags, folder, "--json").stdout)["totals"]["mags"] == 3


@pytest.mark.parametrize(
    "command",
    [["stats"], ["show", "m-1"], ["check"], ["export", "-o", "out", "--to", "magdi"], ["calibrate", "-o", "out"]],
)
def test_of_several_folders_those_without_discussions_are_left_out_and_told(
    mags: Path, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bare = tmp_path / "bare"
    bare.mkdir()
    assert run(*command, mags, bare).stderr == f"left out: {bare} holds no mags.jsonl\n"
    for folders in ([bare], [bare, bare]):
        with pytest.raises(MagFileError, match="bare"):
            run(*command, *folders)


@pytest.mark.parametrize("command", [["stats"], ["show", "m-1"], ["export", "-o", "x", "--to", "magdi"]])
def test_broken_lines_stop_every_command_unless_skipped(
    broken: Path, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MagFileError, match=r"mags\.jsonl:3"):
        run(*command, broken)
    assert "skipped" in run(*command, broken, "--skip-bad").stderr


def test_show_draws_in_the_terminal(mags: Path) -> None:
    text = run("show", mags, "m-1").stdout
    assert "round 0" in text
    assert "✓ #0 Ada 51" in text
    assert "✗ #1 Bob 7  <- #0 51" in text
    assert "[red]7[/red]" in text, "what was said is no markup"
    assert "m-2" not in text


@pytest.mark.parametrize("name", ["m-2", "2", "#2"])
def test_mags_go_by_id_by_its_end_and_by_number(mags: Path, name: str) -> None:
    assert json.loads(run("show", mags, name, "--json").stdout)["id"] == "m-2"


def test_show_draws_for_a_browser(mags: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert run("show", mags, "m-1", "m-2", "--html", "-o", out).stdout == f"{out}\n"
    assert json.loads(run("show", mags, "m-1", "--html", "-o", tmp_path / "one.html", "--json").stdout) == {
        "schema": "magdi.document/1",
        "out": str(tmp_path / "one.html"),
    }
    assert "<title>2 discussions</title>" in out.read_text()
    assert run("show", mags, "m-1", "--svg", "--view", "none").stdout.startswith("<svg ")


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["nobody"], DataError, "m-1"),
        (["m"], DataError, ""),
        (["#3"], DataError, "they go from #1 to #2"),
        (["#0"], DataError, "they go from #1 to #2"),
        (["#1", "runs/nowhere"], DataError, "there are no runs in runs/"),
        ([], ConfigError, "#1"),
        (["m-1", "--html", "--view", "exct"], ConfigError, "exact"),
        (["m-1", "m-2", "--svg"], ConfigError, "--html"),
    ],
)
def test_show_says_what_is_wrong(
    mags: Path,
    arguments: list[str],
    error: type[MagdiError],
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        run("show", mags, *arguments)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_name_that_many_mags_lack_is_answered_with_a_few(tmp_path: Path) -> None:
    write_mags(tmp_path / "mags.jsonl", [a_mag(f"train-{number}") for number in range(100)])
    with pytest.raises(DataError, match="no MAG 'nobody' among 100") as caught:
        run("show", tmp_path, "nobody")
    assert caught.value.hint.startswith("the nearest are train-")
    assert caught.value.hint.count("train-") == 3


def test_export_and_import_go_round(mags: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.jsonl"
    run("export", mags, "-o", out, "--to", "magdi")
    assert list(read_mags(out)) == list(read_mags(mags))
    run("import", out, "-o", tmp_path / "third.jsonl")
    assert list(read_mags(tmp_path / "third.jsonl")) == list(read_mags(mags))
    with pytest.raises(ComponentError, match="there is no exporter 'parket'; did you mean 'parquet'"):
        run("export", mags, "-o", out, "--to", "parket")


def test_check_passes_and_fails_with_its_exit_code(mags: Path) -> None:
    assert json.loads(run("check", mags, "--json").stdout)["sound"] is True
    result = run("check", mags, "--protocol", "debate", code=1)
    assert "the protocol" in result.stdout
    with pytest.raises(MagFileError):
        run("check", mags.with_name("none.jsonl"))


def some_readings() -> Mag:
    mag = a_mag()
    texts = ["51", "The answer is 51.", "It cannot be said.", "Is it the answer?"]
    turns = [
        mag.turns[0].model_copy(update={"step": step, "text": text, "answer": "51" if "51" in text else None})
        for step, text in enumerate(texts)
    ]
    none = {"correct": None, "label": None, "label_source": "none", "status": "invalid"}
    turns[2:] = [turn.model_copy(update=none) for turn in turns[2:]]
    return mag.model_copy(update={"turns": tuple(turns)})


def test_check_lists_turns_by_the_rule_that_reads_them_least_certain_first(tmp_path: Path) -> None:
    write_mags(tmp_path / "some.jsonl", [some_readings()])
    document = json.loads(run("check", tmp_path / "some.jsonl", "--readings", "--json").stdout)
    (found,) = document["readings"]
    order = ["nothing", "abstains", "marker", "bare"]
    assert [turn["rule"] for turn in found["turns"]] == order
    assert found["rules"] == dict.fromkeys(order, 1)
    assert (found["differ"], found["turns"][2]["answer"]) == (0, "51")
    assert found["turns"][2]["end"] == "The answer is 51."
    assert "readings" not in json.loads(run("check", tmp_path / "some.jsonl", "--json").stdout)
    assert "abstains: -, Ada in turn 2 of m-1" in run("check", tmp_path / "some.jsonl", "--readings").stdout


@pytest.mark.parametrize("width", [60, 80, 120])
def test_readings_fit_the_terminal(width: int) -> None:
    found = readings([some_readings().model_copy(update={"id": "a-long-name-" * 9})])
    told = StringIO()
    console = Console(width=width, file=told)
    console.print(check_table({}, {"some.jsonl": found}))
    lines = told.getvalue().splitlines()
    assert any("nothing" in line for line in lines)
    assert all(len(line.rstrip()) <= width for line in lines)


def test_check_lists_unreadable_lines(broken: Path) -> None:
    document = json.loads(run("check", broken, "--json", code=1).stdout)
    (problem,) = document["files"][0]["problems"]
    assert problem["where"].endswith("mags.jsonl:3")


def test_check_holds_a_runs_discussions_again_with_its_settings(mags: Path) -> None:
    mags.with_name("config.yaml").write_text("protocol: {name: single}\n")
    document = json.loads(run("check", mags, "--json", code=1).stdout)
    assert document["files"][0]["replayed"] == 2


def test_show_draws_the_edges_of_a_view(mags: Path) -> None:
    lines = {view: run("show", "#1", mags, "--view", view).stdout for view in ("exact", "undirected", "none")}
    assert "<-" not in lines["none"]
    assert lines["exact"].count("#") < lines["undirected"].count("#")
    for wrong, told in ((("--view", "sideways"), "no edge view"), (("--html", "--svg"), "two drawings")):
        with pytest.raises(ConfigError, match=told):
            run("show", "#1", mags, *wrong)
    with pytest.raises(DataError, match=r"nowhere.jsonl: there is no such file"):
        run("show", "#1", "nowhere.jsonl")


def test_show_tells_the_votes(mags: Path) -> None:
    split = a_mag().model_copy(update={"decision": Decision(answer="51", rule="x", votes={"51": 2.0, "7": 0.5})})
    write_mags(mags, [split])
    assert "answered 51 (51 2, 7 0.5)" in run("show", "#1", mags).stdout


def test_import_of_nothing_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")
    with pytest.raises(DataError, match="holds no MAG"):
        run("import", tmp_path / "empty.json", "-o", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_check_does_not_hold_what_a_run_took_from_elsewhere_against_its_protocol(mags: Path) -> None:
    mags.with_name("config.yaml").write_text("protocol: {name: single}\ndiscussion: {mags: others.jsonl}\n")
    document = json.loads(run("check", mags, "--json").stdout)
    assert document["files"][0]["replayed"] == 0
    document = json.loads(run("check", mags, "--protocol", "single", "--json", code=1).stdout)
    assert document["files"][0]["replayed"] == 2


PLUGIN = """
from magdi.plugins import Component, hookimpl
from magdi.protocols.single import Single


@hookimpl
def magdi_protocols():
    yield Component("lonely", Single, "Like single.")
"""


def test_check_of_a_run_loads_the_plugins_that_it_was_made_with(mags: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "my lonely.py"
    mags.with_name("config.yaml").write_text(f"protocol: {{name: lonely}}\nplugins: ['{plugin}']\n")
    for why in (f"plugin {plugin}: is not there any more", "it is not trusted"):
        outcome = run("check", mags, "--json")
        assert json.loads(outcome.stdout)["files"][0]["replayed"] == 0
        assert why in outcome.stderr
        assert "its discussions are not held again: there is no protocol 'lonely'" in outcome.stderr
        plugin.write_text(PLUGIN)
    document = json.loads(run("check", mags, "--json", "--trust", code=1).stdout)
    assert document["files"][0]["replayed"] == 2
    assert json.loads(run("check", mags, "--json", code=1).stdout)["files"][0]["replayed"] == 2


@pytest.mark.parametrize("command", [("export", "-o"), ("show", "#1", "-o")])
def test_a_file_without_a_mag_is_said_to_hold_none(tmp_path: Path, command: tuple[str, ...]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(DataError, match=r"empty\.jsonl holds no MAG"):
        run(command[0], *command[1:], tmp_path / "out", empty)
    assert not (tmp_path / "out").exists()


def test_calibrate_writes_what_reconcile_reads(mags: Path, tmp_path: Path) -> None:
    from magdi.protocols.reconcile import ReConcile

    out = tmp_path / "calibration.json"
    assert "Ada" in run("calibrate", mags, "-o", out).stdout
    ReConcile(ReConcile.Config(calibration=str(out)))


def test_check_knows_agents_of_a_run_that_never_spoke(tmp_path: Path) -> None:
    from magdi.core.discussion.stepper import Stepper
    from magdi.core.protocol import agents_named
    from magdi.core.reply import Parsed
    from magdi.protocols.roundtable import Roundtable

    table = Roundtable(Roundtable.Config(max_turns=2, speaker="selector", selector="Cyd"))
    stepper = Stepper(QUESTION, table, agents_named(["Ada", "Bob", "Cyd"]), grade=lambda answer, gold: answer == gold)
    while not stepper.done:
        (turn,) = stepper.pending
        name = "Cyd" if stepper.turns else "Bob"
        stepper.answer(turn.step, Parsed("so", None if turn.ask.role == "selector" else "51"), f'{{"name": "{name}"}}')
    write_mags(tmp_path / "mags.jsonl", [stepper.result])
    names = [f"{{name: {name}, teacher: 'simulated:careful'}}" for name in ("Ada", "Bob", "Cyd")]
    protocol = "{name: roundtable, max_turns: 2, speaker: selector, selector: Cyd}"
    (tmp_path / "config.yaml").write_text(f"protocol: {protocol}\nteachers: [{', '.join(names)}]\n")
    assert {turn.agent for turn in stepper.result.turns} == {"Bob", "Cyd"}
    assert "yes" in run("check", tmp_path).stdout


@pytest.mark.parametrize("place", ["none/x", "folder", "file/x", "locked/x"])
@pytest.mark.parametrize("command", ["import", "magdi", "parquet", "pyg", "node-link", "calibrate"])
def test_a_place_that_cannot_be_written_to_is_said_before_the_work(
    mags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, place: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "locked").mkdir()
    (tmp_path / "file").write_text("")
    allowed = lambda path, mode: Path(path).name != "locked"  # noqa: E731 (root may write anywhere)
    monkeypatch.setattr("magdi.cli.output.os.access", allowed)
    verb = [command] if command in ("import", "calibrate") else ["export", "--to", command]
    with pytest.raises(ConfigError, match=r"(is a folder|cannot be written)[^\n]*$"):
        run(*verb, mags, "-o", tmp_path / place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "locked", "mags.jsonl"]


def test_a_folder_is_not_written_over_a_file(mags: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a file, and a folder is to be written"):
        run("export", mags, "--to", "dataset", "-o", mags)
    assert len(list(read_mags(mags))) == 2


def test_a_write_that_fails_leaves_what_was_there(mags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: int, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("magdi.core.files.os.fsync", full)
    before = mags.read_bytes()
    for verb in (["import"], ["export", "--to", "magdi"], ["export", "--to", "node-link"]):
        with pytest.raises(StorageError, match="mags.jsonl cannot be written: No space left"):
            run(*verb, mags, "-o", mags)
    assert (mags.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (before, ["mags.jsonl"])


def test_import_takes_the_tasks_data_and_says_when_no_task_is_named(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(json.dumps({"Body": "Ann has 3", "Question": "How many ?", "Answer": 3}))
    row = {"question": "Ann has 3 . How many?", "answer": "3", "response_list": ["3"]}
    (tmp_path / "eot.jsonl").write_text(json.dumps(row))
    arguments = ("import", tmp_path / "eot.jsonl", "-o", tmp_path / "out.jsonl", "--data", tmp_path, "--match")
    run(*arguments, "--task", "svamp")
    assert [mag.question.id for mag in read_mags(tmp_path / "out.jsonl")] == ["svamp-test-0"]
    with pytest.raises(ConfigError, match="none is named"):
        run(*arguments)


def test_a_mag_file_may_begin_with_a_byte_order_mark(mags: Path) -> None:
    mags.write_bytes(b"\xef\xbb\xbf" + mags.read_bytes() + b"\xef\xbb\xbf\n")
    assert json.loads(run("check", mags, "--json").stdout)["sound"]


FORMATS = """
from magdi.core.files import whole_file
from magdi.plugins import Component, hookimpl
from magdi.plugins.formats.exporter import Exporter
from magdi.plugins.formats.importer import Importer, has
from pydantic import BaseModel, Field


class Letters(Importer):
    class Config(BaseModel, extra="forbid"):
        protocol: str = Field("post", description="What the discussions are called.")

    example = {"question": "What is 2 + 3?", "letters": ["5"]}

    def recognises(self, value):
        return has(value, "question", "letters")

    def read(self, item, reader):
        question = reader.question(item.value["question"], "5")
        turns = [reader.turn(question, step, f"writer-{step}", text) for step, text in enumerate(item.value["letters"])]
        return reader.mag(item, question, self.config.protocol, turns)


class Post(Exporter):
    def write(self, mags, path, view):
        with whole_file(path) as file:
            return sum(bool(file.write(f"{mag.protocol} {view} {mag.decision.answer}\\n")) for mag in mags)


@hookimpl
def magdi_importers():
    yield Component("letters", Letters, "Letters.")
    yield Component("lost", "magdi.no_such_module:Lost", "Cannot be loaded.")


@hookimpl
def magdi_exporters():
    yield Component("post", Post, "Letters, again.")
"""


def test_formats_of_plugins_are_found_out_named_and_written(tmp_path: Path) -> None:
    plugin, letters, out = tmp_path / "letters.py", tmp_path / "letters.json", tmp_path / "mags.jsonl"
    plugin.write_text(FORMATS)
    letters.write_text('{"question": "What is 2 + 3?", "letters": ["It is 5.", "The answer is 6."]}')
    outcome = run("import", letters, "-o", out, "--plugin", plugin)
    assert "importer 'lost' of letters cannot be loaded" in outcome.stderr
    assert [mag.protocol for mag in read_mags(out)] == ["post"]
    run("import", letters, "-o", out, "--plugin", plugin, "--format", "letters", "-A", "protocol=mail")
    run("export", out, "-o", tmp_path / "x.txt", "--plugin", plugin, "--to", "post", "--view", "full")
    assert (tmp_path / "x.txt").read_text() == "mail full 5\n"
