"""What a trace holds is read as it was: who was shown what, however it was quoted; which calls are one discussion."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import MagFileError
from magdi.core.mag import Mag, Seen
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from tests.plugins.otel.span_grammar import (
    EDGES,
    QUESTION,
    SECOND,
    Node,
    Spoken,
    calls,
    debate,
    dumped,
    genai,
    openinference,
    otlp,
)

ADA = "First add: 17 + 5 = 22.\nThen subtract: 22 - 9 = 13.\n\n- So **13** sheep are left.\n\nThe answer is 13."
BEN = 'The farmer ends with `13` sheep, because 17 + 5 - 9 = 13. I am "quite" sure.'
SHEEP = "A farmer has 17 sheep and buys 5 more, then sells 9. How many are left?"


def imported(tmp_path: Path, lines: list[str], **reader: Any) -> list[Mag]:
    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(import_files([path], Reader(**reader)))


def graph(mag: Mag) -> list[tuple[str, str, int, tuple[Seen, ...]]]:
    return [(turn.agent, turn.text, turn.round, turn.seen) for turn in mag.turns]


def prompt(system: str, *messages: str | tuple[str, str]) -> tuple[tuple[str, str], ...]:
    told = [each if isinstance(each, tuple) else ("user", each) for each in messages]
    return (("system", system), *told) if system else tuple(told)


def shown(tmp_path: Path, text: str, ada: str = ADA, ben: str = BEN, question: str = SHEEP) -> dict[int, str]:
    """Returns what cyd was shown in a prompt of this text, after ada and ben had answered."""
    said = [
        Spoken("ada", prompt("You are ada.", question), ada, 0),
        Spoken("ben", prompt("You are ben.", question), ben, 0.1),
        Spoken("cyd", prompt("You are cyd.", f"{question}\n{text}"), "I concur with it.", 2),
    ]
    (mag,) = imported(tmp_path, otlp(genai(said)))
    return {edge.step: edge.kind for edge in mag.turns[2].seen}


WHOLE = {0: "content", 1: "content"}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (f"Others: {ADA}\n{BEN}", WHOLE),
        (f"They say {' '.join(ADA.split())} and {BEN} What now?", WHOLE),
        (ADA.replace("**", "").replace("- ", "") + " / " + BEN.replace("`", ""), WHOLE),
        (json.dumps([{"agent": "ada", "text": ADA}, {"agent": "ben", "text": BEN}]), WHOLE),
        (json.dumps(json.dumps({"ada": ADA, "ben": BEN})), WHOLE),
        (BEN.replace('"', "&quot;"), {1: "content"}),
        ("\n".join(f"> {line}" for line in ADA.splitlines()), {0: "content"}),
        (f"ada: {ADA[:60]}...\nben: {BEN[:30]}…", {0: "summary", 1: "summary"}),
        (f"ada: [...] {ADA[-60:]}", {0: "summary"}),
        ("Think hard.", {}),
        (f"ben: I agree with ada, who said: {ADA}", {0: "content"}),
    ],
)
def test_replies_are_found_however_they_are_quoted(text: str, seen: dict[int, str], tmp_path: Path) -> None:
    assert shown(tmp_path, text) == seen


def test_what_one_repeats_of_another_is_no_edge_from_that_other(tmp_path: Path) -> None:
    ben = f"I agree with ada, who said: {ADA}"
    assert shown(tmp_path, f"ben: {ben}", ben=ben) == {1: "content"}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ada: Yes.\nben: No.", WHOLE),
        ("ada said: Yes. ben said: No. Now you.", WHOLE),
        ('{"ada": "Yes.", "ben": "No."}', WHOLE),
        ("Yes or no?", {}),
        ('Now reply with "Yes." or "No."', {}),
    ],
)
def test_short_replies_are_found_in_places_of_their_own_alone(text: str, seen: dict[int, str], tmp_path: Path) -> None:
    question = "Is it so? Answer yes or no: it counts."
    assert shown(tmp_path, text, "Yes.", "No.", question) == seen


def test_what_stood_there_before_it_was_said_is_nobodys(tmp_path: Path) -> None:
    said = [
        Spoken("ada", prompt("", f"{SHEEP}\nAnswer:\nYes\nor\nNo"), "Yes", 0),
        Spoken("ben", prompt("", f"{SHEEP}\nAnswer:\nYes\nor\nNo"), "No", 2),
    ]
    (mag,) = imported(tmp_path, otlp(genai(said)))
    assert mag.edges == ()


def test_of_equal_replies_the_one_that_is_named_was_shown(tmp_path: Path) -> None:
    equal = "The answer is 13."
    assert shown(tmp_path, f"ada: {equal}", equal, equal) == {0: "content"}
    assert shown(tmp_path, f"ben: {equal}", equal, equal) == {1: "content"}
    assert shown(tmp_path, f"ada: {equal}\nben: {equal}", equal, equal) == WHOLE


@pytest.mark.parametrize("write", [genai, openinference])
def test_tool_calls_are_turns_of_their_own_kind(write: Callable[[list[Spoken]], list[Node]], tmp_path: Path) -> None:
    said = [
        Spoken("ada", prompt("You are ada.", SHEEP), "", 0, tools=(("calculate", "17 + 5 - 9"),)),
        Spoken(
            "ada",
            prompt("You are ada.", SHEEP, ("assistant", 'calculate({"input": "17 + 5 - 9"})'), ("tool", "13")),
            "13",
            2,
        ),
    ]
    (mag,) = imported(tmp_path, otlp(write(said)))
    assert [(turn.role, turn.text, turn.status) for turn in mag.turns] == [
        ("tool_call", 'calculate({"input": "17 + 5 - 9"})', "ok"),
        ("solver", "13", "ok"),
    ]
    assert mag.turns[1].seen[0].kind == "self"


def test_an_agent_that_is_a_tool_was_shown_what_it_was_handed(tmp_path: Path) -> None:
    task = "Which country has a cedar tree on its flag?"
    said = [
        Spoken("boss", prompt("", "Find the capital of the country with a cedar."), "", 0, tools=(("expert", task),)),
        Spoken("expert", prompt("", task), "It is Lebanon, whose flag shows a green cedar.", 2),
    ]
    (mag,) = imported(tmp_path, otlp(genai(said)))
    assert mag.edges == ((0, 1),)


def spans() -> list[Node]:
    return copy.deepcopy(genai(debate()))


def without_root(nodes: list[Node]) -> list[Node]:
    return nodes[1:]


def sent_twice(nodes: list[Node]) -> list[Node]:
    return nodes + nodes


def hours_late(nodes: list[Node]) -> list[Node]:
    return [Node(**{**vars(n), "start": n.start + 7200 * SECOND, "end": n.end + 7200 * SECOND}) for n in nodes]


def ended_at_once(nodes: list[Node]) -> list[Node]:
    return [Node(**{**vars(node), "end": node.start}) for node in nodes]


def told_twice(nodes: list[Node]) -> list[Node]:
    """Two instrumentations: a span around the call, and one of the client in it."""
    inner = [Node(**{**vars(node), "id": f"{node.id[:-1]}d", "parent": node.id}) for node in calls(nodes)]
    return nodes + inner


def agents_tell(nodes: list[Node]) -> list[Node]:
    """Agents' own spans hold messages, and no call was recorded in them."""
    by_agent = {node.parent: node.attributes for node in calls(nodes)}
    told = {name: {k: v for k, v in told.items() if k != "gen_ai.operation.name"} for name, told in by_agent.items()}
    rest = [node for node in nodes if not node.id.endswith("c")]
    return [Node(**{**vars(node), "attributes": node.attributes | told.get(node.id, {})}) for node in rest]


