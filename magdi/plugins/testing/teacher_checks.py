"""What is asked of a teacher: the right reply to everyone, failures told apart, and no secret let out.

A teacher whose settings have a ``base_url`` is tried against a `StubServer`; of others, some checks cannot be made.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr

from magdi.core.errors import TeacherError, TransientTeacherError
from magdi.core.mag import Message
from magdi.core.teacher import Reply, Request, Sampling, Teacher
from magdi.plugins.testing.limits import within
from magdi.plugins.testing.specimen import Check, DoesNotApply, Specimen, require
from magdi.plugins.testing.stub_server import StubServer

SECRET = "sk-zsecret0451z"
"""What is given as a key, and must not come out again."""

KEY_VARIABLE = "MAGDI_CONFORMANCE_KEY"
KEY_NAME = re.compile(r"(^|_)(key|token|secret|password)$")

TIMEOUT = 0.4
"""Seconds of patience that a teacher is given where a reply never comes."""

SECONDS = 20.0
"""What any one check may take before it counts as hanging."""

T = TypeVar("T")
Outcome = Reply | Exception


def question(place: int, directive: str = "") -> Request:
    """Returns a small word problem, another one for every place, asked as a protocol would."""
    text = (
        f"Tom has {place + 2} apples and buys 3 more. How many apples does Tom have now? {directive}\n\n"
        'Think step by step. End with the sentence "The answer is X." where X is a single number, without units.'
    )
    return Request(messages=(Message(role="user", content=text),), sampling=Sampling(temperature=0, max_tokens=32))


def _settings(specimen: Specimen, **wanted: Any) -> BaseModel | None:
    """Returns the specimen's settings with others in their place, as far as its ``Config`` has them."""
    model: type[BaseModel] = specimen.target.Config  # type: ignore[attr-defined]
    fields = {name: value for name, value in wanted.items() if name in model.model_fields}
    given = (
        {}
        if specimen.config is None
        else {name: getattr(specimen.config, name) for name in type(specimen.config).model_fields}
    )
    if not fields and specimen.config is None:
        return None
    return model.model_validate(given | fields)


def _has(specimen: Specimen, field: str) -> bool:
    return field in specimen.target.Config.model_fields  # type: ignore[attr-defined]


def _in_loop(work: Callable[[], Coroutine[Any, Any, T]], seconds: float, what: str) -> T:
    """Runs a coroutine in a thread of its own: the caller may have a running loop."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work()))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    within(seconds, lambda: thread.join(seconds + 1), what)
    if errors:
        raise errors[0]
    return results[0]


def _ask(
    teacher: Teacher, requests: Sequence[Request], *, at_once: bool = True, seconds: float | None = None
) -> list[Outcome]:
    """Returns each request's reply, or what was raised in its place; the teacher is closed after that."""

    async def outcome(request: Request) -> Outcome:
        try:
            return await teacher.complete(request)
        except Exception as error:
            return error

    async def work() -> list[Outcome]:
        try:
            if at_once:
                return list(await asyncio.gather(*(outcome(request) for request in requests)))
            return [await outcome(request) for request in requests]
        finally:
            await teacher.close()

    return _in_loop(work, seconds or SECONDS, "a reply")


@contextmanager
def _served(specimen: Specimen, **wanted: Any) -> Iterator[tuple[Teacher, StubServer]]:
    """Starts a stub server and yields a teacher that asks it.

    Raises:
        DoesNotApply: The teacher has no ``base_url``.
    """
    if not _has(specimen, "base_url"):
        raise DoesNotApply("its settings have no base_url, so that no stub server can stand in and fail on purpose")
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = SECRET
    try:
        with StubServer() as server:
            settings = {"model": "stub", "base_url": server.url, "timeout": 10.0, "key_variable": KEY_VARIABLE}
            yield specimen.teacher(_settings(specimen, **settings | _keys(specimen) | wanted)), server
    finally:
        del os.environ[KEY_VARIABLE]
        if before is not None:
            os.environ[KEY_VARIABLE] = before


def _keys(specimen: Specimen) -> dict[str, SecretStr]:
    """Returns the secret for every setting that takes one."""
    fields = specimen.target.Config.model_fields  # type: ignore[attr-defined]
    return {
        name: SecretStr(SECRET)
        for name, field in fields.items()
        if name != "base_url" and SecretStr in (field.annotation, *get_args(field.annotation))
    }


@contextmanager
def _anywhere(specimen: Specimen) -> Iterator[Teacher]:
    """Yields the teacher: at a stub server if it speaks to one, as it is otherwise."""
    if _has(specimen, "base_url"):
        with _served(specimen) as (teacher, _):
            yield teacher
    else:
        yield specimen.teacher(_settings(specimen, **_keys(specimen)))


def check_identity(specimen: Specimen) -> None:
    """``identity`` is a line of text, the same for two teachers of the same settings."""
    with _anywhere(specimen) as teacher:
        first = teacher.identity
        require(isinstance(first, str) and first.strip() and "\n" not in first, f"identity is {first!r}")
        other = type(teacher)(teacher.config)
        require(other.identity == first, f"two teachers of the same settings are {first!r} and {other.identity!r}")


