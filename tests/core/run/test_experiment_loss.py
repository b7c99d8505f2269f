"""Nothing is lost: what --fresh may delete, what is tried again, what is made again, what a full disk leaves."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import magdi
from magdi.cli.app import app
from magdi.core.config.models import RunConfig
from magdi.core.errors import SOME_FAILED, LimitReached, MagdiError, RunDirectoryError, StorageError, TeacherError
from magdi.core.mag import read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Progress
from magdi.plugins.exporting.export import export
from magdi.plugins.runs.result import RunResult
from magdi.plugins.teachers.simulated.teacher import SimulatedTeacher
from tests.made_once import of_all_workers

TALK: dict[str, Any] = {"limit": 6, "protocol": {"name": "reconcile", "rounds": 1}}


def talk(out: Path, **more: Any) -> RunResult:
    return magdi.discuss(out=out, **TALK, **more)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is left as it is."""
    from tests.core.run.conftest import TOY

    out = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAGDI_CACHE", str(of_all_workers(tmp_path_factory) / "magdi-cache"))
        magdi.run(out=out, **TOY)
    return shutil.copytree(out, out.with_name("as it was"))


@pytest.fixture
def run(finished: Path) -> Path:
    """The same run where it was made, for each test anew."""
    shutil.rmtree(finished.with_name("run"))
    return shutil.copytree(finished, finished.with_name("run"))


class TestFresh:
    """--fresh deletes what magdi wrote in a directory that carries its mark, and nothing else."""

    @pytest.mark.parametrize("files", [["config.yaml"], ["config.yaml", "run.json"], ["config.yaml", "mags.jsonl"]])
    def test_a_directory_without_the_mark_is_left_as_it_is(self, tmp_path: Path, files: list[str]) -> None:
        for name in (*files, "thesis.tex"):
            (tmp_path / name).write_text("a: 1")
        before = everything(tmp_path)
        with pytest.raises(RunDirectoryError):
            talk(tmp_path, fresh=True)
        assert everything(tmp_path) == before

    def test_files_of_others_stay_in_a_run_and_are_named(self, run: Path) -> None:
        theirs = [
            "thesis.tex",
            "student/notes.txt",
            "evaluation/mine.jsonl",
            "checkpoints/checkpoint-2/thesis.tex",
            "x/y",
        ]
        for name in theirs:
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (run / name).write_text("mine")
        directory = RunDirectory(run)
        with directory.claimed(RunConfig(), fresh=True):
            assert set(everything(run)) == {*theirs, ".lock", ".magdi", "config.yaml"}
        assert all((run / name).read_text() == "mine" for name in theirs)
        (note,) = directory.notes
        assert all(name in note for name in theirs)

    def test_links_are_deleted_and_what_they_point_at_is_not(self, run: Path, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / "config.json").write_text("mine")
        (mine / "thesis.tex").write_text("mine")
        shutil.rmtree(run / "student")
        (run / "student").symlink_to(mine)
        for name in ("mags.jsonl", "run.json.partial", "mags.jsonl.partial", "config.yaml.partial"):
            (run / name).unlink(missing_ok=True)
            (run / name).symlink_to(mine / "thesis.tex")
        talk(run, fresh=True)
        assert everything(mine) == {"config.json": b"mine", "thesis.tex": b"mine"}

    def test_a_live_run_is_not_touched(self, run: Path) -> None:
        before = everything(run)
        with RunDirectory(run).lock(), pytest.raises(RunDirectoryError, match="another process"):
            talk(run, fresh=True)
        assert everything(run) == before

    def test_the_working_directory_may_be_the_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        inner = tmp_path / "inner"
        inner.mkdir()
        monkeypatch.chdir(inner)
        talk(tmp_path.joinpath("fresh"))
        monkeypatch.chdir(tmp_path / "fresh")
        Path("thesis.tex").write_text("mine")
        talk(Path(), fresh=True)
        assert Path("thesis.tex").read_text() == "mine"
        monkeypatch.chdir(inner)
        with pytest.raises(MagdiError):
            magdi.discuss(out=Path(), limit=2, decision="pluralty")
        assert Path.cwd() == inner
        assert inner.is_dir()

    def test_a_run_of_before_there_were_marks_is_one(self, run: Path) -> None:
        (run / ".magdi").unlink()
        assert talk(run, fresh=True)["mags"]["count"] == 6

    def test_a_run_that_was_killed_as_it_began_begins(self, tmp_path: Path) -> None:
        for name in (".lock", ".magdi.partial", "config.yaml.partial"):
            (tmp_path / name).write_text("")
        assert talk(tmp_path)["mags"]["count"] == 6


