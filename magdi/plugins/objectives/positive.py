"""L+, next-token prediction on right reasoning (MAGDi, Eq. 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from magdi.core.mag import Mag, Turn
from magdi.core.objective import CHAINS, Chain, Objective, ObjectiveConfig, Part, Selecting, Taken

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.objective_batch import ObjectiveBatch


class Positive(Objective):
    r"""Teaches the student to write what right turns say.

    .. math:: L_+ = -\sum_{x \in X_+} \sum_i \log p(x_i \mid x_{<i}, q)
    """

    columns = {"learned": CHAINS}
    unit = "tokens"
    sign = "L+"
    teaches = True
    lacking = "no right turn"

    class Config(ObjectiveConfig):
        """Which turns are learned, and what of them."""

        learned: Literal["right", "answered"] = Field(
            "right", description="Right turns, or all that have an answer and a label."
        )
        first_round: bool = Field(
            False, description="Only what was said before anyone was shown anything (MAGDi-R0, SiT)."
        )
        agent: str | None = Field(None, description="Only what this agent said (SiT).")
        most: int | None = Field(
            None, ge=1, description="Most turns of a MAG, all different; what mends a wrong one first (AgentArk)."
        )
        part: Part = Field(
            "whole",
            description="What is written of a turn: reasoning and answer, or one of them; or a transcript of what led "
            "to it as well (Latent Agents).",
        )
        prefix: str = Field("", description="What stands before the question (DSS-MT: [label], [rationale]).")

    def select(self, given: Selecting) -> Taken:
        """Takes the turns to be learned."""
        part, prefix, most = self.config.part, self.config.prefix, self.config.most
        learned = [turn for turn in given.written if self._is_learned(turn)]
        if most is not None:
            apart = {turn.text: turn for turn in reversed(learned)}.values()
            learned = sorted(apart, key=lambda turn: (not _mends(given.mag, turn), turn.step))[:most]
        return {"learned": [Chain(turn.step, part, prefix) for turn in learned]}

    def _is_learned(self, turn: Turn) -> bool:
        settings = self.config
        return (
            (bool(turn.label) or settings.learned == "answered")
            and not (settings.first_round and turn.round)
            and (settings.agent is None or turn.agent.casefold() == settings.agent.casefold())
        )

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns L+ of Eq. 1."""
        return self.weighted_loss(batch, 1.0)

    def weighted_loss(self, batch: ObjectiveBatch, scale: float) -> Tensor:
        """Returns scale L+; linear in the log-probabilities, so its gradient is made in the forward pass."""
        return batch.cross_entropy("learned", scale)


def _mends(mag: Mag, turn: Turn) -> bool:
    """Returns whether a turn had been shown a wrong answer."""
    return any(mag.turns[step].correct is False for step in turn.sources)
