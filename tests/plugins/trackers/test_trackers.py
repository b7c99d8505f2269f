"""Trackers are told of a whole run, and what they were told is read back as their users would."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

import magdi
from magdi.core.errors import ConfigError
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Progress
from magdi.plugins.trackers import services
from magdi.plugins.trackers.kept import Kept
from magdi.plugins.trackers.names import TRACKERS, chosen
from magdi.plugins.trackers.services import Followed, Service
from tests.core.run.conftest import TOY

STAGES = {"discussion", "distillation", "evaluation"}
TALK: dict[str, Any] = {"task": {"name": "arithmetic", "train": 2, "test": 1}, "report_to": ["tensorboard"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which trackers keep what they are told, and reach nobody."""
    folder = tmp_path_factory.mktemp("followed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("TRACKIO_DIR", str(folder / "trackio"))
        patch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        if wandb := sys.modules.get("wandb"):  # another test's run may have been followed: it has read the environment
            wandb.teardown()
        yield folder


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    """A run that was held up after its discussions, and followed by all trackers that are there."""
    out = place / "runs" / "team" / "first"
    magdi.discuss(out=out, report_to=["all"], **TOY)
    magdi.run(out=out, report_to=["all"], **TOY)
    return out


def test_tensorboard_has_all_stages_and_outlives_the_run(run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

    found = EventAccumulator(str(run / "tensorboard")).Reload()
    scalars = found.Tags()["scalars"]
    assert {name.partition("/")[0] for name in scalars} == STAGES
    outcome = json.loads((run / "run.json").read_text())["stages"]
    student = outcome["evaluation"]["student"]
    low, high = student["interval"]
    for name, value in (("accuracy", student["accuracy"]), ("interval_low", low), ("interval_high", high)):
        assert found.Scalars(f"evaluation/student/{name}")[-1].value == pytest.approx(value)
    assert found.Scalars("discussion/count")[-1].value == 24
    assert found.Scalars("discussion/accuracy")[-1].value == pytest.approx(outcome["discussion"]["mags"]["accuracy"])
    assert [each.step for each in found.Scalars("distillation/loss")] == [1, 2, 4]
    texts = {name: found.Tensors(name)[-1].tensor_proto.string_val[0].decode() for name in found.Tags()["tensors"]}
    assert "log_every: 2" in texts["configuration/text_summary"]
    assert texts["discussions/text_summary"].count("\n") == 25
    assert "_hparams_/session_start_info" in found.summary_metadata


def test_mlflow_is_asked_for_the_run(run: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    from mlflow import MlflowClient

    client = MlflowClient()
    (found,) = client.search_runs([client.get_experiment_by_name("magdi").experiment_id])
    assert (found.info.run_name, found.info.status) == ("team/first", "FINISHED")
    assert found.data.params["training.log_every"] == "2"
    assert {name.partition("/")[0] for name in found.data.metrics} == STAGES
    assert {"evaluation/student/accuracy", "evaluation/student/interval_low"} < found.data.metrics.keys()
    assert [each.step for each in client.get_metric_history(found.info.run_id, "distillation/loss")] == [1, 2, 4]
    kept = {each.path for each in client.list_artifacts(found.info.run_id)}
    assert kept == {"config.yaml", "run.json", "report.html", "discussions.json"}
    table = json.loads(Path(client.download_artifacts(found.info.run_id, "discussions.json")).read_text())
    assert len(table["data"]) == 24


def test_wandb_keeps_the_run_for_its_sync(run: Path, place: Path) -> None:
    pytest.importorskip("wandb", reason="W&B is not installed")
    kept = sorted((place / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len({file.stem for file in kept}) == 1 < len(kept)  # discussed, and gone on with
    told = b"".join(file.read_bytes() for file in kept)
    for name in ("team/first", "log_every", "evaluation/student/interval_high", "discussion/accuracy", "report.html"):
        assert name.encode() in told, name
    tables = [json.loads(file.read_text()) for file in (place / "wandb").rglob("*.table.json")]
    assert {len(table["data"]) for table in tables} == {24}


def test_trackio_has_the_run_in_its_database(run: Path) -> None:
    pytest.importorskip("trackio", reason="trackio is not installed")
    import sqlite3

    from trackio.utils import TRACKIO_DIR

    with sqlite3.connect(TRACKIO_DIR / "magdi.db") as store:
        lines = [json.loads(line) for (line,) in store.execute("select metrics from metrics")]
        names = {name for (name,) in store.execute("select distinct run_name from metrics")}
        (config,) = store.execute("select config from configs").fetchone()
        files = store.execute("select manifest from artifact_versions").fetchone()[0]
    store.close()
    assert names == {"team/first"}
    assert {name.partition("/")[0] for line in lines for name in line} == STAGES | {"discussions"}
    assert json.loads(config)["training.log_every"] == 2
    assert {each["path"] for each in json.loads(files)} == {"config.yaml", "run.json", "report.html"}


def test_a_run_that_is_done_is_told_to_nobody_again(run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (run / "tensorboard").iterdir()}
    magdi.run(out=run, **TOY)
    assert {path: path.stat().st_mtime_ns for path in (run / "tensorboard").iterdir()} == before


def test_tensorboard_has_discussions_once_that_a_run_tells_again(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    class Stopping(Progress):
        def event(self, hook: str, **facts: Any) -> None:
            if hook == "metrics" and facts["step"] == 2:
                raise KeyboardInterrupt

    talk = TALK | {"task": {"name": "arithmetic", "train": 3, "test": 1}, "out": tmp_path / "run"}
    with pytest.raises(KeyboardInterrupt):
        magdi.discuss(progress=Stopping(), **talk)
    magdi.discuss(**talk)
    found = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [each.step for each in found.Scalars("discussion/count")] == [1, 2, 3]


class Listening(Service):
    """A tracker that goes on with a run, and keeps what it hears; another one where a test says so."""

    heard: ClassVar[list[int]] = []
    identity = "own"

    def __init__(self, run: Followed) -> None: ...

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        if stage == "discussion":
            self.heard.append(step)

    def keep(self, kept: Kept) -> None: ...

    def finish(self, status: str, scores: Mapping[str, float]) -> None: ...


@pytest.mark.parametrize("name", ["wandb", "mlflow", "trackio"])
def test_no_tracker_hears_of_a_discussion_twice(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(Progress):
        def event(self, hook: str, **facts: Any) -> None:
            if hook == "metrics" and facts["step"] == 3:
                raise KeyboardInterrupt

    monkeypatch.setitem(services.SERVICES, name, Listening)
    monkeypatch.setattr("magdi.plugins.trackers.names.find_spec", lambda package: package)
    heard = Listening.heard
    heard.clear()
    task = {"name": "arithmetic", "train": 5, "test": 1}
    talk: dict[str, Any] = {"task": task, "report_to": [name], "out": tmp_path / "run"}
    with pytest.raises(KeyboardInterrupt):
        magdi.discuss(progress=Stopping(), **talk)
    magdi.discuss(**talk)
    assert heard == [1, 2, 3, 4, 5]
    heard.clear()
    monkeypatch.setattr(Listening, "identity", "begun anew")
    RunDirectory(tmp_path / "run").update(stages={})
    magdi.discuss(**talk)
    assert heard == [1, 2, 3, 4, 5]


def test_what_tensorboard_was_told_goes_with_the_run(tmp_path: Path) -> None:
    magdi.discuss(out=tmp_path / "run", **TALK)
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))
    magdi.discuss(out=tmp_path / "run", fresh=True, seed=1, **TALK | {"report_to": ["none"]})
    assert not (tmp_path / "run" / "tensorboard").exists()


class Noting(Progress):
    """Keeps notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Failing(Service):
    """A tracker that fails where a test says."""

    at = ""

    def __init__(self, run: Followed) -> None:
        self.calls: list[str] = []
        self.do("begin")

    def do(self, what: str) -> None:
        sys.stdout.write("tracker: hello")
        self.calls.append(what)
        if what == self.at:
            raise SystemExit("no network\nand a page about it")

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self.do("log")

    def keep(self, kept: Kept) -> None:
        self.do("keep")

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        self.do("finish")


@pytest.mark.parametrize("at", ["begin", "log", "keep", "finish"])
def test_a_tracker_that_fails_is_one_line_and_loses_no_run(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(services.SERVICES, "tensorboard", Failing)
    monkeypatch.setattr(Failing, "at", at)
    heard = Noting()
    outcome = magdi.discuss(out=tmp_path / "run", progress=heard, **TALK)
    assert outcome.status == "done until discussion"
    assert heard.notes == ["warning: tensorboard: no network; the run goes on without it"]
    assert capsys.readouterr().out == ""
    with pytest.warns(UserWarning, match="tensorboard: no network; the run goes on without it"):
        magdi.discuss(out=tmp_path / "again", **TALK)


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "interrupted"), (RuntimeError("broken"), "failed")]
)
def test_a_run_that_ends_early_is_ended_there_too(
    error: BaseException, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []
    monkeypatch.setitem(services.SERVICES, "tensorboard", Failing)
    monkeypatch.setattr(Failing, "finish", lambda self, status, scores: ended.append((status, self.calls)))

    class Stopping(Progress):
        def event(self, hook: str, **facts: Any) -> None:
            if hook == "discussion_end":
                raise error

    with suppress(KeyboardInterrupt, RuntimeError):
        magdi.discuss(out=tmp_path / "run", progress=Stopping(), **TALK)
    assert ended == [(status, ["begin"])]  # nothing is kept of it


def test_nobody_logged_in_is_kept_offline(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="W&B is not installed")
    wandb.teardown()  # it has read the environment
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    heard: list[str] = []
    kept = services.WandB(Followed("x", tmp_path, {"a": 1}, heard.append))
    kept.finish("done", {})
    assert heard == ["nobody is logged in (wandb login); what it is told is kept offline"]
    assert list(tmp_path.glob("wandb/offline-run-*"))


def test_mlflows_store_of_files_is_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path / 'store'}")
    kept = services.MLflow(Followed("x", tmp_path, {"odd (name)": None, "many": "y" * 9000}, print))
    kept.log("evaluation", 3, {"evaluation/by_task/jsonl:a@b": 0.5})
    kept.finish("failed", {})
    again = services.MLflow(Followed("x", tmp_path, {}, print, known=kept.identity))
    again.finish("failed", {})
    other = services.MLflow(Followed("x", tmp_path, {}, print, known="0" * 32))  # of another store
    other.finish("done", {})
    assert again.identity == kept.identity != other.identity
    found = mlflow.get_run(kept.identity)
    assert found.info.status == "FAILED"
    assert found.data.params["odd _name_"] == "None"
    assert found.data.metrics == {"evaluation/by_task/jsonl:a_b": 0.5}


def test_which_trackers_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"tensorboard", "mlflow"}
    monkeypatch.setattr("magdi.plugins.trackers.names.find_spec", lambda name: name if name in there else None)
    assert chosen([]) == ["tensorboard"]
    assert chosen(["none"]) == []
    assert chosen(["all"]) == ["tensorboard", "mlflow"]
    assert chosen(["mlflow", "mlflow"]) == ["mlflow"]
    with pytest.raises(ConfigError, match="wandb is not installed") as missing:
        chosen(["wandb", "mlflow"])
    assert missing.value.hint == "pip install wandb"
    with pytest.raises(ConfigError, match="'mlflw'") as unknown:
        magdi.discuss(training={"report_to": ["mlflw"]})
    assert "mlflow" in unknown.value.hint
    assert set(TRACKERS) == services.SERVICES.keys()
