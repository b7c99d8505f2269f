"""The same discussion is the same MAG, whichever dialect tells of it, in whichever order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from tests.plugins.otel.span_grammar import (
    DIALECTS,
    EDGES,
    QUESTION,
    Node,
    calls,
    debate,
    genai,
    indexed,
    openinference,
    otlp,
)


def imported(path: Path, lines: list[str], **reader: Any) -> list[Mag]:
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(import_files([path], Reader(**reader)))


def edges(mag: Mag) -> list[tuple[int, int, str]]:
    return [(edge.step, turn.step, edge.kind) for turn in mag.turns for edge in turn.seen]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_debate_is_read(dialect: str, tmp_path: Path) -> None:
    (mag,) = imported(tmp_path / "spans.jsonl", DIALECTS[dialect](debate()))
    assert mag.question.text == QUESTION
    assert [turn.agent for turn in mag.turns] == ["ada", "ben", "cyd", "ada", "ben", "judge"]
    assert [turn.text for turn in mag.turns] == [each.reply for each in debate()]
    assert edges(mag) == EDGES
    assert [turn.round for turn in mag.turns] == [0, 0, 0, 1, 1, 2]
    assert {(turn.model, turn.usage.prompt_tokens, turn.usage.completion_tokens) for turn in mag.turns} == {
        ("stub-model", 10, 5)
    }
    assert mag.decision.answer == "72"


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if "document" not in name and "exported" not in name])
def test_the_order_of_spans_does_not_matter(dialect: str, tmp_path: Path) -> None:
    lines = DIALECTS[dialect](debate())
    first = imported(tmp_path / "spans.jsonl", lines)
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        assert imported(tmp_path / "spans.jsonl", lines) == first


def without_metadata() -> list[Node]:
    nodes = openinference(debate(), "langgraph")
    for node in calls(nodes):
        del node.attributes["metadata"]
    return nodes


def named_graph() -> list[Node]:
    nodes = openinference(debate(), "langgraph")
    nodes[0].attributes["agent.name"] = "team"
    return nodes


def tasks_of_a_graph() -> list[Node]:
    nodes = indexed(debate())
    for node in nodes:
        if node.id.endswith("b"):
            node.attributes["traceloop.span.kind"] = "task"
    nodes[0].attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "team"}
    return nodes


def steps_of_agents() -> list[Node]:
    nodes = openinference(debate(), "smolagents")
    for node in calls(nodes):
        step = {"openinference.span.kind": "CHAIN"}
        nodes.append(Node(f"{node.id[:-1]}e", node.parent, "Step 1", node.start, node.end, step))
        node.parent = nodes[-1].id
    return nodes


def system_prompts_alone() -> list[Node]:
    return [node for node in genai(debate()) if not node.id.endswith("b")]


@pytest.mark.parametrize(
    "told", [without_metadata, named_graph, tasks_of_a_graph, steps_of_agents, system_prompts_alone]
)
def test_agents_are_who_speaks_and_no_graph_and_no_step(told: Callable[[], list[Node]], tmp_path: Path) -> None:
    (mag,) = imported(tmp_path / "spans.jsonl", otlp(told()))
    names = [turn.agent for turn in mag.turns]
    assert names[:5] == ["ada", "ben", "cyd", "ada", "ben"]
    assert names[5] == ("agent-4" if told is system_prompts_alone else "judge")


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    "",
    [],
    {},
    "[{",
    [[[]]],
    "\ud800",
    "9" * 400,
    {"intValue": "x"},
    {"arrayValue": {}},
    {"a": {"b": [1]}},
)


def torn(value: Any, chance: random.Random) -> Any:
    """Returns a value of which some parts are missing, and others something else."""
    if chance.random() < 0.06:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: torn(each, chance) for key, each in value.items() if chance.random() > 0.03}
    if isinstance(value, list):
        return [torn(each, chance) for each in value if chance.random() > 0.03]
    return value[: chance.randrange(len(value) + 1)] if isinstance(value, str) and chance.random() < 0.05 else value


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_torn_is_told_or_read_and_nothing_raises(dialect: str, tmp_path: Path) -> None:
    path, said = tmp_path / "spans.jsonl", debate()[:4]
    for seed in range(4):
        lines = [json.dumps(torn(json.loads(line), random.Random(seed))) for line in DIALECTS[dialect](said)]
        path.write_text("\n".join([json.dumps({"resourceSpans": []}), *lines]))
        for mag in import_files([path], Reader(), on_bad_item=lambda error: None):
            assert Mag.model_validate_json(mag.to_line()) == mag
