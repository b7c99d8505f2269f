"""What a chat completion server sends back, read without trusting it: a reply, or an error that says what to do."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from magdi.core.errors import TeacherError, TeacherRefusal, TransientTeacherError
from magdi.core.mag import Usage
from magdi.core.teacher import Price, Reply

Hide = Callable[[str], str]
"""Takes secrets out of a text: servers repeat them in their complaints, and echo in any spelling."""

TRANSIENT = frozenset({408, 409, 425, 429})  # and all from 500 on, but
NOT_MADE = 501  # which no other try makes
_ELSEWHERE = frozenset({404, 405})
SHOWN = 300  # characters of a server's own words in an error
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_NO_MODEL = re.compile(r"model_not_found|\bmodel\b.{0,200}\b(?:not found|(?:does not|doesn't) exist)", re.S | re.I)
_NO_KEY = re.compile(r"\bapi.?key\b.{0,20}(?:not valid|invalid)|(?:invalid|incorrect).{0,5}\bapi.?key\b", re.S | re.I)
_TOO_LONG = re.compile(r"context.{0,12}(?:length|window|size)")
_THOUGHT = re.compile(r"\s*<think(?:ing)?>(.*?)(?:</think(?:ing)?>|\Z)", re.DOTALL)


def read_completion(body: bytes, price: Price | None = None, hide: Hide = str) -> Reply:
    """Returns the reply in the body of a successful response, with what must not be shown hidden.

    Reasoning that comes in a field of its own (``reasoning_content``, ``reasoning``) or in a leading ``<think>`` block
    is kept apart from the text.

    Raises:
        TransientTeacherError: The body is no chat completion: cut off, empty, or an error page.
        TeacherError: The server's content filter has held the reply back.
    """
    try:
        completion = _first_document(body)
    except (ValueError, RecursionError):
        raise TransientTeacherError(f"the server sent no JSON but {_start(body, hide)!r}", charged=True) from None
    if not isinstance(completion, dict):
        raise TransientTeacherError(f"the server sent no completion but {_start(body, hide)!r}", charged=True)
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    wrong = completion if completion.get("object") == "error" else None if choices else completion.get("error")
    if wrong := wrong or (choice and choice.get("error")):  # some gateways report errors with status 200
        raise refusal(_status(wrong), json.dumps(wrong).encode(), {}, hide)
    message = choice.get("message") if choice else None
    if choice is None or not isinstance(message, dict):
        raise TransientTeacherError(
            f"the server sent a completion without a message: {_start(body, hide)!r}", charged=True
        )
    finish = str(choice.get("finish_reason") or "stop")
    text = _text(message.get("content")) or _text(message.get("refusal"))
    if finish == "content_filter":
        raise TeacherError("the server's content filter held the reply back")
    text, thought = split_thought(hide(text))
    reasoning = hide(_text(message.get("reasoning_content")) or _text(message.get("reasoning"))) or thought
    finish = hide(finish)
    return Reply(text=text, reasoning=reasoning, usage=_usage(completion.get("usage"), price), finish_reason=finish)


def refusal(status: int, body: bytes, headers: Mapping[str, str], hide: Hide = str) -> TeacherError:
    """Returns the error that a response with an error status stands for."""
    words, code = _complaint(body, hide)
    message = f"the server answered {status}" + (f": {words}" if words else "")
    if code in _NO_CREDIT or status == 402:
        return TeacherRefusal(message, hint="the account has no credit left")
    if status in TRANSIENT or (status >= 500 and status != NOT_MADE):
        return TransientTeacherError(message, retry_after=retry_after(headers))
    if code.startswith("content_"):
        return TeacherError(message, hint="the server's content filter refuses this prompt")
    if status in (401, 403) or _NO_KEY.search(f"{code} {words}".replace("_", " ")):
        hint = "is the key in the environment the right one for this server?"
        return TeacherRefusal(message, sure=status != 403, hint=hint)
    if status in _ELSEWHERE or _NO_MODEL.search(f"{code} {words}"):
        return TeacherRefusal(message, hint="are the model's name and the base URL (it mostly ends in /v1) right?")
    if status == NOT_MADE:
        return TeacherRefusal(message, sure=False)
    if _TOO_LONG.search(f"{code} {words}"):
        return TeacherError(
            message, hint="the discussion is too long for this model; lower its max_tokens or the rounds"
        )
    return TeacherError(message)


def refused_words(body: bytes) -> str:
    """Returns message, code and parameter of an error body, for `Dialect.weakened`."""
    try:
        error = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    inner = error.get("error", error) if isinstance(error, dict) else error
    return json.dumps(inner)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that a server asks to wait, from Retry-After (seconds or a date) or retry-after-ms."""
    milliseconds = headers.get("retry-after-ms")
    stated = headers.get("retry-after")
    try:
        if milliseconds is not None:
            seconds = float(milliseconds) / 1000
        elif stated is not None and re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", stated):
            seconds = float(stated)
        elif stated is not None:
            seconds = parsedate_to_datetime(stated).timestamp() - time.time()
        else:
            return None
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _first_document(body: bytes) -> Any:
    """Returns the JSON that a body begins with: a reply that can be read is not paid for again for what is behind it.

    A list of one stands for that one, as Google sends its errors; what is no text of its encoding is U+FFFD.
    """
    text = body.decode(json.detect_encoding(body), "replace")
    document, _ = json.JSONDecoder().raw_decode(text.lstrip())
    return document[0] if isinstance(document, list) and len(document) == 1 else document


