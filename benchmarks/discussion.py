"""Calls a second that a discussion makes of a server, beside clients that do nothing else.

    python benchmarks/discussion.py [--json] [--calls N] [--rounds R] [--in-flight N] [--scaling]
                                    [--autogen-python PYTHON]

A server of its own on this machine answers every chat completion after 50 ms. Each contestant keeps 64 requests under
way (``--in-flight``), in a process of its own, after a warm-up; contestants take turns, forwards and backwards, and a
ratio is the median of the rounds' ratios; those of CPU seconds hold on a busy machine, too. How much magdi's journal
wrote is told by the size that its file came to.

    aiohttp           the bare aiohttp client, replies parsed as JSON
    openai            AsyncOpenAI, default transport
    openai-aiohttp    AsyncOpenAI, aiohttp transport; the "bare client" of the ratios
    teacher           magdi's openai teacher without a discussion around it
    magdi             ReConcile of three agents, journal on, MAGs made into lines
    autogen           AutoGen's RoundRobinGroupChat of three agents, two turns each, 64 teams at once, over its own
                      OpenAI client (autogen-ext[openai]), or over AsyncOpenAI where that is missing; only where
                      autogen-agentchat is installed, here or where ``--autogen-python`` says
    autogen-aiohttp   the same, its client given the aiohttp transport

``--scaling`` measures CPU a call and memory of magdi alone at 1,000, 10,000 and 100,000 calls.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from discussion_autogen import autogen_client
from discussion_server import LATENCY, serving

WARM_UP = 256  # calls
CONTESTANTS = ("aiohttp", "openai", "openai-aiohttp", "teacher", "magdi", "autogen", "autogen-aiohttp")
PROMPT = "A shop sells pens at 3 dollars and books at 12 dollars. What do 4 pens and 2 books cost? " * 6


Measure = dict[str, float]


def measured(work: Callable[[int], int], calls: int) -> Measure:
    """Runs ``work``, which returns the calls it made, once to warm up and once on the clock."""
    work(WARM_UP)
    start, cpu = time.perf_counter(), time.process_time()
    made = work(calls)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "calls": made,
        "seconds": seconds,
        "calls_per_second": made / seconds,
        "cpu_ms_per_call": 1000 * cpu / made,
        "peak_mib": peak,
    }


def bare(
    loop: asyncio.AbstractEventLoop, in_flight: int, call: Callable[[int], Awaitable[object]]
) -> Callable[[int], int]:
    """Keeps calls under way."""

    async def run(calls: int) -> int:
        numbers = iter(range(calls))

        async def worker() -> None:
            for number in numbers:
                await call(number)

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return calls

    return lambda calls: loop.run_until_complete(run(calls))


def messages(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{number}. {PROMPT}"}]


def run_aiohttp(url: str, calls: int, in_flight: int) -> Measure:
    import aiohttp

    loop = asyncio.new_event_loop()

    async def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers={"Authorization": "Bearer x"})

    client = loop.run_until_complete(session())

    async def call(number: int) -> object:
        body = {"model": "m", "messages": messages(number), "temperature": 0.7, "max_tokens": 1024}
        async with client.post(f"{url}/chat/completions", json=body) as response:
            return json.loads(await response.read())["choices"][0]["message"]["content"]

    result = measured(bare(loop, in_flight, call), calls)
    loop.run_until_complete(client.close())
    return result


def run_openai(url: str, calls: int, in_flight: int, *, with_aiohttp: bool) -> Measure:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    loop = asyncio.new_event_loop()
    client = AsyncOpenAI(base_url=url, api_key="x", http_client=DefaultAioHttpClient() if with_aiohttp else None)

    async def call(number: int) -> object:
        reply = await client.chat.completions.create(
            model="m", messages=messages(number), temperature=0.7, max_tokens=1024
        )
        return reply.choices[0].message.content

    result = measured(bare(loop, in_flight, call), calls)
    loop.run_until_complete(client.close())
    return result


def run_teacher(url: str, calls: int, in_flight: int) -> Measure:
    from magdi.core.mag import Message
    from magdi.core.teacher import Request
    from magdi.plugins.teachers.openai import OpenAITeacher

    loop = asyncio.new_event_loop()
    teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url, concurrency=in_flight))

    async def call(number: int) -> object:
        return await teacher.complete(Request(messages=(Message(**messages(number)[0]),)))

    result = measured(bare(loop, in_flight, call), calls)
    loop.run_until_complete(teacher.close())
    return result


def run_magdi(url: str, calls: int, in_flight: int) -> Measure:
    from magdi.core.config.models import Discussion
    from magdi.core.discussion.driver import Seat, hold_discussions
    from magdi.core.discussion.events import Totals
    from magdi.core.discussion.journal import Journal
    from magdi.core.mag import Mag, Question
    from magdi.core.protocol import Agent
    from magdi.core.task import Split, Task
    from magdi.plugins.teachers.openai import OpenAITeacher
    from magdi.protocols.reconcile import ReConcile

    class Shop(Task):
        def questions(self, split: Split) -> list[Question]:
            return []

        def extract(self, text: str, question: Question) -> str | None:
            return text.strip()

    teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url, concurrency=in_flight))
    seats = [Seat(Agent(name), teacher) for name in ("ann", "bob", "cyd")]

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        before, lines = written(), 0

        def work(wanted: int) -> int:
            nonlocal lines
            totals = Totals()

            def questions() -> Iterator[Question]:
                """Questions for as long as calls are wanted: how many a discussion takes is not known before."""
                number = 0
                while totals.calls + 4 * (number - totals.done) < wanted:
                    number += 1
                    yield Question(id=f"{wanted}-{number}", text=f"{wanted}-{number}. {PROMPT}", gold="36")

            for item in hold_discussions(
                questions(),
                protocol=ReConcile(),
                protocol_name="reconcile",
                seats=seats,
                task=Shop(),
                settings=Discussion(in_flight=in_flight),
                journal=journal,
                on_event=totals.add,
            ):
                if not isinstance(item, Mag):
                    raise SystemExit(f"a discussion failed: {item.error}")
                lines += len(item.to_line())
            return totals.calls

        found = measured(work, calls)
        replies = len(journal)
        journal.close()
        kept = journal.path.stat().st_size
        return found | {
            "written": (written() - before) / kept,
            "journal_bytes_per_call": kept / replies,
            "mag_bytes_per_call": lines / replies,
        }


def written() -> int:
    """Returns the bytes that this process has handed to files and sockets."""
    lines = Path("/proc/self/io").read_text().splitlines() if Path("/proc/self/io").exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("wchar")), 0)


def run_autogen(url: str, calls: int, in_flight: int, *, with_aiohttp: bool) -> Measure:
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.teams import RoundRobinGroupChat

    loop = asyncio.new_event_loop()
    client = autogen_client(url, with_aiohttp=with_aiohttp)
    turns = 6

    async def team(number: int) -> None:
        agents = [AssistantAgent(name, client) for name in ("ann", "bob", "cyd")]
        result = await RoundRobinGroupChat(agents, max_turns=turns).run(task=f"{number}. {PROMPT}")
        if len(result.messages) != turns + 1:
            raise SystemExit(f"a team made {len(result.messages)} messages")

    run = bare(loop, in_flight, team)
    result = measured(lambda wanted: turns * run(-(-wanted // turns)), calls)
    loop.run_until_complete(client.close())
    return result


def contest(name: str, url: str, calls: int, in_flight: int) -> Measure:
    match name:
        case "aiohttp":
            return run_aiohttp(url, calls, in_flight)
        case "openai" | "openai-aiohttp":
            return run_openai(url, calls, in_flight, with_aiohttp=name == "openai-aiohttp")
        case "teacher":
            return run_teacher(url, calls, in_flight)
        case "magdi":
            return run_magdi(url, calls, in_flight)
        case _:
            return run_autogen(url, calls, in_flight, with_aiohttp=name == "autogen-aiohttp")


def run_contestant(python: str, name: str, url: str, calls: int, in_flight: int = 64) -> Measure:
    counts = ["--calls", str(calls), "--in-flight", str(in_flight)]
    command = [python, __file__, "--contestant", name, "--url", url, *counts]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def has_autogen(python: str) -> bool:
    return subprocess.run([python, "-c", "import autogen_agentchat, openai"], stderr=subprocess.DEVNULL).returncode == 0


def compare(
    url: str, calls: int, rounds: int, autogen: str, in_flight: int, contestants: Sequence[str]
) -> dict[str, Any]:
    names = [name for name in contestants if not name.startswith("autogen") or has_autogen(autogen)]
    runs: dict[str, list[Measure]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            slow = name.startswith("autogen")  # the same calls would only take longer, not be more exact
            python, wanted = (autogen, calls // 4) if slow else (sys.executable, calls)
            runs[name].append(run_contestant(python, name, url, wanted, in_flight))
            print(f"{number + 1}/{rounds} {name}: {runs[name][-1]['cpu_ms_per_call']:.3f} ms", file=sys.stderr)

    def ratio(name: str, key: str) -> dict[str, float]:
        ratios = [own[key] / other[key] for own, other in zip(runs["magdi"], runs[name], strict=True)]
        return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}

    return {
        "in_flight": in_flight,
        "latency": LATENCY,
        "rounds": rounds,
        "contestants": {
            name: {key: statistics.median(run[key] for run in each) for key in each[0]} for name, each in runs.items()
        },
        "ratio": {
            name: {key: ratio(name, key) for key in ("calls_per_second", "cpu_ms_per_call")}
            for name in names
            if name != "magdi"
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--calls", type=int, default=6000, help="calls of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--in-flight", type=int, default=64, help="requests under way at a time")
    parser.add_argument("--scaling", action="store_true", help="CPU a call and memory, at 1,000 to 100,000 calls")
    parser.add_argument("--autogen-python", default=sys.executable, help="an interpreter that has autogen-agentchat")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        print(json.dumps(contest(options.contestant, options.url, options.calls, options.in_flight)))
    else:
        with serving() as url:
            if options.scaling:
                sizes = (1_000, 10_000, 100_000)
                runs = [run_contestant(sys.executable, "magdi", url, size, options.in_flight) for size in sizes]
                result: dict[str, Any] = {"scaling": runs}
            else:
                names = options.contestants
                result = compare(url, options.calls, options.rounds, options.autogen_python, options.in_flight, names)
        show(result, as_json=options.json)


def show(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=2))
        return
    rows = (
        result["contestants"].items()
        if "contestants" in result
        else ((f"{int(run['calls'])} calls", run) for run in result["scaling"])
    )
    for name, run in rows:
        print(
            f"{name:16} {run['calls_per_second']:8.0f} calls/s {run['cpu_ms_per_call']:7.3f} ms CPU a call "
            f"{run['peak_mib']:6.0f} MiB" + (f" {run['written']:5.1f} x its size written" if "written" in run else "")
        )
    for name, ratios in result.get("ratio", {}).items():
        calls, cpu = (ratios[key] for key in ("calls_per_second", "cpu_ms_per_call"))
        print(f"magdi / {name:16} {calls['median']:8.2f} of its calls/s {cpu['median']:8.2f} of its CPU a call")


if __name__ == "__main__":
    main()
