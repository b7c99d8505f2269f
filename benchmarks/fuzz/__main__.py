"""Bad input by the thousand: nothing may be a traceback, and nothing may hang or take the machine's memory.

    python -m benchmarks.fuzz --area config mags --count 20000 --seed 1

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
    """Tries areas, one after the other in one process: to begin costs as much CPU as a hundred inputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=[*AREAS, "all"], nargs="+", required=True)
    parser.add_argument("--count", type=int, default=1000, help="Inputs of each area.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1e9, help="Seconds of CPU after which an area ends.")
    parser.add_argument("--verbose", action="store_true", help="Print what is refused, and why.")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (6 * GIB, 6 * GIB))
    signal.signal(signal.SIGPROF, alarm)
    signal.signal(signal.SIGALRM, alarm)
    for area in AREAS if "all" in given.area else given.area:
        with tempfile.TemporaryDirectory() as above:
            folder = Path(above, "here")  # so that `..` is not the machine's folder of everybody's files
            folder.mkdir()
            os.chdir(folder)
            os.environ |= {"MAGDI_CACHE": f"{above}/cache", "XDG_CONFIG_HOME": above, "HF_HUB_OFFLINE": "1"}
            tried(area, made(area, folder), range(given.seed, given.seed + given.count), given.seconds, given.verbose)
            os.chdir("/")


def tried(area: str, attempt: Any, seeds: range, seconds: float, verbose: bool) -> None:
    """Tries inputs of an area, and prints what is found."""
    outcomes: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    began = time.process_time()
    for number in seeds:
        started = time.process_time()
        if started - began > seconds:
            break
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, WAITING)
        try:
            attempt(Lot(number))
            outcomes["accepted"] += 1
        except MagdiError as error:
            outcomes["refused"] += 1
            if verbose:
                print(f"seed {number}: {error}", flush=True)
        except (Exception, Hang) as error:
            said = f": {str(error):.60}" if isinstance(error, AssertionError) else ""
            kind = f"{type(error).__name__} at {where(error)}{said}"
            outcomes["found"] += 1
            shown[kind] += 1
            if shown[kind] == 1:
                print(f"{kind}: {str(error)[:1500]!r}\n   seed {number}: {str(attempt.said)[:600]}", flush=True)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if (took := time.process_time() - started) > 5:
            print(f"   slow: {took:.1f} s, seed {number}: {str(attempt.said)[:300]}", flush=True)
    print(area, dict(outcomes), dict(shown), flush=True)


if __name__ == "__main__":
    main()
