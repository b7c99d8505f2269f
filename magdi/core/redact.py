"""Keeps secrets out of what is shown or written, in whatever spelling they come back."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from html.entities import html5

STARS = "***"
SHORTEST = 4
"""Characters below which a secret is not looked for by value: text would be full of it."""

KEPT: set[str] = set()
"""Secrets that components were given by their settings."""

DEEPEST = 3  # spellings within one another, as HTML of JSON of a URL

_CREDENTIALS = re.compile(r"(:(?:\\?/){2})[^/\s?#\"'\\]*@")
_SECRET_NAME = r"[\w.-]*(?:key|token|secret|sig|signature|passw(?:or)?d|pwd|auth|credential|code)s?"
_SERVERS = re.compile(r"@?https?://[^\s\"'{},#]+(?:,https?://[^\s\"'{},#]+)*")
_QUERY = re.compile(rf"([?&]{_SECRET_NAME}=)(?:(?!,\s*https?://)[^&\s#\"'<>\\])+", re.I)  # up to the next URL of a list
# Spellings of one character: JSON and Python escapes, URLs (encoded once or more); HTML's are for `html.unescape`.
_ESCAPE = re.compile(
    r"\\+(?:u00(?P<u>[0-9a-fA-F]{2})|x(?P<x>[0-9a-fA-F]{2})|[rnt]|(?=[/\"']))|%(?:25)*(?P<p>[0-9a-fA-F]{2})"
)
_WRAP = re.compile(r"\n[ \t>|]*")
_GAP = r"(?:(?:\\+[rnt]|=?\r?\n)[ \t>|]*|\\+(?=[/\"']))*"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns a text with the credentials of URLs, the secrets given, and those `KEPT`, as ``***``.

    ``https://user:password@host/v1?key=1`` becomes ``https://***@host/v1?key=***``. Secrets are found as they are, in
    base64 and hexadecimal, with characters escaped as in JSON, URLs and HTML, and across line ends.
    """
    for secret in (*secrets, *KEPT):
        if len(secret) >= SHORTEST:
            text = _without(text, secret)
    if "@" in text:  # there are no credentials without one, no query without a =, and most texts have neither
        text = _CREDENTIALS.sub(rf"\1{STARS}@", text)
    return _QUERY.sub(rf"\1{STARS}", text) if "=" in text else text


def without_servers(teacher: str) -> str:
    """Returns a teacher's identity for the public: ``openai:m@http://host:8000/v1`` is ``openai:m``."""
    return _SERVERS.sub("", teacher)


def secret_values(query: str) -> Iterator[str]:
    """Yields the values in a URL's query that are secrets by their names."""
    for name, _, value in (part.partition("=") for part in query.split("&")):
        if value and re.fullmatch(_SECRET_NAME, name, re.I):
            yield value


def _without(text: str, secret: str) -> str:
    forms, pattern = _spellings(secret)
    plain = _plain(text)
    if not any(form in plain for form in forms):
        return text
    hidden = pattern.sub(STARS, text)
    return STARS if any(form in _plain(hidden) for form in forms) else hidden  # rather nothing than a secret


def _plain(text: str) -> str:
    """Returns a text without white space and escapes, to look for secrets in."""
    lines = text.replace("\r\n", "\n").replace("=\n", "\n")
    flat = "".join(_WRAP.sub("", lines).split())
    for _ in range(DEEPEST if any(mark in flat for mark in "\\%&") else 0):
        flat = html.unescape(_ESCAPE.sub(_unescaped, flat))
    return flat


def _unescaped(found: re.Match[str]) -> str:
    code = found["u"] or found["x"] or found["p"]
    return chr(int(code, 16)) if code else ""


@lru_cache(maxsize=64)
def _spellings(secret: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Returns what to look for in a text without escapes, and what to take out of the text as it is."""
    raw = secret.encode()
    spelt = raw.decode("latin-1")  # in URLs every byte is escaped for itself
    forms = {"".join(secret.split()), spelt, raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode()}
    for before in range(3):  # where in a longer base64 text it may begin
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        core = encoded[(0, 2, 3)[before] : len(encoded) - (1 if (before + len(raw)) % 3 else 0)]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    longest = tuple(sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True))
    return longest, re.compile("|".join(_GAP.join(map(_any_spelling, form)) for form in longest))


def _any_spelling(char: str) -> str:
    code = ord(char)
    if code > 255:
        return re.escape(char)
    two = f"(?i:{code:02x})"
    named = "".join(f"|&{name}" for name in _entities().get(char, ()))
    numbered = rf"|&#[xX]0*{two}(?:;|(?![0-9a-fA-F]))|&#0*{code}(?:;|(?!\d))"
    return rf"(?:{re.escape(char)}|\\+u00{two}|\\+x{two}|%(?:25)*{two}{numbered}{named})"


@cache
def _entities() -> dict[str, list[str]]:
    """Returns HTML's names of characters, longest first: with their semicolon and without."""
    names: dict[str, list[str]] = {}
    for name in sorted(html5, key=len, reverse=True):
        names.setdefault(html5[name], []).append(name)
    return names
