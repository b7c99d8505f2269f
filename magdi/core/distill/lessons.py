"""What of a MAG is taught, and after which prompts: answers to the question, or a role's turns after its own prompts.

MALT (arXiv 2412.01928, section 4.3) trains each role on what that role was asked, with all that it had been shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from magdi.core.credit import Credit, credited, of_own_answer
from magdi.core.errors import DataError
from magdi.core.mag import Mag, Message
from magdi.core.objective import Selecting
from magdi.core.views import View

Prompt = tuple[Message, ...]


class OwnPrompts:
    """The prompts of a MAG's turns, where they were kept."""

    def given_to(self, mag: Mag) -> Mag:
        """Returns a MAG with the prompts of all its turns.

        Raises:
            DataError: They are not to be had.
        """
        return mag if all(turn.prompt for turn in mag.turns) else self.found(mag)

    def found(self, mag: Mag) -> Mag:
        """Returns a MAG that lacks some prompts with those of all its turns; raises as `given_to`."""
        raise DataError(
            f"the prompts of MAG {mag.id} were not kept, and its protocol is not among {', '.join(self.known)}",
            hint=f"--protocol {mag.protocol}, with -P as its discussions were held",
        )

    @property
    def known(self) -> Iterable[str]:
        """The protocols that make prompts again."""
        return ()

    def of(self, mag: Mag) -> tuple[Prompt, ...]:
        """Returns the prompts of all turns; raises as `given_to`."""
        return tuple(turn.prompt or () for turn in self.given_to(mag).turns)

    @property
    def reading(self) -> object:
        """What decides the prompts, as JSON."""
        return {}


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is taught of a MAG.

    Attributes:
        role: The role whose turns are taught; None for all.
        prompts: Where each turn's own prompt is found; None where the question is the prompt of all.
        credit: How labels are made of values, where turns have their own prompts.
    """

    role: str | None = None
    prompts: OwnPrompts | None = None
    credit: Credit = Credit()

    def of(self, mag: Mag, view: View = "exact", seed: int = 0) -> tuple[Selecting, tuple[Prompt, ...]]:
        """Returns a MAG as objectives are to see it, and the prompts of its turns; none where it is the question.

        After the question a label says whether a turn's own answer is right, whatever value it had for others. After
        a turn's own prompt it says whether that role's work was done well.

        Raises:
            DataError: Prompts are not to be had.
        """
        if self.prompts is None:
            return Selecting(self._only(of_own_answer(mag)), view, seed), ()
        prompts = self.prompts.of(mag)
        numbers = dict.fromkeys(prompts)
        places = {prompt: number for number, prompt in enumerate(numbers)}
        asked = tuple(places[prompt] for prompt in prompts)
        return Selecting(self._only(credited(mag, asked, self.credit)), view, seed, asked), prompts

    def _only(self, mag: Mag) -> Mag:
        """Takes the labels from the turns of other roles: a turn without one belongs to no loss."""
        if self.role is None:
            return mag
        turns = (
            turn if turn.role == self.role else turn.model_copy(update={"label": None, "label_source": "none"})
            for turn in mag.turns
        )
        return mag.model_copy(update={"turns": tuple(turns)})

    @property
    def reading(self) -> dict[str, object]:
        """What decides what is taught, as JSON."""
        prompts = self.prompts and self.prompts.reading
        return {"role": self.role, "prompts": prompts, "credit": self.credit.model_dump(mode="json")}
