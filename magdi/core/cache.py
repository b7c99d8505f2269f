"""Where magdi keeps what can be made again: tiny bases, tokenised corpora."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """Returns MAGDI_CACHE, or ``magdi`` in the user's cache directory (XDG_CACHE_HOME, ~/.cache)."""
    own = os.environ.get("MAGDI_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "magdi"
