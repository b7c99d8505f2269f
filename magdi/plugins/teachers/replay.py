"""Answers from a recorded discussion, so that anyone can hold it again without a key: ``replay:FILE[#SPEAKER]``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, Field

from magdi.core.errors import DataError, did_you_mean
from magdi.core.teacher import Reply, Request, Teacher
from magdi.plugins.teachers.recording import Recording, open_recording


class ReplayTeacher(Teacher):
    """Says again what was said once; it has no thoughts of its own, and fails where it was never asked.

    Cost and tokens of its replies are those of the recording.
    """

    served = False
    concurrency = 4096  # nobody waits for it

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `replay`."""

        path: str = Field(min_length=1, description="A MAG file or a journal.")
        speaker: str = Field(
            "", description="Whose replies: an agent or model of the MAG file, a teacher of the journal; empty for all."
        )

    config: Config

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Reads ``FILE`` and ``FILE#SPEAKER``."""
        path, _, speaker = target.partition("#")
        return {"path": path, "speaker": speaker} if speaker else {"path": path}

    @cached_property
    def recording(self) -> Recording:
        """The recording; read once.

        Raises:
            DataError: It is missing, or is neither a MAG file nor a journal.
        """
        return open_recording(Path(self.config.path))

    @cached_property
    def identity(self) -> str:
        """The file's name and a hash of its content: a recording that was moved is the same teacher."""
        who = f"#{self.config.speaker}" if self.config.speaker else ""
        return f"replay:{Path(self.config.path).name}{who}@{self.recording.digest[:12]}"

    def check(self) -> None:
        """Looks whether the speaker is in the recording."""
        speaker, known = self.config.speaker, self.recording.speakers
        if speaker and speaker not in known:
            raise DataError(f"nobody called {speaker!r} speaks in {self.config.path}; {did_you_mean(speaker, known)}")

    async def complete(self, request: Request) -> Reply:
        """Returns what was said to the same prompt."""
        return self.recording.reply(request, self.config.speaker)
