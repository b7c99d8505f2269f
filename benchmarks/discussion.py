"""Calls a second that a discussion makes of a server, beside clients that do nothing else.

    python benchmarks/discussion.py [--json] [--calls N] [--rounds R] [--scaling] [--autogen-python PYTHON]

A server of its own on this machine answers every chat completion after 50 ms. Each contestant keeps 64 requests under
way, in a process of its own, after a warm-up; contestants take turns, forwards and backwards, and a ratio is the median
of the rounds' ratios; those of CPU seconds hold on a busy machine, too.

    aiohttp           the bare aiohttp client, replies parsed as JSON
    openai            AsyncOpenAI, default transport
    openai-aiohttp    AsyncOpenAI, aiohttp transport; the "bare client" of the ratios
    teacher           magdi's openai teacher without a discussion around it: the same transport, less of AsyncOpenAI
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
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from discussion_autogen import autogen_client
from discussion_server import LATENCY, serving

IN_FLIGHT = 64
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


def bare(loop: asyncio.AbstractEventLoop, call: Callable[[int], Awaitable[object]]) -> Callable[[int], int]:
    """Keeps IN_FLIGHT calls under way."""

    async def run(calls: int) -> int:
        numbers = iter(range(calls))

        async def worker() -> None:
            for number in numbers:
                await call(number)

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return calls

    return lambda calls: loop.run_until_complete(run(calls))


def messages(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{number}. {PROMPT}"}]


def run_aiohttp(url: str, calls: int) -> Measure:
    import aiohttp

    loop = asyncio.new_event_loop()

    async def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers={"Authorization": "Bearer x"})

    client = loop.run_until_complete(session())

    async def call(number: int) -> object:
        body = {"model": "m", "messages": messages(number), "temperature": 0.7, "max_tokens": 1024}
        async with client.post(f"{url}/chat/completions", json=body) as response:
            return json.loads(await response.read())["choices"][0]["message"]["content"]

    result = measured(bare(loop, call), calls)
    loop.run_until_complete(client.close())
    return result


def run_openai(url: str, calls: int, *, with_aiohttp: bool) -> Measure:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    loop = asyncio.new_event_loop()
    client = AsyncOpenAI(base_url=url, api_key="x", http_client=DefaultAioHttpClient() if with_aiohttp else None)

    async def call(number: int) -> object:
        reply = await client.chat.completions.create(
            model="m", messages=messages(number), temperature=0.7, max_tokens=1024
        )
        return reply.choices[0].message.content

    result = measured(bare(loop, call), calls)
    loop.run_until_complete(client.close())
    return result


def run_teacher(url: str, calls: int) -> Measure:
    from magdi.core.mag import Message
    from magdi.core.teacher import Request
    from magdi.plugins.teachers.openai import OpenAITeacher

    loop = asyncio.new_event_loop()
    teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url, concurrency=IN_FLIGHT))

    async def call(number: int) -> object:
        return await teacher.complete(Request(messages=(Message(**messages(number)[0]),)))

    result = measured(bare(loop, call), calls)
    loop.run_until_complete(teacher.close())
    return result


def run_magdi(url: str, calls: int) -> Measure:
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

    teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url, concurrency=IN_FLIGHT))
    seats = [Seat(Agent(name), teacher) for name in ("ann", "bob", "cyd")]

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        written = 0

        def work(wanted: int) -> int:
            nonlocal written
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
                settings=Discussion(),
                journal=journal,
                on_event=totals.add,
            ):
                if not isinstance(item, Mag):
                    raise SystemExit(f"a discussion failed: {item.error}")
                written += len(item.to_line())
            return totals.calls

        found = measured(work, calls)
        kept = sum(file.stat().st_size for file in Path(folder).iterdir())
        return found | {"journal_bytes_per_call": kept / len(journal), "mag_bytes_per_call": written / len(journal)}


def run_autogen(url: str, calls: int, *, with_aiohttp: bool) -> Measure:
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

    run = bare(loop, team)
    result = measured(lambda wanted: turns * run(-(-wanted // turns)), calls)
    loop.run_until_complete(client.close())
    return result


def contest(name: str, url: str, calls: int) -> Measure:
    match name:
        case "aiohttp":
            return run_aiohttp(url, calls)
        case "openai" | "openai-aiohttp":
            return run_openai(url, calls, with_aiohttp=name == "openai-aiohttp")
        case "teacher":
            return run_teacher(url, calls)
        case "magdi":
            return run_magdi(url, calls)
        case _:
            return run_autogen(url, calls, with_aiohttp=name == "autogen-aiohttp")


def run_contestant(python: str, name: str, url: str, calls: int) -> Measure:
    command = [python, __file__, "--contestant", name, "--url", url, "--calls", str(calls)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def has_autogen(python: str) -> bool:
    return subprocess.run([python, "-c", "import autogen_agentchat, openai"], stderr=subprocess.DEVNULL).returncode == 0


def compare(url: str, calls: int, rounds: int, autogen: str) -> dict[str, Any]:
    names = [name for name in CONTESTANTS if not name.startswith("autogen") or has_autogen(autogen)]
    runs: dict[str, list[Measure]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            slow = name.startswith("autogen")  # the same calls would only take longer, not be more exact
            runs[name].append(run_contestant(autogen if slow else sys.executable, name, url, calls // (1 + 3 * slow)))
            print(f"{number + 1}/{rounds} {name}: {runs[name][-1]['calls_per_second']:.0f} calls/s", file=sys.stderr)

    def ratio(name: str) -> float:
        pairs = zip(runs["magdi"], runs[name], strict=True)
        return statistics.median(own["calls_per_second"] / other["calls_per_second"] for own, other in pairs)

    def cpu_ratio(name: str) -> float:
        pairs = zip(runs["magdi"], runs[name], strict=True)
        return statistics.median(other["cpu_ms_per_call"] / own["cpu_ms_per_call"] for own, other in pairs)

    ratios = {
        "vs_bare_client": ratio("openai-aiohttp"),
        "vs_bare_teacher": ratio("teacher"),
        "vs_bare_aiohttp": ratio("aiohttp"),
        "cpu_vs_bare_client": cpu_ratio("openai-aiohttp"),
        "cpu_vs_bare_teacher": cpu_ratio("teacher"),
    }
    if "autogen" in runs:
        ratios |= {"vs_autogen": ratio("autogen"), "vs_autogen_aiohttp": ratio("autogen-aiohttp")}
    return {
        "in_flight": IN_FLIGHT,
        "latency": LATENCY,
        "rounds": rounds,
        "contestants": {
            name: {key: statistics.median(run[key] for run in each) for key in each[0]} for name, each in runs.items()
        },
        "ratio": ratios,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--calls", type=int, default=6000, help="calls of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scaling", action="store_true", help="CPU a call and memory, at 1,000 to 100,000 calls")
    parser.add_argument("--autogen-python", default=sys.executable, help="an interpreter that has autogen-agentchat")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        print(json.dumps(contest(options.contestant, options.url, options.calls)))
    else:
        with serving() as url:
            if options.scaling:
                sizes = (1_000, 10_000, 100_000)
                result = {"scaling": [run_contestant(sys.executable, "magdi", url, size) for size in sizes]}
            else:
                result = compare(url, options.calls, options.rounds, options.autogen_python)
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
            f"{run['peak_mib']:6.0f} MiB"
        )
    for name, value in result.get("ratio", {}).items():
        print(f"{name:16} {value:8.2f}")


if __name__ == "__main__":
    main()