def nested(nodes: list[Node]) -> list[Node]:
    inner = Node(
        "e" * 16, nodes[0].id, "inner", nodes[0].start, nodes[0].end, {"gen_ai.operation.name": "invoke_workflow"}
    )
    return [
        inner,
        nodes[0],
        *(Node(**{**vars(n), "parent": inner.id if n.parent == nodes[0].id else n.parent}) for n in nodes[1:]),
    ]


def one_trace_a_turn(nodes: list[Node]) -> list[Node]:
    for node in nodes[1:]:
        node.trace = f"{int(node.id[:15], 16) + 1:032x}"
        node.attributes["gen_ai.conversation.id"] = "talk"
        node.parent = "" if node.parent == nodes[0].id else node.parent
    return nodes[1:]


def one_clock_is_fast(nodes: list[Node]) -> list[Node]:
    """Ben's spans come from a machine whose clock is five seconds ahead."""
    ben = {node.parent for node, each in zip(calls(nodes), debate(), strict=True) if each.agent == "ben"}
    for node in nodes:
        if node.id in ben or node.parent in ben:
            node.start, node.end = node.start + 5 * SECOND, node.end + 5 * SECOND
    return nodes


@pytest.mark.parametrize(
    "change",
    [without_root, sent_twice, hours_late, ended_at_once, told_twice, agents_tell, nested, one_trace_a_turn],
)
def test_the_same_discussion_is_the_same_however_it_was_recorded(
    change: Callable[[list[Node]], list[Node]], tmp_path: Path
) -> None:
    (mag,) = imported(tmp_path, otlp(change(spans())))
    (plain,) = imported(tmp_path, otlp(spans()))
    assert graph(mag) == graph(plain)
    assert mag.question == plain.question