class Flaky:
    """Makes simulated teachers fail on questions that hold one of some texts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down: set[str] = set()
        self.asked = 0
        complete = SimulatedTeacher.complete

        async def failing(teacher: Any, request: Any) -> Any:
            self.asked += 1
            if any(text in message.content for text in self.down for message in request.messages):
                raise TeacherError("server down")
            return await complete(teacher, request)

        monkeypatch.setattr(SimulatedTeacher, "complete", failing)


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Flaky:
    return Flaky(monkeypatch)


def texts(run: Path) -> list[str]:
    return [mag.question.text for mag in read_mags(run / "mags.jsonl")]


class TestFailed:
    """Discussions that failed are tried again, and too many of them stop a run before it trains."""

    def test_too_many_stop_before_training_and_the_repeat_goes_on(
        self, run: Path, tmp_path: Path, toy: dict[str, Any], flaky: Flaky
    ) -> None:
        flaky.down = set(texts(run)[:3])  # of 24: 12.5 %
        with pytest.raises(LimitReached, match=r"3 of 24 .* failed.*max_failed.*10 %.*3: server down") as caught:
            magdi.run(out=tmp_path / "new", **toy)
        assert caught.value.exit_code == 3
        assert not (tmp_path / "new" / "metrics.jsonl").exists()
        flaky.down.clear()
        flaky.asked = 0
        outcome = magdi.run(out=tmp_path / "new", **toy)
        assert outcome["status"] == "done"
        assert outcome["failed"] == 0
        assert 0 < flaky.asked < 3 * 3 * 4  # of three questions alone
        ours, theirs = (everything(each) for each in (tmp_path / "new", run))
        for name in ("mags.jsonl", "student/model.safetensors", "student/heads.safetensors", "metrics.jsonl"):
            if name != "metrics.jsonl":
                assert ours[name] == theirs[name], name

    def test_a_finished_run_tries_its_failures_again_and_learns_anew(
        self, run: Path, tmp_path: Path, toy: dict[str, Any], flaky: Flaky
    ) -> None:
        flaky.down = set(texts(run)[:1])
        new = tmp_path / "new"
        assert magdi.run(out=new, **toy)["failed"] == 1
        trained = (new / "student" / "model.safetensors").read_bytes()
        assert magdi.run(out=new, **toy)["failed"] == 1
        assert (new / "student" / "model.safetensors").read_bytes() == trained
        flaky.down.clear()
        assert magdi.run(out=new, **toy)["failed"] == 0
        for name in ("mags.jsonl", "student/model.safetensors", "student/heads.safetensors"):
            assert (new / name).read_bytes() == (run / name).read_bytes(), name
        flaky.asked = 0
        magdi.run(out=new, **toy)
        assert flaky.asked == 0

    def test_the_exit_code_and_the_last_line_say_so(self, run: Path, tmp_path: Path, flaky: Flaky) -> None:
        flaky.down = set(texts(run)[:1])
        command = ["discuss", "--limit", "12", "-o", str(tmp_path / "new"), "--quiet"]
        command += ["--task-arg", "train=24", "--task-arg", "test=12"]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == SOME_FAILED == 4, result.output
        last = result.stderr.strip().splitlines()[-1]
        assert "1 discussion failed" in last
        assert "server down" in last
        assert "same command" in last
        flaky.down.clear()
        assert CliRunner().invoke(app, command).exit_code == 0

    def test_a_suite_tries_again_and_redoes_the_cells(self, tmp_path: Path, flaky: Flaky) -> None:
        file = tmp_path / "grid.yaml"
        file.write_text(
            "title: t\nabout: a\nmeasure: team\naxes:\n  protocol: [reconcile, debate]\nreference: reconcile\n"
        )
        options: dict[str, Any] = {"seeds": 1, "limit": 12, "out": tmp_path / "suite"}
        first = magdi.ablate(str(file), **options)
        question = texts(next((tmp_path / "suite" / "shared").glob("discussions-*")))[0]
        shutil.rmtree(tmp_path / "suite")
        flaky.down = {question}
        failed = magdi.ablate(str(file), **options)
        assert failed["failed"] == 2
        assert not failed["failures"]
        flaky.down.clear()
        again = magdi.ablate(str(file), **options)
        assert "failed" not in again
        assert [row["figures"] for row in again["rows"]] == [row["figures"] for row in first["rows"]]


class TestMadeAgain:
    """What a stage left that is gone or torn is made again, from what is kept, and asks nobody."""

    @pytest.mark.parametrize("harm", ["gone", "torn", "edited"])
    def test_discussions_are_made_out_of_the_journal(
        self, run: Path, toy: dict[str, Any], flaky: Flaky, harm: str
    ) -> None:
        before = everything(run)
        mags = run / "mags.jsonl"
        if harm == "gone":
            mags.unlink()
        elif harm == "torn":
            mags.write_bytes(before["mags.jsonl"][:-300])
        else:
            mags.write_bytes(before["mags.jsonl"].replace(b'"label":true', b'"label":null', 1).replace(b"G1", b"G0"))
            mags.write_bytes(b"".join(reversed(before["mags.jsonl"].splitlines(keepends=True))))
        assert magdi.run(out=run, **toy)["mags"]["count"] == 24
        after = everything(run)
        assert flaky.asked == 0
        for name in ("mags.jsonl", "student/model.safetensors", "evaluation/student.jsonl", "metrics.jsonl"):
            assert after[name] == before[name], name
        assert ("mags.jsonl.damaged" in after) == (harm != "gone")

    def test_without_a_journal_it_is_said(self, run: Path, toy: dict[str, Any], flaky: Flaky) -> None:
        for name in ("mags.jsonl", "journal.sqlite"):
            (run / name).unlink()
        with pytest.raises(RunDirectoryError, match=r"mags\.jsonl is gone .* no reply in .*journal\.sqlite"):
            magdi.run(out=run, **toy)
        assert flaky.asked == 0

    @pytest.mark.parametrize("name", ["student/model.safetensors", "evaluation/student.jsonl", "evaluation/base.jsonl"])
    def test_student_and_answers_are_made_again(self, run: Path, toy: dict[str, Any], name: str) -> None:
        before = everything(run)
        (run / name).write_bytes(before[name][:-100])
        magdi.run(out=run, **toy)
        after = everything(run)
        for each in ("mags.jsonl", "student/model.safetensors"):
            assert after[each] == before[each]
        ours, theirs = (every["evaluation/student.jsonl"].split(b"\n", 1)[1] for every in (after, before))
        assert ours == theirs

    @pytest.mark.parametrize("harm", ["", '{"stages": 3}'])
    def test_a_torn_run_json_costs_time_and_nothing_else(
        self, run: Path, toy: dict[str, Any], flaky: Flaky, harm: str
    ) -> None:
        before = everything(run)
        (run / "run.json").write_text(harm)
        result = CliRunner().invoke(app, ["runs", "list", str(run)])
        assert result.exit_code == 0
        assert "unreadable" in result.output
        assert "run.json cannot be read" in result.output
        assert magdi.run(out=run, **toy)["status"] == "done"
        assert flaky.asked == 0
        for name in ("mags.jsonl", "student/model.safetensors"):
            assert everything(run)[name] == before[name]

    def test_a_torn_configuration_is_written_anew_where_it_is_known(self, run: Path, toy: dict[str, Any]) -> None:
        (run / "config.yaml").write_text("student: [")
        assert CliRunner().invoke(app, ["runs", "list", str(run)]).exit_code == 0
        with pytest.raises(RunDirectoryError, match=r"config\.yaml cannot be read.*not known") as caught:
            magdi.run(out=run, seed=7, **toy)
        assert "fresh" not in caught.value.hint
        assert magdi.run(out=run, **toy)["status"] == "done"
        assert RunDirectory(run).config().seed == 0

    @pytest.mark.parametrize(("old", "new"), [("seed: 0", "seed: 1"), ("", "{}"), ("", "")])
    def test_a_configuration_that_a_disk_has_changed_is_told_and_written_anew(
        self, run: Path, toy: dict[str, Any], old: str, new: str
    ) -> None:
        file = run / "config.yaml"
        file.write_text(file.read_text().replace(old, new) if old else new)
        for command in (["ask", str(run), "What is 2 + 2?"], ["export", str(run)], ["evaluate", "-n", str(run)]):
            assert old or f"{file} holds no configuration" in str(CliRunner().invoke(app, command).exception)
        assert f"gone, or not as the run left it: {file}" in CliRunner().invoke(
            app, ["runs", "show", str(run)]
        ).output.replace("\n", "")
        assert magdi.run(out=run, **toy)["status"] == "done"
        assert RunDirectory(run).config().seed == 0

    def test_a_figure_that_a_disk_has_changed_is_told_and_made_again(self, run: Path, toy: dict[str, Any]) -> None:
        before = everything(run)
        (run / "run.json").write_bytes(before["run.json"].replace(b'"accuracy": 0.', b'"accuracy": 1.', 1))
        assert "run.json cannot be read: it is not as magdi wrote it" in CliRunner().invoke(
            app, ["runs", "show", str(run)]
        ).output.replace("\n", "")
        assert magdi.run(out=run, **toy)["status"] == "done"
        assert everything(run)["mags.jsonl"] == before["mags.jsonl"]

    def test_records_that_cannot_be_made_again_are_told_once(self, run: Path, toy: dict[str, Any]) -> None:
        (run / "metrics.jsonl").write_text("")
        told = CliRunner().invoke(app, ["runs", "show", str(run)]).output.replace("\n", "")
        assert f"gone, or not as the run left it: {run / 'metrics.jsonl'}" in told
        for notes in (["metrics.jsonl is gone or not as the run left it, and cannot be made again"], []):
            progress = Notes()
            magdi.run(out=run, progress=progress, **toy)
            assert [note for note in progress.told if "already" not in note] == notes

    def test_training_goes_on_from_no_checkpoint_that_a_disk_has_changed(
        self, finished: Path, tmp_path: Path, toy: dict[str, Any]
    ) -> None:
        out = tmp_path / "run"
        training = {**toy["training"], "save_every": 1}
        with pytest.raises(KeyboardInterrupt):
            magdi.run(out=out, progress=StopAt(4), **{**toy, "training": training})
        newest = max(out.glob("checkpoints/checkpoint-*"), key=lambda path: path.name)
        for name in ("trained.safetensors", "optimizer.pt"):
            content = bytearray((newest / name).read_bytes())
            content[-5] ^= 64
            (newest / name).write_bytes(content)
        (newest / "thesis.tex").write_text("mine")
        progress = Notes()
        magdi.run(out=out, progress=progress, **{**toy, "training": training})
        told = f"checkpoints/{newest.name} is not as it was written, and not gone on from"
        assert any(note.startswith(told) for note in progress.told)
        assert (newest.with_name(f"damaged-{newest.name}") / "thesis.tex").read_text() == "mine"
        weights = "student/model.safetensors"
        assert (out / weights).read_bytes() == (finished / weights).read_bytes()

    def test_what_a_disk_has_made_a_terabyte_of_is_told_at_once(
        self, run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("magdi.core.files.LONGEST", 1 << 20)
        monkeypatch.setattr("magdi.core.seals._digest", None)  # nothing is read of a file of another size
        os.truncate(run / "mags.jsonl", 1 << 40)
        said = CliRunner().invoke(app, ["mags", "stats", str(run)])
        assert "mags.jsonl cannot be read: a line has more than" in str(said.exception)
        assert "is not as the run left it" in said.stderr


class Notes(Progress):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


class StopAt(Progress):
    """Ends a training as Ctrl-C would."""

    def __init__(self, step: int) -> None:
        self._step = step

    def event(self, hook: str, **facts: Any) -> None:
        if hook == "metrics" and facts["stage"] == "distillation" and facts["step"] >= self._step:
            raise KeyboardInterrupt


def test_a_cache_that_cannot_be_written_is_told_before_anybody_is_asked(
    tmp_path: Path, toy: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(SimulatedTeacher, "answer", lambda self, request: asked.append(request))
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("MAGDI_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="cache cannot be written") as caught:
        magdi.run(out=tmp_path / "run", **toy)
    assert "MAGDI_CACHE" in caught.value.hint
    assert not asked


def test_an_export_that_is_interrupted_leaves_nothing_in_its_way(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*args: Any, **options: Any) -> str:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("magdi.plugins.exporting.export.model_card", ends)
        with pytest.raises(KeyboardInterrupt):
            export(run, out)
    assert not any(out.iterdir())
    (out / ".partial").mkdir()  # as kill -9 leaves it
    (out / ".partial" / "model.safetensors").write_text("half")
    assert set(export(run, out).files) == {path.relative_to(out).as_posix() for path in out.rglob("*")}


@contextmanager
def room(size: int) -> Iterator[None]:
    """Lets no file become longer: a write beyond fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1_000, 20_000, 200_000])
