"""Where files of MAGs lie: paths, URLs of fsspec (``s3://``, ``gs://``, ``hf://``, ...), and patterns of either."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from magdi.core.errors import ComponentError, DataError, MagdiError, MagFileError
from magdi.core.redact import redact
from magdi.core.seals import digest

Location = Path | str
"""A path, or a URL as it was given: a `Path` would lose one of its slashes."""

FILE = "mags.jsonl"
"""The MAG file of a run directory."""

SUFFIXES = (".jsonl", ".parquet")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}


def is_url(name: Location) -> bool:
    """Returns whether a name is a URL."""
    return isinstance(name, str) and _URL.match(name) is not None


def suffix_of(name: Location) -> str:
    """Returns ``.jsonl`` or ``.parquet``, whatever query a URL has behind it; empty for anything else."""
    text = str(name).partition("?")[0] if is_url(name) else str(name)
    return next((suffix for suffix in SUFFIXES if text.endswith(suffix)), "")


def is_pattern(name: Location) -> bool:
    """Returns whether a name has signs of a pattern; in a URL a question mark is none."""
    return bool(re.search(r"[*\[]", str(name))) if is_url(name) else has_magic(str(name))


def expanded(name: Location) -> list[Location]:
    """Returns what a name stands for: itself, or of a pattern (``mags/*.jsonl``) the files that fit, sorted.

    Raises:
        MagFileError: Nothing fits.
        ComponentError: What speaks to such URLs is not installed.
        DataError: A URL cannot be reached.
    """
    text = str(name)
    if not is_pattern(name) or (not is_url(name) and Path(text).exists()):
        return [name if is_url(name) else Path(text)]
    found: list[Location]
    if is_url(name):
        with reaching(text):
            files, path = file_system(text)
            found = [files.unstrip_protocol(each) for each in sorted(files.glob(path))]
    else:
        found = [Path(each) for each in sorted(glob(text, recursive=True))]
    if not found:
        raise MagFileError(redact(text), 0, "cannot be read: no file fits this pattern")
    return found


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turns what file systems raise, each something else, into one clear error.

    Raises:
        ComponentError: What speaks to such URLs is not installed.
        MagFileError: It is not there.
        DataError: It cannot be reached.
    """
    scheme = url.partition("://")[0]
    try:
        yield
    except MagdiError:
        raise
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        hint = f'pip install "magdi[{extra}]"' if extra else str(error)
        raise ComponentError(f"{scheme}:// needs a package that is not installed", hint=hint) from error
    except FileNotFoundError as error:
        raise MagFileError(redact(url), 0, "cannot be read: there is no such file") from error
    except Exception as error:  # botocore, aiohttp, huggingface_hub and others have trees of their own
        said = redact(" ".join(str(error).split()))[:300] or "it does not say why"
        what = f"{redact(url)} cannot be read: {said} ({type(error).__name__})"
        raise DataError(what, hint="is the address right, and are its credentials in the environment?") from error


@lru_cache(maxsize=256)
def state(name: str) -> str | None:
    """Returns what changes when a file does, or one of those that fit a pattern; None where none of them is there."""
    try:
        found = expanded(name)
        seen = [(str(each), _state_of_url(each) if isinstance(each, str) else digest(each)) for each in found]
    except (MagdiError, OSError):
        return None
    return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()


def _state_of_url(url: str) -> str:
    with reaching(url):
        files, path = file_system(url)
        known: dict[str, object] = files.info(path)
        return repr([known.get(key) for key in ("ETag", "etag", "md5Hash", "blob_id", "size")])


def file_system(url: str) -> tuple[Any, str]:
    """Returns the file system of fsspec that a URL is of, and the path in it."""
    import fsspec.core

    files, path = fsspec.core.url_to_fs(url)
    return files, path
