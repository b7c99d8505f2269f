"""One discussion, step by step: from a protocol's waves and their replies to a MAG. No I/O, no time, no threads.

The driver, the planner and the conformance kit all hold discussions through it, so that what is checked is what runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from inspect import isgenerator
from typing import Any, NamedTuple

from pydantic import ValidationError

from magdi.core.decision import DecisionRule
from magdi.core.errors import ConfigError, ProtocolError, called, defined, raised
from magdi.core.mag import Decision, Mag, Message, Question, Status, Turn, Usage
from magdi.core.protocol import Agent, Ask, Protocol, Wave
from magdi.core.reply import Parsed, ReplyFormat

TURN_LIMIT = 10_000
"""Turns after which a discussion is taken to be one that never ends."""

Grade = Callable[[str | None, str], bool]


class Pending(NamedTuple):
    """A turn that waits for its reply.

    Attributes:
        step: Its step in the MAG to be; what `Stepper.answer` is told.
        ask: Who is asked for it, shown what.
        messages: The prompt.
        sample: How often the same voice was given the same prompt before in this discussion; `Request.sample`.
    """

    step: int
    ask: Ask
    messages: tuple[Message, ...]
    sample: int


class Stepper:
    """A discussion of one question that is told every reply.

        stepper = Stepper(question, protocol, agents, grade=task.grade)
        while not stepper.done:
            for step, ask, messages, sample in stepper.pending:
                text = ...
                stepper.answer(step, ask.reply.parse(text, extract), text)
        mag = stepper.result

    Args:
        question: The question with its gold answer; the protocol sees it blind.
        protocol: The protocol.
        agents: Who takes part; names are unique.
        grade: The task's `grade`.
        protocol_name: What the MAG calls the protocol; the class's name when empty.
        decide: A decision rule instead of the protocol's own. Its waves are worded by its own ``prompt(question,
            ask)`` where it has one, by the protocol's otherwise.
        model: Returns the teacher that says a turn; agents of one teacher share its count of samples.
        keep_prompts: Keep every turn's prompt in the MAG.
        turn_limit: Most turns before the protocol is taken to run for ever.

    Raises:
        ProtocolError: Here or in `answer`: the protocol broke its contract, or raised.
        ConfigError: The protocol cannot hold this discussion with its settings.
    """

    def __init__(
        self,
        question: Question,
        protocol: Protocol,
        agents: Sequence[Agent],
        *,
        grade: Grade,
        protocol_name: str = "",
        decide: DecisionRule | None = None,
        model: Callable[[Ask], str] = lambda ask: "",
        keep_prompts: bool = False,
        turn_limit: int = TURN_LIMIT,
    ) -> None:
        self.question = question
        self.protocol = protocol
        self.agents = tuple(agents)
        self.protocol_name = protocol_name or type(protocol).__name__
        self._blind = question.blind()
        self._rule: Any = decide or protocol
        self._at_work = self._protocol = f"protocol {self.protocol_name!r}"
        self._grade = grade
        self._model = model
        self._keep_prompts = keep_prompts
        self._turn_limit = turn_limit
        self._word: Callable[[Question, Ask], Sequence[Message]] = protocol.prompt
        self._turns: list[Turn] = []
        self._unsaid: dict[int, Pending] = {}  # of the open wave, by step
        self._said: dict[int, Turn] = {}
        self._prompts: Counter[tuple[str, tuple[Message, ...]]] = Counter()
        self._mag: Mag | None = None
        self._waves = self._hold()
        self._advance(None)

    @property
    def pending(self) -> list[Pending]:
        """The turns of the open wave that still have no reply, in order."""
        return list(self._unsaid.values())

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said so far, whole waves only; ungraded until the end."""
        return self._mag.turns if self._mag else tuple(self._turns)

    @property
    def done(self) -> bool:
        """Whether the discussion is over."""
        return self._mag is not None

    @property
    def result(self) -> Mag:
        """The MAG.

        Raises:
            ProtocolError: The discussion is not over.
        """
        if self._mag is None:
            raise self._broke("is asked for its result before it is over")
        return self._mag

    def close(self) -> None:
        """Ends a discussion before its time: the protocol lets go of what it holds."""
        with suppress(Exception):
            self._waves.close()

    def answer(
        self, step: int, parsed: Parsed | None, text: str, *, usage: Usage | None = None, attempts: int = 1
    ) -> None:
        """Takes one pending turn's reply; the last one of a wave opens the next.

        Args:
            step: The pending turn's step.
            parsed: What was read from the reply; None for a reply that could not be read: the turn is invalid.
            text: The reply as it came.
            usage: Tokens and money, all attempts together.
            attempts: Replies asked for until this one.

        Raises:
            ProtocolError: The protocol broke its contract with the wave that this reply opened.
            KeyError: No such turn is pending.
        """
        self._said[step] = self._turn(self._unsaid[step], parsed, text, usage or Usage(), attempts)
        del self._unsaid[step]
        if not self._unsaid:
            wave = [self._said[step] for step in sorted(self._said)]
            self._turns += wave
            self._advance(wave)

    def _turn(self, pending: Pending, parsed: Parsed | None, text: str, usage: Usage, attempts: int) -> Turn:
        ask, read = pending.ask, parsed or Parsed(reasoning="")
        status: Status = "invalid" if parsed is None else "repaired" if parsed.repaired else "ok"
        try:
            return Turn(
                step=pending.step,
                agent=ask.agent.name,
                role=ask.role,
                round=ask.round,
                branch=ask.branch,
                seen=ask.seen,
                text=text,
                reasoning=read.reasoning,
                answer=read.answer,
                confidence=read.confidence,
                status=status,
                attempts=attempts,
                model=self._model(ask),
                usage=usage,
                prompt=pending.messages if self._keep_prompts else None,
            )
        except ValidationError as error:
            by = f"reads by {type(ask.reply).__name__}.parse()" if parsed else "asks for"
            raise self._broke(f"{by} a turn that cannot be: {_wrong(error)}") from error

    def _hold(self) -> Generator[Wave, list[Turn], tuple[Decision, str]]:
        waves = self.protocol.discuss(self._blind, self.agents)
        if not isgenerator(waves):
            raise self._broke("has a discuss() that is no generator: it must yield its waves")
        stop = yield from waves
        if not isinstance(stop, str | None):
            raise self._broke(f"returned {stop!r} from discuss(): it may return why it ended, as a string")
        self._word = getattr(self._rule, "prompt", self.protocol.prompt)
        if self._rule is not self.protocol:
            self._at_work = f"decision rule {called(self._rule)}"
        decision = self._rule.decide(self._blind, tuple(self._turns))
        if isgenerator(decision):
            decision = yield from decision
        if not isinstance(decision, Decision):
            raise self._broke(f"decided {decision!r:.60}, which is no Decision{defined(self._rule.decide)}")
        try:
            return Decision.model_validate(dict(decision)), stop or "finished"  # copies are of whatever they are told
        except ValidationError as error:
            where = defined(self._rule.decide)
            raise self._broke(f"decided what cannot be: {_wrong(error)}{where}") from error

    def _advance(self, said: list[Turn] | None) -> None:
        try:
            wave = next(self._waves) if said is None else self._waves.send(said)
        except StopIteration as end:
            self._mag = self._finish(*end.value)
        except (ProtocolError, ConfigError):
            raise
        except (Exception, SystemExit) as error:
            raise self._broke(f"raised {raised(error)}") from error
        else:
            self._open(wave)

    def _open(self, wave: Wave) -> None:
        if not (isinstance(wave, Sequence) and all(isinstance(ask, Ask) for ask in wave)):
            hint = "a wave is a list: yield [self.ask(agent) for agent in agents]"
            raise self._broke(f"yielded {wave!r:.60}, which is no wave of asks", hint)
        asks = list(wave)
        if not asks:
            raise self._broke("yielded an empty wave", "where nobody is left to be asked, do not yield")
        if len(self._turns) + len(asks) > self._turn_limit:
            hint = "fewer rounds, or a rule by which it ends: a discussion of so many turns is none"
            raise self._broke(f"has not ended after {self._turn_limit:,} turns", hint)
        for ask in asks:
            self._check(ask)
        self._said = {}
        self._unsaid = {step: self._pend(step, ask) for step, ask in enumerate(asks, start=len(self._turns))}

    def _pend(self, step: int, ask: Ask) -> Pending:
        try:
            worded = self._word(self._blind, ask)
        except (Exception, SystemExit) as error:
            raise self._broke(f"has a prompt() that raised {raised(error)}") from error
        if not (isinstance(worded, Sequence) and all(isinstance(each, Message) for each in worded)):
            what = f"gives {type(worded).__name__} {worded!r:.40}, no list of Message{defined(self._word)}"
            raise self._broke(f"has a prompt() that {what}")
        messages = tuple(worded)
        if not messages:
            raise self._broke(f"has an empty prompt for turn {step}")
        voice = (self._model(ask) or ask.agent.name, messages)
        self._prompts[voice] += 1
        return Pending(step, ask, messages, self._prompts[voice] - 1)

    def _check(self, ask: Ask) -> None:
        if not (isinstance(ask.agent, Agent) and isinstance(ask.reply, ReplyFormat)):
            raise self._broke(f"asks {ask.agent!r:.40} to reply in {ask.reply!r:.60}: no Agent, or no ReplyFormat()")
        if ask.agent.name not in {agent.name for agent in self.agents}:
            raise self._broke(f"asks {ask.agent.name!r}, who does not take part")
        if len(ask.kinds) != len(ask.shown):
            raise self._broke(f"shows {len(ask.shown)} turns as {len(ask.kinds)} kinds")
        steps = [turn.step for turn in ask.shown]
        if steps != sorted(set(steps)):
            raise self._broke(f"shows turns {steps}: not in order, or one twice")
        for turn in (*ask.shown, *ask.caused_by):
            if turn.step >= len(self._turns):
                raise self._broke(f"builds on turn {turn.step} in a wave that starts at turn {len(self._turns)}")
            if turn is not self._turns[turn.step] and turn != self._turns[turn.step]:
                raise self._broke(f"builds on a turn {turn.step} that is not the one said in this discussion")
        self._turn(Pending(len(self._turns), ask, (), 0), None, "", Usage(), 1)  # else it fails once it is paid for

    def _finish(self, decision: Decision, stop: str) -> Mag:
        self._at_work = self._protocol
        if not self._turns:
            raise self._broke("ended before anybody spoke")
        gold = self.question.gold
        graded = [
            turn
            if gold is None or turn.answer is None
            else turn.model_copy(update={"correct": self._grade(turn.answer, gold)})
            for turn in self._turns
        ]
        if gold is not None:
            decision = decision.model_copy(update={"correct": self._grade(decision.answer, gold)})
        return Mag(
            id=self.question.id,
            question=self.question,
            protocol=self.protocol_name,
            turns=tuple(self._labelled(graded)),
            decision=decision,
            stop=stop,
        )

    def _labelled(self, turns: list[Turn]) -> list[Turn]:
        try:
            labelled = list(self.protocol.label(turns) or ())
        except (Exception, SystemExit) as error:
            raise self._broke(f"has a label() that raised {raised(error)}") from error
        if len(labelled) != len(turns) or not all(isinstance(turn, Turn) for turn in labelled):
            raise self._broke(f"has a label() that does not give back the {len(turns)} turns that it is given")
        free = {"label": None, "label_source": "none", "value": None}
        before, after = ([vars(turn) | free for turn in some] for some in (turns, labelled))
        if before != after:
            raise self._broke("changed in label() what is not its to change")
        try:
            return [Turn.model_validate(vars(turn)) for turn in labelled]  # copies are of whatever they are told
        except ValidationError as error:
            raise self._broke(f"labels what cannot be: {_wrong(error)}{defined(self.protocol.label)}") from error

    def _broke(self, how: str, hint: str = "") -> ProtocolError:
        return ProtocolError(f"{self._at_work} {how} (question {self.question.id!r})", hint=hint)


def _wrong(error: ValidationError) -> str:
    """Returns the first thing that is wrong with a record: "votes.a nan: Input should be a finite number"."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))} {first['input']!r:.40}: {first['msg']}"


def ask_again(messages: Sequence[Message], reply: str, reason: str) -> tuple[Message, ...]:
    """Returns the prompt that follows a reply which could not be read: the reply, and what was wrong with it."""
    complaint = f"Your reply could not be used: {reason}. Please reply again in the form asked for."
    return (*messages, Message(role="assistant", content=reply), Message(role="user", content=complaint))
