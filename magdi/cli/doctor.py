"""`magdi doctor`: what this machine has for magdi, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from magdi.cli import options as opt
from magdi.plugins.trackers.names import TRACKERS

if TYPE_CHECKING:
    from rich.console import RenderableType

EXTRAS = {
    "quantization": ("bitsandbytes",),
    "litellm": ("litellm",),
    "vllm": ("vllm",),
    "autogen": ("autogen_agentchat",),
    "agent-framework": ("agent_framework_orchestrations",),
    "ag2": ("ag2",),
    "eval": ("lm_eval",),
    "otel": ("opentelemetry.exporter",),
    "slurm": ("submitit",),
    "ray": ("ray",),
    "s3": ("s3fs",),
    "gs": ("gcsfs",),
    "trackers": TRACKERS,
    "deepspeed": ("deepspeed",),
}
"""By extra, the modules that it brings."""


class Machine(TypedDict):
    """What there is; ``extras`` says of each whether it is installed, ``keys`` are names of variables."""

    python: str
    system: str
    versions: dict[str, str]
    devices: list[str]
    extras: dict[str, bool]
    keys: list[str]
    cache: str
    plugins: list[str]
    plugin_faults: list[str]


def doctor(json: opt.Json = False) -> None:
    """Look at this machine: versions, devices, extras, keys, cache, plugins."""
    from magdi.cli.output import show

    found = _found()
    show(found, as_json=json, render=lambda: _table(found))


def _found() -> Machine:
    from magdi.cli.commands import shadowed
    from magdi.core.files import cache_directory
    from magdi.core.run.environment import versions
    from magdi.plugins.manager import load_plugins

    cache, plugins = cache_directory(), load_plugins()
    return {
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
        "devices": _devices(),
        "extras": {extra: all(map(_there, modules)) for extra, modules in EXTRAS.items()},
        "keys": sorted(name for name, value in os.environ.items() if name.endswith("_API_KEY") and value),
        "cache": f"{cache}, {_free(cache):.0f} GB free",
        "plugins": [" ".join(filter(None, (each.plugin, each.version))) for each in plugins.loaded],
        "plugin_faults": [str(fault) for fault in (*plugins.faults, *shadowed(plugins))],
    }


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # what it is a part of
        return False


def _devices() -> list[str]:
    import torch

    count = torch.cuda.device_count()
    gpus = [torch.cuda.get_device_properties(index) for index in range(count)]
    named = [f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for gpu in gpus]
    return named or [f"CPU, {torch.get_num_threads()} threads"]


def _free(path: Path) -> float:
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(there).free / 1e9


def _table(found: Machine) -> RenderableType:
    from magdi.cli.drawn import drawn
    from magdi.plugins.sheet import Sheet

    rows = []
    extras = [
        f"{extra}: {'yes' if there else f'pip install magdi[{extra}]'}" for extra, there in found["extras"].items()
    ]
    versions = [f"{package} {version}" for package, version in found["versions"].items()]
    for name, value in {**found, "extras": extras, "versions": versions}.items():
        lines = value if isinstance(value, list) else [str(value)]
        rows.append((name.replace("_", " "), "\n".join(map(str, lines)) or "none"))
    return drawn(Sheet.of_texts(("", ""), rows))
