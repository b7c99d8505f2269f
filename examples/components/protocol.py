"""A protocol in one file: magdi run --plugin examples/components/protocol.py --protocol second-opinion.

One agent answers; the others are shown it and say whether they agree; where most do not, all answer anew.
"""

from pydantic import BaseModel, Field

from magdi import Component, Protocol, hookimpl


class SecondOpinion(Protocol):
    """One proposes, the others look; a second round only where most of them disagree."""

    min_agents = 2

    class Config(BaseModel, extra="forbid"):
        """What can be set with -P key=value."""

        doubt: float = Field(0.5, ge=0, le=1, description="Share of the others that must disagree for a second round.")

    def discuss(self, question, agents):
        first, *others = agents
        (proposal,) = yield [self.ask(first)]
        opinions = yield [self.ask(agent, round=1, seen=[proposal]) for agent in others]
        against = sum(turn.answer != proposal.answer for turn in opinions)
        if against <= self.config.doubt * len(others):
            return "agreed"
        yield [self.ask(agent, round=2, seen=[proposal, *opinions]) for agent in agents]
        return "second round"


@hookimpl
def magdi_protocols():
    yield Component("second-opinion", SecondOpinion, "One proposes, the others look; a second round where they doubt.")
