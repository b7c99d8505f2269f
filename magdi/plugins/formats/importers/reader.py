"""What all importers share: questions, turns and decisions, read and graded by the task."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, get_args

from magdi.core.decision import last_round, vote
from magdi.core.errors import DataError
from magdi.core.mag import AnswerType, Choice, Decision, Mag, Message, Question, Seen, Turn
from magdi.core.reply import json_scalar, strip_answer_sentence
from magdi.core.task import Split, Task
from magdi.plugins import answers
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.matching import Inside, fingerprint
from magdi.plugins.formats.importers.question_options import label_of, split_options
from magdi.plugins.formats.importers.tally import Tally

ANNOTATION = re.compile(r"<<[^<>]*>>")
"""GSM8K's calculator annotations, e.g. <<16-3=13>>."""
NO_QUESTION = "(no question)"
"""Stands where nothing tells what was asked."""
_FORMULA = re.compile(r"\\|\^|^\s*[\[({].*[\])}]\s*$|(?<![A-Za-z])[a-z]\s*=|\d[nxyz]\b")
_SECTION = re.compile(r"^\[\[ ## (\w+) ## \]\][ \t]*$(.*?)(?=^\[\[ ## |\Z)", re.MULTILINE | re.DOTALL)
_HANDED = re.compile(
    r"\bfinal_answer\(\s*(?:answer\s*=\s*)?(?P<handed>'[^'\n]+'|\"[^\"\n]+\"|-?\d[\d.]*)\s*\)"
    r"\s*(?:</code>|<end_code>|```)?\s*\Z"
)
"""How a program ends in which an agent of smolagents answers."""
_A_LABEL = re.compile(r"\(?[A-J]\)?\.?")