def test_nobody_is_shown_what_was_not_said_where_clocks_differ(tmp_path: Path) -> None:
    (mag,) = imported(tmp_path, otlp(one_clock_is_fast(spans())))
    said = [(each.agent, each.reply) for each in debate()]
    order = [said.index((turn.agent, turn.text)) for turn in mag.turns]
    assert {(order[u], order[v]) for u, v in mag.edges} == {(u, v) for u, v, _ in EDGES}


def test_calls_that_failed_are_attempts(tmp_path: Path) -> None:
    nodes = spans()
    failed = copy.deepcopy(calls(nodes)[1])
    failed.id, failed.start = "f" * 16, failed.start - 10
    del failed.attributes["gen_ai.output.messages"]
    (line,) = dumped([failed])
    line = json.dumps(json.loads(line) | {"status": {"status_code": "ERROR"}})
    (mag,) = imported(tmp_path, [*dumped(nodes), line])
    assert [turn.attempts for turn in mag.turns] == [1, 2, 1, 1, 1, 1]


def test_several_questions_in_a_trace_are_several_discussions(tmp_path: Path) -> None:
    other = "How many legs do seven spiders and two ants have together?"
    more = genai(debate(other))[1:]
    for node in more:
        node.id = f"b{node.id[1:]}"
        node.parent = node.parent if node.parent == "a" * 16 else f"b{node.parent[1:]}"
    first, second = imported(tmp_path, otlp(spans() + more))
    assert (first.question.text, second.question.text) == (QUESTION, other)
    assert [edge[:2] for edge in EDGES] == list(first.edges)
    assert len(first.turns) == len(second.turns) == 6


def test_several_conversations_in_a_trace_are_several_discussions(tmp_path: Path) -> None:
    nodes = spans()
    more = copy.deepcopy(nodes[1:])
    for node in more:
        node.id, node.start, node.end = f"b{node.id[1:]}", node.start + SECOND // 5, node.end + SECOND // 5
        node.parent = node.parent if node.parent == "a" * 16 else f"b{node.parent[1:]}"
    for name, some in (("one", nodes[1:]), ("two", more)):
        for node in some:
            node.attributes["session.id"] = name
    first, second = imported(tmp_path, otlp(nodes + more))
    assert graph(first) == graph(second)
    assert (first.metadata["conversation"], second.metadata["conversation"]) == ("one", "two")


def test_instructions_that_all_prompts_share_are_no_question(tmp_path: Path) -> None:
    asked = ["A train goes 60 km in 2 hours. How fast is it?", "What is the capital of France?"]
    said = [
        Spoken(
            name,
            prompt("", f"You are {name}. Solve the problem below. Think first.\n\n{text}"),
            f"{name} says {k}.",
            k * 9.0,
        )
        for k, text in enumerate(asked)
        for name in ("ada", "ben")
    ]
    assert [mag.question.text for mag in imported(tmp_path, otlp(genai(said)))] == asked


