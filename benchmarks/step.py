"""How long a training step takes: pairwise (Appendix A), padded, packed, tree. `python benchmarks/step.py --quick`.

Same MAGs, same student, same losses, one process, one step of each after the other and then in reverse, so that what
else the machine does hits all alike. Memory is measured in a process of its own for each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
from step_bench import STUDENTS, VARIANTS, Bench, Variant
from step_data import draw_mags
from torch.utils.flop_counter import FlopCounterMode

from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded, Size
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.metrics import memory_mib

SEEDS = {4: 40, 8: 117, 16: 135}
"""Draws whose turns, pairs and tokens a MAG are nearest to those of 2000 MAGs (5.3, 3.9, 856)."""


def clock(device: str, threads: int) -> Callable[[], float]:
    """Returns what to time with: one thread's own CPU seconds, which other jobs on the machine disturb least."""
    return time.process_time if device == "cpu" and threads == 1 else time.perf_counter


def gemm_peak(now: Callable[[], float], device: str, dtype: torch.dtype, size: int) -> float:
    """Returns the operations a second of a large square matrix product, the best of some."""
    a = torch.randn(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(5):
        started = now()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (now() - started))
    return best


def compare(
    bench: Bench,
    variants: Sequence[Variant],
    steps: Sequence[Sequence[Encoded]],
    rounds: int,
    now: Callable[[], float],
) -> dict[str, Any]:
    """Times all variants side by side; returns one record of each."""
    seconds: dict[str, list[float]] = {variant.name: [] for variant in variants}
    records: dict[str, dict[str, Any]] = {}
    for variant in variants:
        with FlopCounterMode(display=False) as counter:
            tokens = sum(bench.step(variant, mags, number) for number, mags in enumerate(steps))
        mags = sum(map(len, steps))
        records[variant.name] = {"tokens_per_mag": tokens / mags, "flops_per_mag": counter.get_total_flops() / mags}
    for turn in range(rounds):
        order = list(variants) if turn % 2 == 0 else list(reversed(variants))
        spent = dict.fromkeys(seconds, 0.0)
        for number, mags in enumerate(steps):
            for variant in order:
                started = now()
                bench.step(variant, mags, number)
                spent[variant.name] += now() - started
            order.reverse()
        for name, value in spent.items():
            seconds[name].append(value / sum(map(len, steps)))
    for name, record in records.items():
        record["seconds_per_mag"] = statistics.median(seconds[name])
        record["mags_per_second"] = 1 / record["seconds_per_mag"]
        record["flops_per_second"] = record["flops_per_mag"] / record["seconds_per_mag"]
        record["rounds"] = seconds[name]
    return records


def ratio(records: dict[str, Any], slow: str, fast: str) -> dict[str, float]:
    """Returns how many times faster one variant is than another: median, least and most over the rounds."""
    found = sorted(s / f for s, f in zip(records[slow]["rounds"], records[fast]["rounds"], strict=True))
    return {"median": statistics.median(found), "least": found[0], "most": found[-1]}


