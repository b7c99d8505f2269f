"""Worker processes of a suite that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at processes in /proc")

SUITE = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from magdi.core.experiment.suite.runner import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        state = stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_workers_end_when_their_suite_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "suite.py"
    script.write_text(SUITE)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as suite:
        assert suite.stdout is not None
        worker = int(suite.stdout.readline())
        assert is_alive(worker)
        suite.send_signal(signal.SIGKILL)
        suite.wait()
    deadline = time.monotonic() + 20
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(worker)
