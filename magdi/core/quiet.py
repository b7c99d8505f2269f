"""Keeps transformers' own bars and warnings off the screen while magdi is at work with it, and no longer."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silences transformers within a ``with``, or within the function that it decorates; afterwards all is as before.

    Its progress bars ("Loading weights") and its warnings, which speak of arguments that magdi has chosen. Bars of
    downloads stay: nothing else shows that one is under way. Whoever has set the level of its log keeps it.
    """
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as chatter

    log = logging.getLogger("transformers")
    level, bars, downloads = log.level, chatter.is_progress_bar_enabled(), not are_progress_bars_disabled()
    with warnings.catch_warnings(action="ignore"):  # said where the environment settles it
        chatter.disable_progress_bar()
        if downloads:
            enable_progress_bars()
    if level == logging.WARNING:
        log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
        with warnings.catch_warnings(action="ignore"):
            if bars:
                chatter.enable_progress_bar()
            if not downloads:
                disable_progress_bars()
