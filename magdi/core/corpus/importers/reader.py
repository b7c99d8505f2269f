"""What all importers share: questions, turns and decisions, read and graded by the task."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from magdi.core import answers
from magdi.core.corpus.importers.source import Item
from magdi.core.decision import last_round, vote
from magdi.core.mag import AnswerType, Choice, Decision, Mag, Message, Question, Seen, Turn
from magdi.core.reply import strip_answer_sentence
from magdi.core.task import Split, Task

ANNOTATION = re.compile(r"<<[^<>]*>>")
"""GSM8K's calculator annotations, e.g. <<16-3=13>>."""
_NUMBERED_OPTIONS = re.compile(r"^(?P<stem>.+?):?\s*(?P<options>\(?A\)\s.+)$", re.DOTALL)
_OPTION = re.compile(r"(?:^|,\s|\s)\(?([A-J])\)\s")


class AnyTask(Task):
    """Stands in where no task is given: no questions; answers are read in the form of the gold answer."""

    def questions(self, split: Split) -> Sequence[Question]:
        """None."""
        return []

    def extract(self, text: str, question: Question) -> str | None:
        """Returns the answer in a text; see `magdi.core.answers`."""
        return answers.extract(text, question)

    def grade(self, answer: str | None, gold: str) -> bool:
        """Compares normal forms; expressions that are spelt differently, too."""
        return answers.grade(answer, gold, "expression" if "\\" in gold else "text")


def fingerprint(text: str) -> str:
    """Returns what two spellings of one question have in common: its words."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes questions and turns for importers.

    Attributes:
        task: Reads and grades answers.
        task_name: What questions say of where they come from.
        known: The task's own questions by `fingerprint`, so that an imported question keeps its id.
        keep_prompts: Keep the prompts that a file holds.
    """

    task: Task = field(default_factory=AnyTask)
    task_name: str = ""
    known: Mapping[str, Question] = field(default_factory=dict)
    keep_prompts: bool = False

    def question(self, text: str, gold: str, *, choices: Iterable[Choice] = (), **metadata: Any) -> Question:
        """Returns a question; its gold answer is read out of ``gold``, which may be a whole rationale."""
        choices = tuple(choices)
        known = self.known.get(fingerprint(text))
        if known is not None:
            return known.model_copy(update={"metadata": known.metadata | metadata})
        answer_type = self._answer_type(gold, choices)
        own = answer_type == getattr(self.task, "answer_type", answer_type)
        name = hashlib.sha256(fingerprint(text).encode()).hexdigest()[:12]
        question = Question(
            id=f"{(own and self.task_name) or 'imported'}-{name}",
            text=text,
            choices=choices,
            answer_type=answer_type,
            task=self.task_name if own else "",
            metadata=metadata,
        )
        return question.model_copy(update={"gold": self.task.extract(gold, question) or gold.strip() or None})

    def _answer_type(self, gold: str, choices: Sequence[Choice]) -> AnswerType:
        if choices:
            return "letter"
        declared: AnswerType | None = getattr(self.task, "answer_type", None)
        return declared or guess_answer_type(gold)

    def turn(
        self,
        question: Question,
        step: int,
        agent: str,
        text: str,
        *,
        round: int = 0,  # noqa: A002
        seen: Iterable[Seen] = (),
        role: str = "solver",
        answer: str | None = None,
        reasoning: str | None = None,
        prompt: Iterable[Message] = (),
        **fields: Any,
    ) -> Turn:
        """Returns a turn with its answer read and graded.

        Args:
            question: What it is about.
            step: Position in time order.
            agent: Who says it.
            text: What was said, whole.
            round: Round of the turn.
            seen: What it had been shown.
            role: Critics and moderators, whose answer is not looked for, are never invalid.
            answer: Where the answer stands apart from the text; else it is read from the text.
            reasoning: Where the reasoning stands apart from the text.
            prompt: The prompt, kept only if prompts are to be.
            fields: Further fields of the turn, e.g. ``confidence`` or ``model``.
        """
        solver = role == "solver" or answer is not None
        read = self.task.extract(text if answer is None else answer, question) if solver else None
        correct = None if read is None or question.gold is None else self.task.grade(read, question.gold)
        return Turn(
            step=step,
            agent=agent,
            role=role,
            round=round,
            seen=tuple(sorted(seen, key=lambda edge: edge.step)),
            text=text,
            reasoning=plain_reasoning(text) if reasoning is None else reasoning,
            answer=read,
            correct=correct,
            label=correct,
            label_source="none" if correct is None else "gold",
            status="ok" if read is not None or not solver else "invalid",
            prompt=tuple(prompt) if self.keep_prompts else None,
            **fields,
        )

    def mag(
        self, item: Item, question: Question, protocol: str, turns: Sequence[Turn], *, stop: str = "", **metadata: Any
    ) -> Mag:
        """Returns the MAG of a discussion; it is decided by vote of its last round unless ``decision`` is given."""
        decision: Decision = metadata.pop("decision", None) or vote(last_round(turns), rule="last-round")
        if question.gold is not None:
            correct = self.task.grade(decision.answer, question.gold)
            decision = decision.model_copy(update={"correct": correct})
        return Mag(
            id=f"{item.path.stem}-{item.index}",
            question=question,
            protocol=protocol,
            turns=tuple(turns),
            decision=decision,
            stop=stop,
            metadata={"source": item.path.name} | metadata,
        )


def guess_answer_type(gold: str) -> AnswerType:
    """Returns the form of a gold answer, where no task says it."""
    if answers.normal_form(gold, "boolean") is not None:
        return "boolean"
    if re.search(r"(?:####|\bA:)\s*[-$\d]", gold[-40:]):
        return "number"
    if "\\" in gold:
        return "expression"
    return "number" if answers.normal_form(gold, "number") is not None else "text"


def plain_reasoning(text: str) -> str:
    """Returns a text without calculator annotations and without its closing answer."""
    lines = ANNOTATION.sub("", text).strip().splitlines()
    if lines and re.match(r"\s*(?:A:|####)", lines[-1]):
        lines.pop()
    return strip_answer_sentence("\n".join(lines))


def split_options(text: str) -> tuple[str, list[Choice]]:
    """Returns a question without the options that stand in its text ("...: A) x, B) y"), and the options."""
    found = _NUMBERED_OPTIONS.match(text.strip())
    if found is None:
        return text, []
    parts = _OPTION.split(found["options"])
    labels, texts = parts[1::2], [part.strip().rstrip(",") for part in parts[2::2]]
    if labels != [chr(ord("A") + place) for place in range(len(labels))] or len(labels) < 2:
        return text, []
    return found["stem"].strip(), [
        Choice(label=label, text=option) for label, option in zip(labels, texts, strict=True)
    ]
