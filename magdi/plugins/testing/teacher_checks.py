"""What is asked of a teacher: the right reply to everyone, failures told apart, and no secret let out.

A teacher whose settings say where its server is (``base_url``) is tried against a `StubServer`; of others, some checks
cannot be made.
"""

from __future__ import annotations

import io
import json
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, get_args
from unittest import mock
from urllib.parse import unquote_plus, urlsplit

from pydantic import SecretStr

from magdi.core.errors import MagdiError, TeacherError, TransientTeacherError
from magdi.core.mag import Message
from magdi.core.teacher import Reply, Request
from magdi.plugins.testing.asking import (
    KEY_NAME,
    SECONDS,
    SECRET,
    Outcome,
    anywhere,
    ask,
    fields_of,
    foreign,
    keys,
    plainly,
    question,
    served,
    settings,
    timeout_field,
    url_field,
)
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, NotMade, caused_by, told
from magdi.plugins.testing.specimen import Check, Specimen, other_values, require

TIMEOUT = 0.4
"""Seconds of patience that a teacher is given where a reply never comes."""

ODD = 'A <|im_end|> "quoted" \\frac{1}{2} über 🙂 {0} %s\n\tand <b>more</b>.'
"""Text that has to reach a model as it is."""

SAMPLING = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "seed": ("seed",),
    "max_tokens": (
        "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "max_new_tokens", "n_predict",
        "num_predict",
    ),
}  # fmt: skip
"""What servers call the fields of `Sampling`."""

SHOWN = 6
"""Characters of a key that are too many to be shown."""

UNASKED = ("concurrency", "requests_per_minute", "tokens_per_minute", "price")
"""Settings that decide nothing about a reply."""


def check_identity(specimen: Specimen) -> None:
    """``identity`` is a line of text, the same for the same settings, another one for another model."""
    with anywhere(specimen) as teacher, caused_by("identity"):
        first = teacher.identity
        require(isinstance(first, str) and first.strip() and "\n" not in first, f"identity is {first!r}")
        other = specimen.teacher(teacher.config)
        require(other.identity == first, f"two teachers of the same settings are {first!r} and {other.identity!r}")
        if isinstance(getattr(teacher.config, "model", None), str):
            renamed = specimen.teacher(teacher.config.model_copy(update={"model": "another-model"}))
            require(renamed.identity != first, f"two teachers of different models are both {first!r}")


def check_identity_is_all(specimen: Specimen) -> str | None:
    """Whatever setting changes what the server is asked, or what is replied, changes the identity."""
    base, identity = _asked(specimen, {})
    if base != _asked(specimen, {})[0]:
        return "the same request reads otherwise each time, so that nothing can be compared"
    for name, field in fields_of(specimen).items():
        if name in (url_field(specimen), timeout_field(specimen), "key_variable", *keys(specimen), *UNASKED):
            continue
        for value in other_values(field.annotation, field.get_default(call_default_factory=True)):
            try:
                body, changed = _asked(specimen, {name: value})
            except Exception:  # a value that it does not take
                continue
            lost = body != base and changed == identity
            require(not lost, f"the setting {name} changes what is asked or replied, and not the identity {identity!r}")
    return None


def _asked(specimen: Specimen, wanted: dict[str, Any]) -> tuple[object, str]:
    """Returns what is asked and what comes of it, and the identity."""
    with served(specimen, **wanted) as (teacher, server):
        identity = teacher.identity.replace(str(urlsplit(server.url).port), "PORT")
        outcome = ask(teacher, [question(0)])[0]
        return (list(server.bodies), _said(outcome)), identity


def check_answers(specimen: Specimen) -> None:
    """It can answer, says so in `check`, and the reply's text is what was said, whole."""
    with anywhere(specimen) as teacher, caused_by("check()"):
        try:
            teacher.check()
        except MagdiError as error:
            raise NotMade(f"check() says that it cannot answer: {error.message}") from error
    reply = specimen.keep("plain", lambda: plainly(specimen))
    require(reply.text.strip(), "the reply to a plain request is empty")
    if url_field(specimen) and specimen.server is None:
        with served(specimen) as (teacher, server):
            outcome = ask(teacher, [Request(messages=(Message(role="user", content=f"{ODD} End."),))])[0]
            said = f"echo: {server.requests[-1]}"
        whole = isinstance(outcome, Reply) and _plain(outcome.text) == _plain(said)
        require(whole, f"the server said {said!r}, and the reply is {_said(outcome)!r}")