class AnyTask(Task):
    """Stands in where no task is given: no questions; answers are read in the form of the gold answer."""

    def questions(self, split: Split) -> Sequence[Question]:
        """None."""
        return []

    def extract(self, text: str, question: Question) -> str | None:
        """Returns the answer in a text; see `magdi.plugins.answers`."""
        return answers.extract(text, question)

    def grade(self, answer: str | None, gold: str) -> bool:
        """Compares normal forms; expressions that are spelt differently, too."""
        return answers.grade(answer, gold, "expression" if _FORMULA.search(gold) else "text")


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes questions and turns for importers.

    Attributes:
        task: Reads and grades answers.
        task_name: What questions say of where they come from.
        known: The task's own questions by `fingerprint`, so that an imported question keeps its id.
        keep_prompts: Keep the prompts that a file holds.
        in_order: Returns the task's test questions, for files that hold answers alone.
        golds: Right answers by question, or by the trace or conversation that a discussion was held in.
        tally: What was missing from all that has been read.
    """

    task: Task = field(default_factory=AnyTask)
    task_name: str = ""
    known: Mapping[str, Question] = field(default_factory=dict)
    keep_prompts: bool = False
    in_order: Callable[[], Sequence[Question]] = tuple
    golds: Mapping[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    inside: Callable[[str], str | None] = field(init=False)
    """Returns the question that stands in a text, of those that are known."""

    def __post_init__(self) -> None:
        questions = Inside([*self.golds, *(question.text for question in self.known.values())])
        object.__setattr__(self, "inside", lru_cache(10_000)(questions.find))

    def gold_of(self, question: str, names: Iterable[str]) -> str:
        """Returns the right answer that was given for a discussion, by its question or by one of its names."""
        keys = (question, self.inside(question) or "", *names)
        found = next((key for key in keys if key in self.golds), None)
        if self.golds:
            self.tally.asked.add(question)
        if found is None:
            return ""
        self.tally.matched.add(question)
        self.tally.used.add(found)
        return self.golds[found]

    def told(self) -> list[str]:
        """Returns what was missing from all that has been read, a line each."""
        return list(self.tally.lines(getattr(self.golds, "rows", [[key] for key in self.golds])))

    @classmethod
    def of_task(
        cls,
        task: Task,
        name: str,
        *,
        match: bool = False,
        keep_prompts: bool = False,
        golds: Mapping[str, str] | None = None,
        on_missing: Callable[[str], None] = lambda told: None,
    ) -> Reader:
        """Returns a reader that reads and grades as a task does.

        Args:
            task: The task.
            name: What it is called.
            match: Look questions up in the task's own.
            keep_prompts: Keep prompts.
            golds: Right answers.
            on_missing: Told of splits that there is no data of.
        """
        known: dict[str, Question] = {}
        for split in get_args(Split) if match else ():
            try:
                for question in task.questions(split):
                    mark = fingerprint(question.text)
                    known[mark] = known[f"{mark} = {question.gold}"] = question
            except DataError as error:
                on_missing(f"no {split} questions to match: {error.message}")
        return cls(task, name, known, keep_prompts, cache(lambda: task.questions("test")), golds or {})

    def at(self, place: int) -> Question:
        """Returns the question of an item that says only by its place which one it is.

        Raises:
            ValueError: The task's questions are not known, or there are fewer.
        """
        questions = self.in_order()
        if place < len(questions):
            return questions[place]
        held = f"the task has but {len(questions)}" if questions else "--task NAME, with --data, gives them"
        raise ValueError(f"it does not hold its question, which is the task's test question {place + 1}: {held}")

    def question(self, text: str, gold: Any, *, choices: Iterable[Choice] = (), **metadata: Any) -> Question:
        """Returns a question; its gold answer is read out of ``gold``, which may be a whole rationale.

        Where there is none, the table of right answers may have one. Options that stand in the text are taken out of
        it, unless the gold answer is none of them.
        """
        said, choices = scalar(gold).strip(), tuple(choices)
        if not said and text != NO_QUESTION:
            said = self.gold_of(text, ())
        if not choices:
            stem, found = split_options(text)
            text, choices = (stem, tuple(found)) if not said or label_of(said, found) else (text, ())
        known = self._known(text, said, choices)
        if known is not None:
            return known.model_copy(update={"metadata": known.metadata | metadata})
        answer_type = self._answer_type(said, choices)
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
        right = label_of(said, choices) if choices else self.task.extract(said, question)
        return question.model_copy(update={"gold": right or said or None})

    def _known(self, text: str, gold: str, choices: tuple[Choice, ...]) -> Question | None:
        """Returns the task's own question of this text, with the file's options where those are others."""
        mark = fingerprint(text)
        known = self.known.get(f"{mark} = {gold}") or self.known.get(mark)
        if known is None or not choices or [each.text for each in choices] == [each.text for each in known.choices]:
            return known
        return known.model_copy(
            update={"choices": choices, "answer_type": "letter", "gold": label_of(gold, choices) or gold or None}
        )

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
        round: int = 0,
        seen: Iterable[Seen] = (),
        role: str = "solver",
        answer: str | None = None,
        reasoning: str | None = None,
        prompt: Iterable[Message] = (),
        certain: str | None = None,
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
            certain: What is certain of a text that was cut off, whose answer counts only where it is stated as one.
            fields: Further fields of the turn, e.g. ``confidence`` or ``model``.
        """
        answer = sections(text).get("answer") or _handed(text) if answer is None else answer
        solver = role == "solver" or answer is not None
        read = self.task.extract(text if answer is None else answer, question) if solver else None
        if certain is not None and read is not None:
            reading = self.task.read(certain, question)
            read = reading.answer if reading.stated else None
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
            prompt=(tuple(prompt) or None) if self.keep_prompts else None,
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
            id=f"{item.stem}-{item.index}",
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
    if _A_LABEL.fullmatch(gold.strip()):
        return "letter"
    if re.search(r"(?:####|\bA:)\s*[-$\d]", gold[-40:]):
        return "number"
    if _FORMULA.search(gold):
        return "expression"
    return "number" if answers.extract(gold, "number") is not None else "text"


def sections(text: str) -> dict[str, str]:
    """Returns what stands under the headings of a reply that DSPy has asked for, ``[[ ## answer ## ]]``, by name."""
    return {found[1]: found[2].strip() for found in _SECTION.finditer(text)}


def _handed(text: str) -> str | None:
    found = _HANDED.search(text)
    return found["handed"].strip("'\"") if found else None


def scalar(value: Any) -> str:
    """Returns a value of a file as text: nothing is "", true is "yes", a list is its first element."""
    if isinstance(value, list | tuple):
        return scalar(value[0]) if value else ""
    return "" if value is None else json_scalar(value)


def plain_reasoning(text: str) -> str:
    """Returns a text without calculator annotations and without its closing answer."""
    lines = ANNOTATION.sub("", text).strip().splitlines()
    if lines and re.match(r"\s*(?:A:|####)", lines[-1]):
        lines.pop()
    return strip_answer_sentence("\n".join(lines))
