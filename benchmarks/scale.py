"""What a second processor, server or million of MAGs brings; and a plan of a large run from these rates.

    python benchmarks/scale.py [corpus] [growth] [training] [suites] [discussions] [--keep FILE] [--most N]
    python benchmarks/scale.py plan [--keep FILE]

Figures are CPU seconds, because machines are shared: the efficiency of two is the CPU seconds of one over those of both
together for the same work, which is what wall-clock comes to where nothing else runs and each has a core. What is
started up is told apart by doing less of the same work. Everything computes with one thread.

    corpus        a file of small MAGs into the student's tokens, and these into batches: 1,000 to ``--most`` MAGs; a
                  million that are not read are copies of fewer in the table of tokens
    growth        the most memory that commands take which read a file of MAGs, at 10,000 and at 100,000
    training      `magdi distill` with 1 and 2 processes (DDP, gloo): the same MAGs a step, dealt out
    suites        `magdi ablate` of four cells with 1 and 2 workers
    discussions   ReConcile of three agents (see discussion.py) with 1 and 2 servers of one teacher

``--keep FILE`` keeps the figures (scale.json unless said otherwise), which ``plan`` goes by.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from discussion import run_contestant
from discussion_server import serving

Figures = dict[str, Any]
SIZES = (1_000, 10_000, 100_000, 1_024_000)
COPIED = 10_240  # MAGs, whole batches of the table, of which a million are copied where that many are not read
A_STEP, BUDGET = 16, 4096  # MAGs, and tokens of a forward pass
MOST_STEPS = 5000  # that are collated of one file
NAMES = ("Ann", "Ben", "Cyd", "Dan", "Eve", "Fay", "Gil", "Hal")
THINGS = ("pens", "books", "coins", "shells", "cards", "stones", "apples", "stamps")


def line(number: int) -> str:
    """Returns a small MAG as a line of its file: two agents who read one another once; one is wrong at first."""
    draw = random.Random(number)
    name, thing, first, second = draw.choice(NAMES), draw.choice(THINGS), draw.randrange(1000), draw.randrange(1000)
    right, wrong = str(first + second), str(first + second + 10)

    def turn(step: int, agent: str, answer: str, **more: Any) -> dict[str, Any]:
        reasoning = f"{name} begins with {first} and finds {second}, so there are {answer} {thing}."
        said = {"text": f"{reasoning} The answer is {answer}.", "reasoning": reasoning, "answer": answer}
        grade = {"correct": answer == right, "label": answer == right, "label_source": "gold"}
        return {"step": step, "agent": agent, **said, **grade, **more}

    text = f"{name} has {first} {thing} and finds {second} more. How many {thing} has {name} now?"
    turns = [turn(0, "ann", wrong), turn(1, "bob", right, round=1, seen=[{"step": 0}])]
    question = {"id": f"q-{number}", "text": text, "gold": right, "answer_type": "number", "task": "sums"}
    mag = {"schema": "magdi.mag/1", "id": f"m-{number}", "question": question, "protocol": "debate", "turns": turns}
    return json.dumps(mag) + "\n"


def written(path: Path, count: int) -> Path:
    with path.open("w") as file:
        file.writelines(map(line, range(count)))
    return path


class Memory:
    """Watches the memory that is this process's own, files that are mapped left out."""

    def __init__(self) -> None:
        self.most, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            own = Path("/proc/self/status").read_text().partition("RssAnon:")[2]
            self.most = max(self.most, int(own.split()[0]) / 1024)

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()


