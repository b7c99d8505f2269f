"""Protocols: who speaks when, and what each one is shown.

A protocol is a generator that does no I/O. It yields waves of `Ask`s, each with the earlier turns that its prompt
quotes, and receives the same turns back with replies. The driver calls the teachers; edges are what was shown.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from magdi.core.configurable import Configurable
from magdi.core.decision import last_words, vote
from magdi.core.mag import Decision, EdgeKind, Message, Question, Seen, Turn
from magdi.core.quotation import enclose
from magdi.core.reply import JsonAnswer, ReplyFormat


@dataclass(frozen=True, slots=True)
class Agent:
    """A teacher's part in a discussion.

    Attributes:
        name: Unique within the discussion; it is what the others may be told.
        persona: What the agent is told about itself; empty for nothing.
    """

    name: str
    persona: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A turn that is yet to be said.

    Attributes:
        agent: Who is to speak.
        round: Round of the turn; 0 before anyone has been shown anything.
        shown: The earlier turns whose text stands in the prompt, in the order of their steps.
        kinds: How each turn of ``shown`` is shown; as long as ``shown``.
        role: solver, critic, moderator, judge, ...
        branch: Path of sample indices, for tree protocols.
        reply: The form of the reply.
        caused_by: Earlier turns that brought this one about (chose the speaker, say) and do not stand in its prompt;
            edges of kind ``control``.
        note: What the protocol's `prompt` needs to know beyond this, e.g. which of its prompts to use. Never text of a
            turn: what is quoted goes through ``shown``, or the graph lies.
    """

    agent: Agent
    round: int = 0
    shown: tuple[Turn, ...] = ()
    kinds: tuple[EdgeKind, ...] = ()
    role: str = "solver"
    branch: tuple[int, ...] = ()
    reply: ReplyFormat = field(default_factory=JsonAnswer)
    caused_by: tuple[Turn, ...] = ()
    note: str = ""

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The edges that this turn brings, in the order of their sources' steps."""
        shown = {turn.step: Seen(step=turn.step, kind=kind) for turn, kind in zip(self.shown, self.kinds, strict=True)}
        causes = {turn.step: Seen(step=turn.step, kind="control") for turn in self.caused_by}
        return tuple(edge for _, edge in sorted((causes | shown).items()))


EDGE_KIND_OF_ROLE: dict[str, EdgeKind] = {"critic": "critique", "verifier": "critique", "summariser": "summary"}
"""How the turns of a role are shown to others; all other turns are ``content``."""

Wave = Sequence[Ask]
Discussion = Generator[Wave, list[Turn], str | None]
"""Yields waves, receives their turns in the same order, returns why it ended (None: ``finished``)."""


class Protocol(Configurable):
    """Base class of protocols.

    A subclass writes `discuss`; most also say in `prompt` how a turn's prompt reads, and some in `decide` how the
    turns become one answer. Instances are shared by all questions and keep nothing between them.

        class Quorum(Protocol):
            def discuss(self, question, agents):
                said = yield [self.ask(agent) for agent in agents]
                for round in range(1, 4):
                    if agreement(said) >= 2 / 3:
                        return "quorum"
                    said = yield [self.ask(agent, round=round, seen=said) for agent in agents]
                return "rounds"

    Attributes:
        min_agents: Fewest agents that it can do with.
        max_agents: Most agents that it can do with; None for any number.
    """

    min_agents: ClassVar[int] = 1
    max_agents: ClassVar[int | None] = None

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that its turns have; empty where it does not say, and a role that there is not is told afterwards."""
        return ()

    def ask(
        self,
        agent: Agent,
        *,
        round: int = 0,
        seen: Iterable[Turn] = (),
        role: str = "solver",
        kind: EdgeKind | None = None,
        branch: tuple[int, ...] = (),
        reply: ReplyFormat | None = None,
        caused_by: Iterable[Turn] = (),
        note: str = "",
    ) -> Ask:
        """Returns a turn to be said by an agent after having been shown ``seen``.

        Invalid turns are left out of what is shown: there is nothing in them to show. A turn that is named twice (the
        left and the right neighbour on a ring of two) is shown once. What an agent itself said
        earlier in the same role is shown with the edge kind ``self``, all else with ``kind``; where that is left out,
        with the kind that goes with the role of who said it (`EDGE_KIND_OF_ROLE`).
        """
        once = {turn.step: turn for turn in seen if turn.status != "invalid"}
        shown = tuple(once[step] for step in sorted(once))
        return Ask(
            agent=agent,
            round=round,
            shown=shown,
            kinds=tuple(
                "self"
                if (turn.agent, turn.role) == (agent.name, role)
                else kind or EDGE_KIND_OF_ROLE.get(turn.role, "content")
                for turn in shown
            ),
            role=role,
            branch=branch,
            reply=reply or JsonAnswer(),
            caused_by=tuple(caused_by),
            note=note,
        )

    @abstractmethod
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Yields the waves of one discussion; ``question`` is blind (it has no gold answer)."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """Returns the prompt of a turn: persona, question, what is shown, form of the reply.

        It quotes all of ``ask.shown`` and no other turn; the conformance kit checks it.
        """
        parts = [question.prompt]
        if ask.shown:
            parts += [
                "Here is what has been said so far.",
                *(quote(turn, own=ask.agent.name) for turn in ask.shown),
            ]
            parts += ["Weigh these solutions carefully, then give your own answer to the question."]
        parts += [ask.reply.instructions(question)]
        return chat(ask.agent.persona, *parts)

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        """Returns the discussion's answer; by default a plurality vote over the agents' last answers.

        May be a generator that yields further waves (a judge) before it returns.
        """
        return vote(last_words(turns))

    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Returns the turns with the labels that training uses; ``correct`` is set by then.

        By default a turn's label is whether its own answer is right. It may set ``label``, ``label_source`` and
        ``value`` and nothing else.
        """
        return [
            turn if turn.correct is None else turn.model_copy(update={"label": turn.correct, "label_source": "gold"})
            for turn in turns
        ]


def quote(turn: Turn, *, own: str = "", named: bool = True) -> str:
    """Returns a turn as others are shown it: who, reasoning, answer, and confidence where one was stated.

    Args:
        turn: What to quote.
        own: Name of the agent who reads it; its own turn is marked as its own.
        named: Whether the speaker is named.
    """
    who = "Your own earlier solution" if turn.agent == own else f"Solution of {turn.agent}" if named else "A solution"
    stated = "" if turn.confidence is None else f" (stated confidence {turn.confidence:.2f})"
    verdict = "" if turn.answer is None else f"The answer is {turn.answer}.{stated}"
    return enclose(who, turn.reasoning or turn.text, verdict)


def chat(persona: str, *parts: str) -> list[Message]:
    """Returns a system message (where there is a persona) and a user message of the non-empty parts."""
    system = [Message(role="system", content=persona)] if persona else []
    return [*system, Message(role="user", content="\n\n".join(part for part in parts if part))]


def agents_named(names: Iterable[str]) -> list[Agent]:
    """Returns agents without personas."""
    return [Agent(name) for name in names]
