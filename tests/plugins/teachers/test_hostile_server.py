"""A server that wants a key, memory or somebody else's prompts: it gets an error, once, and clear."""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import io
import json
import logging
import traceback
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.discussion.calls import Retry
from magdi.core.errors import MagdiError, TeacherError, TeacherRefusal, UnreachableTeacherError
from magdi.core.mag import Message
from magdi.core.redact import redact
from magdi.core.teacher import Reply, Request
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.plugins.teachers.server import MOST_BYTES
from tests.plugins.teachers.faulty_server import Answer, FaultyServer, error, serving

KEY = "sk-Pl4nted/0123+"
PASSWORD = "p4ss:W0rd@77"
QUERY = "qu3ry-K3y-99"
ASK = Request(messages=(Message(role="user", content="hello"),))


def wrapped(text: str, by: str = "\n") -> str:
    return by.join(text[start : start + 4] for start in range(0, len(text), 4))


SPELLINGS: dict[str, Any] = {
    "plain": lambda text: text,
    "json escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "json": lambda text: json.dumps(text),
    "json with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "twice json": lambda text: json.dumps(json.dumps(text)),
    "python": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "url": lambda text: quote(text, safe=""),
    "every character url": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "twice url": lambda text: quote(quote(text, safe=""), safe=""),
    "html": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html hex": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "html escaped": html.escape,
    "html, unended": lambda text: "".join(f"&#{ord(char)}" for char in text),
    "html by name": lambda text: text.replace("-", "&#x2d").replace("/", "&sol;").replace("+", "&plus;"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 in a header": lambda text: base64.b64encode(f"Authorization: Bearer {text}\r\nHost: x".encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(f"x{text}y".encode()).decode(),
    "base64 wrapped": lambda text: wrapped(base64.b64encode(text.encode()).decode()),
    "hex": lambda text: text.encode().hex(),
    "wrapped": wrapped,
    "wrapped and indented": lambda text: wrapped(text, "\r\n    > "),
    "wrapped in json": lambda text: wrapped(text, "\\n"),
    "quoted printable": lambda text: wrapped(text, "=\n"),
}


def known(text: str) -> bool:
    """Whether a secret stands in a text in any of the spellings, or base64 of it at any offset."""
    texts = {text, text.replace("\\/", "/"), "".join(text.split())}
    spelt = {spell(secret) for secret in (KEY, PASSWORD, QUERY, f"ann:{PASSWORD}") for spell in SPELLINGS.values()}
    return any(each.strip('"') in held for each in spelt for held in texts)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", [KEY, PASSWORD, "schlüssel", "0123456789abcdef"])
def test_a_secret_is_found_in_every_spelling(spelling: str, secret: str) -> None:
    spelt = SPELLINGS[spelling](secret)
    hidden = redact(f"you are {spelt}, are you not?", [secret])
    assert "***" in hidden
    assert spelt not in hidden
    assert hidden.startswith("you are ")
    assert hidden.endswith(", are you not?")


def test_of_a_secret_in_a_spelling_of_a_spelling_not_even_the_text_is_left() -> None:
    assert redact(f"you are {quote(KEY, safe='').replace('%', '&percnt;')}", [KEY]) == "***"


@settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.sampled_from("sk-01\\u%&#;=x\n /+a"), max_size=60))
def test_redaction_ends_and_leaves_nothing(text: str) -> None:
    assert "sk-01" not in redact(text + "sk-01" + text, ["sk-01"])


def test_text_without_secrets_stays_as_it_is() -> None:
    text = "50% of \\frac{1}{2} &amp; 100 %41 https://host/v1?a=b \\n x = y\n" * 9
    assert redact(text, [KEY, "abcd", ""]) == text
    assert redact("https://h/v1?api-version=2&api_key=abc&x=1#f") == "https://h/v1?api-version=2&api_key=***&x=1#f"
    assert redact("http://u:p@ss@h/v1") == "http://***@h/v1"
    assert redact('{"u": "http:\\/\\/u:p@h"}') == '{"u": "http:\\/\\/***@h"}'


def echo(server: FaultyServer, spelling: Any) -> Any:
    """Tells what it was sent, everywhere and in one spelling."""

    def script(body: dict[str, Any], number: int) -> Answer:
        sent = server.headers[-1]
        token = sent["authorization"].partition(" ")[2]
        known_to_it = [token, KEY, PASSWORD, QUERY, base64.b64decode(token).decode() if "Basic" in str(sent) else token]
        told = " ".join(spelling(each) for each in known_to_it)
        if number % 3 == 1:
            return error(400 + number % 2, told, code=told, x_echo=quote(told))
        if number % 3 == 2:
            return Answer(raw=f"<html>{told}".encode(), status=200, headers={"Retry-After": "0"})
        said = f"{told}. The answer is 4."
        return Answer(said, message={"reasoning_content": told}, choice={"finish_reason": told})

    return script


