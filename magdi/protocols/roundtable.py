"""A group chat: one speaks at a time, and all hear it.

Pattern: AutoGen's group chats (Wu et al., "AutoGen: Enabling Next-Gen LLM Applications via Multi-Agent Conversation",
COLM 2024; agentchat's RoundRobin-, Selector- and Swarm-GroupChat).

Graph of M messages m_1..m_M: E = {(m_s, m_t) : s < t}, M (M - 1) / 2 edges (M = 6: 15); with a window of w messages
E = {(m_s, m_t) : t - w <= s < t} (w = 2: 9). The question is never dropped from a window. A model that selects the
speaker adds a turn c_t before each message, E += {(m_s, c_t) : s < t, within the window} + {(c_t, m_t)}, the last one
of kind ``control``; it is asked only where there is a choice.

Every message is a round of its own: the second speaker has already heard the first.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.decision import consensus, last_answer, last_words, vote
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, Wave, chat, quote
from magdi.core.quotation import own_words
from magdi.protocols.chatting import HAND_OVER, ChatAnswer, handed_over
from magdi.protocols.conversation import conversation
from magdi.protocols.forms import NameChoice, named
from magdi.protocols.templates import Templates, fill

SELECTOR = "selector"


class Prompts(Templates):
    """What the speakers and the selector are asked."""

    opening: str = Field(
        "You are {name}, one of a group that answers a question together: {names}.\n\n{question}",
        description="Before everything: {name}, {names} of all, {question}.",
    )
    said: str = Field("{messages}", description="What others have said since: {messages}.")
    speak: str = Field(
        "It is your turn. Build on what has been said so far, or correct it.{mention}{hand_over}\n\n{form}",
        description="The call to speak: {mention} and {hand_over} (sentences or nothing), {form} of the reply.",
    )
    start: str = Field(
        "You are the first to speak.{mention}{hand_over}\n\n{form}",
        description="The call to speak before anything was said: {mention}, {hand_over}, {form}.",
    )
    mention: str = Field(
        " If the discussion has come to its end, say {word}.", description="With stop_mention: {word}."
    )
    hand_over: str = Field(
        " Name who is to speak after you on a line of its own: {marker} name.",
        description="With speaker hand-off: {marker}.",
    )
    select: str = Field(
        "A group answers a question together.\n\n{question}\n\nMembers:\n{members}\n\n{messages}\n\n"
        "Who should speak next? {form}",
        description="The choice of a speaker: {question}, {members}, {messages} so far, {form}.",
    )


class Roundtable(Protocol):
    """One speaks at a time; by turns, by lot, by a model's choice, or whom the last speaker names."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `roundtable`."""

        max_turns: Repeats = Field(6, ge=1, description="Most messages; choices of a speaker are not counted.")
        speaker: Literal["round-robin", "selector", "random", "hand-off"] = Field(
            "round-robin",
            description="Who is next: by turns, chosen by a model, by lot, or named by the last speaker (who goes on "
            "when naming nobody).",
        )
        selector: str = Field("", description="Agent that chooses under speaker selector; the first when left out.")
        repeat: bool = Field(False, description="Whether selector and random may choose the last speaker again.")
        window: int | None = Field(None, ge=1, description="Messages that are shown; null for all.")
        stop_mention: str = Field("", description="Word that ends the chat when a message holds it, e.g. TERMINATE.")
        until_consensus: bool = Field(True, description="Stop when all have spoken and their last answers agree.")
        decision: Literal["vote", "last"] = Field("vote", description="Vote of all last answers, or the last one.")
        seed: int = Field(0, ge=0, description="Seed of the lot; the question's id goes in, too.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """One message a wave.

        Raises:
            ConfigError: There is no agent of the selector's name.
        """
        names = [agent.name for agent in agents]
        if self.config.selector and self.config.selector not in names:
            hint = did_you_mean(self.config.selector, names)
            raise ConfigError(f"protocol.selector: no agent {self.config.selector!r}", hint=hint)
        said: list[Turn] = []
        lot = random.Random(f"{self.config.seed}:{question.id}")
        while len(said) < self.config.max_turns:
            speaker, choice = yield from self._next(agents, said, lot)
            said += yield [
                self.ask(
                    speaker,
                    round=len(said),
                    seen=self._window(said),
                    reply=ChatAnswer(self.config.stop_mention),
                    caused_by=choice,
                    note=", ".join(names),
                )
            ]
            if (word := self.config.stop_mention) and word in own_words(said[-1].text):
                return "mention"
            if self.config.until_consensus and self._agreed(agents, said):
                return "consensus"
        return "turns"

    def _agreed(self, agents: Sequence[Agent], said: Sequence[Turn]) -> bool:
        words = last_words(said)
        return len(words) == len(agents) and consensus(words)

    def _window(self, said: list[Turn]) -> list[Turn]:
        return said if self.config.window is None else said[-self.config.window :]

    def _next(
        self, agents: Sequence[Agent], said: list[Turn], lot: random.Random
    ) -> Generator[Wave, list[Turn], tuple[Agent, list[Turn]]]:
        last = said[-1].agent if said else ""
        others = [agent for agent in agents if self.config.repeat or agent.name != last] or list(agents)
        by_turns = agents[len(said) % len(agents)]
        match self.config.speaker:
            case "selector" if len(others) > 1:
                return (yield from self._select(agents, others, said))
            case "random" | "selector":
                return lot.choice(others), []
            case "hand-off":
                return handed_to(said[-1].text if said else "", agents, last), []
        return by_turns, []

    def _select(
        self, agents: Sequence[Agent], others: Sequence[Agent], said: list[Turn]
    ) -> Generator[Wave, list[Turn], tuple[Agent, list[Turn]]]:
        by_name = {agent.name: agent for agent in agents}
        selector = by_name[self.config.selector] if self.config.selector else agents[0]
        form = NameChoice(tuple(agent.name for agent in others))
        members = "\n".join(f"- {agent.name}: {agent.persona}".rstrip(": ") for agent in others)
        choice = yield [
            self.ask(selector, round=len(said), seen=self._window(said), role=SELECTOR, reply=form, note=members)
        ]
        name = form.chosen(choice[0].text)
        return (by_name[name], choice) if name else (others[len(said) % len(others)], choice)

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The chat so far, own messages as the assistant's; the selector reads it as one text."""
        prompts, form = self.config.prompts, ask.reply.instructions(question)
        if ask.role == SELECTOR:
            said = _quotes(ask.shown) or "Nobody has spoken yet."
            values = {"question": question.prompt, "members": ask.note, "messages": said, "form": form}
            return chat("", fill(prompts.select, **values))
        opening = fill(prompts.opening, name=ask.agent.name, names=ask.note, question=question.prompt)
        word, hand_over = self.config.stop_mention, self.config.speaker == "hand-off"
        call = fill(
            prompts.speak if ask.shown else prompts.start,
            mention=fill(prompts.mention, word=word) if word else "",
            hand_over=fill(prompts.hand_over, marker=HAND_OVER) if hand_over else "",
            form=form,
        )
        if not ask.shown:
            return chat(ask.agent.persona, opening, call)

        def reaction(new: Sequence[Turn], said: int, last: bool) -> str:
            heard = fill(prompts.said, messages=_quotes(new)) if new else ""
            return "\n\n".join(part for part in (heard, call if last else "") if part)

        return conversation(ask, opening, reaction)

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of everybody's last answer, or the last answer of all."""
        return last_answer(turns) if self.config.decision == "last" else vote(last_words(turns))


def handed_to(text: str, agents: Sequence[Agent], last: str) -> Agent:
    """Returns whom a message hands over to; the same speaker where it names nobody, the first before any message."""
    names = [agent.name for agent in agents]
    name = named(handed_over(text), names) or last
    return next((agent for agent in agents if agent.name == name), agents[0])


def _quotes(turns: Sequence[Turn]) -> str:
    return "\n\n".join(quote(turn) for turn in turns)
