"""Worker processes of a suite that is killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not its child")

SUITE = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from magdi.plugins.suites.worker import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def test_workers_end_when_their_suite_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "suite.py"
    script.write_text(SUITE)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as suite:
        assert suite.stdout is not None
        worker = int(suite.stdout.readline())
        ended = os.pidfd_open(worker)  # readable once the worker has ended
        assert not select.select([ended], [], [], 0)[0]
        suite.send_signal(signal.SIGKILL)
        suite.wait()
    assert select.select([ended], [], [], 240)[0], "it would sleep for longer"
    os.close(ended)
