"""Small teams as people write them, one a framework, their spans written to a file: ``teams.py NAME URL FILE``.

Each runs in a process of its own: instrumentation is switched on for good. Nothing of magdi is imported.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TASK = "Tom has 3 boxes with 4 apples each and eats 2 of them. How many apples are left?"
NAMES = ("ada", "ben", "cleo")


def persona(name: str) -> str:
    return f"You are {name}, one of three who solve a problem together."


def record_spans(path: Path) -> Any:
    """Sets the tracer provider that every instrumentation finds: one SDK span a line."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    provider = TracerProvider()
    file = path.open("w")
    exporter = ConsoleSpanExporter(out=file, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def agent_framework(provider: Any) -> None:
    """A group chat by turns, then two side by side."""
    os.environ |= {"ENABLE_INSTRUMENTATION": "true", "ENABLE_SENSITIVE_DATA": "true"}
    from agent_framework import Agent
    from agent_framework.openai import OpenAIChatCompletionClient
    from agent_framework_orchestrations import GroupChatBuilder

    client = OpenAIChatCompletionClient("stub")
    agents = [Agent(client, persona(name), name=name) for name in NAMES]
    turns: Callable[[Any], str] = lambda state: NAMES[state.current_round % 3]  # noqa: E731
    asyncio.run(GroupChatBuilder(participants=agents, selection_func=turns, max_rounds=5).build().run(TASK))


def openai_agents(provider: Any) -> None:
    """Two answer alone, a third is given both answers and hands over to the first."""
    from agents import Agent, OpenAIChatCompletionsModel, Runner, trace
    from openai import AsyncOpenAI
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
    model = OpenAIChatCompletionsModel("stub", AsyncOpenAI())
    ada, ben, cleo = (Agent(name=name, instructions=persona(name), model=model) for name in NAMES)

    async def debate() -> None:
        with trace("debate"):
            first, second = await asyncio.gather(Runner.run(ada, TASK), Runner.run(ben, TASK))
            both = f"{TASK}\n\nada says:\n{first.final_output}\n\nben says:\n{second.final_output}"
            third = await Runner.run(cleo, both)
            await Runner.run(ada, [*first.to_input_list(), {"role": "user", "content": f"cleo: {third.final_output}"}])

    asyncio.run(debate())


def langgraph(provider: Any) -> None:
    """Two nodes side by side, a third that reads both."""
    import operator
    from typing import Annotated, TypedDict

    from langchain_openai import ChatOpenAI
    from langgraph.graph import END, START, StateGraph
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().instrument(tracer_provider=provider)
    State = TypedDict("State", {"said": Annotated[list[str], operator.add]})  # noqa: UP013
    model = ChatOpenAI(model="stub")

    def node(name: str) -> Callable[[Any], Any]:
        def speak(state: Any) -> Any:
            told = "\n\n".join([TASK, *state["said"]])
            reply = model.invoke([("system", persona(name)), ("user", told)])
            return {"said": [f"{name}: {reply.content}"]}

        return speak

    graph = StateGraph(State)
    for name in NAMES:
        graph.add_node(name, node(name))  # type: ignore[call-overload]
    for start, end in ((START, "ada"), (START, "ben"), ("ada", "cleo"), ("ben", "cleo"), ("cleo", END)):
        graph.add_edge(start, end)
    graph.compile().invoke({"said": []})


def ag2(provider: Any) -> None:
    """A conversation of two over a hub."""
    from ag2 import Agent
    from ag2.config import OpenAIConfig
    from ag2.knowledge import MemoryKnowledgeStore
    from ag2.middleware.builtin.telemetry import TelemetryMiddleware
    from ag2.network import EV_TEXT, Hub

    def agent(name: str) -> Any:
        spy = TelemetryMiddleware(agent_name=name, capture_content=True, tracer_provider=provider)
        return Agent(name, persona(name), config=OpenAIConfig("stub"), middleware=[spy])

    async def talk() -> None:
        hub = await Hub.open(MemoryKnowledgeStore(), ttl_sweep_interval=0, tracer_provider=provider)
        ada, ben = [await hub.register(agent(name), attach_plugin=False) for name in NAMES[:2]]
        channel = await ada.open(type="conversation", target="ben")
        await channel.send(TASK, audience=[ben.agent_id])
        while sum(each.event_type == EV_TEXT for each in await hub.read_wal(channel.channel_id)) < 5:
            await asyncio.sleep(0.01)
        await channel.close()
        await hub.close()

    asyncio.run(talk())


def crewai(provider: Any) -> None:
    """A crew of three, one task each, in a row."""
    os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "OTEL_SDK_DISABLED": "false"}
    from crewai import LLM, Agent, Crew, Task  # type: ignore[import-not-found]
    from openinference.instrumentation.crewai import CrewAIInstrumentor  # type: ignore[import-not-found]
    from openinference.instrumentation.openai import OpenAIInstrumentor  # type: ignore[import-not-found]

    CrewAIInstrumentor().instrument(tracer_provider=provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    model = LLM(model="openai/stub", base_url=os.environ["OPENAI_BASE_URL"])
    agents = [Agent(role=name, goal="solve the problem", backstory=persona(name), llm=model) for name in NAMES]
    tasks = [Task(description=TASK, expected_output="the number", agent=agent) for agent in agents]
    Crew(agents=agents, tasks=tasks).kickoff()


def main(name: str, url: str, path: str) -> None:
    os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "OPENAI_AGENTS_DISABLE_TRACING": "0"}
    provider = record_spans(Path(path))
    {each.__name__: each for each in (agent_framework, openai_agents, langgraph, ag2, crewai)}[name](provider)
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
