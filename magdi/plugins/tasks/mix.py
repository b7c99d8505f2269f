"""Several tasks as one, as MAGDi-MT needs it: one student for all of them (MAGDi, section 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from magdi.core.config.models import ComponentChoice
from magdi.core.errors import ConfigError, DataError
from magdi.core.mag import Question
from magdi.core.task import Split, Task

if TYPE_CHECKING:
    from magdi.core.components import Components


class MixConfig(BaseModel, extra="forbid", frozen=True):
    """Settings of mix."""

    parts: tuple[str | dict[str, object], ...] = Field(
        min_length=2, description="The tasks: names, or mappings of name and settings."
    )
    data: str | None = Field(None, description="Local folder with one folder for each part; null for the hub.")
    seed: int = Field(0, ge=0, description="Seed of the parts that draw their questions.")


class Mix(Task):
    """The questions of several tasks, taken in turn; each is read and graded by its own task.

    A part without a split (svamp has nothing to train on) adds nothing to it. Ids are the parts' own, behind the
    part's name; a question's ``task`` says which part it is from, so scores are told apart by task.
    """

    Config = MixConfig

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self._components: Components | None = None
        self._made: dict[str, Task] = {}

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Returns the settings of ``mix:gsm8k+svamp``."""
        names = [name.strip() for name in target.split("+")]
        if len(names) < 2 or not all(names):
            raise ConfigError("the task mix needs two or more tasks", hint="e.g. mix:gsm8k+svamp")
        return {"parts": names}

    def attach(self, components: Components) -> None:
        """Says who makes the parts; the shipped components alone when nobody does."""
        self._components = components

    @property
    def parts(self) -> dict[str, Task]:
        """The tasks by name.

        Raises:
            ConfigError: Two parts have the same name.
        """
        if not self._made:
            choices = [ComponentChoice.model_validate(part) for part in self.config.parts]
            names = [choice.name for choice in choices]
            if len(set(names)) < len(names):
                raise ConfigError(f"a task is twice in the mixture {'+'.join(names)}")
            self._made = {choice.name: self._part(choice) for choice in choices}
        return self._made

    def questions(self, split: Split) -> Sequence[Question]:
        """Returns the parts' questions, one of each in turn until all are used up.

        Raises:
            DataError: No part has any for this split; or a part's data cannot be read.
        """
        found: list[list[Question]] = []
        reasons: list[DataError] = []
        for name, task in self.parts.items():
            try:
                found.append([_renamed(question, name) for question in task.questions(split)])
            except DataError as error:
                reasons.append(error)
        if not any(found):
            raise reasons[0]
        longest = max(map(len, found))
        return [questions[place] for place in range(longest) for questions in found if place < len(questions)]

    def extract(self, text: str, question: Question) -> str | None:
        """Has the question's own task read the answer."""
        return self.parts[question.task].extract(text, question)

    def grade(self, answer: str | None, gold: str) -> bool:
        """Returns whether any part takes the answer for right.

        Normal forms of different types never say the same unless they are spelt the same, so it is the question's own
        part that decides.
        """
        return any(task.grade(answer, gold) for task in self.parts.values())

    def _part(self, choice: ComponentChoice) -> Task:
        if self._components is None:
            from magdi.plugins.registry import default_registry

            self._components = default_registry()
        if self.config.data is not None and "data" not in choice.settings:
            choice = ComponentChoice(name=choice.name, **{"data": self.config.data, **choice.settings})
        return self._components.task(choice, self.config.seed)


def _renamed(question: Question, task: str) -> Question:
    return question.model_copy(update={"id": f"{task}/{question.id}", "task": task})
