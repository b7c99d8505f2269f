"""Listening on a port of this machine, for what other programs or a browser send, until somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from aiohttp import web

from magdi.core.errors import ConfigError


async def listening(application: web.Application, host: str, port: int, *, patience: float = 60.0) -> web.AppRunner:
    """Serves an application; what it returns says at which address, and is to be cleaned up in the end.

    Args:
        application: What is served.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        patience: Seconds that whoever is being answered has in the end.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=patience)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        told = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise ConfigError(told, hint="name another with --port") from error
    return runner


def stop_on_signals() -> asyncio.Event:
    """Returns an event that Ctrl-C, or a request to end, sets; for use within an event loop."""
    stop = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C interrupts there as it does everywhere else
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
