"""A page that follows a run: it hears of what is new, keeps what one looks at, and is for this machine alone."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError
from magdi.core.run.directory import RunDirectory
from magdi.plugins.report import live as module
from magdi.plugins.report.following import BATCH, Following
from magdi.plugins.report.live import Live
from tests.core.run.run_directories import opened_run
from tests.plugins.report.chromium import Chromium
from tests.plugins.report.report_samples import a_mag

LINES = [a_mag(number).to_line() + "\n" for number in range(2 * BATCH + 7)]


def begun(folder: Path) -> RunDirectory:
    directory = opened_run(folder, RunConfig())
    directory.update(status="running", stages={})
    return directory


def said(directory: RunDirectory, first: int, end: int) -> None:
    with directory.mags.open("a") as file:
        file.writelines(LINES[first:end])


def blocks(following: Following) -> dict[str, list[str]]:
    sections: Any = following.news["sections"]
    return {each["id"]: [block["kind"] for block in each["blocks"]] for each in sections}


def test_only_what_is_new_is_read(tmp_path: Path, run_directory: RunDirectory) -> None:
    following = Following(begun(tmp_path / "run"))
    assert following.look()
    assert list(blocks(following)) == ["summary", "run"]
    assert not following.look()
    said(following.directory, 0, 3)
    with following.directory.mags.open("a") as file:
        file.write(LINES[3][:50])
    assert following.look()
    assert (following.ready, following.version) == (3, 2)
    with following.directory.mags.open("a") as file:
        file.write(LINES[3][50:])
    assert following.look()
    batch = following.store.between(2, following.ready)
    assert batch["rows"]["id"] == ["q2", "q3"]
    assert [json.loads(each)["mag"]["id"] for each in batch["records"]] == ["q2", "q3"]
    following.directory.metrics.write_text('{"step": 1, "loss": 2.0}\n')
    assert following.look()
    assert list(blocks(following)) == ["summary", "training", "talk", "discussions", "run"]
    shutil.copytree(run_directory.path / "evaluation", following.directory.path / "evaluation")
    assert following.look()
    assert "facts" in blocks(following)["summary"]
    assert "answers-index" in following.news["parts"]
    assert following.epoch == 0


def test_discussions_that_come_between_others_begin_anew(tmp_path: Path) -> None:
    following = Following(begun(tmp_path / "run"))
    said(following.directory, 1, 3)
    following.look()
    again = tmp_path / "again"
    again.write_text("".join(LINES[:4]))
    again.replace(following.directory.mags)
    following.look()
    assert (following.epoch, following.ready) == (1, 4)
    assert following.store.between(0, 4)["rows"]["id"] == ["q0", "q1", "q2", "q3"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.001)
    monkeypatch.setattr(module, "SHARE", 1.0)


async def next_news(stream: aiohttp.StreamReader) -> tuple[str, dict[str, Any]]:
    name = ""
    while line := (await stream.readline()).decode():
        if line.startswith("id:"):
            name = line.removeprefix("id:").strip()
        if line.startswith("data:"):
            return name, json.loads(line.removeprefix("data:"))
    raise EOFError


def test_news_come_in_batches_and_go_on_where_they_were_broken_off(tmp_path: Path, quick: None) -> None:
    directory = begun(tmp_path / "run")
    said(directory, 0, len(LINES) - 1)

    async def told() -> None:
        live, stop = Live(Following(directory), "run"), asyncio.Event()
        serving = asyncio.create_task(live.run(stop))
        await live.listening.wait()
        big = {"read_bufsize": 1 << 24}
        async with aiohttp.ClientSession(**big) as session, session.get(live.address + "events") as answer:  # type: ignore[arg-type]
            first, second, third = [await next_news(answer.content) for _ in range(3)]
            assert [len(news["records"]) for _, news in (first, second, third)] == [BATCH, BATCH, 6]
            said(directory, len(LINES) - 1, len(LINES))
            _, fourth = await next_news(answer.content)
            assert fourth["rows"]["id"] == [f"q{len(LINES) - 1}"]
            later = {"Last-Event-ID": second[0]}
            async with session.get(live.address + "events", headers=later) as another:
                assert len((await next_news(another.content))[1]["records"]) == 7
            stop.set()
            with pytest.raises(EOFError):
                await next_news(answer.content)
        await serving

    asyncio.run(told())


def test_others_find_nothing(tmp_path: Path) -> None:
    async def asked() -> None:
        live, stop = Live(Following(begun(tmp_path / "run")), "run"), asyncio.Event()
        serving = asyncio.create_task(live.run(stop))
        await live.listening.wait()
        root = f"http://127.0.0.1:{live.port}/"
        async with aiohttp.ClientSession() as session:
            for address in (root, root + "events", live.address + "../events", live.address[:-2] + "/"):
                assert (await session.get(address)).status == 404
            for host in ("example.org", f"example.org:{live.port}", "127.0.0.1", f"127.0.0.1:{live.port + 1}"):
                assert (await session.get(live.address, headers={"Host": host})).status == 403
            page = await session.get(live.address)
            assert "connect-src 'self'" in await page.text()
            assert "Access-Control-Allow-Origin" not in page.headers
        with pytest.raises(ConfigError, match="cannot listen"):
            await Live(Following(RunDirectory(tmp_path / "run")), "run", live.port).run(stop)
        stop.set()
        await serving

    asyncio.run(asked())


@pytest.fixture
def served(tmp_path: Path, quick: None, browser: Chromium) -> Iterator[Live]:
    live, stop = Live(Following(begun(tmp_path / "run")), "run"), asyncio.Event()
    loop = asyncio.new_event_loop()
    there = threading.Event()

    async def serve() -> None:
        serving = asyncio.create_task(live.run(stop))
        await live.listening.wait()
        there.set()
        await serving

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    there.wait()
    yield live
    browser.call("Page.navigate", url="about:blank")
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_what_one_looks_at_stays_where_it_is(
    browser: Chromium, served: Live, tmp_path: Path, run_directory: RunDirectory
) -> None:
    directory = RunDirectory(tmp_path / "run")
    browser.open(served.address)
    browser.wait("document.querySelector('#summary') !== null")
    said(directory, 0, 60)
    browser.wait("document.querySelectorAll('#discussions .items li').length === 50")
    browser.wait("document.querySelector('#discussions .node') !== null")
    browser.run("document.querySelector('#discussions .items li:nth-child(4) button').click()")
    browser.wait("document.querySelectorAll('#discussions .turn').length === 4")
    browser.run("document.querySelector('.items').scrollTop = 200")
    browser.run("document.querySelector('#discussions').scrollIntoView()")
    browser.click("#discussions .node[data-step='1']")
    place = """[location.hash, document.querySelector('.sheet').textContent, document.querySelector('.items').scrollTop,
        Math.round(document.querySelector('.detail').getBoundingClientRect().top)]"""
    before = browser.run(place)
    assert before[0] == "#discussion/q3"
    said(directory, 60, 70)
    browser.wait("document.querySelector('#discussions .found').textContent.includes('of 70')")
    shutil.copy(run_directory.metrics, directory.metrics)
    browser.wait("document.querySelectorAll('#training .uplot').length > 4")
    shutil.copytree(run_directory.path / "evaluation", directory.path / "evaluation")
    browser.wait("document.querySelector('#answers .items li') !== null")
    assert "distilled student" in browser.run("document.querySelector('.facts').textContent")
    directory.update(status="done")
    browser.wait("document.querySelector('.live').textContent === 'done'")
    after = browser.run(place)
    assert after[:3] == before[:3]
    assert abs(after[3] - before[3]) <= 2
    order = "[...document.querySelectorAll('main > section')].map((each) => each.id).join()"
    assert browser.run(order) == "summary,training,talk,discussions,answers,run"
    assert browser.complaints == []


def test_the_command_ends_cleanly(tmp_path: Path) -> None:
    directory = begun(tmp_path / "run")
    command = [sys.executable, "-m", "magdi", "view", str(directory.path), "--live", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(
        process.stdout.readline() + process.stdout.readline() + "".join(iter(process.stdout.readline, "}\n")) + "}"
    )
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors
