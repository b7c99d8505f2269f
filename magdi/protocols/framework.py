"""A real team of an agent framework, with magdi's teachers as its model clients: what all such protocols share.

The framework's own code decides who speaks and what the prompt holds. Its clients speak through a `Voice`, which waits
in a `SteppedLoop` until the protocol has yielded the call and got the reply. Edges are what the prompts really held.
"""

from __future__ import annotations

import logging
import re
from abc import abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.decision import last_answer, last_words, vote
from magdi.core.errors import ConfigError, MagdiError
from magdi.core.extras import need
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol
from magdi.core.reply import Extract, FreeText, Parsed, UnreadableReply, strip_answer_sentence
from magdi.protocols.chatting import HAND_OVER, ChatAnswer, handed_over, without_signals
from magdi.protocols.stepped_loop import Call, SteppedLoop
from magdi.protocols.team_prompts import Form, Line, fill_form, make_form, plain_name, with_task
from magdi.protocols.templates import Templates, fill

SOLVER, SELECTOR = "solver", "selector"
PERSONA = "You are one of a group that answers a question together."


class Asked(NamedTuple):
    """What a client was asked.

    Attributes:
        agent: Whose client it is.
        role: In which role it is asked.
        lines: The prompt.
    """

    agent: Agent
    role: str
    lines: tuple[Line, ...]


class Said(NamedTuple):
    """What a client is answered.

    Attributes:
        turn: The turn.
        target: To whom it hands over, as the framework calls them; "" where it does not.
    """

    turn: Turn
    target: str


class Voice(NamedTuple):
    """Speaks for one agent in one role; the replies come from the agent's teacher, through the protocol.

    Attributes:
        loop: The loop in which the team runs.
        agent: The agent.
        role: The role.
        names: All members' names, as the framework has them.
    """

    loop: SteppedLoop[Asked, Turn]
    agent: Agent
    role: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """Under which name its replies are known."""
        return SELECTOR if self.role == SELECTOR else plain_name(self.agent.name)

    async def say(self, lines: Sequence[Line], targets: Sequence[str] = ()) -> Said:
        """Returns the reply to a prompt.

        Teachers know no tools. Where a team offers hand-offs, the prompt says how to ask for one in words.

        Raises:
            RuntimeError: The reply is unreadable: the team fails.
        """
        turn = await self.loop.ask(Asked(self.agent, self.role, (*lines, *how_to_hand_over(targets))))
        if turn.status == "invalid":
            raise RuntimeError(f"{turn.agent} gave no reply that could be read")
        named = re.findall(r"[\w-]+", handed_over(turn.text))[:1]
        # AutoGen writes the names of hand-offs in small letters.
        return Said(turn, next((target for target in targets for name in named if target.lower() == name.lower()), ""))


def how_to_hand_over(targets: Sequence[str]) -> list[Line]:
    """Returns the line of a prompt that says how to hand over to one of these; none without anybody."""
    if not targets:
        return []
    told = f"To hand over to somebody else, end with a line of its own: {HAND_OVER} and one of {', '.join(targets)}."
    return [Line("user", "", told)]


class Member(NamedTuple):
    """What a team is made of.

    Attributes:
        name: The agent's name as the framework takes it: letters, digits and underscores.
        agent: The agent.
        client: Its model client.
        selector: A client that chooses speakers; the same teacher, in another role.
    """

    name: str
    agent: Agent
    client: Any
    selector: Any

    @property
    def persona(self) -> str:
        """What the framework tells the agent about itself."""
        return self.agent.persona or PERSONA


class Utterance(ChatAnswer):
    """Any words; an answer is taken from them where there is one, and none is missed where there is not."""

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Takes all but signals as reasoning, and what the task extracts as answer; only emptiness is unreadable."""
        if not text.strip():
            raise UnreadableReply("the reply is empty")
        said = without_signals(text, self.word)
        return Parsed(reasoning=strip_answer_sentence(said) or text.strip(), answer=extract(said))


class Prompts(Templates):
    """What the team is given; all else in its prompts is the framework's."""

    task: str = Field("{question}\n\n{form}", description="The team's task: {question}, {form} of an answer.")


