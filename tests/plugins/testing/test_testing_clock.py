"""Whose time a check takes: its own work and its own rest, and not that of neighbours."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from magdi.plugins.testing import check_process, clock
from magdi.plugins.testing.clock import Clock


class Machine:
    """A machine whose seconds pass when a test says so; a process that has a child, which does the work."""

    now = work = 0.0
    pid, state = -1, psutil.STATUS_SLEEPING

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(psutil, "Process", lambda process: self)

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=self.work, system=0.0, children_user=0.0, children_system=0.0)

    def status(self) -> str:
        return self.state

    def children(self, *, recursive: bool) -> list[Machine]:
        return []

    def clock(self) -> Clock:
        """Returns a clock that has begun."""
        taken = Clock()
        self.goes_on(0.25, 0.0)
        assert taken.spent == 0
        return taken

    def goes_on(self, seconds: float, share: float) -> None:
        for _ in range(round(4 * seconds)):
            self.now += 0.25
            self.work += 0.25 * share


@pytest.mark.parametrize(
    ("share", "spent"), [(0.0, 40.0), (0.01, 40.0), (0.07, 4.0), (0.125, 5.0), (0.5, 20.0), (1.0, 40.0), (4.0, 40.0)]
)
def test_what_waits_for_a_processor_spends_little(share: float, spent: float, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    taken = machine.clock()
    for _ in range(160):
        machine.goes_on(0.25, share)
        last = taken.spent
    assert last == pytest.approx(spent)


def test_what_gets_no_processor_at_all_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a machine is so busy that nothing is seen of it for a second, say."""
    machine = Machine(monkeypatch)
    machine.state = psutil.STATUS_RUNNING
    taken = machine.clock()
    for _ in range(160):
        machine.goes_on(0.25, 0.0)
        last = taken.spent
    assert last == pytest.approx(4.0)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads' states are read where Linux shows them")
def test_who_could_go_on_is_seen_by_its_threads() -> None:
    start, work = (
        [sys.executable, "-S", "-u", "-c"],
        "threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
    )
    for code, works in (("import threading; print(); " + work, True), ("print(); input()", False)):
        with subprocess.Popen([*start, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            while clock._could_go_on(psutil.Process(process.pid)) is not works:
                pass
            process.kill()


def test_a_slice_is_looked_at_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """News come every millisecond, and the system counts hundredths of a second."""
    machine = Machine(monkeypatch)
    taken = machine.clock()
    for _ in range(1000):
        machine.now += 0.001
        machine.work = machine.now // 0.05 * 0.05 / 5
        last = taken.spent
    assert last == pytest.approx(0.2, abs=0.06)


def asleep(specimen: object) -> None:
    """Swallows what is raised, and waits for what never comes."""
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            continue


def busy(specimen: object) -> None:
    while True:
        pass


def slowly(specimen: object) -> str:
    time.sleep(1.5)
    return "made"


@pytest.mark.parametrize("check", [asleep, busy])
def test_neither_sleep_nor_work_goes_on_for_ever(
    check: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_process, "LIMIT", 0.5)
    outcome = check_process.CheckProcess(in_thread=False).make(check, None)
    assert outcome == ("stopped", "it has not ended after 0.5 s")


def test_a_check_that_gets_a_tenth_of_the_machine_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_process, "LIMIT", 0.5)
    monkeypatch.setattr(Clock, "_work", lambda taken: time.monotonic() / 10)
    assert check_process.CheckProcess(in_thread=False).make(slowly, None) == ("ok", "made")
