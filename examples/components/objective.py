"""An objective in one file: magdi run --plugin examples/components/objective.py -O swayed.weight=0.3.

A turn that was right and became wrong under pressure should be less likely than the right one it came from.
"""

from pydantic import Field

from magdi import Component, Objective, hookimpl
from magdi.core.objective import PAIRS, Chain, ObjectiveConfig


class Swayed(Objective):
    """A hinge on the log-probabilities a token of (right, later wrong) turns of one agent."""

    columns = {"pairs": PAIRS}
    unit = "pairs"
    lacking = "no agent that was right and then wrong"

    class Config(ObjectiveConfig):
        """What can be set with -O swayed.key=value."""

        weight: float = Field(0.3, ge=0, description="What it is multiplied by.")
        margin: float = Field(0.2, ge=0, description="In nats a token.")

    def select(self, given):
        turns = [turn for turn in given.mag.turns if turn.label is not None and turn.answer is not None]
        return {
            "pairs": [
                (Chain(before.step), Chain(after.step))
                for before in turns
                for after in turns
                if before.agent == after.agent and before.round < after.round and before.label and not after.label
            ]
        }

    def loss(self, batch):
        right, wrong = batch.logprobs("pairs") / batch.lengths("pairs")
        batch.log("accuracy/swayed", (right > wrong).sum())
        return (self.config.margin - right + wrong).relu().sum()


@hookimpl
def magdi_objectives():
    yield Component("swayed", Swayed, "Right turns above the wrong ones that their agents were talked into.")