def one_corpus(count: int, copies: int = 1) -> Figures:
    """Reads a file of so many MAGs as training does, through the table that is kept; then makes batches.

    With copies, the table has its MAGs that many times: batches of a million MAGs without a million to read.
    """
    from magdi.core.distill import corpus as corpora
    from magdi.core.distill import encoded
    from magdi.core.distill.layouts import LAYOUTS
    from magdi.core.distill.reading import Reading
    from magdi.core.distill.schedule import Schedule
    from magdi.core.distill.steps import Steps
    from magdi.plugins.objectives.margin import Margin
    from magdi.plugins.objectives.node import Node
    from magdi.plugins.objectives.positive import Positive
    from magdi.plugins.tiny.tokenizer import bpe_tokenizer

    corpora.SMALL_FILE = 0  # all sizes in one way
    few = [json.loads(line(number)) for number in range(500)]
    texts = (text for mag in few for text in (mag["question"]["text"], *(turn["reasoning"] for turn in mag["turns"])))
    reading = Reading(bpe_tokenizer(texts, 2048), {"positive": Positive(), "margin": Margin(), "node": Node()})
    with tempfile.TemporaryDirectory() as folder:
        corpora.read_corpus(written(Path(folder) / "warm.jsonl", 200), reading, Path(folder) / "warm")
        file, cache = written(Path(folder) / "mags.jsonl", count), Path(folder) / "cache"
        with Memory() as memory:
            begun = time.process_time()
            corpus = corpora.read_corpus(file, reading, cache)
            read, tokens = time.process_time() - begun, corpus.sizes.total().tokens
            if copies > 1:
                again = Path(folder) / "copies.arrow"
                copy_table(next(cache.rglob("*.arrow")), again, copies)
                table = encoded.EncodedTable(again, reading.columns)
                corpus = corpora.Corpus(table, table.sizes, corpus.tally)
            schedule = Schedule.plan(len(corpus), A_STEP, steps=None, epochs=1, seed=0)
            steps = Steps(corpus, schedule, LAYOUTS["tree"], BUDGET)
            chosen = range(0, len(steps), -(-len(steps) // MOST_STEPS))  # every step takes MAGs from all over the file
            begun = time.process_time()
            batched = sum(steps[number].size.tokens for number in chosen)
            collated = time.process_time() - begun
        kept = sum(each.stat().st_size for each in cache.rglob("*") if each.is_file())
        return {
            "mags": len(corpus),
            "tokens": tokens * copies,
            "read_per_second": tokens / read if copies == 1 else None,
            "collated_per_second": batched / collated,
            "memory_mib": memory.most,
            "file_bytes_per_mag": file.stat().st_size / count,
            "table_bytes_per_token": kept / tokens,
        }


def copy_table(file: Path, target: Path, copies: int) -> None:
    import pyarrow as pa

    with pa.memory_map(str(file)) as mapped:
        reader = pa.ipc.open_file(mapped)
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as writer:
            for batch in batches * copies:
                writer.write_batch(batch)


def corpus(most: int) -> Figures:
    found = []
    read = [(size, 1) for size in SIZES if size <= most]
    for size, copies in [*read, *([(COPIED, SIZES[-1] // COPIED)] if most < SIZES[-1] else [])]:
        command = [sys.executable, __file__, "--corpus", str(size), "--copies", str(copies)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, end="", file=sys.stderr, flush=True)
        found.append(json.loads(done.stdout))
    return {"sizes": found}


READERS: dict[str, Callable[[Path, Path], tuple[object, ...]]] = {
    "mags stats": lambda file, out: ("mags", "stats", file),
    "mags check": lambda file, out: ("mags", "check", file),
    "mags show": lambda file, out: ("mags", "show", "#7", file),
    "mags export --to dataset": lambda file, out: ("mags", "export", file, "-o", out / "dataset"),
    "view": lambda file, out: ("view", file, "-o", out / "page.html"),
}
GROWN = (10_000, 100_000)


def growth(_: int) -> Figures:
    """Has commands read a file of MAGs, and one of ten times as many."""
    found: Figures = {}
    for count in GROWN:
        with tempfile.TemporaryDirectory() as folder:
            file = written(Path(folder) / "mags.jsonl", count)
            for name, arguments in READERS.items():
                found.setdefault(name, {})[count] = most_memory(*arguments(file, Path(folder)))
    return found


def most_memory(*arguments: object) -> Figures:
    """Returns the greatest memory of a command of magdi's, files that are mapped included, and its CPU seconds."""
    command = [sys.executable, "-m", "magdi", *map(str, arguments)]
    with Path(os.devnull).open("w") as nowhere:
        outputs = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1), (os.POSIX_SPAWN_DUP2, nowhere.fileno(), 2)]
        _, status, used = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=outputs), 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    return {"memory_mib": used.ru_maxrss / 1024, "cpu_seconds": used.ru_utime + used.ru_stime}


def cpu_seconds(*arguments: object) -> float:
    """Returns the CPU seconds that a command of magdi's takes, those of all that it starts included."""
    before = os.times()
    command = [sys.executable, "-m", "magdi", *map(str, arguments), "--quiet"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def training(_: int) -> Figures:
    """Trains a small student for few and for more steps; what is between them is the steps alone."""
    from magdi.plugins.testing.tiny import tiny_student

    few, many = 3, 15
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = tiny_student(hidden=256, layers=4, heads=4)
        for part in (model, tokenizer):
            part.save_pretrained(Path(folder) / "base")
        file = written(Path(folder) / "mags.jsonl", 400)

        def seconds(processes: int, steps: int) -> float:
            out = Path(folder) / f"run-{processes}-{steps}"
            settings = (f"training.steps={steps}", f"training.mags_per_step={A_STEP}", "training.save_every=1000")
            given = [each for setting in settings for each in ("--set", setting)]
            where = ("--student", Path(folder) / "base", "--processes", processes, "-o", out)
            return cpu_seconds("distill", file, "--task", "arithmetic", *where, *given)

        by_processes = {number: seconds(number, many) - seconds(number, few) for number in (1, 2)}
    a_step = {number: found / (many - few) for number, found in by_processes.items()}
    return {"seconds_a_step": a_step, "efficiency": a_step[1] / a_step[2]}


GRID = """
title: Four cells
axes: {level: [1, 2, 3, 4]}
settings: {training.steps: 60, discussion.questions: 60, evaluation.questions: 60, evaluation.max_new_tokens: 64}
"""


def suites(_: int) -> Figures:
    """Runs four cells with one seed and with two; what is between them is four cells alone, without any start."""
    with tempfile.TemporaryDirectory() as folder:
        grid = Path(folder) / "grid.yaml"
        grid.write_text(GRID)

        def seconds(workers: int, seeds: int) -> float:
            where = ("--seeds", seeds, "--task", "arithmetic", "-o", Path(folder) / f"suite-{workers}-{seeds}")
            return cpu_seconds("ablate", grid, "--jobs", workers, *where)

        once = {workers: seconds(workers, 1) for workers in (1, 2)}
        found = {workers: seconds(workers, 2) - once[workers] for workers in (1, 2)}
    return {"seconds": found, "with_start": once, "efficiency": found[1] / found[2]}


def discussions(_: int) -> Figures:
    """Holds discussions; both servers are on this machine, and their time is their own."""
    with serving() as first, serving() as second:
        runs = {1: first, 2: f"{first},{second}"}
        found: dict[int, list[Figures]] = {1: [], 2: []}
        for around in range(3):
            for servers in (1, 2) if around % 2 == 0 else (2, 1):
                found[servers].append(run_contestant(sys.executable, "magdi", runs[servers], 2000))
    best = {servers: min(run["cpu_ms_per_call"] for run in each) for servers, each in found.items()}
    kept = {name: found[1][0][name] for name in ("journal_bytes_per_call", "mag_bytes_per_call")}
    return {"cpu_ms_per_call": best, "efficiency": best[1] / best[2], **kept}


PARTS: dict[str, Callable[[int], Figures]] = {
    "corpus": corpus,
    "growth": growth,
    "training": training,
    "suites": suites,
    "discussions": discussions,
}


def table(found: Figures) -> Iterator[str]:
    """Yields the figures as Markdown."""
    if "corpus" in found:
        yield "| MAGs | tokens | read, tokens a CPU second | collated, tokens a CPU second | memory of its own, MiB |"
        yield "|---:|---:|---:|---:|---:|"
        for row in found["corpus"]["sizes"]:
            read = f"{row['read_per_second']:,.0f}" if row["read_per_second"] else "(copies)"
            rates = f"{read} | {row['collated_per_second']:,.0f} | {row['memory_mib']:,.0f}"
            yield f"| {row['mags']:,} | {row['tokens']:,} | {rates} |"
        yield ""
    if "growth" in found:
        yield "| | " + " | ".join(f"MiB, {count:,} MAGs | CPU s" for count in GROWN) + " |"
        yield "|---|" + "---:|---:|" * len(GROWN)
        for name, sizes in found["growth"].items():
            by_size = [sizes.get(count, sizes.get(str(count))) for count in GROWN]
            figures = (f"{each['memory_mib']:,.0f} | {each['cpu_seconds']:.1f}" for each in by_size)
            yield f"| `magdi {name}` | {' | '.join(figures)} |"
        yield ""
    rows = {
        "training": ("CPU seconds a step", "seconds_a_step", "processes"),
        "suites": ("CPU seconds of four cells", "seconds", "workers"),
        "discussions": ("CPU ms a call", "cpu_ms_per_call", "servers"),
    }
    if rows.keys() & found.keys():
        yield "| | with one | with two together | efficiency |"
        yield "|---|---:|---:|---:|"
    for name, (what, key, of) in rows.items():
        if name in found:
            one, two = (found[name][key].get(each, found[name][key].get(str(each))) for each in (1, 2))
            yield f"| {name}, {of}: {what} | {one:.3g} | {two:.3g} | {found[name]['efficiency']:.2f} |"


def plan(found: Figures) -> Iterator[str]:
    """Yields a plan of a large run as Markdown: from the rates that were measured, and from what is assumed."""
    million, teachers, epochs, cards = 1_000_000, 3, 3, 8
    rounds = (557, 247, 78, 118)  # of 1,000 discussions, by rounds after the first: the paper's Table 12, GSM8K
    first, later, reply, question, chain = 150, 600, 150, 90, 130  # tokens of prompts, replies; of what is learned
    dollars_in, dollars_out, card_hour = 0.15, 0.60, 2.50  # a million tokens of prompts, of replies; an hour of a card
    served, flops, used, weights = 2_500, 989e12, 0.40, 7e9  # tokens a second and card; bf16 of an H100; MFU
    linear = 0.90  # of eight cards together: what two processes come to here says nothing of a network
    turns = teachers * sum(share * (1 + number) for number, share in enumerate(rounds)) / 1000
    prompts = teachers * first + (turns - teachers) * later
    calls, learned = million * turns, million * (question + turns * chain)
    read = [row for row in found["corpus"]["sizes"] if row["read_per_second"]]
    corpus, talks = read[-1], found["discussions"]
    teach_hours = calls * reply / (served * cards) / 3600
    train_hours = 6 * weights * learned * epochs / (flops * used * cards * linear) / 3600
    money = (million * prompts * dollars_in + calls * reply * dollars_out) / 1e6
    client, reading = calls * talks["cpu_ms_per_call"]["1"] / 3.6e6, learned / corpus["read_per_second"] / 3600
    batches = epochs * learned / cards / corpus["collated_per_second"] / 3600
    yield "| | from | comes to |"
    yield "|---|---|---:|"
    for name, source, result in (
        ("calls", f"{million:,} questions, {teachers} teachers, {turns / teachers:.2f} rounds", f"{calls / 1e6:.2f} M"),
        ("tokens of prompts", f"{prompts:,.0f} a question", f"{million * prompts / 1e9:.2f} G"),
        ("tokens of replies", f"{turns * reply:,.0f} a question", f"{calls * reply / 1e9:.2f} G"),
        ("money, a vendor", f"${dollars_in:.2f} and ${dollars_out:.2f} a million tokens", f"${money:,.0f}"),
        ("hours, own servers", f"{cards} cards, {served:,} tokens a second each", f"{teach_hours:.1f} h"),
        ("money, own servers", f"${card_hour:.2f} an hour and card", f"${teach_hours * cards * card_hour:,.0f}"),
        ("the client", f"{talks['cpu_ms_per_call']['1']:.2f} CPU ms a call, measured", f"{client:.1f} CPU h"),
        ("disk, journal", f"{talks['journal_bytes_per_call']:,.0f} bytes a call, measured", gigabytes(calls, talks, 0)),
        ("disk, MAGs", f"{talks['mag_bytes_per_call']:,.0f} bytes a call, measured", gigabytes(calls, talks, 1)),
        ("MAGs into tokens", f"{corpus['read_per_second']:,.0f} tokens a CPU second, measured", f"{reading:.1f} CPU h"),
        (
            "disk, tokens",
            f"{corpus['table_bytes_per_token']:.1f} bytes a token, measured",
            f"{learned * corpus['table_bytes_per_token'] / 1e9:,.1f} GB",
        ),
        ("tokens learned", f"{epochs} passes over {learned / 1e9:.2f} G", f"{epochs * learned / 1e9:.2f} G"),
        (
            "batches",
            f"{corpus['collated_per_second']:,.0f} tokens a CPU second, measured",
            f"{batches:.2f} CPU h a card",
        ),
        ("training", f"{cards} cards, MFU {used:.0%}, efficiency {linear:.2f}", f"{train_hours:.1f} h"),
        ("money, training", f"${card_hour:.2f} an hour and card", f"${train_hours * cards * card_hour:,.0f}"),
    ):
        yield f"| {name} | {source} | {result} |"


def gigabytes(calls: float, talks: Figures, which: int) -> str:
    return f"{calls * talks[('journal_bytes_per_call', 'mag_bytes_per_call')[which]] / 1e9:,.1f} GB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all when left out), or plan")
    parser.add_argument("--keep", type=Path, default=Path("scale.json"), help="where figures are kept")
    parser.add_argument("--most", type=int, default=SIZES[-2], help="MAGs of the largest corpus that is read")
    parser.add_argument("--corpus", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--copies", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1"}
    if options.corpus:
        print(json.dumps(one_corpus(options.corpus, options.copies)))
        return
    found = json.loads(options.keep.read_text()) if options.keep.exists() else {}
    if unknown := {*options.parts} - {*PARTS, "plan"}:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    for name in options.parts or PARTS:
        if name != "plan":
            found[name] = PARTS[name](options.most)
            options.keep.write_text(json.dumps(found, indent=2))
    print("\n".join(plan(json.loads(json.dumps(found))) if options.parts == ["plan"] else table(found)))


if __name__ == "__main__":
    main()