def test_a_full_disk_is_one_clear_error_and_the_run_goes_on(
    finished: Path, tmp_path: Path, toy: dict[str, Any], size: int
) -> None:
    out = tmp_path / "run"
    with room(size), pytest.raises(StorageError, match="cannot be (written|opened)"):
        magdi.run(out=out, **toy)
    assert magdi.run(out=out, **toy)["status"] == "done"
    for name in ("mags.jsonl", "student/model.safetensors", "student/heads.safetensors"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name


@pytest.mark.parametrize("options", [{}, {"fresh": True}], ids=["again", "fresh"])
@pytest.mark.parametrize("name", ["model.safetensors", "heads.safetensors", "tokenizer.json"])
def test_a_folder_in_the_place_of_a_students_file_is_told_of_before_anything_is_done(
    run: Path, toy: dict[str, Any], name: str, options: dict[str, Any]
) -> None:
    (run / "student" / name).unlink()
    (run / "student" / name).mkdir()
    (run / "student" / name / "thesis.tex").write_text("mine")
    before = everything(run)
    with pytest.raises(RunDirectoryError, match=f"{name} is a folder"):
        magdi.run(out=run, **toy, **options)
    assert everything(run) == before


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/nowhere", "/dev/null"])
def test_an_output_that_cannot_be_is_one_line(run: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("mine")
    out = str(tmp_path / where) if where[0] != "/" else where
    mags = str(run / "mags.jsonl")
    for command in (
        ["discuss", "--limit", "2"],
        ["discuss", "--limit", "2", "--fresh"],
        ["view", mags] if where != "file" else [],
        ["export", str(run)],
        ["mags", "export", mags, "--to", "dataset"],
        ["mags", "export", mags, "--to", "parquet"] if where in ("file/below", "/proc/nowhere") else [],
        ["mags", "export", mags, "--to", "magdi"] if where in ("file/below", "/proc/nowhere") else [],
        ["mags", "import", mags] if where in ("file/below", "/proc/nowhere") else [],
        ["evaluate", str(run), "--limit", "2"],
    ):
        if command and where != "/dev/null" or command[:1] == ["discuss"]:
            result = CliRunner().invoke(app, [*command, "-o", out])
            assert isinstance(result.exception, MagdiError), (command, result.output, result.exception)
    assert (tmp_path / "file").read_text() == "mine"
    assert json.dumps(os.listdir(tmp_path))
