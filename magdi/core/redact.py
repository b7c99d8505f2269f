"""Keeps secrets out of what is shown or written."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s:]+(?::[^/@\s]*)?(?=@)")
STARS = "***"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns a text with the credentials of URLs, and the secrets given, as ``***``.

    ``https://user:password@host/v1`` becomes ``https://***@host/v1``.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, STARS)
    return _CREDENTIALS.sub(STARS, text)
