"""Jobs on Ray with two nodes, of which one is killed, and on a real Slurm of one node."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import ConfigError
from magdi.plugins.suites.executors import slurm as slurm_engine
from magdi.plugins.suites.executors.resources import Resources, minutes
from magdi.plugins.suites.executors.slurm import Slurm
from magdi.plugins.suites.scheduling import execute
from magdi.plugins.suites.worker import JobFailure
from tests.ports import a_port


@dataclass(frozen=True)
class Chore:
    """What the scheduler needs of a job, and what it does."""

    directory: Path
    title: str
    needs: tuple[Path, ...] = ()
    waits: tuple[Path, ...] = ()
    what: str = "do"

    @property
    def done(self) -> bool:
        return (self.directory / "done").exists()


def bench() -> Any:
    return None


def work(bench: bytes, folder: str, job: Any) -> JobFailure | None:
    """Does a chore; notes where, and what of the others was done by then."""
    os.chdir(folder)
    job.directory.mkdir(exist_ok=True)
    begun = job.directory / f"begun-{len(list(job.directory.glob('begun-*')))}"
    others = sorted(each.parent.name for each in job.directory.parent.glob("*/done"))
    begun.write_text(os.environ.get("RAY_NODE", "") + " " + " ".join(others))
    if job.what == "die" and begun.name == "begun-0":
        os.kill(os.getpid(), signal.SIGKILL)
    if job.what == "always die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job.what == "wait" and begun.name == "begun-0":
        import ray

        (job.directory / "node").write_text(ray.get_runtime_context().get_node_id())
        while True:
            time.sleep(1)
    if job.what == "fail":
        return JobFailure(job, "it could not be done")
    (job.directory / "done").touch()
    return None


def chores(folder: Path, what: str) -> list[Any]:
    first = Chore(folder / "a", "a", what=what)
    return [
        first,
        Chore(folder / "b", "b"),
        Chore(folder / "c", "c", needs=(folder / "a", folder / "b")),
        Chore(folder / "d", "d", needs=(folder / "e",)),
        Chore(folder / "e", "e", what="fail"),
    ]


def check(folder: Path, jobs: list[Any], failures: list[JobFailure], ended: list[Any]) -> None:
    """All was done once but what died, which was done twice; what needs a failure was not begun."""
    assert [(failure.job.title, failure.kind) for failure in failures] == [("e", "failed"), ("d", "not begun")]
    assert sorted(job.title for job in ended) == list("abcde")
    assert {job.title for job in jobs if job.done} == set("abc")
    times = {job.title: len(list(job.directory.glob("begun-*"))) for job in jobs}
    assert times == {"a": 2, "b": 1, "c": 1, "d": 0, "e": 1}
    assert (folder / "c" / "begun-0").read_text().split() == ["a", "b"]


@pytest.fixture
def by_value() -> Iterator[None]:
    """This file is not there where jobs are done."""
    import cloudpickle  # type: ignore[import-untyped]

    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_node_of_ray_that_dies(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    import threading

    from ray import cloudpickle

    from magdi.plugins.suites.executors.ray import Ray

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    jobs, ended = chores(tmp_path, "wait"), list[Any]()

    def kill() -> None:
        node = tmp_path / "a" / "node"
        while not node.exists() or not node.read_text():
            time.sleep(0.1)
        cluster.remove_node(next(each for each in nodes if each.node_id == node.read_text()), allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        failures = execute(jobs, bench, executor=Ray(bench, Resources(), work), on_end=ended.append)
    finally:
        killer.join()
        ray.shutdown()
        cluster.shutdown()
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    check(tmp_path, jobs, failures, ended)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if os.geteuid() or not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        pytest.skip("needs root, and Debian's slurmctld, slurmd and munge")
    folder = tmp_path_factory.mktemp("slurm")
    first = a_port()
    numbers = [str(first), str(a_port(first))]
    script = Path(__file__).with_name("slurm_of_one.sh")
    subprocess.run(["sh", str(script), str(folder), *numbers], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield
        for name in ("d.pid", "ctld.pid"):
            os.kill(int((folder / name).read_text()), signal.SIGTERM)


def test_a_job_of_slurm_that_dies(slurm: None, by_value: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setattr(slurm_engine, "PAUSE", 0.2)
    monkeypatch.setattr(slurm_engine, "GRACE", 1.0)
    jobs, ended = chores(tmp_path, "die"), list[Any]()
    engine = Slurm(bench, Resources(time="10"), tmp_path, work)
    failures = execute(jobs, bench, executor=engine, on_end=ended.append)
    check(tmp_path, jobs, failures, ended)
    assert (tmp_path / "slurm").is_dir()


def test_a_job_that_always_dies_is_a_failure_with_its_log(
    slurm: None, by_value: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_engine, "PAUSE", 0.2)
    monkeypatch.setattr(slurm_engine, "GRACE", 1.0)
    job: Any = Chore(tmp_path / "a", "a", what="always die")
    (failure,) = execute([job], bench, executor=Slurm(bench, Resources(), tmp_path, work), on_end=lambda job: None)
    assert "is gone; its log: " in failure.error
    assert Path(failure.error.rpartition("its log: ")[2]).exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("30:00", 30),
        ("1:30:00", 90),
        ("2-12:00:00", 3600),
        ("00:00:01", 1),
        ("1-0:00:30", 1441),
        ("0", 1),
        ("2-12", 3600),
    ],
)
def test_times_as_slurm_says_them(text: str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-5", "1h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time"):
        minutes(text)
