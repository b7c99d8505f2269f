"""A real team of AG2, with magdi's teachers as its models (extra ``magdi[ag2]``).

System: AG2 1.x (``import ag2``; what is imported as ``autogen`` is AG2 Classic), whose agents talk over the channels of
a hub: a workflow channel by turns, in a sequence or with hand-offs, or channels of your own from a factory. One fresh
hub a question.

Graph: what the clients' prompts really held. A workflow channel shows an agent its last 2 (n + 1) messages, the task
among them, and says of earlier ones only how many there were: until then E = {(m_s, m_t) : s < t}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from magdi.protocols.framework import Member, Team, Voice


class Ag2(Team):
    """A team of AG2."""

    package, extra = "ag2", "ag2"

    class Config(Team.Config, extra="forbid", frozen=True):
        """Settings of `ag2`."""

        team: Literal["round-robin", "sequential", "hand-off"] = Field("round-robin", description="The team.")

    config: Config

    def client(self, voice: Voice) -> Any:
        """Returns a ModelConfig."""
        from magdi.protocols.ag2_team import TeacherConfig

        return TeacherConfig(voice)

    async def run(self, members: Sequence[Member], task: str) -> str:
        """Holds a talk over a fresh hub; the reason is why its channel was closed."""
        from magdi.protocols.ag2_team import make_team

        return str(await make_team(members, self.config)(task) or "finished")