def check_passes_all_on(specimen: Specimen) -> None:
    """Every message reaches the server, whole and in order: the system message and what was said before, too."""
    roles = ("system", "user", "assistant", "user")
    long = "It goes on and on. " * 2_000
    messages = tuple(Message(role=role, content=f"{ODD} {long}{role} {place}") for place, role in enumerate(roles))
    with served(specimen) as (teacher, server):
        ask(teacher, [Request(messages=messages)])
        body = _texts(server.bodies[-1]) if getattr(server, "bodies", None) else server.requests[-1]
    places = [body.find(message.content) for message in messages]
    lost = [f"the {messages[at].role} message" for at, place in enumerate(places) if place < 0]
    require(not lost, f"{' and '.join(lost)} does not reach the server as it is")
    require(places[1:] == sorted(places[1:]), "the messages reach the server in another order")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _texts(body: str) -> str:
    """Returns all strings in a JSON body, one after the other; the body itself where it is none."""
    try:
        whole = json.loads(body)
    except ValueError:
        return body if " " in body else unquote_plus(body)
    return "\n".join(str(value) for _, value in _leaves("", whole))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(name, part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(key, part)
    else:
        yield key, value


def check_sampling(specimen: Specimen) -> str | None:
    """What it sends of temperature, top_p, seed and length is what the request says; None is left to the server."""
    some = {"temperature": 0.25, "top_p": 0.5, "seed": 3, "max_tokens": 40}
    others = {"temperature": 0.75, "top_p": 0.9, "seed": 4, "max_tokens": 50}
    zeros = others | {"temperature": 0, "seed": 0}
    sent = [_sent(specimen, values) for values in (some, others, dict.fromkeys(some), zeros)]
    unsaid = []
    for field, names in SAMPLING.items():
        one, other, left, zero = (
            next((found[name] for name in names if found.get(name) is not None), None) for found in sent
        )
        lost = zeros[field] == 0 and zero != 0 and one is not None
        require(not lost, f"it sends {field} {zero!r} where the request says 0")
        own = any(name in fields_of(specimen) for name in names)
        require(one is None or one != other or own, f"it sends {field} {one!r}, whatever the request says")
        free = field == "max_tokens" or own  # there are servers that insist on a length
        require(left is None or free, f"it sends {field} {left!r} where the request leaves it to the server")
        unsaid += [field] if one is None else []
    return f"it does not pass on {', '.join(unsaid)}" if unsaid else None


def _sent(specimen: Specimen, sampling: dict[str, Any]) -> dict[str, Any]:
    with served(specimen) as (teacher, server):
        ask(teacher, [question(0, **sampling)])
        body = server.bodies[-1] if getattr(server, "bodies", None) else ""
    try:
        return dict(_leaves("", json.loads(body)))
    except ValueError:
        raise DoesNotApply("what it sends is no JSON, so that its fields cannot be told") from None


def check_order_kept(specimen: Specimen) -> None:
    """Requests that are made at once each get their own reply: the one that they get alone."""
    late = "#sleep=0.1" if url_field(specimen) else ""
    requests = [question(0, late), *(question(place) for place in range(1, 8))]
    with anywhere(specimen) as teacher:
        alone = ask(teacher, requests, at_once=False)
    with anywhere(specimen) as teacher:
        together = ask(teacher, requests)
    for outcome in (*alone, *together):
        if isinstance(outcome, Exception):
            raise NotMade(f"a plain request ends in {told(outcome)}")
    for place, (one, other) in enumerate(zip(alone, together, strict=True)):
        same = _said(one) == _said(other)
        require(same, f"request {place} is answered {_said(other)!r} among others, and {_said(one)!r} alone")
    apart = len({_said(outcome) for outcome in together}) == len(requests)
    require(apart or not url_field(specimen), "two requests get the same reply")


def _said(outcome: Outcome) -> str:
    return outcome.text if isinstance(outcome, Reply) else type(outcome).__name__


def check_asks_every_time(specimen: Specimen) -> None:
    """Every request is one request to the server: nothing is remembered, for another sample least of all."""
    with served(specimen) as (teacher, server):
        ask(teacher, [question(0), question(0), question(0).model_copy(update={"sample": 1})], at_once=False)
        count = len(server.requests)
    require(count == 3, f"for three requests, two alike and one a further sample, it asks {count} times")


def check_at_once(specimen: Specimen) -> None:
    """Requests are under way at the same time: ``complete`` does not block the event loop."""
    if not url_field(specimen):
        slept = _sleeps(specimen)
        require(not slept, "complete() sleeps in the event loop's thread: await asyncio.sleep, or go to a thread")
        raise DoesNotApply("it asks no server that could tell how many requests are there at once")
    with served(specimen) as (teacher, server):
        if teacher.concurrency < 3:
            raise DoesNotApply(f"its concurrency is {teacher.concurrency}")
        ask(teacher, [question(place, "#together=3") for place in range(3)])
        most = getattr(server, "most_open", 3)
    require(most == 3, f"of 3 requests made at once, {most} reached the server at a time: complete() blocks the loop")


def _sleeps(specimen: Specimen) -> bool:
    """Returns whether the thread of the event loop sleeps while it asks."""
    threads: list[str] = []
    real = time.sleep

    def sleep(seconds: Any) -> None:
        threads.append(threading.current_thread().name)
        real(seconds)

    with mock.patch("time.sleep", sleep), anywhere(specimen) as teacher:
        ask(teacher, [question(0)])
    return any("(run)" in name for name in threads)


def check_usage_counted(specimen: Specimen) -> None:
    """A reply says how many tokens prompt and completion took: more for a longer prompt, each in its place."""
    reply = specimen.keep("plain", lambda: plainly(specimen))
    require(reply.usage.prompt_tokens > 0, "a reply counts no prompt tokens")
    require(reply.usage.completion_tokens > 0, "a reply counts no completion tokens")
    require(reply.usage.cost >= 0, f"a reply costs {reply.usage.cost}")
    if url_field(specimen) and not foreign(specimen):
        with served(specimen) as (teacher, _):
            short, long = ask(teacher, [question(0, "#short=1"), question(0, "#short=1" + " It is so." * 100)])
        if isinstance(short, Reply) and isinstance(long, Reply):
            counted = long.usage.prompt_tokens > short.usage.prompt_tokens
            require(counted, "a prompt that is 300 words longer counts no more tokens")
            turned = long.usage.prompt_tokens < long.usage.completion_tokens
            require(not turned, "tokens of prompt and completion are mixed up")


def check_fails_alone(specimen: Specimen) -> None:
    """A request that is refused fails with a `TeacherError`, and takes no other one with it."""
    requests = [question(0), question(1, "#status=403"), question(2)]
    with served(specimen) as (teacher, _):
        first, failed, last = ask(teacher, requests)
    require(isinstance(failed, TeacherError), f"a refused request ends in {failed!r}, which is no TeacherError")
    for outcome in (first, last):
        require(isinstance(outcome, Reply), f"a request beside one that is refused ends in {outcome!r}")


def check_transient_told_apart(specimen: Specimen) -> None:
    """What another try may mend is a `TransientTeacherError`; what it cannot is not; neither is asked again."""
    for status in (401, 403, 404, 429, 500, 503):
        outcome, count = _tried(specimen, f"#status={status}")
        lasting = isinstance(outcome, TeacherError) and not isinstance(outcome, TransientTeacherError)
        if status < 429:
            require(lasting, f"status {status} ends in {outcome!r}: it must be a TeacherError, and not a transient one")
        else:
            transient = isinstance(outcome, TransientTeacherError)
            require(transient, f"status {status} ends in {outcome!r}: it is transient")
        require(count == 1, f"after status {status} it asks again, {count} times in all: magdi does that")


def _tried(specimen: Specimen, directive: str) -> tuple[Outcome, int]:
    with served(specimen) as (teacher, server):
        return ask(teacher, [question(0, directive)])[0], len(server.requests)


def check_broken_connections(specimen: Specimen) -> None:
    """A server that hangs up, or is not there, is transient; a page of HTML in place of a reply is no other error."""
    outcome, _ = _tried(specimen, "#drop=1")
    require(
        isinstance(outcome, TransientTeacherError), f"a connection that breaks ends in {outcome!r}: it is transient"
    )
    with served(specimen) as (teacher, _):
        pass  # the server has gone
    outcome = ask(teacher, [question(0)])[0]
    require(
        isinstance(outcome, TransientTeacherError), f"where nothing listens, it ends in {outcome!r}: it is transient"
    )
    outcome, _ = _tried(specimen, "#garbage=1")
    if not isinstance(outcome, Reply | TeacherError):
        raise CheckFailed(f"a page of HTML in place of a reply ends in {told(outcome)}, which is no TeacherError")


def check_retry_after(specimen: Specimen) -> None:
    """What the server asks to wait (Retry-After) is passed on as ``retry_after``; a date there upsets nothing."""
    outcome, _ = _tried(specimen, "#status=429 #retry-after=7")
    if isinstance(outcome, TransientTeacherError):
        require(outcome.retry_after == 7, f"Retry-After: 7 comes out as retry_after={outcome.retry_after}")
    outcome, _ = _tried(specimen, "#status=429 #until=2050")
    transient = isinstance(outcome, TransientTeacherError)
    require(transient, f"429 with a date in Retry-After ends in {outcome!r}: it is transient")


def check_honours_timeout(specimen: Specimen) -> None:
    """A reply that does not come within ``timeout`` is a `TransientTeacherError`, and soon."""
    name = timeout_field(specimen)
    patience: dict[str, Any] = {name: TIMEOUT}
    with served(specimen, **patience) as (teacher, _):
        require(name, "its settings have no timeout")
        outcome = ask(teacher, [question(0, "#sleep=60")], seconds=SECONDS / 4)[0]
    require(isinstance(outcome, TransientTeacherError), f"no reply within the timeout ends in {outcome!r}")


def check_keeps_secrets(specimen: Specimen) -> None:
    """No part of a key stands in a repr, setting, identity, log or error, or changes the identity."""
    for name, field in fields_of(specimen).items():
        plain = KEY_NAME.search(name) and SecretStr not in (field.annotation, *get_args(field.annotation))
        require(not plain, f"the setting {name} looks like a key; make it a SecretStr")
    if not (keys(specimen) or "key_variable" in fields_of(specimen)):
        raise DoesNotApply("none of its settings takes a key")
    other = {name: SecretStr(SECRET[::-1]) for name in keys(specimen)}
    each = (settings(specimen, **({"model": "stub"} | found)) for found in (keys(specimen), other))
    mine, changed = (specimen.teacher(config).identity for config in each)
    require(mine == changed, "the identity is another one with another key: what was answered is paid for again")
    with _logged() as log, anywhere(specimen) as teacher:
        said = [f"{teacher!r} {teacher}", f"{teacher.config!r} {teacher.config}", teacher.identity]
        said.append(json.dumps(teacher.config.model_dump(mode="json"), default=str))
        outcomes = ask(teacher, [question(0), question(1, "#status=401"), question(2, "#status=500")])
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        said += ["".join(traceback.format_exception(error)) for error in errors]
    places = ("repr", "settings", "identity", "dumped settings", *("error" for _ in errors), "log")
    for place, text in zip(places, [*said, log.getvalue()], strict=True):
        require(SECRET not in text, f"the key stands in the {place}")
        part = any(SECRET[at : at + SHOWN] in text for at in range(len(SECRET) - SHOWN))
        require(not part, f"a part of the key, longer than {SHOWN - 1} characters, stands in the {place}")


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Yields what is printed, and what every logger writes, at the lowest level."""
    log, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(log), redirect_stderr(log):
            yield log
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def fingerprint(specimen: Specimen) -> str:
    """Returns the identity."""
    model = fields_of(specimen).get("model")
    nameless = specimen.config is None and model is not None and model.is_required()
    return specimen.teacher(settings(specimen, **({"model": "stub"} if nameless else {}))).identity


CHECKS: tuple[Check, ...] = (
    check_identity,
    check_answers,
    check_passes_all_on,
    check_identity_is_all,
    check_sampling,
    check_order_kept,
    check_asks_every_time,
    check_at_once,
    check_usage_counted,
    check_fails_alone,
    check_transient_told_apart,
    check_broken_connections,
    check_retry_after,
    check_honours_timeout,
    check_keeps_secrets,
)
