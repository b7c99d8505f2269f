"""Makes the tables of docs/performance.md anew: each is measured by its own benchmark, and takes the old one's place.

    python benchmarks/report.py [discussion] [training] [evaluation] [traces] [--rounds R] [--sizes NAME ...]
                                [--student DIR] [--autogen-python PYTHON]

A part that is not named keeps the table, the machine and the date that it has. Every figure is of CPU seconds, and a
ratio is that of two figures of one run, taken in turns: what else a machine does then hits both alike.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
IN_FLIGHT = (64, 256, 512)
FASTEST = ("aiohttp", "openai-aiohttp", "teacher", "magdi")  # who is asked for more than the fewest
SIZES = {"0.65 M": ("--width", "128", "--layers", "2"), "14.5 M": ()}


def benchmark(name: str, *options: str) -> str:
    """Returns what a benchmark prints, run with one thread."""
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / f"{name}.py"), *options]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=alone).stdout.strip()


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Returns a table in Markdown."""
    return [f"| {' | '.join(map(str, row))} |" for row in (titles, ["---"] * len(titles), *rows)]


def discussion(options: argparse.Namespace) -> list[str]:
    """CPU a call beside clients that do nothing else, by how many requests are under way."""
    more = ["--json", "--rounds", str(options.rounds), "--calls", "2000", "--autogen-python", options.autogen_python]
    some = ["--contestants", *FASTEST]
    found = {
        n: json.loads(benchmark("discussion", *more, "--in-flight", str(n), *(some if n > IN_FLIGHT[0] else ())))
        for n in IN_FLIGHT
    }
    rows = []
    for name in found[IN_FLIGHT[0]]["contestants"]:
        took = [found[n]["contestants"].get(name) for n in IN_FLIGHT]
        cpu = [f"{each['cpu_ms_per_call']:.3f}" if each else "" for each in took]
        ratios = [spread(found[n]["ratio"].get(name, {}).get("cpu_ms_per_call", {})) for n in IN_FLIGHT]
        rows.append([f"`{name}`", *cpu, *ratios])
    written = found[IN_FLIGHT[0]]["contestants"]["magdi"]["written"]
    titles = ["", *(f"ms a call, {n}" for n in IN_FLIGHT), *(f"magdi takes, {n}" for n in IN_FLIGHT)]
    return [*table(titles, rows), "", f"The journal wrote {written:.1f} times the size that its file came to (64)."]


def training(options: argparse.Namespace) -> list[str]:
    """An optimizer step beside the pairwise recipe of the paper's Appendix A."""
    found = json.loads(benchmark("step", "--quick", "--json", "--rounds", str(max(2, options.rounds))))
    rows = [
        [
            name,
            f"{each['tokens_per_mag']:.0f}",
            f"{each['flops_per_mag'] / 1e9:.1f}",
            f"{each['seconds_per_mag']:.3f}",
            f"{each['share_of_peak']:.0%}",
        ]
        for name, each in found["variants"].items()
    ]
    ratios = found["ratio"]["spread"]
    peak = f"{found['gemm_peak'] / 1e9:.0f} GFLOP/s"
    return [
        *table(["", "tokens a MAG", "GFLOP a MAG", "CPU s a MAG", f"of the GEMM peak, {peak}"], rows),
        "",
        f"Tree against pairwise: {spread(ratios['speed_tree_vs_pairwise'])}; against pairwise with checkpointing, the "
        f"authors' configuration: {spread(ratios['speed_tree_vs_authors'])}.",
    ]


def evaluation(options: argparse.Namespace) -> list[str]:
    """Questions a CPU second beside plain `generate`."""
    more = ["--rounds", str(options.rounds), "--sorted"]
    ways = {f"{size} parameters": ["--questions", "100", *SIZES[size]] for size in options.sizes}
    if options.student:
        ways = {"the shipped student": ["--questions", "300", "--student", options.student]} | ways
    found = {name: json.loads(benchmark("evaluation", *more, *way)) for name, way in ways.items()}
    names = [each["name"] for each in next(iter(found.values()))["results"]]
    rows = [
        [name, *(f"{each['results'][place]['answers_per_cpu_second']:.1f}" for each in found.values())]
        for place, name in enumerate(names)
    ]
    best = [spread(each["against_the_best"]) for each in found.values()]
    return table(["questions a CPU second", *found], [*rows, ["magdi against the best of the others", *best]])


def traces(options: argparse.Namespace) -> list[str]:
    """Spans imported, and collected."""
    said = [*benchmark("traces", "import").splitlines(), benchmark("traces", "collect")]
    return [f"* {line.strip()}" for line in said]


def spread(ratio: dict[str, float]) -> str:
    """Returns a ratio with its least and most; nothing where there is none."""
    return f"{ratio['median']:.2f} x ({ratio['least']:.2f}-{ratio['most']:.2f})" if ratio else ""


PARTS: dict[str, Callable[[argparse.Namespace], list[str]]] = {
    part.__name__: part for part in (discussion, training, evaluation, traces)
}


def machine() -> str:
    """Returns what was measured on, and when."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    what = f"{next(names, platform.machine())}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}"
    return f"{datetime.datetime.now():%d %B %Y}; {what}; Python {platform.python_version()}"


def put(page: str, part: str, lines: Sequence[str]) -> str:
    """Returns the page with a part's table in the place of the one that it had."""
    start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, found, rest = page.partition(start)
    if not found or end not in rest:
        raise SystemExit(f"{PAGE.name} has no place for {part}: {start.strip()} ... {end}")
    return "".join([before, start, "\n".join(lines), "\n", end, rest.partition(end)[2]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all when left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES), help="students of evaluation")
    parser.add_argument("--student", help="a student of the embedded default, RUN/student, for evaluation")
    parser.add_argument("--autogen-python", default=sys.executable, help="an interpreter that has autogen-agentchat")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for part in options.parts or PARTS:
        lines = [*PARTS[part](options), "", f"Measured {machine()}."]
        PAGE.write_text(put(PAGE.read_text("utf-8"), part, lines), "utf-8")
        print("\n".join([part, *lines, ""]))


if __name__ == "__main__":
    main()
