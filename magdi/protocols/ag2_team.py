"""The model client and the channels of AG2 that need no Python of the user's. Needs ag2 1.x."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from ag2 import Agent
from ag2.compact import CompactionSummary
from ag2.config import ModelConfig, ModelProvider
from ag2.events import ModelMessage, ModelRequest, ModelResponse, ToolResultsEvent
from ag2.knowledge import MemoryKnowledgeStore
from ag2.network import (
    AgentTarget,
    BaseHubListener,
    FromSpeaker,
    Hub,
    HubClient,
    LocalLink,
    Passport,
    TerminateTarget,
    Transition,
    TransitionGraph,
    register_condition,
)

from magdi.protocols.chatting import handed_over
from magdi.protocols.framework import Member, Voice, how_to_hand_over, keep_quiet, load_factory
from magdi.protocols.team_prompts import Line

if TYPE_CHECKING:
    from magdi.protocols.ag2 import Ag2

keep_quiet("ag2")

USER = "user"


def make_team(members: Sequence[Member], config: Ag2.Config) -> Callable[[str], Awaitable[Any]]:
    """Returns a function that lets a fresh team talk about a task, and returns why it ended.

    Raises:
        ConfigError: The factory cannot be loaded.
    """
    if config.factory:
        return load_factory(config.factory)(list(members))  # type: ignore[no-any-return]
    return partial(_talk, members, config)


async def _talk(members: Sequence[Member], config: Ag2.Config, task: str) -> str:
    hub = await Hub.open(MemoryKnowledgeStore(), ttl_sweep_interval=0, expectation_sweep_interval=0)
    try:
        end = _End()
        hub.register_listener(end)
        user = await HubClient(LocalLink(hub), hub=hub).register_human(Passport(name=USER, kind="human"))
        # Without the plugin: its tools are none that a teacher could call, and the ids in its prompts are random.
        seats = [await hub.register(_agent(member, members, config), attach_plugin=False) for member in members]
        ids = [seat.agent_id for seat in seats]
        graph = _graph(user.agent_id, dict(zip([member.name for member in members], ids, strict=True)), config)
        channel = await user.open(type="workflow", target=ids, knobs={"graph": graph.to_dict()})
        await channel.send(task)
        return await end.reason
    finally:
        await hub.close()


def _agent(member: Member, members: Sequence[Member], config: Ag2.Config) -> Agent:
    others = [other.name for other in members if other is not member and config.team == "hand-off"]
    return Agent(
        member.name,
        "\n\n".join([member.persona, *(line.text for line in how_to_hand_over(others))]),
        config=member.client,
    )


def _graph(user: str, ids: dict[str, str], config: Ag2.Config) -> TransitionGraph:
    rules = [Transition(FromSpeaker(user), AgentTarget(next(iter(ids.values()))), priority=-2)]
    if config.stop_mention:
        rules.append(
            Transition(Says(config.stop_mention), TerminateTarget(f"{config.stop_mention} was said"), priority=-1)
        )
    if config.team == "hand-off":
        rules += [Transition(HandsOver(name, agent), AgentTarget(agent)) for name, agent in ids.items()]
    else:
        seats = list(ids.values())
        after = seats[1:] + (seats[:1] if config.team == "round-robin" and seats[1:] else [])
        rules += [Transition(FromSpeaker(one), AgentTarget(other)) for one, other in zip(seats, after, strict=False)]
    return TransitionGraph(user, rules, TerminateTarget("finished"), max_turns=config.max_turns + 1)  # with the task


def _words(envelope: Any) -> str:
    return str(envelope.event_data.get("body") or envelope.event_data.get("text") or "")


@dataclass(slots=True)
class HandsOver:
    """Fires when a message hands over to somebody else, in words: nobody is told of what they said themselves."""

    to: str
    agent_id: str
    name: ClassVar[str] = "magdi_hands_over"

    def evaluate(self, state: Any, envelope: Any) -> bool:
        """Returns whether it fires."""
        named = re.findall(r"\w+", handed_over(_words(envelope)))[:1]
        return named == [self.to] and envelope.sender_id != self.agent_id


@dataclass(slots=True)
class Says:
    """Fires when a message holds a word."""

    word: str
    name: ClassVar[str] = "magdi_says"

    def evaluate(self, state: Any, envelope: Any) -> bool:
        """Returns whether it fires."""
        return self.word in _words(envelope)


for _condition in (HandsOver, Says):
    register_condition(_condition)


class _End(BaseHubListener):  # type: ignore[misc]
    """Tells when the talk is over: its channel is closed, or somebody could not speak."""

    def __init__(self) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def on_channel_event(self, channel_id: str, kind: str, payload: dict[str, object]) -> None:
        if kind in ("closed", "expired") and not self.reason.done():
            self.reason.set_result(str(payload.get("reason") or kind))

    async def on_turn_failed(self, channel_id: str, agent_id: str, envelope_id: str, exc: BaseException) -> None:
        if not self.reason.done():
            self.reason.set_exception(exc)


class TeacherConfig(ModelConfig):  # type: ignore[misc]
    """Speaks with a voice; it is its own client."""

    provider = ModelProvider.OPENAI
    model = "magdi"

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    def copy(self) -> TeacherConfig:
        """Returns itself: it holds nothing of a conversation."""
        return self

    def create(self) -> TeacherConfig:
        """Returns itself."""
        return self

    async def __call__(self, messages: Sequence[Any], context: Any, **_: Any) -> ModelResponse:
        """Asks magdi; an unreadable reply fails the team."""
        told = [Line("system", "", part) for part in context.prompt if part]
        said = await self._voice.say([*told, *as_lines(messages, self._voice)])
        message = ModelMessage(said.turn.text)
        await context.send(message)
        return ModelResponse(message)


def as_lines(messages: Iterable[Any], voice: Voice) -> list[Line]:
    """Returns AG2's events as lines; calls of tools are their text."""
    return [line for message in messages for line in _lines_of(message, voice)]


def _lines_of(message: Any, voice: Voice) -> Iterator[Line]:
    if isinstance(message, ModelRequest):
        yield _heard("\n".join(part.content for part in message.parts if hasattr(part, "content")), voice)
    elif isinstance(message, (ModelMessage, ModelResponse)) and message.content:
        yield Line("assistant", voice.name, message.content)
    elif isinstance(message, ToolResultsEvent):
        results = (part.content for each in message.results for part in each.result.parts if hasattr(part, "content"))
        yield Line("user", "", "\n".join(results))
    elif isinstance(message, CompactionSummary):
        yield Line("user", "", message.summary)


def _heard(text: str, voice: Voice) -> Line:
    label = re.match(r"\[(\w+)\]: ", text)
    named = label is not None and label[1] in (USER, *voice.names)
    return Line("user", label[1], text[label.end() :]) if label and named else Line("user", "", text)
