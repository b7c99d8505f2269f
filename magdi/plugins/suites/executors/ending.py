"""Commands that end with the process that gave them: what is left behind would hold a run's lock."""

from __future__ import annotations

import signal
import sys
from functools import partial

PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>


def end_with_starter(number: int = signal.SIGTERM) -> None:
    """Has Linux send this process a signal when the thread that started it ends; for ``preexec_fn``."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


die_with_starter = partial(end_with_starter, signal.SIGKILL)
"""The same without a last word: the job is begun once more at once, and wants the lock."""
