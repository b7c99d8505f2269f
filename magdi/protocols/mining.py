"""Mines convincing samples for ReConcile (Chen et al., 2024, section 4).

They are training questions that an agent gets wrong alone, and right after reading the human explanation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from magdi.core.discussion.driver import Seat, hold_discussions
from magdi.core.errors import DataError
from magdi.core.mag import Mag, Message, Question
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat
from magdi.core.task import Task
from magdi.protocols.convincing import Sample
from magdi.protocols.templates import Templates, fill

EXPLANATION = "rationale"
"""Where tasks keep the human explanation, in a question's metadata."""


class Prompts(Templates):
    """What the agents are asked."""

    alone: str = Field("{question}\n\n{form}", description="Alone: {question}, {form} of the reply.")
    explained: str = Field(
        "{question}\n\nThis explanation of the answer was written by a human:\n\n{explanation}\n\n"
        "Take it into account, and answer the question.\n\n{form}",
        description="With the explanation: {question}, {explanation}, {form}.",
    )


class Rectification(Protocol):
    """Everybody answers alone; who was wrong answers again after reading the human explanation.

    It shows people's words and no turns, so its MAGs have no edges. It knows the right answers, as no protocol that
    discussions are held with may: it is a tool for training questions.

    Args:
        questions: The questions with gold answers and explanations.
        task: Grades.
        config: Settings.
    """

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of the mining."""

        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    def __init__(self, questions: Iterable[Question], task: Task, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self._task = task
        self._known = {question.id: question for question in questions}

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Two waves at most."""
        alone = yield [self.ask(agent) for agent in agents]
        gold = self._known[question.id].gold or ""
        wrong = [
            agent
            for agent, turn in zip(agents, alone, strict=True)
            if turn.answer is not None and not self._task.grade(turn.answer, gold)
        ]
        if not wrong:
            return "nobody was wrong"
        yield [self.ask(agent, round=1) for agent in wrong]
        return "explained"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question; from round 1 on with the explanation."""
        values = {"question": question.prompt, "form": ask.reply.instructions(question)}
        if ask.round == 0:
            return chat(ask.agent.persona, fill(self.config.prompts.alone, **values))
        explanation = explanation_of(self._known[question.id])
        return chat(ask.agent.persona, fill(self.config.prompts.explained, explanation=explanation, **values))


def explanation_of(question: Question) -> str:
    """Returns the human explanation that comes with a question, "" where there is none."""
    return str(question.metadata.get(EXPLANATION) or "").strip()


def mine(
    questions: Sequence[Question], *, seats: Sequence[Seat], task: Task, per_agent: int = 4, **driver: Any
) -> Iterator[dict[str, list[Sample]]]:
    """Yields the samples by agent after every question, until each agent has enough or the questions are used up.

    Args:
        questions: Training questions; those without gold answer or explanation are passed over.
        seats: The agents with their teachers.
        task: Reads and grades answers.
        per_agent: Samples that each agent is to have.
        driver: Further arguments of `magdi.core.discussion.driver.hold_discussions`: settings, journal, ...

    Raises:
        DataError: No question has an explanation.
    """
    usable = [question for question in questions if question.gold and explanation_of(question)]
    if not usable:
        raise DataError(f"none of {len(questions)} questions comes with a human explanation (metadata {EXPLANATION!r})")
    found: dict[str, list[Sample]] = {seat.agent.name: [] for seat in seats}
    protocol = Rectification(usable, task)
    held = hold_discussions(usable, protocol=protocol, protocol_name="rectification", seats=seats, task=task, **driver)
    try:
        for each in held:
            if isinstance(each, Mag):
                _add(found, each, per_agent)
            yield found
            if all(len(samples) >= per_agent for samples in found.values()):
                return
    finally:
        held.close()


def _add(found: Mapping[str, list[Sample]], mag: Mag, per_agent: int) -> None:
    question = mag.question
    for turn in mag.turns:
        if turn.round == 1 and turn.correct and len(found[turn.agent]) < per_agent:
            found[turn.agent].append(
                Sample(question=question.prompt, explanation=explanation_of(question), answer=question.gold or "")
            )