def memory(arguments: argparse.Namespace, variant: Variant) -> float:
    """Returns the MiB that the largest step adds to the loaded model, in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", variant.name, "--student", arguments.student]
    command += ["--adaptation", arguments.adaptation, "--mags", str(arguments.mags), "--seed", str(arguments.seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def measure_memory(bench: Bench, variant: Variant, steps: Sequence[Sequence[Encoded]]) -> float:
    largest = max(steps, key=lambda mags: sum(Size.of(mag).tokens for mag in mags))
    before = memory_mib()
    bench.step(variant, largest, 0)
    return memory_mib() - before


def collating(steps: Sequence[Sequence[Encoded]]) -> float:
    """Returns the seconds that making a MAG's tensors takes."""
    started = time.perf_counter()
    for mags in steps:
        collate(mags, LAYOUTS["tree"])
    return (time.perf_counter() - started) / sum(map(len, steps))


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs the comparison; returns the document."""
    device = arguments.device
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    torch.set_num_threads(arguments.threads)
    now = clock(device, arguments.threads)
    bench = Bench(arguments.student, arguments.adaptation, device, dtype, arguments.dropout)
    everything = draw_mags(arguments.mags, bench.vocabulary, arguments.seed)
    per_step = arguments.mags_per_step
    steps = [everything[start : start + per_step] for start in range(0, len(everything), per_step)]
    if arguments.memory_of:
        (variant,) = [variant for variant in VARIANTS if variant.name == arguments.memory_of]
        return {"memory_mib": measure_memory(bench, variant, steps)}
    names = ["pairwise", "pairwise+gc", "tree"] if arguments.quick else [variant.name for variant in VARIANTS]
    variants = [variant for variant in VARIANTS if variant.name in names]
    size = 8192 if device == "cuda" else 1024 if arguments.quick else 2048
    before = gemm_peak(now, device, dtype, size)
    records = compare(bench, variants, steps, arguments.rounds, now)
    peak = max(before, gemm_peak(now, device, dtype, size))
    for variant in variants:
        record = records[variant.name]
        record["share_of_peak"] = record["flops_per_second"] / peak
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            record["memory_mib"] = measure_gpu_memory(bench, variant, steps)
        elif not arguments.quick:
            record["memory_mib"] = memory(arguments, variant)
    flops = {name: record["flops_per_mag"] for name, record in records.items()}
    ratios: dict[str, Any] = {
        "speed_tree_vs_pairwise": ratio(records, "pairwise", "tree")["median"],
        "flops_tree_vs_pairwise": flops["tree"] / flops["pairwise"],
        "speed_tree_vs_authors": ratio(records, "pairwise+gc", "tree")["median"],
        "flops_tree_vs_authors": flops["tree"] / flops["pairwise+gc"],
        "spread": {
            "speed_tree_vs_pairwise": ratio(records, "pairwise", "tree"),
            "speed_tree_vs_authors": ratio(records, "pairwise+gc", "tree"),
        },
    }
    if "tree+gc" in records:
        ratios["speed_tree_gc_vs_authors"] = ratio(records, "pairwise+gc", "tree+gc")["median"]
        ratios["speed_packed_vs_pairwise"] = ratio(records, "pairwise", "packed")["median"]
        ratios["speed_one_mag_vs_pairwise"] = ratio(records, "pairwise", "tree, 1 MAG")["median"]
    return {
        "student": STUDENTS[arguments.student] | {"name": arguments.student, "adaptation": arguments.adaptation},
        "device": torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} thread",
        "dtype": str(dtype).removeprefix("torch."),
        "mags": len(everything),
        "nodes_per_mag": sum(len(mag.chains) for mag in everything) / len(everything),
        "rounds": arguments.rounds,
        "load_average": os.getloadavg()[0],
        "gemm_peak": peak,
        "variants": records,
        "collate_seconds_per_mag": collating(steps),
        "collate_share": collating(steps) / records["tree"]["seconds_per_mag"],
        "ratio": ratios,
    }


def measure_gpu_memory(bench: Bench, variant: Variant, steps: Sequence[Sequence[Encoded]]) -> float:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    for mags in steps:
        bench.step(variant, mags, 0)
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def table(found: dict[str, Any]) -> str:
    """Returns the result for people."""
    lines = [
        f"{found['student']['name']} ({found['student']['adaptation']}, {found['dtype']}) on {found['device']}: "
        f"{found['mags']} MAGs of {found['nodes_per_mag']:.2f} turns, {found['rounds']} rounds, load "
        f"{found['load_average']:.1f}, GEMM peak {found['gemm_peak'] / 1e9:.0f} GFLOP/s",
        f"{'':16}{'tokens/MAG':>11}{'GFLOP/MAG':>11}{'s/MAG':>9}{'MAG/s':>8}{'of peak':>9}{'MiB':>8}",
    ]
    for name, record in found["variants"].items():
        lines.append(
            f"{name:16}{record['tokens_per_mag']:11.0f}{record['flops_per_mag'] / 1e9:11.1f}"
            f"{record['seconds_per_mag']:9.4f}{record['mags_per_second']:8.2f}{record['share_of_peak']:9.0%}"
            f"{record.get('memory_mib', float('nan')):8.0f}"
        )
    lines.append(
        f"collating a MAG: {found['collate_seconds_per_mag'] * 1e3:.2f} ms, {found['collate_share']:.1%} of a step"
    )
    for name, value in found["ratio"].items():
        if name != "spread":
            spread = found["ratio"]["spread"].get(name)
            between = f"  ({spread['least']:.2f}-{spread['most']:.2f})" if spread else ""
            lines.append(f"{name}: {value:.3f}{between}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None, write: Callable[[str], Any] = print) -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 s: a small student, three variants, no memory")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--student", choices=list(STUDENTS))
    parser.add_argument("--adaptation", choices=["lora", "full"], default="lora")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--mags", type=int)
    parser.add_argument("--mags-per-step", type=int, default=4)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    arguments.student = arguments.student or ("quick" if arguments.quick else "small")
    arguments.mags = arguments.mags or (4 if arguments.quick else 16)
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    arguments.seed = SEEDS.get(arguments.mags, 0) if arguments.seed is None else arguments.seed
    found = run(arguments)
    if arguments.memory_of:
        write(str(found["memory_mib"]))
    else:
        write(json.dumps(found) if arguments.json else table(found))


if __name__ == "__main__":
    main()
