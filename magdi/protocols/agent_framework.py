"""A real team of Microsoft Agent Framework, with magdi's teachers as its clients (extra ``magdi[agent-framework]``).

System: Agent Framework 1.x, AutoGen's successor, with agent-framework-orchestrations: group chat, sequential,
concurrent, hand-off, Magentic-One (Fourney et al., 2024), or a workflow of your own from a factory. One fresh workflow
a question.

Graph: what the clients' prompts really held. In a group chat, a sequence and a hand-off every message goes to all who
speak later, M (M - 1) / 2 edges; agents of a concurrent team are shown nothing. In a Magentic team the manager is shown
everything, and the members the manager's instructions (quoted from its ledger) and each other, but not its plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from magdi.core.decision import last_words, vote
from magdi.core.mag import Decision, Question, Turn
from magdi.protocols.framework import Member, Team, Voice


class AgentFramework(Team):
    """A team of Agent Framework."""

    package, extra = "agent_framework_orchestrations", "agent-framework"

    class Config(Team.Config, extra="forbid", frozen=True):
        """Settings of `agent-framework`."""

        team: Literal["group-chat", "selector", "sequential", "concurrent", "handoff", "magentic"] = Field(
            "group-chat", description="The team."
        )

    config: Config

    def client(self, voice: Voice) -> Any:
        """Returns a chat client that calls functions."""
        from magdi.protocols.agent_framework_team import TeacherClient

        return TeacherClient(voice)

    async def run(self, members: Sequence[Member], task: str) -> str:
        """Runs a fresh workflow; the reason is its orchestrator's, where it gives one."""
        from magdi.protocols.agent_framework_team import make_team, why_ended

        return why_ended(await make_team(members, self.config).run(task))

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """The last answer of the team, or a vote; of a concurrent team, in which nobody is the last, always a vote."""
        return vote(last_words(turns)) if self.config.team == "concurrent" else super().decide(question, turns)