@pytest.mark.parametrize("spelling", ["plain", "json escapes", "url", "base64 in a header", "wrapped"])
def test_nothing_of_a_secret_is_left_anywhere(
    spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MAGDI_API_KEY_127_0_0_1", KEY)
    monkeypatch.setattr(Retry, "wait", lambda *_: 0.0)
    told = io.StringIO()
    with serving("x") as server:
        server.script = echo(server, SPELLINGS[spelling])
        address = server.url.replace("http://", f"http://ann:{quote(PASSWORD, safe='')}@") + f"?api-key={QUERY}"
        limits = ["--set", "discussion.patience=0", "--set", "discussion.tries=2", "--set", "discussion.reasks=0"]
        commands = [
            ["discuss", "--task", "arithmetic", "--limit", "4", "--teacher", f"openai:m@{address}", "-o", "run"],
            ["discuss", "--task", "arithmetic", "--limit", "4", "--teacher", f"openai:m@{address}", "-n", "--json"],
        ]
        for command in [each + limits for each in commands] + [
            ["evaluate", f"m@{address}", "--engine", "openai", "--task", "arithmetic", "--limit", "3", "-o", "out"],
            ["evaluate", f"openai:m@{address}", "--task", "arithmetic", "--limit", "1", "-o", "out", "--json"],
            ["ask", f"openai:m@{address}", "What is 2 + 2?"],
            ["config", "show", "--teacher", f"openai:m@{address}"],
            ["config", "show", "--json", "--teacher", f"openai:m@{address}"],
            ["config", "validate", "--teacher", f"openai:m@{address}", "--protocol", "nonsense"],
        ]:
            result = CliRunner().invoke(app, command)
            told.write(result.output + result.stderr)
            if isinstance(result.exception, MagdiError):
                from magdi.cli.output import complain, progress_console

                progress_console.cache_clear()
                complain(result.exception)
            elif result.exception is not None:
                told.write("".join(traceback.format_exception(result.exception)))
            assert not known(told.getvalue()), (command, told.getvalue())
        assert server.count > 6
        assert "authorization" in server.headers[0]
    for file in tmp_path.rglob("*"):
        assert not known(str(file)), file
        if file.is_file():
            assert not known(file.read_bytes().decode("utf-8", "replace")), file
    assert not known(caplog.text)


def complete(url: str, **settings: Any) -> Reply:
    one = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=url, **settings))

    async def run() -> Reply:
        try:
            return await one.complete(ASK)
        finally:
            await one.close()

    return asyncio.run(run())


def test_a_server_that_is_not_there_is_named_without_the_clients_own_words() -> None:
    with serving("gone") as server:
        url = server.url
    with pytest.raises(UnreachableTeacherError, match="Connect call failed") as refused:
        complete(url)
    assert "ssl" not in refused.value.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_is_refused(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGDI_API_KEY_127_0_0_1", "secret-key")
    with serving("gotcha") as thief:
        to = thief.url.replace("http://", "http://u:pw12@") + "/chat/completions?key=abcd"
        with serving(Answer(raw=b"", status=status, headers={"Location": to})) as server:
            with pytest.raises(TeacherRefusal, match="redirects to http://127.0.0.1") as refused:
                complete(server.url)
            assert server.count == 1
        assert thief.count == 0
    assert "pw12" not in refused.value.message
    assert "abcd" not in refused.value.message


def test_a_redirect_to_itself_is_followed_and_has_an_end() -> None:
    def script(body: dict[str, Any], number: int) -> Answer:
        return Answer("four") if number == 2 else Answer(raw=b"", status=308, headers={"Location": "/elsewhere/"})

    with serving(script) as server:
        assert complete(server.url).text == "four"
        assert server.bodies[0] == server.bodies[2]
    with serving(Answer(raw=b"", status=307, headers={"Location": "/elsewhere/"})) as server:
        with pytest.raises(TeacherRefusal, match="redirects without an end"):
            complete(server.url)
        assert server.count == 4


def spaces(times: int, status: int) -> Answer:
    packed = gzip.compress(b" " * (times * MOST_BYTES), compresslevel=1)
    return Answer(raw=packed, status=status, headers={"Content-Encoding": "gzip"})


BOMBS: dict[str, tuple[Callable[[], Answer], str]] = {
    "endless": (lambda: Answer(raw=b" " * (4 * MOST_BYTES)), "larger than 8 MiB"),
    "gzip": (lambda: spaces(40, status=200), "than 8 MiB"),
    "gzip error": (lambda: spaces(9, status=500), "larger than 8 MiB"),
    "no gzip": (lambda: Answer(raw=b"{}", headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
    "brotli": (lambda: Answer(raw=b"\x0b", headers={"Content-Encoding": "br"}), "packed as 'br'"),
    "twice": (lambda: Answer(raw=b"\x0b", headers={"Content-Encoding": "gzip, gzip"}), "packed as 'gzip, gzip'"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_response_has_a_greatest_size(bomb: str) -> None:
    make, words = BOMBS[bomb]
    with serving(make()) as server:
        server.script({}, 0)
        tracemalloc.start()
        with pytest.raises(TeacherError, match=words):
            complete(server.url)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert server.count == 1
    assert most < 8 * MOST_BYTES  # of which the server holds half


def test_gzip_that_nobody_asked_for_is_read_all_the_same() -> None:
    answer = Answer(raw=gzip.compress(Answer("four").body), headers={"Content-Encoding": "gzip"})
    with serving(answer) as server:
        assert complete(server.url).text == "four"
        assert server.headers[0]["accept-encoding"] == "identity"
