"""Of a reply that was cut off an answer counts only where it is stated as one: nothing is guessed from its words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.mag import Turn
from tests.plugins.otel.span_grammar import Spoken, genai, indexed, openinference, otlp
from tests.plugins.otel.test_otel_discussions import SHEEP, imported

UNFINISHED = "The farmer has 17 sheep and buys 5 more, which makes 22 of them, so we need to"


def turn(tmp_path: Path, text: str, told: dict[str, Any], dialect: Any = genai) -> Turn:
    nodes = dialect([Spoken("ada", (("system", "You are ada."), ("user", SHEEP)), text, 0)])
    for node in nodes[1:]:
        node.attributes |= told
    (mag,) = imported(tmp_path, otlp(nodes), golds={SHEEP: "13"})
    return mag.turns[0]


def choices(reason: str) -> dict[str, Any]:
    return {"output.value": json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": reason}]})}


@pytest.mark.parametrize(
    "told",
    [
        {"gen_ai.response.finish_reasons": ["length"]},
        {"gen_ai.response.finish_reasons": '["max_tokens"]'},
        {"llm.response.stop_reason": "MAX_TOKENS"},
        {"ai.response.finishReason": "length"},
        {"gen_ai.completion.0.finish_reason": "FinishReason.MAX_TOKENS"},
        {"llm.response.incomplete_details.reason": "max_output_tokens"},
        choices("length"),
    ],
)
@pytest.mark.parametrize("dialect", [genai, openinference, indexed])
def test_a_reply_that_ran_out_of_tokens_is_no_answer_unless_it_states_one(
    told: dict[str, Any], dialect: Any, tmp_path: Path
) -> None:
    cut = turn(tmp_path, UNFINISHED, told, dialect)
    assert (cut.text, cut.answer, cut.label, cut.status) == (UNFINISHED, None, None, "invalid")
    stated = turn(tmp_path, f"The answer is 13. Let me check it: {UNFINISHED}", told, dialect)
    assert (stated.answer, stated.label, stated.status) == ("13", True, "ok")


@pytest.mark.parametrize("told", [{}, {"gen_ai.response.finish_reasons": ["stop", "length"]}, choices("stop")])
def test_a_reply_that_its_model_ended_is_read_as_ever(told: dict[str, Any], tmp_path: Path) -> None:
    assert turn(tmp_path, "So there are 13 sheep left, by its length.", told).answer == "13"


@pytest.mark.parametrize(
    "mark", ["...[truncated]", "… [truncated]", "… (truncated, 812 more characters)", "<truncated>"]
)
def test_a_text_whose_end_a_recorder_left_out_is_cut_off(mark: str, tmp_path: Path) -> None:
    assert turn(tmp_path, UNFINISHED + mark, {}).status == "invalid"
    assert turn(tmp_path, f"The answer is 1{mark}", {}).status == "invalid"
    assert turn(tmp_path, f"The answer is 13. Let me che{mark}", {}).answer == "13"


def test_a_reply_in_an_attribute_that_the_sdk_cut_off_is_cut_off(tmp_path: Path) -> None:
    nodes = genai([Spoken("ada", (("user", SHEEP),), UNFINISHED, 0)])
    for node in nodes[1:]:
        for name, value in node.attributes.items():
            node.attributes[name] = value[:100] if isinstance(value, str) else value
    (mag,) = imported(tmp_path, otlp(nodes))
    assert [each.status for each in mag.turns] == ["invalid"]
