"""Asking a teacher under test: at a stub server where it speaks to one, as it is otherwise."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, get_args
from unittest import mock

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from magdi.core.mag import Message
from magdi.core.teacher import Reply, Request, Sampling, Teacher
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, NotMade, doing, told
from magdi.plugins.testing.clock import SLICE, Clock
from magdi.plugins.testing.specimen import Specimen
from magdi.plugins.testing.stub_server import StubServer

SECRET = "sk-zsecret0451z"
"""What is given as a key, and must not come out again."""

KEY_VARIABLE = "MAGDI_CONFORMANCE_KEY"

KEY_NAME = re.compile(r"(^|_)(key|token|secret|password)$")

SECONDS = 20.0
"""What asking may take before it counts as hanging."""

URLS = ("base_url", "url", "server_url", "endpoint", "server", "api_base")
"""Names of the setting that says where the server is."""

T = TypeVar("T")
Outcome = Reply | Exception


def question(place: int, directive: str = "", **sampling: Any) -> Request:
    """Returns a small word problem, another one for every place, asked as a protocol would."""
    text = (
        f"Tom has {place + 2} apples and buys 3 more. How many apples does Tom have now? {directive}\n\n"
        'Think step by step. End with the sentence "The answer is X." where X is a single number, without units.'
    )
    sampled = Sampling(**{"temperature": 0, "max_tokens": 32} | sampling)
    return Request(messages=(Message(role="user", content=text),), sampling=sampled)


def fields_of(specimen: Specimen) -> dict[str, FieldInfo]:
    """Returns the fields of a specimen's ``Config`` by name."""
    model: type[BaseModel] = specimen.target.Config  # type: ignore[attr-defined]
    return dict(model.model_fields)


def url_field(specimen: Specimen) -> str:
    """Returns the setting that says where the server is; empty where there is none."""
    return next((name for name in URLS if name in fields_of(specimen)), "")


def timeout_field(specimen: Specimen) -> str:
    """Returns the setting that says how long to wait; empty where there is none."""
    return next((name for name in fields_of(specimen) if "timeout" in name), "")


def keys(specimen: Specimen) -> dict[str, SecretStr]:
    """Returns the secret for every setting that takes one."""
    return {
        name: SecretStr(SECRET)
        for name, field in fields_of(specimen).items()
        if name != url_field(specimen) and SecretStr in (field.annotation, *get_args(field.annotation))
    }


def settings(specimen: Specimen, **wanted: Any) -> BaseModel | None:
    """Returns the specimen's settings with others in their place, as far as its ``Config`` has them."""
    model: type[BaseModel] = specimen.target.Config  # type: ignore[attr-defined]
    fields = {name: value for name, value in wanted.items() if name in model.model_fields}
    given = {}
    if specimen.config is not None:
        given = {name: getattr(specimen.config, name) for name in type(specimen.config).model_fields}
    return model.model_validate(given | fields) if fields or given else None


def ask(
    teacher: Teacher, requests: Sequence[Request], *, at_once: bool = True, seconds: float | None = None
) -> list[Outcome]:
    """Returns each request's reply, or what was raised in its place; the teacher is closed after that."""

    async def outcome(request: Request) -> Outcome:
        try:
            reply = await teacher.complete(request)
        except Exception as error:
            return error
        if not isinstance(reply, Reply):
            raise NotMade(f"complete() returns a {type(reply).__name__}, not a Reply")
        return reply

    async def work() -> list[Outcome]:
        try:
            if at_once:
                return list(await asyncio.gather(*(outcome(request) for request in requests)))
            return [await outcome(request) for request in requests]
        finally:
            await teacher.close()

    return in_loop(work, seconds or SECONDS)


def in_loop(work: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
    """Runs a coroutine in a thread of its own: the caller may have a running loop.

    Raises:
        CheckFailed: It has not ended after so many seconds.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work()))
        except BaseException as error:
            errors.append(error)

    doing("a reply", seconds + SECONDS)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    clock = Clock()
    while thread.is_alive() and clock.spent < seconds:
        thread.join(SLICE)
    if errors:
        raise errors[0]
    if not results:
        raise CheckFailed(f"a reply has not ended after {seconds:g} s")
    return results[0]


@contextmanager
def served(specimen: Specimen, *, plain: bool = True, **wanted: Any) -> Iterator[tuple[Teacher, Any]]:
    """Starts a server and yields a teacher that asks it; a plain request has been seen to be answered.

    Raises:
        DoesNotApply: The teacher's settings do not say where its server is.
        NotMade: Not even a plain request is answered.
    """
    url = url_field(specimen)
    if not url:
        raise DoesNotApply("its settings have no base_url, so that no stub server can stand in and fail on purpose")
    if plain:
        specimen.keep("plain", lambda: plainly(specimen))
    with mock.patch.dict(os.environ, {KEY_VARIABLE: SECRET}), _server(specimen) as server:
        timeout = {timeout_field(specimen): 10.0}
        given = {"model": "stub", url: server.url, "key_variable": KEY_VARIABLE} | timeout | keys(specimen) | wanted
        yield specimen.teacher(settings(specimen, **given)), server


def foreign(specimen: Specimen) -> bool:
    """Returns whether the plugin says itself what its server replies, so that nothing is known of its counts."""
    return specimen.server is not None or hasattr(specimen.target, "stub_reply")


def _server(specimen: Specimen) -> Any:
    if specimen.server is not None:
        return specimen.server()
    reply = getattr(specimen.target, "stub_reply", None)
    if reply is not None and len(inspect.signature(reply).parameters) > 1:  # a method of its instances
        reply = partial(reply, specimen.teacher(settings(specimen)))
    return StubServer(reply)


@contextmanager
def anywhere(specimen: Specimen, **wanted: Any) -> Iterator[Teacher]:
    """Yields the teacher: at a stub server if it speaks to one, as it is otherwise."""
    if url_field(specimen):
        with served(specimen, **wanted) as (teacher, _):
            yield teacher
    else:
        yield specimen.teacher(settings(specimen, **keys(specimen) | wanted))


def plainly(specimen: Specimen) -> Reply:
    """Returns the reply to a plain request.

    Raises:
        NotMade: There is none.
    """
    if not url_field(specimen):
        return _replied(ask(specimen.teacher(settings(specimen, **keys(specimen))), [question(0)])[0], "")
    with served(specimen, plain=False) as (teacher, server):
        outcome = ask(teacher, [question(0)])[0]
        came = bool(getattr(server, "requests", True))
    if not came:
        how = f", and ends in {told(outcome)}" if isinstance(outcome, Exception) else ""
        raise NotMade(f"it does not ask the server that {url_field(specimen)} names{how}")
    return _replied(outcome, "; for another wire format than OpenAI's, give it a stub_reply(text)")


def _replied(outcome: Outcome, hint: str) -> Reply:
    if isinstance(outcome, Exception):
        raise NotMade(f"a plain request ends in {told(outcome)}{hint}")
    return outcome
