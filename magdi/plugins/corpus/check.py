"""Is a MAG file sound? Schema, order of time, ids, grades, forms, counts by the protocol, provenance of edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from magdi.core.decision import DecisionRule
from magdi.core.errors import MagFileError
from magdi.core.mag import Mag, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.quotation import imitated
from magdi.core.run.locations import Location
from magdi.core.task import Task
from magdi.plugins import answers
from magdi.plugins.answers import grade
from magdi.plugins.corpus.files import mag_file, read
from magdi.plugins.corpus.provenance import unquoted
from magdi.plugins.corpus.replay import differences, speakers
from magdi.plugins.formats.importers.question_options import label_of, split_options


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a file.

    Attributes:
        where: File and line, or the MAG's id.
        check: schema, id, grades, readings, protocol, provenance or forgery.
        what: What is wrong.
    """

    where: str
    check: str
    what: str


@dataclass(slots=True)
class Report:
    """What a check has looked at and found.

    Attributes:
        mags: MAGs that could be read.
        turns: Their turns.
        edges: Their edges.
        prompts: Turns whose prompts were kept, so that their edges could be proven.
        replayed: MAGs that were held again under their protocol.
        problems: What is wrong.
    """

    mags: int = 0
    turns: int = 0
    edges: int = 0
    prompts: int = 0
    replayed: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class ReplayRule:
    """How discussions of a file are held again.

    Attributes:
        protocol: Their protocol with its settings; None where it is not known.
        agents: Who took part, in order; by default in the order in which they first spoke.
        decide: The decision rule, where it was not the protocol's own.
        task: Grades answers; None where it is not known, and answers are graded as magdi's own tasks do.
    """

    protocol: Protocol | None = None
    agents: Sequence[Agent] = ()
    decide: DecisionRule | None = None
    task: Task | None = None


def check_file(path: Location, rule: ReplayRule | None = None) -> Report:
    """Checks a MAG file; one that holds nothing is not sound.

    Raises:
        MagFileError: There is no such file.
    """
    unreadable: list[MagFileError] = []
    report = check_mags(read(mag_file(path), unreadable), rule)
    bad = [Problem(f"{error.path}:{error.line}", "schema", error.problem) for error in unreadable]
    report.problems[:0] = bad
    if not report.mags and not bad:
        report.problems.append(Problem(str(path), "schema", "holds no MAG"))
    return report


def check_mags(mags: Iterable[Mag], rule: ReplayRule | None = None) -> Report:
    """Checks MAGs one by one; nothing is kept but their ids."""
    report, ids, rule, forms = Report(), set[str](), rule or ReplayRule(), Forms()
    for mag in mags:
        report.mags += 1
        report.turns += len(mag.turns)
        report.edges += len(mag.edges)
        report.prompts += sum(turn.prompt is not None for turn in mag.turns)
        if mag.id in ids:
            report.problems.append(Problem(mag.id, "id", "another MAG has the same id"))
        ids.add(mag.id)
        report.problems += [Problem(mag.id, "grades", what) for what in _grades(mag, rule.task)]
        report.problems += [Problem(mag.id, "readings", what) for what in forms.watch(mag)]
        report.problems += [Problem(mag.id, "provenance", what) for what in unquoted(mag)]
        report.problems += [Problem(mag.id, "forgery", what) for what in _forged(mag)]
        if rule.protocol is not None and "format" not in mag.metadata:
            report.replayed += 1
            agents = list(rule.agents) or speakers(mag)
            found = differences(mag, rule.protocol, agents, rule.decide)
            report.problems += [Problem(mag.id, "protocol", what) for what in found]
    report.problems += [Problem(source, "readings", what) for source, what in forms.problems()]
    return report


