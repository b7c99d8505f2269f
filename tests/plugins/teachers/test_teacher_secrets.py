"""A planted key must not be found anywhere but in the header that it is for."""

from __future__ import annotations

import asyncio
import io
import logging
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Retry, Seat
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.store import discuss_to_file
from magdi.core.errors import ConfigError, MagdiError
from magdi.core.mag import Message
from magdi.core.protocol import Agent
from magdi.core.redact import redact
from magdi.core.teacher import Request
from magdi.plugins.teachers.endpoint import find_endpoint
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.protocols.single import Single
from tests.plugins.teachers.faulty_server import Answer, error, serving
from tests.plugins.teachers.test_teacher_faults import Sums, sums

KEY = "sk-planted-0123456789"
ASK = Request(messages=(Message(role="user", content="hello"),))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody logs, at the finest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level, {name: logging.getLogger(name).level for name in ("aiohttp", "asyncio")}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in before[1]:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before[0])
    for name, level in before[1].items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


def teacher(url: str, **settings: Any) -> OpenAITeacher:
    return OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url, **settings))


def complete(one: OpenAITeacher) -> Any:
    async def run() -> Any:
        try:
            return await one.complete(ASK)
        finally:
            await one.close()

    return asyncio.run(run())


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("where", ["key", "url"])
def test_a_key_is_nowhere_but_in_its_header(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = [
        Answer('{"answer": "4"}'),
        error(401, f"Incorrect API key provided: {KEY}. No such user reader:{KEY}."),
        error(429, f"{KEY} is over its limit"),
        Answer(raw=f"<html>{KEY}".encode()),
        Answer(reset=True),
    ]
    with serving(lambda body, number: answers[min(number, 4)]) as server:
        url = server.url
        if where == "key":
            monkeypatch.setenv("MAGDI_API_KEY_127_0_0_1", KEY)
        else:
            url = url.replace("http://", f"http://reader:{KEY}@")
        one = teacher(url)
        with Journal(tmp_path / "journal.sqlite") as journal:
            discuss_to_file(
                sums(4),
                tmp_path / "mags.jsonl",
                tmp_path / "failures.jsonl",
                protocol=Single(),
                protocol_name="single",
                seats=[Seat(Agent("a"), one)],
                task=Sums(),
                settings=Discussion(keep_prompts=True, in_flight=1),
                journal=journal,
                retry=Retry(attempts=2, base=0.001),
            )
        sent = {headers["authorization"] for headers in server.headers}
        told = []
        for _ in range(2):
            try:
                complete(one)
            except MagdiError as failure:
                told += [repr(failure), str(failure), failure.hint, *traceback.format_exception(failure)]
    assert sent == ({f"Bearer {KEY}"} if where == "key" else {"Basic cmVhZGVyOnNrLXBsYW50ZWQtMDEyMzQ1Njc4OQ=="})
    told += [repr(one), str(one), repr(one.config), one.config.model_dump_json(), repr(one.endpoints), one.identity]
    told += [repr(vars(one)), log.getvalue(), *capfd.readouterr()]
    for secret in (KEY, "cmVhZGVyOnNrLXBsYW50ZWQtMDEyMzQ1Njc4OQ"):
        assert secret.encode() not in everything(tmp_path)
        assert not [text for text in told if secret in text]
    assert b"***" in (tmp_path / "failures.jsonl").read_bytes()
    assert (tmp_path / "mags.jsonl").read_bytes().count(b"\n") == 1
    assert "selector" in log.getvalue()  # the net was out


def test_every_endpoint_gets_its_own_key_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("GROQ_API_KEY", "gsk-groq")
    monkeypatch.setenv("MAGDI_API_KEY_HOST_8000", "port")
    monkeypatch.setenv("MAGDI_API_KEY_HOST", "host")
    monkeypatch.setenv("MINE", "mine")

    def key(url: str | None, variable: str = "") -> str | None:
        from pydantic import SecretStr

        found = find_endpoint(SecretStr(url) if url else None, variable).key
        return found.get_secret_value() if found else None

    assert key(None) == "sk-openai"
    assert key("https://api.openai.com/v1") == "sk-openai"
    assert key("https://api.groq.com/openai/v1") == "gsk-groq"
    assert key("http://host:8000/v1") == "port"
    assert key("http://host:9000/v1") == "host"
    assert key("http://elsewhere/v1") is None
    assert key("http://elsewhere/v1", "MINE") == "mine"
    assert key("https://api.openai.com/v1", "MISSING") is None
    monkeypatch.setenv("OPENAI_BASE_URL", "http://proxy.example/v1")
    assert key(None) == "sk-openai"  # whoever sets both means both
    assert key("http://proxy.example/v1") is None


def test_a_server_without_a_key_is_sent_none_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, KEY)
    with serving("hello") as server:
        assert complete(teacher(server.url)).text == "hello"
        assert KEY not in str(server.headers)


def test_a_vendor_without_a_key_is_an_error_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no key for api\.openai\.com") as missing:
        OpenAITeacher(OpenAITeacher.Config(model="gpt-4o")).check()
    assert "OPENAI_API_KEY" in missing.value.hint
    with pytest.raises(ConfigError, match="no key for localhost") as missing:
        teacher("http://localhost:1/v1", key_variable="MINE").check()
    assert missing.value.hint == "set MINE"
    teacher("http://localhost:1/v1").check()  # one's own server may want none
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    OpenAITeacher(OpenAITeacher.Config(model="gpt-4o")).check()


def test_credentials_in_text_are_redacted() -> None:
    assert redact("at https://me:secret@host/v1 and http://token@h") == "at https://***@host/v1 and http://***@h"
    assert redact("https://host/v1?user@x mail a@b") == "https://host/v1?user@x mail a@b"
    assert redact(f"a {KEY} b", [KEY, ""]) == "a *** b"


def test_proxies_and_certificates_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serving("through the proxy") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        assert complete(teacher("http://no-such-host.invalid/v1")).text == "through the proxy"
        assert proxy.headers[0]["host"] == "no-such-host.invalid"
    monkeypatch.delenv("HTTP_PROXY")
    loaded: list[Any] = []
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda self, *at, **by: loaded.append((*at, by)))
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def connect() -> None:
        one = teacher("https://127.0.0.1:1/v1")
        one._pool.servers[0]._connected()
        await one.close()

    asyncio.run(connect())
    assert str(authority) in str(loaded)
