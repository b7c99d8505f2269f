"""A real team of autogen-agentchat, with magdi's teachers as its model clients (extra ``magdi[autogen]``).

System: AutoGen (Wu et al., COLM 2024), agentchat 0.7; RoundRobinGroupChat, SelectorGroupChat, Swarm, GraphFlow, or a
team of your own from a factory. One fresh team a question: nothing of one question reaches the next.

Graph: what the clients' prompts really held. In group chats every message goes to all, E = {(m_s, m_t) : s < t},
M (M - 1) / 2 edges; a GraphFlow is a group chat, too: with A -> {B, C} -> D, D is shown A, though (A, D) is no edge of
the flow, and B and C are not shown to each other. A selector's choice is a turn of its own with a control edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from magdi.protocols.framework import Member, Team, Voice


class Autogen(Team):
    """A team of AutoGen."""

    package, extra = "autogen_agentchat", "autogen"

    class Config(Team.Config, extra="forbid", frozen=True):
        """Settings of `autogen`."""

        team: Literal["round-robin", "selector", "swarm", "graph-flow"] = Field("round-robin", description="The team.")
        graph: tuple[tuple[int, int], ...] | None = Field(
            None, description="Edges of a graph-flow by position; the first, then all others, then the last by default."
        )

    config: Config

    def client(self, voice: Voice) -> Any:
        """Returns a ChatCompletionClient."""
        from magdi.protocols.autogen_team import TeacherClient

        return TeacherClient(voice)

    async def run(self, members: Sequence[Member], task: str) -> str:
        """Runs a fresh team; the stop reason is AutoGen's."""
        from magdi.protocols.autogen_team import make_team

        result = await make_team(members, self.config).run(task=task)
        return result.stop_reason or "finished"