def _grades(mag: Mag, task: Task | None) -> Iterator[str]:
    for turn in mag.turns:
        if turn.status == "invalid" and (turn.answer is not None or turn.label is not None):
            yield f"turn {turn.step} is invalid but has an answer or a label"
        if turn.correct is not None and turn.answer is None:
            yield f"turn {turn.step} is graded but has no answer"
        if turn.label_source == "gold" and turn.label is not turn.correct:
            yield f"turn {turn.step} is labelled {turn.label} by gold, but correct is {turn.correct}"
        if turn.correct is not None and mag.question.gold is None:
            yield f"turn {turn.step} is graded, but the question has no gold answer"
        if turn.answer is not None and _contradicts(turn.correct, turn.answer, mag.question, task):
            yield f"turn {turn.step} is graded {turn.correct}, but its answer is {_beside_gold(turn.answer, mag)}"
    if _contradicts(mag.decision.correct, mag.decision.answer, mag.question, task):
        yield f"the decision is graded {mag.decision.correct}, but is {_beside_gold(mag.decision.answer, mag)}"
    if mag.decision.correct is not None and mag.question.gold is None:
        yield "the decision is graded, but the question has no gold answer"
    grades: dict[str, set[bool]] = {}
    for turn in mag.turns:
        if turn.answer is not None and turn.correct is not None:
            grades.setdefault(turn.answer, set()).add(turn.correct)
    for answer, given in grades.items():
        if len(given) > 1:
            yield f"the answer {answer!r} is graded right in one turn and wrong in another"


def _forged(mag: Mag) -> Iterator[str]:
    for turn in mag.turns:
        if mark := imitated(turn.text) or imitated(turn.reasoning):
            yield f"turn {turn.step} of {turn.agent} imitates the prompts' own marks: {mark!r}"


def _contradicts(correct: bool | None, answer: str | None, question: Question, task: Task | None) -> bool:
    """Returns whether a grade is another than the one that tasks give; what is not graded contradicts nothing."""
    if correct is None or question.gold is None:
        return False
    if task is not None:
        return correct is not task.grade(answer, question.gold)
    # Without a task, expressions are told by their backslashes, and all else is compared as it is spelt.
    plain = not question.task and question.answer_type == "expression" and "\\" not in question.gold
    return correct is not grade(answer, question.gold, "text" if plain and not correct else question.answer_type)


def _beside_gold(answer: str | None, mag: Mag) -> str:
    return f"{answer!r} and gold {mag.question.gold!r}"


FEWEST_TURNS = 10
"""Of fewer turns nothing is concluded."""


class Forms:
    """Watches MAGs go by; those that were not imported are left alone."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Counter[str]] = {}

    def watch(self, mag: Mag) -> Iterator[str]:
        """Yields what is wrong with the form of a question, and counts its turns."""
        if "format" not in mag.metadata or mag.question.gold is None:
            return
        counts = self._counts.setdefault((str(mag.metadata.get("source")), mag.question.answer_type), Counter())
        counts.update(unread=sum(turn.status == "invalid" for turn in mag.turns))
        counts.update(read=sum(turn.answer is not None for turn in mag.turns))
        counts.update(right=sum(turn.correct is True for turn in mag.turns))
        yield from _misread(mag.question, mag.question.gold)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields each source whose answers as a whole cannot have been read as they were meant, and what is wrong."""
        for (source, form), counts in self._counts.items():
            unread, read = counts["unread"], counts["read"]
            if unread > read and unread + read >= FEWEST_TURNS:
                yield source, f"{unread} of {unread + read} turns have no answer that could be read as a {form}"
            if form == "text" and not counts["right"] and read >= FEWEST_TURNS:
                yield source, f"none of {read} answers is right: they were read as text, which may not be their form"


def _misread(question: Question, gold: str) -> Iterator[str]:
    form, labels = question.answer_type, [choice.label for choice in question.choices]
    options = [] if labels else split_options(question.text)[1]
    if options and label_of(gold, options):
        yield f"the question's text lists {len(options)} options, which were not read as such"
    if form == "letter" and labels and gold not in labels:
        yield f"the gold answer {gold!r} is none of the options {', '.join(labels)}"
    elif form in ("number", "boolean") and answers.normal_form(gold, form) is None:
        yield f"the gold answer {gold!r} is no {form}"
