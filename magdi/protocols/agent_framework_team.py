"""The chat client and the workflows of Agent Framework that need no Python of the user's. Needs its orchestrations."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
)
from agent_framework_orchestrations import (
    MAGENTIC_MANAGER_NAME,
    AgentOrchestrationOutput,
    ConcurrentBuilder,
    GroupChatBuilder,
    HandoffBuilder,
    MagenticBuilder,
    SequentialBuilder,
    StandardMagenticManager,
)

from magdi.protocols.framework import SELECTOR, Member, Said, Voice, keep_quiet, load_factory
from magdi.protocols.team_prompts import Line, Role

if TYPE_CHECKING:
    from magdi.protocols.agent_framework import AgentFramework

keep_quiet("agent_framework", "agent_framework_orchestrations")

HANDOFF = "handoff_to_"


def make_team(members: Sequence[Member], config: AgentFramework.Config) -> Any:
    """Returns a fresh workflow.

    Raises:
        ConfigError: The factory cannot be loaded.
    """
    if config.factory:
        return load_factory(config.factory)(list(members))
    settings = {"require_per_service_call_history_persistence": config.team == "handoff"}
    agents = [_agent(member, member.client, **settings) for member in members]
    ends = _ending(config)
    limits: dict[str, Any] = {"max_rounds": config.max_turns, "termination_condition": ends}
    lead = members[0]._replace(name=SELECTOR)
    match config.team if len(members) > 1 else "group-chat":  # all others need somebody to talk to
        case "selector":
            leader = _agent(lead, lead.selector)
            return GroupChatBuilder(participants=agents, orchestrator_agent=leader, **limits).build()
        case "sequential":
            return SequentialBuilder(participants=agents).build()
        case "concurrent":
            return ConcurrentBuilder(participants=agents).build()
        case "handoff":
            team = HandoffBuilder(participants=agents, termination_condition=ends)
            return team.with_start_agent(agents[0]).build()
        case "magentic":
            return MagenticBuilder(participants=agents, manager=_Manager(lead, config.max_turns)).build()
    return GroupChatBuilder(participants=agents, selection_func=_in_turn, **limits).build()


def _agent(member: Member, client: Any, **settings: Any) -> Agent:
    return Agent(client, member.persona, name=member.name, description=member.persona, **settings)


def _in_turn(state: Any) -> str:
    names = list(state.participants)
    return str(names[state.current_round % len(names)])


def _ending(config: AgentFramework.Config) -> Any:
    def ends(messages: Sequence[Message]) -> bool:
        said = [message.text for message in messages if message.role == "assistant"]
        return len(said) >= config.max_turns or any(config.stop_mention in text for text in said if config.stop_mention)

    return ends


def why_ended(result: Any) -> str:
    """Returns why a workflow ended, in the words of its orchestrator where it has some."""
    if result.get_request_info_events():
        return "waits for the user"
    said = [message.text for output in result.get_outputs() for message in getattr(output, "messages", ())]
    return next(
        (text for text in said[-1:] if text.startswith(("The group chat has", "Workflow terminated"))), "finished"
    )


class _Manager(StandardMagenticManager):  # type: ignore[misc]
    """Plans and chooses as selector, and gives the final answer as one who answers."""

    def __init__(self, lead: Member, max_turns: int) -> None:
        # One attempt: what follows a second one is a pause by the clock.
        super().__init__(
            _agent(lead, lead.selector), max_round_count=max_turns, max_reset_count=1, progress_ledger_retry_count=1
        )
        self._answering = _agent(lead, lead.client)

    async def prepare_final_answer(self, magentic_context: Any) -> Any:
        self._agent = self._answering
        return await super().prepare_final_answer(magentic_context)


class TeacherClient(FunctionInvocationLayer, ChatMiddlewareLayer, BaseChatClient):  # type: ignore[misc]
    """Speaks with a voice; a reply that hands over becomes the call of the hand-off."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self._voice = voice

    def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **_: Any
    ) -> Any:
        return (
            self._build_response_stream(self._updates(messages, options)) if stream else self._reply(messages, options)
        )

    async def _reply(self, messages: Sequence[Message], options: Mapping[str, Any]) -> ChatResponse:
        targets = [tool.name.removeprefix(HANDOFF) for tool in _tools(options) if tool.name.startswith(HANDOFF)]
        said = await self._voice.say(self._lines(messages, options), targets)
        text = said.turn.text
        if options.get("response_format") is AgentOrchestrationOutput:
            text = _as_choice(text, self._voice.names)
        return ChatResponse(messages=[Message("assistant", [text, *_handoff(said)])])

    async def _updates(
        self, messages: Sequence[Message], options: Mapping[str, Any]
    ) -> AsyncIterator[ChatResponseUpdate]:
        for message in (await self._reply(messages, options)).messages:
            yield ChatResponseUpdate(role="assistant", contents=message.contents)

    def _lines(self, messages: Sequence[Message], options: Mapping[str, Any]) -> list[Line]:
        told = options.get("instructions")
        return [*([Line("system", "", told)] if told else []), *as_lines(messages, self._voice.name)]


def as_lines(messages: Iterable[Message], own: str) -> list[Line]:
    """Returns messages as lines; what others said is no assistant message of the reader's."""
    lines = []
    for message in messages:
        results = (str(part.result) for part in message.contents if part.result is not None)
        text = "\n".join(filter(None, [message.text, *results]))
        author = message.author_name or (own if message.role == "assistant" else "")
        author = SELECTOR if author == MAGENTIC_MANAGER_NAME else author
        if text.strip():
            lines.append(Line(_role(message.role, author, own), author, text))
    return lines


def _role(role: str, author: str, own: str) -> Role:
    if role == "system":
        return "system"
    return "assistant" if (role, author) == ("assistant", own) else "user"


def _tools(options: Mapping[str, Any]) -> list[Any]:
    return [tool for tool in options.get("tools") or () if hasattr(tool, "name")]


def _handoff(said: Said) -> list[Content]:
    if not said.target:
        return []
    return [Content.from_function_call(f"handoff-{said.turn.step}", HANDOFF + said.target, arguments="{}")]


def _as_choice(text: str, names: Sequence[str]) -> str:
    """Returns an orchestrator's decision; of words without JSON, the first name in them, else the first member's."""
    if re.search(r'"(next_speaker|terminate)"', text):
        return text
    named = [word for word in re.findall(r"\w+", text) if word in names]
    return str(AgentOrchestrationOutput(terminate=False, reason="", next_speaker=[*named, *names][0]).model_dump_json())
