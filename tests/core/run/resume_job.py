"""Does runs in child processes, so that a kill costs no imports, and comes at a moment that is told.

    python resume_job.py

Each line on stdin is a JSON list: the command line, and the stage and how much of it is done when the child kills
itself; an empty stage for a run that comes to its end. Prints how each child ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import magdi.core.distill.trainer
import magdi.encoders.gcn
import magdi.plugins.generation.decoding
import magdi.plugins.teachers.simulated  # noqa: F401 (imported before the fork, as what is above)
from magdi.cli.app import main as magdi_main
from magdi.core.run.progress import Figures, StageProgress


def kill_at(stage: str, count: int) -> None:
    """Sees to it that this process is killed as soon as so much of a stage is done."""
    tell = StageProgress.at

    def at(self: StageProgress, done: int, figures: Figures | None = None) -> None:
        tell(self, done, figures)
        if self._name == stage and done >= count:
            os.kill(os.getpid(), signal.SIGKILL)

    StageProgress.at = at  # type: ignore[method-assign]


def main() -> None:
    for line in sys.stdin:
        arguments, stage, count = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            os.environ["MAGDI_CACHE"] = f"{arguments[-1]}-cache"  # each run makes its own base
            kill_at(stage, count)
            sys.argv = ["magdi", *arguments]
            magdi_main()
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