def _status(error: object) -> int:
    """Returns the status that an error in a response stands for: that of its code, where that is one."""
    code = error.get("code") if isinstance(error, dict) else None
    number = _count(code)
    return number if 400 <= number < 600 else 500


def _complaint(body: bytes, hide: Hide) -> tuple[str, str]:
    """Returns the server's own words and its error code."""
    try:
        error = _first_document(body)
    except (ValueError, RecursionError):
        return _start(body, hide), ""
    inner: Any = error.get("error", error) if isinstance(error, dict) else error
    if not isinstance(inner, dict):
        return hide(clean(str(inner)))[:SHOWN], ""
    words = inner.get("message") or inner.get("detail") or ""
    return hide(clean(str(words)))[:SHOWN], str(inner.get("code") or inner.get("type") or "")


def _text(content: object) -> str:
    """Returns a message's content, which some servers send in parts."""
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return clean("".join(part for part in parts if isinstance(part, str)))
    return ""


def split_thought(text: str) -> tuple[str, str]:
    """Returns a text without the ``<think>`` block that it begins with, and the block without its marks."""
    match = _THOUGHT.match(text)
    return (text[match.end() :].lstrip(), match[1].strip()) if match else (text, "")


def clean(text: str) -> str:
    """Returns text that UTF-8 can hold: half surrogate pairs become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _usage(usage: object, price: Price | None) -> Usage:
    fields = usage if isinstance(usage, dict) else {}
    prompt, completion = (_count(fields.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    cached = min(prompt, _detail(fields, "prompt_tokens_details", "cached_tokens"))
    reasoning = min(completion, _detail(fields, "completion_tokens_details", "reasoning_tokens"))
    cost = price.of(prompt, completion, cached=cached, reasoning=reasoning) if price else 0.0
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cost=cost)


def _detail(usage: Mapping[str, object], group: str, name: str) -> int:
    details = usage.get(group)
    return _count(details.get(name)) if isinstance(details, dict) else 0


def _count(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    return int(value) if isinstance(value, int | float) and 0 <= value < 1e12 else 0


def _start(body: bytes, hide: Hide) -> str:
    return hide(" ".join(body.decode("utf-8", "replace").split()))[:SHOWN]
