"""The same discussion is the same MAG, whichever dialect tells of it, in whichever order."""

from __future__ import annotations

import random

import pytest
from span_grammar import DIALECTS, EDGES, QUESTION, debate

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files


def imported(path, lines, **reader) -> list[Mag]:
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(import_files([path], Reader(**reader)))


def edges(mag: Mag) -> list[tuple[int, int, str]]:
    return [(edge.step, turn.step, edge.kind) for turn in mag.turns for edge in turn.seen]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_debate_is_read(dialect, tmp_path):
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
def test_the_order_of_spans_does_not_matter(dialect, tmp_path):
    lines = DIALECTS[dialect](debate())
    first = imported(tmp_path / "spans.jsonl", lines)
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        assert imported(tmp_path / "spans.jsonl", lines) == first
