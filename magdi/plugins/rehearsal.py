"""A discussion by somebody else's code is rehearsed, with made-up replies, before the first teacher is asked.

Replies agree, disagree, change, and cannot be read; what a protocol, a decision rule, a form of reply or a task does
wrong with one of them would else be seen once they are paid for. What magdi ships has been through this in its tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, redirect_stdout
from functools import cache, partial

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.decision import DecisionRule
from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.errors import ComponentError, ConfigError, MagdiError, ProtocolError, called, raised
from magdi.core.mag import Mag, Message, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.reply import Parsed, UnreadableReply, read_reply
from magdi.core.run.seats import agents, check_count
from magdi.core.task import Task
from magdi.core.verdict import Reading
from magdi.plugins.guard import guarded
from magdi.plugins.runs.drives import MOST_CHARACTERS, MOST_TURNS
from magdi.plugins.runs.stand_in import answers
from magdi.plugins.target import is_theirs
from magdi.plugins.testing.discussions import AGREEING, READABLE, UNREADABLE, Scenario, forms

READ_BACK = 20
"""Questions of a run whose right answers are read and graded."""


def rehearse(config: RunConfig, components: Components, task: Task) -> Iterator[str]:
    """Holds discussions of a run's first question, unless all that holds them is magdi's own.

    Args:
        config: The run's.
        components: Makes its protocol and decision rule.
        task: Its task.

    Yields:
        What somebody should know who is about to pay for discussions.

    Raises:
        ComponentError: The protocol, the rule, a form of reply or the task fails, or changes the whole process.
        ConfigError: There are too few agents for the protocol, or too many.
    """
    given = config.discussion
    protocol = components.protocol(config.protocol)
    rule = components.decision(given.decision) if given.decision else None
    if given.mag_files or not any(map(is_theirs, (protocol, rule, task))):
        return
    questions = task.first(given.split, READ_BACK if given.questions is None else min(READ_BACK, given.questions))
    taking_part = [Agent(name, choice.persona) for name, choice in agents(config, task).items()]
    if not questions or not taking_part:
        return
    check_count(protocol, config.protocol.name, len(taking_part))
    talk = _Talk(protocol, config.protocol.name, taking_part, task, rule)
    try:
        yield from talk.notes(questions)
    except _UnwritableError:
        return


class _UnwritableError(Exception):
    """A reply is asked for in a form in which none could be made up."""


class _Talk:
    """What is rehearsed: who discusses, and by which rules."""

    def __init__(
        self,
        protocol: Protocol,
        name: str,
        taking_part: Sequence[Agent],
        task: Task,
        rule: DecisionRule | None,
    ) -> None:
        self._protocol, self._name, self._agents, self._task, self._rule = protocol, name, taking_part, task, rule
        self._places = {agent.name: place for place, agent in enumerate(taking_part)}

    def notes(self, questions: Sequence[Question]) -> Iterator[str]:
        """Rehearses with the first of some questions, and yields what should be known."""
        first = questions[0]
        mags = [self._held(first, scenario)[0] for scenario in READABLE]
        yield from self._of_unreadable(first)
        if not any(turn.label is not None for mag in mags for turn in mag.turns) and first.gold is not None:
            yield f"warning: {self._what} labels no turn, right answers or not: there will be nothing to learn from"
        if self._held(first, AGREEING)[1] != self._held(first, AGREEING)[1]:
            yield (
                f"warning: {self._what} goes another way each time, with the same replies: a run that is stopped and "
                "resumed would ask and pay again"
            )
        unread = [each for each in questions if each.gold is not None and not self._reads_back(each)]
        if unread and len(unread) == len(questions):
            gold = unread[0].gold
            yield (
                f"warning: of {len(questions)} questions of task {called(self._task)} no right answer is taken for "
                f"right in a reply that gives it ({gold!r:.60}): gold answers have the form that extract() gives"
            )

    def _of_unreadable(self, question: Question) -> Iterator[str]:
        """Yields what fails where replies cannot be read: in a run such discussions alone, and the others go on."""
        for scenario in UNREADABLE:
            try:
                self._held(question, scenario)
            except ComponentError as error:
                if not (isinstance(failed := error.__cause__, MagdiError) and failed.__cause__):  # it never ends
                    raise
                rehearsed = f"rehearsed with {scenario.name} replies: discussions with such will fail"
                yield f"warning: {failed.message}, {rehearsed}"
                return

    @property
    def _what(self) -> str:
        return f"protocol {self._name!r}"

    def _reads_back(self, question: Question) -> bool:
        gold = str(question.gold)
        read = (self._task.read(text, question).answer for text in (f"The answer is {gold}.", gold))
        return any(self._task.graded(answer, gold) for answer in read)

    def _held(self, question: Question, scenario: Scenario) -> tuple[Mag, list[tuple[str, tuple[Message, ...]]]]:
        """Holds one discussion; returns it, and who was asked what.

        Raises:
            ComponentError: It cannot be held.
        """
        try:
            with guarded() as undone, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
                found = self._hold(question, scenario)
        except (ConfigError, _UnwritableError):
            raise
        except Exception as error:
            what = error.message if isinstance(error, MagdiError) else f"{self._what}: {raised(error)}"
            hint = getattr(error, "hint", "") or "magdi plugins check holds many more such discussions"
            raise ComponentError(
                f"{what}, rehearsed with {scenario.name} replies; nobody was asked", hint=hint
            ) from error
        if undone:
            raise ComponentError(f"{self._what} {undone[0]}: rehearsed; nobody was asked")
        return found

    def _hold(self, question: Question, scenario: Scenario) -> tuple[Mag, list[tuple[str, tuple[Message, ...]]]]:
        stepper = Stepper(
            question,
            self._protocol,
            self._agents,
            grade=self._task.graded,
            protocol_name=self._name,
            decide=self._rule,
            model=lambda ask: "rehearsed",
            turn_limit=MOST_TURNS,
        )
        read = cache(partial(self._task.read, question=question))  # the same texts come again and again
        prompts: list[tuple[str, tuple[Message, ...]]] = []
        characters = 0
        with closing(stepper):
            while not stepper.done:
                for pending in stepper.pending:
                    prompts.append((pending.ask.agent.name, pending.messages))
                    characters += sum(len(message.content) for message in pending.messages)
                    if characters > MOST_CHARACTERS:
                        what = (
                            f"has not ended after {len(prompts):,} turns with {MOST_CHARACTERS:,} characters of prompts"
                        )
                        raise ProtocolError(f"{self._what} {what}", hint="fewer rounds, or a rule by which it ends")
                    text, parsed = self._reply(pending, question, scenario, read)
                    stepper.answer(pending.step, parsed, text)
            return stepper.result, prompts

    def _reply(
        self, pending: Pending, question: Question, scenario: Scenario, read: Callable[[str], Reading]
    ) -> tuple[str, Parsed | None]:
        """Returns a made-up reply in the form that is asked for, and what the run would read in it."""
        opinion = scenario.opinion(self._places[pending.ask.agent.name], pending.ask.round, pending.step)
        if opinion is None:
            text = scenario.unreadable.replace("{word}", "indeed")
            return text, _parsed(pending, text, read)
        made_up = [*([question.gold] if question.gold else []), *answers(question, len(self._agents) + 1)]
        answer = list(dict.fromkeys(made_up))[opinion % len(set(made_up))]
        best: tuple[str, Parsed] | None = None
        for text in forms(pending, question, "It follows from what was given, step by step.", answer):
            if (parsed := _parsed(pending, text, read)) is not None:
                if parsed.answer is not None:
                    return text, parsed
                best = best or (text, parsed)
        if best is None:
            raise _UnwritableError
        return best


def _parsed(pending: Pending, text: str, read: Callable[[str], Reading]) -> Parsed | None:
    try:
        return read_reply(text, pending.ask.reply, read)
    except UnreadableReply:
        return None