def check_order_kept(specimen: Specimen) -> None:
    """Requests that are made at once each get their own reply: the one that they get alone."""
    late = "#sleep=0.1" if _has(specimen, "base_url") else ""
    requests = [question(0, late), *(question(place) for place in range(1, 8))]
    with _anywhere(specimen) as teacher:
        alone = [_told(outcome) for outcome in _ask(teacher, requests, at_once=False)]
    with _anywhere(specimen) as teacher:
        together = [_told(outcome) for outcome in _ask(teacher, requests)]
    for place, (one, other) in enumerate(zip(alone, together, strict=True)):
        require(one == other, f"request {place} is answered {other!r} among others, and {one!r} alone")
    require(_has(specimen, "base_url") <= (len(set(together)) == len(requests)), "two requests get the same reply")


def _told(outcome: Outcome) -> str:
    return outcome.text if isinstance(outcome, Reply) else type(outcome).__name__


def check_usage_counted(specimen: Specimen) -> None:
    """A reply says how many tokens prompt and completion took."""
    with _anywhere(specimen) as teacher:
        outcome = _ask(teacher, [question(0)])[0]
    if isinstance(outcome, Exception):
        raise outcome
    require(outcome.usage.prompt_tokens > 0, "a reply counts no prompt tokens")
    require(outcome.usage.completion_tokens > 0, "a reply counts no completion tokens")


def check_fails_alone(specimen: Specimen) -> None:
    """A request that is refused fails with a `TeacherError`, and takes no other one with it."""
    requests = [question(0), question(1, "#status=403"), question(2)]
    with _served(specimen) as (teacher, _):
        first, failed, last = _ask(teacher, requests)
    require(isinstance(failed, TeacherError), f"a refused request ends in {failed!r}, which is no TeacherError")
    for outcome in (first, last):
        require(isinstance(outcome, Reply), f"a request beside one that is refused ends in {outcome!r}")


def check_transient_told_apart(specimen: Specimen) -> None:
    """What another try may mend is a `TransientTeacherError`; what it cannot is not, and is not asked again."""
    for status in (401, 403, 404):
        with _served(specimen) as (teacher, server):
            outcome = _ask(teacher, [question(0, f"#status={status}")])[0]
        lasting = isinstance(outcome, TeacherError) and not isinstance(outcome, TransientTeacherError)
        require(lasting, f"status {status} ends in {outcome!r}: it must be a TeacherError, and not a transient one")
        require(len(server.requests) == 1, f"after status {status} it asks again, {len(server.requests)} times in all")
    for status in (429, 500, 503):
        with _served(specimen) as (teacher, _):
            outcome = _ask(teacher, [question(0, f"#status={status} #retry-after=0.1")])[0]
        require(isinstance(outcome, TransientTeacherError), f"status {status} ends in {outcome!r}: it is transient")


def check_honours_timeout(specimen: Specimen) -> None:
    """A reply that does not come within ``timeout`` is a `TransientTeacherError`, and soon."""
    with _served(specimen, timeout=TIMEOUT) as (teacher, _):
        require(_has(specimen, "timeout"), "its settings have no timeout")
        outcome = _ask(teacher, [question(0, "#sleep=60")], seconds=SECONDS / 4)[0]
    require(isinstance(outcome, TransientTeacherError), f"no reply within the timeout ends in {outcome!r}")


def check_keeps_secrets(specimen: Specimen) -> None:
    """A key stands in no repr, setting, identity, log or error; and settings that hold one are SecretStr."""
    for name, field in specimen.target.Config.model_fields.items():  # type: ignore[attr-defined]
        plain = KEY_NAME.search(name) and SecretStr not in (field.annotation, *get_args(field.annotation))
        require(not plain, f"the setting {name} looks like a key; make it a SecretStr")
    if not (_keys(specimen) or _has(specimen, "key_variable")):
        raise DoesNotApply("none of its settings takes a key")
    with _logged() as log, _anywhere(specimen) as teacher:
        said = [f"{teacher!r} {teacher}", f"{teacher.config!r} {teacher.config}", teacher.identity]
        said.append(json.dumps(teacher.config.model_dump(mode="json"), default=str))
        outcomes = _ask(teacher, [question(0), question(1, "#status=401"), question(2, "#status=500")])
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        said += ["".join(traceback.format_exception(error)) for error in errors]
    places = ("repr", "settings", "identity", "dumped settings", *("error" for _ in errors), "log")
    for place, text in zip(places, [*said, log.getvalue()], strict=True):
        require(SECRET not in text, f"the key stands in the {place}")


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Yields what every logger writes, at the lowest level."""
    log, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


CHECKS: tuple[Check, ...] = (
    check_identity,
    check_order_kept,
    check_usage_counted,
    check_fails_alone,
    check_transient_told_apart,
    check_honours_timeout,
    check_keeps_secrets,
)
