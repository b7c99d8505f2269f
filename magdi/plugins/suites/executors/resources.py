"""Where a job is to be done, and what it is given there."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, Field

from magdi.core.errors import ConfigError

On = Literal["local", "slurm", "ray"]

TAKEN: dict[On, tuple[str, ...]] = {
    "local": (),
    "slurm": ("gpus", "cpus", "time", "partition"),
    "ray": ("gpus", "cpus", "address"),
}
"""What an engine takes, besides how many jobs at once."""


class Resources(BaseModel, extra="forbid"):
    """What a job is given, where that is asked for."""

    jobs: int | None = Field(None, ge=1, description="Most jobs at once.")
    gpus: int = Field(0, ge=0, description="GPUs of a job.")
    cpus: int = Field(1, ge=1, description="CPU cores of a job.")
    time: str = Field("24:00:00", description="Longest time of a job, [D-]HH:MM:SS or minutes; then it is requeued.")
    partition: str = Field("", description="Slurm's partition.")
    address: str = Field("", description="Ray's cluster (auto, HEAD:6379, ray://HEAD:10001); empty: made here.")

    def check(self, on: On) -> None:
        """Looks whether the engine takes what is asked for.

        Raises:
            ConfigError: It does not.
        """
        for name, field in type(self).model_fields.items():
            if name not in ("jobs", *TAKEN[on]) and getattr(self, name) != field.default:
                engines = " or ".join(f"--on {each}" for each, taken in TAKEN.items() if name in taken)
                raise ConfigError(f"--{name} {getattr(self, name)}: --on {on} takes none", hint=engines)
        minutes(self.time)

    def of_a_job(self, on: On) -> dict[str, str | int]:
        """Returns what the engine gives each job; what is left to it is left out."""
        return {name: value for name in TAKEN[on] if (value := getattr(self, name))}


def minutes(text: str) -> int:
    """Returns minutes, rounded up, of Slurm's ways to say a time: 90, 30:00, 1:30:00, 2-12.

    Raises:
        ConfigError: It is none.
    """
    found = re.fullmatch(r"(?:(\d+)-)?(\d+(?::\d+){0,2})", text.strip())
    if found is None:
        raise ConfigError(f"--time {text!r} is no time", hint="minutes, MM:SS, H:MM:SS or D-HH[:MM[:SS]]")
    parts = [int(part) for part in found[2].split(":")]
    if found[1] is not None:  # days come before hours
        hours, mins, seconds = (*parts, 0, 0)[:3]
    else:
        hours, mins, seconds = (0, *parts, 0)[:3] if len(parts) < 3 else parts
    return max(1, (24 * int(found[1] or 0) + hours) * 60 + mins + (seconds > 0))
