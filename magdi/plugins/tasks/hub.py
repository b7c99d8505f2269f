"""Rows of a dataset from the Hugging Face hub, and whether the hub is there to be asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from magdi.core.errors import DataError, first_line
from magdi.plugins.tasks.rows import Row

PATIENCE = 3.0
"""Seconds that a connection to the hub may take; ``datasets`` itself tries for half a minute and more."""


def hub_rows(path: str, config: str | None, split: str) -> Sequence[Row]:
    """Returns a split of a dataset on the hub, downloaded once and cached by ``datasets``.

    Raises:
        DataError: It cannot be had: no network and no cached copy, no such dataset, no such split.
    """
    import datasets

    with _offline_where_unreachable() as away:
        try:
            return list(datasets.load_dataset(path, config, split=split))
        except Exception as error:  # datasets raises errors of a dozen libraries
            where = f"{away}; name" if away else "name"
            raise DataError(
                f"dataset {path} ({split}) cannot be loaded from the hub: {first_line(error)}",
                hint=f"{where} a local copy with data=FOLDER (JSONL, CSV or parquet files with the hub's columns)",
            ) from error


@contextmanager
def _offline_where_unreachable() -> Iterator[str]:
    """Has the hub's libraries look in their cache alone while the hub takes no connection; yields why, or ""."""
    from datasets import config
    from huggingface_hub import constants

    was = constants.HF_HUB_OFFLINE, config.HF_HUB_OFFLINE
    away = "" if any(was) else _unreachable(constants.ENDPOINT)
    try:
        if away:
            constants.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE = True
        yield away
    finally:
        constants.HF_HUB_OFFLINE, config.HF_HUB_OFFLINE = was


def _unreachable(endpoint: str) -> str:
    """Returns why the hub, or the proxy to it, takes no connection; "" where it does."""
    hub = urlsplit(endpoint)
    proxy = getproxies().get(hub.scheme, "")
    asked = urlsplit(proxy) if proxy and not proxy_bypass(hub.hostname or "") else hub
    port = asked.port or (443 if asked.scheme == "https" else 80)
    try:
        socket.create_connection((asked.hostname, port), PATIENCE).close()
    except OSError as error:
        return f"{asked.hostname} cannot be reached ({error.strerror or error})"
    return ""