class Team(Protocol):
    """Lets a team talk, step by step; every call of a model is a turn.

    Attributes:
        package: The framework's package.
        extra: The extra of magdi that installs it.
    """

    package: ClassVar[str]
    extra: ClassVar[str]

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of every team."""

        factory: str = Field(
            "",
            description="Your own team: module:function, from a list of members (name, agent, client, selector) to it.",
        )
        max_turns: Repeats = Field(6, ge=1, description="Most messages.")
        stop_mention: str = Field("", description="Word that ends it when a message holds it, e.g. TERMINATE.")
        decision: Literal["last", "vote"] = Field("last", description="The last answer, or a vote of all last answers.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Any

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        need(self.package, self.extra, f"protocol {self.extra!r}")

    @abstractmethod
    def client(self, voice: Voice) -> Any:
        """Returns a model client of the framework that speaks with a voice."""

    @abstractmethod
    async def run(self, members: Sequence[Member], task: str) -> str:
        """Lets a fresh team talk about a task, and returns why it ended."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Runs the team; the calls that wait for replies at one time are a wave."""
        loop: SteppedLoop[Asked, Turn] = SteppedLoop()
        try:
            task = fill(self.config.prompts.task, question=question.prompt, form=Utterance().instructions(question))
            talk = _Talk(self, self._members(loop, agents), task)
            loop.start(self.run(talk.members, task))
            while not loop.done:
                calls, loop.calls = loop.calls, []
                turns = yield [talk.ask(call) for call in calls]
                talk.heard(calls, turns)
                loop.step()
            return _reason(loop)
        finally:
            loop.close()

    def _members(self, loop: SteppedLoop[Asked, Turn], agents: Sequence[Agent]) -> list[Member]:
        names = tuple(plain_name(agent.name) for agent in agents)

        def client(agent: Agent, role: str) -> Any:
            return self.client(Voice(loop, agent, role, names))

        return [
            Member(name, agent, client(agent, SOLVER), client(agent, SELECTOR))
            for name, agent in zip(names, agents, strict=True)
        ]

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The prompt as the client got it, from its form and the turns that it quotes."""
        return fill_form(ask.note, ask.shown)

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """The last answer of the team, or a vote."""
        spoken = [turn for turn in turns if turn.role != SELECTOR]
        if self.config.decision == "vote":
            return vote(last_words(spoken))
        return last_answer(spoken)


class _Talk:
    """What was said so far, and in which round the talk is: every message is one, with the choice that led to it."""

    def __init__(self, protocol: Team, members: Sequence[Member], task: str) -> None:
        self.protocol, self.members, self._task = protocol, members, task
        self._names = {member.agent.name: member.name for member in members}
        self._said: list[Turn] = []
        self._choice: list[Turn] = []
        self._round = 0

    def ask(self, call: Call[Asked, Turn]) -> Ask:
        """Returns the ask for a call that waits."""
        asked = call.question
        form = self._form(asked)
        selects = asked.role == SELECTOR
        seen = [turn for turn in self._said if turn.step in form.steps]
        if seen:  # a selector that named nobody is shown what it had said: that is no round 0
            self._round = max(self._round, 1)
        return self.protocol.ask(
            asked.agent,
            round=self._round,
            seen=seen,
            role=asked.role,
            reply=FreeText() if selects else Utterance(self.protocol.config.stop_mention),
            caused_by=[] if selects else self._choice,
            note=form.text,
        )

    def _form(self, asked: Asked) -> Form:
        # AutoGen shows a selector that named nobody what it had said, as "selector".
        spoken = [(SELECTOR if turn.role == SELECTOR else self._names[turn.agent], turn) for turn in self._said]
        return make_form(with_task(asked.lines, self._task), spoken, self._names.values())

    def heard(self, calls: Sequence[Call[Asked, Turn]], turns: Sequence[Turn]) -> None:
        """Takes the replies, and gives them to whoever waits for them."""
        self._said += turns
        selected = [turn for turn in turns if turn.role == SELECTOR]
        self._choice = selected[-1:]
        self._round += len(selected) < len(turns)
        for call, turn in zip(calls, turns, strict=True):
            call.future.set_result(turn)


def keep_quiet(*loggers: str) -> None:
    """Keeps a framework from printing what its team fails with: that is the MAG's stop reason.

    Without a handler of its own a logger prints tracebacks on stderr.
    """
    for name in loggers:
        logging.getLogger(name).addHandler(logging.NullHandler())


def load_factory(target: str) -> Any:
    """Returns a function from members to a team, by "module:function".

    Raises:
        ConfigError: There is none.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        hint = "a module in this folder is found with PYTHONPATH=. before the command"
        raise ConfigError(f"the team factory {target!r} cannot be loaded: {error}", hint=hint) from None


def _reason(loop: SteppedLoop[Asked, Turn]) -> str:
    """Returns why the team has ended, or what it has failed with: what was said until then is kept."""
    if loop.task.cancelled():
        return "cancelled"
    error = loop.task.exception()
    if isinstance(error, MagdiError):
        raise error
    if error is not None:
        return f"failed: {str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__}"
    return str(loop.task.result())
