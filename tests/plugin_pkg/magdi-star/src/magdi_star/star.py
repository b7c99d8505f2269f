"""The star protocol."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from magdi.core.mag import Question
from magdi.core.protocol import Agent, Discussion, Protocol


class Star(Protocol):
    """The first agent is the hub: it is shown all of the last round, the others are shown the hub and themselves."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """What can be set."""

        rounds: int = Field(2, ge=0, description="Further rounds after the first.")

    config: Config

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Yields one wave a round."""
        said = yield [self.ask(agent) for agent in agents]
        for number in range(1, self.config.rounds + 1):
            hub, heard = said[0], said
            said = yield [
                self.ask(agent, round=number, seen=heard if place == 0 else [hub, heard[place]])
                for place, agent in enumerate(agents)
            ]
        return "rounds"