def test_a_bad_span_costs_nothing_else(tmp_path: Path) -> None:
    lines = otlp(spans())
    lines[3:3] = ["{'no': json}", '{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "no ids"}, 7]}]}]}']
    (tmp_path / "spans.jsonl").write_text("\n".join(lines))
    bad: list[MagFileError] = []
    (mag,) = import_files([tmp_path / "spans.jsonl"], Reader(), on_bad_item=bad.append)
    assert len(mag.turns) == 6
    assert [error.line for error in bad] == [4, 5, 5]
    assert "trace id" in bad[1].problem


@pytest.mark.parametrize("key", [QUESTION, "5b8aa5a2d2c872e8321cf37308d69df2"])
def test_right_answers_come_from_a_table(key: str, tmp_path: Path) -> None:
    (mag,) = imported(tmp_path, otlp(spans()), golds={key: "72"})
    assert [turn.correct for turn in mag.turns] == [True, True, None, True, True, True]
    assert mag.question.gold == "72"


def rounds_in_traces_of_their_own(questions: list[list[Spoken]]) -> list[str]:
    """Traces of one conversation, whose spans have the same ids in each."""
    lines = []
    for number, said in enumerate(questions):
        nodes = genai(said)
        for node in nodes:
            node.trace, node.attributes["session.id"] = f"{number + 1:032x}", "talk"
        lines += otlp(nodes)
    return lines


def test_rounds_in_traces_of_their_own_are_one_discussion(tmp_path: Path) -> None:
    said = debate()
    (mag,) = imported(tmp_path, rounds_in_traces_of_their_own([said[:3], said[3:5], said[5:]]))
    assert mag.edges == tuple(edge[:2] for edge in EDGES)
    assert len(mag.metadata["traces"]) == 3


@pytest.mark.parametrize(
    ("then", "count"), [("How many corners have three hexagons?", 2), ("Are you sure about it?", 1)]
)
def test_what_is_asked_next_in_the_same_trace(then: str, count: int, tmp_path: Path) -> None:
    again = "Three hexagons have 18 corners, I think. The answer is 18."
    chat: list[str | tuple[str, str]] = [SHEEP, ("assistant", ADA), ("assistant", BEN), then]
    said = [
        Spoken("ada", prompt("You are ada.", SHEEP), ADA, 0),
        Spoken("ben", prompt("You are ben.", *chat[:2]), BEN, 1),
        Spoken("ada", prompt("You are ada.", *chat), again, 2),
        Spoken("ben", prompt("You are ben.", *chat), "I say 18, too, and wrote it down. The answer is 18.", 2.1),
        Spoken(
            "cyd", prompt("You are cyd.", *chat, ("assistant", again)), "So be it, then: 18 is it. The answer is 18.", 3
        ),
    ]
    mags = imported(tmp_path, dumped(genai(said)))
    assert [mag.question.text for mag in mags] == [SHEEP, then][:count]
    assert [len(mag.turns) for mag in mags] == ([2, 3] if count == 2 else [5])


def test_what_is_asked_next_in_a_conversation_is_a_discussion_of_its_own(tmp_path: Path) -> None:
    asked = ["What is the boiling point of water at sea level?", "And how many moons does Mars have in all?"]
    said = "It is 100 degrees Celsius, by the definition of the scale."
    first = [Spoken("ada", prompt("", asked[0]), said, 0)]
    second = [Spoken("ada", prompt("", asked[0], ("assistant", said), asked[1]), "Two, Phobos and Deimos.", 9)]
    found = imported(tmp_path, rounds_in_traces_of_their_own([first, second]))
    assert [mag.question.text for mag in found] == asked


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "agents", "edges"),
    [
        ("agent_framework_group_chat", "ada ben cyd ada", [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]),
        ("openai_agents_debate", "ada ben ada", [(1, 2)]),
    ],
)
def test_recorded_spans_of_real_frameworks(name: str, agents: str, edges: list[tuple[int, int]], data: Path) -> None:
    (mag,) = import_files([data / "otel" / f"{name}.spans.jsonl"], Reader())
    assert mag.question.text == "What is 2+2?"
    assert [turn.agent for turn in mag.turns] == agents.split()
    assert list(mag.edges) == edges
