"""Spans: 100,000 imported as a stream, and a receiver at 500 traces a second of which nothing may be lost.

    python benchmarks/traces.py import [SPANS]
    python benchmarks/traces.py collect [TRACES] [A_SECOND]

A trace is a debate of three agents and two rounds: 13 spans, 6 of them calls with prompts of some 60 words.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROUNDS, AGENTS = 2, ("ada", "ben", "cyd")
PROCESSES, LISTENING = 4, "listening: OTEL_EXPORTER_OTLP_ENDPOINT="


def spans(number: int) -> Iterator[dict[str, object]]:
    """Yields a debate's spans."""
    trace, question = f"{number + 1:032x}", f"Case {number}: {number} clips are sold in April and half as many in May?"
    root, now, said = f"{number + 1:08x}{0:08x}", time.time_ns(), dict[str, str]()
    for count in range(ROUNDS * len(AGENTS)):
        agent, start = AGENTS[count % len(AGENTS)], now + count // len(AGENTS) * 10**6
        heard = "\n".join(f"{name}: {text}" for name, text in sorted(said.items()) if count >= len(AGENTS))
        reply = f"{agent} thinks that the sum of case {number} is {number + count}. The answer is {number + count}."
        names = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent}
        turn = f"{number + 1:08x}{2 * count + 1:08x}"
        yield span(trace, turn, root, f"invoke_agent {agent}", start, names)
        told = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "stub",
            "gen_ai.input.messages": message("user", f"{question}\n{heard}\nThink step by step, then give the answer."),
            "gen_ai.output.messages": message("assistant", reply),
        }
        yield span(trace, f"{number + 1:08x}{2 * count + 2:08x}", turn, "chat stub", start, told)
        said[agent] = reply
    yield span(trace, root, "", "invoke_workflow", now, {"gen_ai.operation.name": "invoke_workflow"})


def message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def span(trace: str, name: str, parent: str, title: str, start: int, told: dict[str, str]) -> dict[str, object]:
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in told.items()]
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**5)}
    return {"traceId": trace, "spanId": name, "parentSpanId": parent, "name": title, "attributes": attributes} | times


def request(found: list[dict[str, object]]) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": found}]}]}).encode()


def run_import(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for size in (count // 10, count):
            file = Path(folder) / f"{size}.jsonl"
            with file.open("wb") as out:
                for number in range(size // 13):
                    out.write(request(list(spans(number))) + b"\n")
            began = time.perf_counter()
            command = [sys.executable, "-m", "magdi", "mags", "import", str(file), "-o", f"{file}.mags", "--json"]
            child = subprocess.Popen(command, stdout=subprocess.PIPE)
            document = json.loads(child.stdout.read())  # type: ignore[union-attr]
            _, status, used = os.wait4(child.pid, 0)
            assert status == 0, status
            assert document["totals"]["mags"] == size // 13, document
            cpu, wall = used.ru_utime + used.ru_stime, time.perf_counter() - began
            took = f"{used.ru_maxrss >> 10} MiB, {cpu:.1f} CPU s, {wall:.1f} s"
            print(f"{size:>7,} spans, {file.stat().st_size >> 20} MiB: {took}")


def send(where: str, body: bytes) -> float:
    """Sends a request; returns the seconds until it was answered."""
    began = time.perf_counter()
    asked = urllib.request.Request(f"{where}/v1/traces", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answered:
        assert json.load(answered) == {}
    return time.perf_counter() - began


def run_collect(count: int, rate: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "mags.jsonl"
        command = [sys.executable, "-m", "magdi", "collect", "-o", str(out), "--port", "0", "--json"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        where = next(line for line in child.stderr if LISTENING in line).partition(LISTENING)[2].split()[0]  # type: ignore[union-attr]
        bodies = [request([each for k in range(10) for each in spans(n + k)]) for n in range(0, count, 10)]
        began = time.perf_counter()
        with ThreadPoolExecutor(PROCESSES) as pool:
            sent = []
            for number, body in enumerate(bodies):
                time.sleep(max(0.0, began + number * 10 / rate - time.perf_counter()))
                sent.append(pool.submit(send, where, body))
            waits = sorted(each.result() for each in sent)
        acknowledged = time.perf_counter() - began
        child.send_signal(signal.SIGINT)
        document = json.loads(child.stdout.read())  # type: ignore[union-attr]
        _, _, used = os.wait4(child.pid, 0)
        finished = time.perf_counter() - began
        ids = {json.loads(line)["id"] for line in out.open()}
        assert len(ids) == document["mags"] == count, document
        own = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        print(
            f"{count:,} traces ({13 * count:,} spans), {rate} a second: all taken after {acknowledged:.1f} s "
            f"({count / acknowledged:.0f} a second; one waits {1000 * waits[len(waits) // 2]:.0f} ms, one in a hundred "
            f"{1000 * waits[len(waits) * 99 // 100]:.0f} ms), all written after "
            f"{finished:.1f} s ({count / finished:.0f} a second), none lost; {used.ru_maxrss >> 10} MiB, "
            f"{used.ru_utime + used.ru_stime:.1f} CPU s; the sender took {own:.1f}"
        )


if __name__ == "__main__":
    what, *numbers = sys.argv[1:] or ["import"]
    if what == "import":
        run_import(int(numbers[0]) if numbers else 100_000)
    else:
        run_collect(*(int(each) for each in (numbers or ["5000", "500"])))
