"""A team: roles that were trained on one base, and how they answer together (``RUN/student/team.json``)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from magdi.core.errors import DataError
from magdi.core.files import read_json, write_whole
from magdi.core.mag import problems_of

TEAM = "team.json"
UNTRAINED = "base"
"""What stands for the model before training where a role is named."""


class Team(BaseModel):
    """Who answers together, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    protocol: str = Field("malt", description="The protocol by which it answers; its mode vote holds k chains.")
    settings: dict[str, object] = Field(
        default_factory=dict, description="The protocol's settings, prompts among them."
    )
    base: str = Field(min_length=1, description="The model that all adapters are made for: a folder or hub id.")
    roles: dict[str, str | None] = Field(
        min_length=1,
        description="In the order in which they speak: folders of the adapters; null where the base speaks.",
    )
    agents: tuple[str, ...] = Field(
        (),
        description="Who took part in the discussions learned from; with another protocol than malt they answer, too.",
    )
    trained: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="By role, what it was trained by, in order."
    )


def read_team(student: Path) -> Team | None:
    """Returns the team in a student's folder; None where there is one student.

    Raises:
        DataError: What the file says is no team, or leads out of the folder.
    """
    file = student / TEAM
    if not file.is_file():
        return None
    try:
        team = Team.model_validate(read_json(file))
    except ValidationError as error:
        raise DataError(f"{file} is no team: {problems_of(error)}") from None
    for role, folder in team.roles.items():
        if folder is not None and Path(folder).name != folder:
            raise DataError(f"{file}: the adapter of {role!r} is {folder!r}, which is no folder beside it")
    return team


def write_team(student: Path, team: Team) -> None:
    """Writes a team into a student's folder, whole or not at all."""
    write_whole(student / TEAM, team.model_dump_json(indent=2) + "\n")
