"""What no test may ask, since a test must not depend on a clock: is what should be quick quick?

    python benchmarks/quickness.py

CPU seconds as ratios within one run, so that the machine counts little:

- commands, against an interpreter that imports typer, rich and pydantic and ends (the least that a command line needs);
- reading answers out of what no model should write, a whole text against one of half its length (2 is linear, 4 is
  quadratic; `extract` reads the end of a text only, so 1 is usual where texts are longer than that);
- the conformance kit's checks of a protocol, against the slowest of the commands.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from magdi.plugins.answers import extract, extraction
from magdi.plugins.answers.cleaning import LONGEST_TEXT
from magdi.plugins.testing import check_component
from magdi.protocols.reconcile import ReConcile
from tests.plugins.answers.test_answers_hostile import MONSTERS, QUESTIONS

COMMANDS = (
    "--version",
    "--help",
    "run --help",
    "plugins list",
    "config show",
    "discuss -n",
    "run -n",
    "ablate levels -n",
)
LEAST = "import typer, rich.console, pydantic"


def child(code: str, *arguments: str) -> float:
    """CPU seconds of an interpreter that runs a line; the least of three."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def own(work: Callable[[], object]) -> float:
    """CPU seconds of a call; the least of three."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(3))


def read(text: str) -> None:
    extraction._read.cache_clear()  # a text is read, not remembered
    for question in QUESTIONS:
        extract(text, question)


def main() -> None:
    least = child(LEAST)
    print(f"an interpreter with typer, rich and pydantic: {least:.2f} CPU s")
    took = {}
    for command in COMMANDS:
        took[command] = child("from magdi.cli.app import main; main()", *command.split())
        print(f"  magdi {command:15} {took[command]:6.2f} CPU s  {took[command] / least:5.1f} x")
    print(f"reading {LONGEST_TEXT:,} characters, against half as many:")
    for name, text in MONSTERS.items():
        whole, half = (
            own(lambda text=text: read(text[:LONGEST_TEXT])),
            own(lambda text=text: read(text[: LONGEST_TEXT // 2])),
        )
        print(f"  {name:18} {1000 * whole:7.1f} CPU ms  {whole / max(half, 1e-6):5.1f} x")
    kit = own(lambda: check_component(ReConcile))
    print(f"the kit's checks of reconcile: {kit:.2f} CPU s, {kit / max(took.values()):.1f} x the slowest command")


if __name__ == "__main__":
    main()
