"""Bad input by the thousand: nothing may be a traceback, and nothing may hang or take the machine's memory.

    python -m benchmarks.fuzz --area config --count 20000 --seed 1

prints what was tried, and for each finding the seed and the input that made it. What was found is kept as a line in
`tests/core/test_bad_input.py`.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.fuzz.mutation import Lot
from magdi.core.errors import MagdiError

SECONDS = 20  # of CPU
WAITING = 120  # seconds by the clock: for what waits for ever
GIB = 1 << 30


class Hang(BaseException):
    """Something took longer than it may."""


def alarm(*_: object) -> None:
    raise Hang


AREAS = {
    "config": "configurations:Config",
    "environment": "environment:Environment",
    "options": "options:Options",
    "components": "components:Components",
    "mags": "mag_files:Mags",
    "tables": "mag_files:Tables",
    "tasks": "question_files:Tasks",
    "files": "other_files:Files",
    "imports": "imports:Imports",
    "traces": "traces:Traces",
    "runs": "run_directories:Runs",
    "damage": "damage:Damage",
    "plugins": "plugin_folders:Plugins",
}


def made(area: str, folder: Path) -> Callable[[Lot], object]:
    """Returns what makes and tries inputs of an area; the unchanged one has been tried and is accepted."""
    module, _, name = AREAS[area].partition(":")
    attempt: Callable[[Lot], object] = getattr(import_module(f"benchmarks.fuzz.{module}"), name)(folder)
    return attempt


def where(error: BaseException) -> str:
    """Returns the last line of ours in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/magdi/" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def main() -> None:
    """Tries an area."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=[*AREAS], required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1e9, help="Ends after so long.")
    parser.add_argument("--verbose", action="store_true", help="Print what is refused, and why.")
    given = parser.parse_args()
    began = time.monotonic()

    resource.setrlimit(resource.RLIMIT_DATA, (6 * GIB, 6 * GIB))
    signal.signal(signal.SIGPROF, alarm)
    signal.signal(signal.SIGALRM, alarm)
    outcomes: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "here")  # so that `..` is not the machine's folder of everybody's files
        folder.mkdir()
        os.chdir(folder)
        os.environ |= {"MAGDI_CACHE": f"{above}/cache", "XDG_CONFIG_HOME": above, "HF_HUB_OFFLINE": "1"}
        attempt: Any = made(given.area, folder)
        for number in range(given.seed, given.seed + given.count):
            if time.monotonic() - began > given.seconds:
                break
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.setitimer(signal.ITIMER_REAL, WAITING)
            started = time.process_time()
            try:
                attempt(Lot(number))
                outcomes["accepted"] += 1
            except MagdiError as error:
                outcomes["refused"] += 1
                if given.verbose:
                    print(f"seed {number}: {error}", flush=True)
            except (Exception, Hang) as error:
                kind = f"{type(error).__name__} at {where(error)}"
                outcomes["found"] += 1
                shown[kind] += 1
                if shown[kind] == 1:
                    print(f"{kind}: {str(error)[:1500]!r}\n   seed {number}: {str(attempt.said)[:600]}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_REAL, 0)
            if (took := time.process_time() - started) > 5:
                print(f"   slow: {took:.1f} s, seed {number}: {str(attempt.said)[:300]}", flush=True)
    print(given.area, dict(outcomes), dict(shown))


if __name__ == "__main__":
    main()
