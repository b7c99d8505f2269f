"""Ports for servers that have to be told one."""

from __future__ import annotations

import os
import socket

OURS = range(20_000, 30_000)
"""Below those that a system gives to whoever asks for any: nobody is given one of them between the look and the use."""


def a_port(*but: int) -> int:
    """Returns a free port; other processes of these tests begin to look elsewhere."""
    ours = (OURS[(os.getpid() * 37 + step) % len(OURS)] for step in range(len(OURS)))
    return next(port for port in ours if port not in but and _free(port))


def _free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0
