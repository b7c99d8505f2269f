"""From the command line: a planted key that is found nowhere, an outage that is made good, a cache between two runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from magdi.cli.app import main
from tests.plugins.teachers.faulty_server import Answer, FaultyServer, error, serving
from tests.plugins.teachers.test_teacher_secrets import KEY, everything

GOOD = '{"reasoning": "as it is", "answer": "4", "confidence": 0.9}'


class Ended(NamedTuple):
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs the command line in this process; a process of its own would spend its time on imports."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["magdi", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return Ended(int(end.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def discuss(command: Callable[..., Ended]) -> Callable[..., Ended]:
    def run(server: FaultyServer, out: Path, *options: str) -> Ended:
        url = server.url.replace("http://", f"http://reader:{KEY}@")
        teachers = ["--teacher", f"ann=openai:m@{url}", "--teacher", f"bob=openai:n@{server.url}"]
        fixed = ["--task", "arithmetic", "--limit", "4", "--protocol", "single", "-o", str(out), "--json"]
        return command("discuss", *fixed, *teachers, *options)

    return run


def failing_on(number: int, times: int) -> Any:
    """The n-th distinct prompt is refused a few times with a complaint that repeats the key."""
    prompts: list[str] = []
    refused = [0]

    def script(body: dict[str, Any], count: int) -> Answer:
        prompt = body["messages"][-1]["content"]
        if prompt not in prompts:
            prompts.append(prompt)
        if prompts.index(prompt) == number and refused[0] < times:
            refused[0] += 1
            return error(403, f"the key {KEY} may not ask this")
        return Answer(GOOD)

    return script


def test_a_planted_key_is_nowhere_and_a_failed_question_is_made_good(
    tmp_path: Path, discuss: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGDI_API_KEY_127_0_0_1", KEY)
    with serving(failing_on(2, 1)) as server:
        first = discuss(server, tmp_path / "run")
        assert KEY in str(server.headers)
        failures = (tmp_path / "run" / "failures.jsonl").read_text().splitlines()
        assert [json.loads(line)["error"] for line in failures] == [
            "the server answered 403: the key *** may not ask this"
        ]
        calls = server.count
        second = discuss(server, tmp_path / "run")
        assert second.code == 0, second.stderr
        assert server.count == calls + 1
        assert json.loads(second.stdout)["mags"]["count"] == 4
        assert not (tmp_path / "run" / "failures.jsonl").exists()
    for told in (
        everything(tmp_path).decode("utf-8", "replace"),
        first.stdout,
        first.stderr,
        second.stdout,
        second.stderr,
    ):
        assert KEY not in told
    assert "reader" not in everything(tmp_path).decode("utf-8", "replace")
    assert "***@" in (tmp_path / "run" / "config.yaml").read_text()


def test_a_cache_serves_the_next_run(tmp_path: Path, discuss: Callable[..., Ended]) -> None:
    with serving(GOOD) as server:
        runs = [discuss(server, tmp_path / name, "--cache", str(tmp_path / "cache")) for name in ("one", "two")]
        assert [run.code for run in runs] == [0, 0], runs[-1].stderr
        assert server.count == 2 * 4
    assert (tmp_path / "one" / "mags.jsonl").read_bytes() == (tmp_path / "two" / "mags.jsonl").read_bytes()
    assert {file.name for file in tmp_path.rglob("journal.sqlite")} == {"journal.sqlite"}
    assert len(list(tmp_path.rglob("journal.sqlite"))) == 3


@pytest.mark.parametrize(("limit", "code"), [("3", 3), ("8", 0)])
def test_a_limit_exits_with_3(tmp_path: Path, discuss: Callable[..., Ended], limit: str, code: int) -> None:
    with serving(GOOD) as server:
        assert discuss(server, tmp_path / "run", "--max-calls", limit).code == code
        assert server.count == int(limit)
