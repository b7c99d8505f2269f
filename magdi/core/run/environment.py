"""Where a run's result comes from: command, code, machine, libraries, begin and end."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from magdi.core.redact import redact

PACKAGES = ("magdi", "torch", "transformers", "peft", "torch-geometric")
PATIENCE = 5.0  # seconds that git may take


def now() -> str:
    """Returns this moment in UTC, as ISO 8601 has it, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Returns under what a run is being done.

    Keys: ``command`` (without the credentials of URLs), ``git`` (the commit of the working directory, ``-dirty`` where
    files differ from it; None outside of git), ``host``, ``process`` (its number), ``device`` (GPUs if torch is there
    and sees some, else the CPU), ``python``, ``versions`` (of magdi and of the libraries that results depend on).
    """
    return {
        "command": redact(shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])),
        "git": _commit(),
        "host": platform.node(),
        "process": os.getpid(),
        "device": device(),
        "python": platform.python_version(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Returns the versions of magdi and of the libraries that results depend on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def device() -> str:
    """Returns what a run computes on, as far as that is known without loading torch."""
    torch = sys.modules.get("torch")
    count = torch.cuda.device_count() if torch else 0
    names = [torch.cuda.get_device_name(index) for index in range(count)] if torch else []
    return ", ".join(names) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"


def _commit() -> str | None:
    command = ("git", "-c", "core.fsmonitor=false", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
