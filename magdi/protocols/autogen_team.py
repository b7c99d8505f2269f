"""The model client and the teams of autogen-agentchat that need no Python of the user's. Needs autogen-agentchat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow, RoundRobinGroupChat, SelectorGroupChat, Swarm
from autogen_core import FunctionCall
from autogen_core.models import ChatCompletionClient, CreateResult, ModelFamily, ModelInfo, RequestUsage

from magdi.protocols.framework import Member, Said, Voice, keep_quiet, load_factory
from magdi.protocols.team_prompts import Line

if TYPE_CHECKING:
    from magdi.protocols.autogen import Autogen

keep_quiet("autogen_core", "autogen_agentchat")

TRANSFER = "transfer_to_"


def make_team(members: Sequence[Member], config: Autogen.Config) -> Any:
    """Returns a fresh team.

    Raises:
        ConfigError: The factory cannot be loaded.
    """
    if config.factory:
        return load_factory(config.factory)(list(members))
    agents = [_assistant(member, members, config) for member in members]
    ends = MaxMessageTermination(config.max_turns + 1)  # the task is a message, too
    if config.stop_mention:
        ends = ends | TextMentionTermination(config.stop_mention, sources=[member.name for member in members])
    match config.team:
        case "selector" if len(members) > 1:  # there is nothing to choose from otherwise, and AutoGen refuses
            chooser = members[0].selector
            return SelectorGroupChat(agents, model_client=chooser, termination_condition=ends)
        case "swarm":
            return Swarm(agents, termination_condition=ends)
        case "graph-flow":
            return GraphFlow(agents, graph=_graph(agents, config.graph), termination_condition=ends)
    return RoundRobinGroupChat(agents, termination_condition=ends)


def _assistant(member: Member, members: Sequence[Member], config: Autogen.Config) -> Any:
    others = [other.name for other in members if other is not member]
    return AssistantAgent(
        member.name,
        model_client=member.client,
        system_message=member.persona,
        description=member.persona,
        handoffs=others if config.team == "swarm" and others else None,
    )


def _graph(agents: Sequence[Any], edges: Sequence[tuple[int, int]] | None) -> Any:
    """Returns a graph over agents; by default the first speaks, all others do side by side, the last one ends it."""
    n = len(agents)
    if edges is None:
        middle = range(1, n - 1)
        edges = [(0, k) for k in middle] + [(k, n - 1) for k in middle] or [(k, k + 1) for k in range(n - 1)]
    builder = DiGraphBuilder()
    for agent in agents:
        builder.add_node(agent)
    for source, target in edges:
        if 0 <= source < n and 0 <= target < n:
            builder.add_edge(agents[source], agents[target])
    return builder.build()


class TeacherClient(ChatCompletionClient):  # type: ignore[misc]
    """Speaks with a voice; a reply that hands over becomes the call of the hand-off."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._usage = RequestUsage(prompt_tokens=0, completion_tokens=0)

    async def create(self, messages: Sequence[Any], *, tools: Sequence[Any] = (), **_: Any) -> Any:
        """Asks magdi; an unreadable reply fails the team."""
        said = await self._voice.say(as_lines(messages), _targets(tools))
        self._usage.prompt_tokens += said.turn.usage.prompt_tokens
        self._usage.completion_tokens += said.turn.usage.completion_tokens
        return _result(said)

    async def create_stream(self, messages: Sequence[Any], **arguments: Any) -> AsyncGenerator[Any, None]:
        """Gives the whole reply as its only part."""
        yield await self.create(messages, **arguments)

    async def close(self) -> None:
        """Holds nothing open."""

    def actual_usage(self) -> Any:
        """Tokens so far."""
        return self._usage

    def total_usage(self) -> Any:
        """Tokens so far."""
        return self._usage

    def count_tokens(self, messages: Sequence[Any], *, tools: Sequence[Any] = ()) -> int:
        """About four characters a token."""
        return sum(len(line.text) for line in as_lines(messages)) // 4

    def remaining_tokens(self, messages: Sequence[Any], *, tools: Sequence[Any] = ()) -> int:
        """Teachers say themselves when a prompt is too long."""
        return 1_000_000

    @property
    def capabilities(self) -> Any:
        """The old name of `model_info`."""
        return self.model_info

    @property
    def model_info(self) -> Any:
        """Text in, text out; hand-offs by words."""
        return ModelInfo(
            vision=False,
            function_calling=True,
            json_output=False,
            structured_output=False,
            family=ModelFamily.UNKNOWN,
            multiple_system_messages=True,
        )


def _targets(tools: Sequence[Any]) -> list[str]:
    names = [tool["name"] if isinstance(tool, dict) else tool.name for tool in tools]
    return [name.removeprefix(TRANSFER) for name in names if name.startswith(TRANSFER)]


def _result(said: Said) -> Any:
    turn, target = said
    usage = RequestUsage(prompt_tokens=turn.usage.prompt_tokens, completion_tokens=turn.usage.completion_tokens)
    if not target:
        return CreateResult(finish_reason="stop", content=turn.text, usage=usage, cached=False)
    call = FunctionCall(id=f"handoff-{turn.step}", name=TRANSFER + target, arguments="{}")
    return CreateResult(finish_reason="function_calls", content=[call], thought=turn.text, usage=usage, cached=False)


def as_lines(messages: Iterable[Any]) -> list[Line]:
    """Returns AutoGen's messages as lines; calls of functions are their thought, results their text."""
    return [line for message in messages for line in _lines_of(message)]


def _lines_of(message: Any) -> list[Line]:
    source = getattr(message, "source", "")
    match message.type:
        case "SystemMessage":
            return [Line("system", "", message.content)]
        case "UserMessage":
            return [Line("user", source, _text(message.content))]
        case "AssistantMessage":
            said = message.content if isinstance(message.content, str) else message.thought
            return [Line("assistant", source, said)] if said else []
    return [Line("user", "", result.content) for result in message.content]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part for part in content if isinstance(part, str))
