"""Where a job is to be done, and what it is given there."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

On = Literal["local", "slurm", "ray"]


class Resources(BaseModel, extra="forbid"):
    """What a job is given, where that is asked for; an executor takes what it knows."""

    jobs: int | None = Field(None, ge=1, description="Most jobs at once.")
    gpus: int = Field(0, ge=0, description="GPUs of a job.")
    cpus: int = Field(1, ge=1, description="CPU cores of a job.")
    time: str = Field("24:00:00", description="Longest time of a job, [D-]HH:MM:SS or minutes; then it is requeued.")
    partition: str = Field("", description="Slurm's partition.")
    address: str = Field("", description="Ray's cluster (auto, HEAD:6379, ray://HEAD:10001); empty: made here.")
