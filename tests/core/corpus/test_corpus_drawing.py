"""Drawings: every turn and edge is there, nothing that was said becomes markup, time runs from left to right."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from magdi.plugins.report.drawing import page, svg
from magdi.plugins.report.drawing.layout import lay_out
from magdi.plugins.report.drawing.style import cut
from magdi.protocols.mad import Mad
from magdi.protocols.malt import Malt
from tests.core.corpus.mag_samples import held, mag, talk, turn

HOSTILE = '<script>alert("x")</script> & \x07 \ufffe ]]> </pre>'
SVG = "{http://www.w3.org/2000/svg}"


def drawn(some, view="exact"):
    root = ElementTree.fromstring(svg(some, view))
    cards = root.findall(f"{SVG}g[@data-step]")
    return [int(card.get("data-step")) for card in cards], root.findall(f"{SVG}path")


@pytest.mark.parametrize(("view", "edges"), [("exact", 9), ("adjacent", 9), ("none", 0), ("undirected", 18)])
def test_every_turn_and_edge_is_drawn(view, edges):
    steps, paths = drawn(talk(), view)
    assert steps == list(range(6))
    assert len(paths) == edges


def test_right_and_wrong_differ_in_class_and_mark():
    text = svg(mag(turn(0, "A", "51"), turn(1, "B", "7"), turn(2, "C", None), turn(3, "D", None, status="ok")))
    found = re.findall(r'class="card (\w+)".*?class="mark"[^>]*>(.)<', text, re.DOTALL)
    assert found == [("right", "✓"), ("wrong", "✗"), ("invalid", "?"), ("open", "·")]


def test_nothing_that_was_said_becomes_markup():
    prompt = ({"role": "user", "content": HOSTILE},)
    said = turn(0, HOSTILE[:30], HOSTILE, text=HOSTILE, reasoning=HOSTILE, model=HOSTILE, prompt=prompt)
    asked = talk().question.model_copy(update={"text": HOSTILE, "gold": HOSTILE})
    hostile = mag(said, name=HOSTILE, protocol=HOSTILE, stop=HOSTILE, answer=HOSTILE, question=asked)
    assert page([hostile]).count("<script>") == 1
    assert "alert(&quot;x&quot;)" in page([hostile])
    ElementTree.fromstring(svg(hostile))


def test_a_page_stands_alone():
    text = page([talk("a"), talk("b")])
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", text.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert text.count("<section ") == 2
    assert text.count("<article ") == 12


def test_time_runs_from_left_to_right():
    for some in (talk(), held(Mad(), lambda ask, step: "The answer is 7." if ask.role != "moderator" else "{}")):
        columns = lay_out(some).columns
        assert all(columns[source] < columns[target] for source, target in some.edges)
        last = -1
        for start, end in lay_out(some).rounds.values():
            assert last < start <= end
            last = end


def test_no_two_turns_stand_in_one_place():
    tree = held(Malt(Malt.Config(samples=3)), lambda ask, step: f"The answer is {step}.", agents=1)
    for some in (talk(), tree, mag(*(turn(step, "A", "51") for step in range(5)))):
        layout = lay_out(some)
        places = list(zip(layout.columns, layout.rows, strict=True))
        assert len(set(places)) == len(places)


def test_parents_stand_between_their_children():
    tree = held(Malt(Malt.Config(samples=2)), lambda ask, step: f"The answer is {step}.", agents=1)
    layout = lay_out(tree)
    rows = {turn.branch: layout.rows[turn.step] for turn in tree.turns}
    assert rows[0,] == pytest.approx((rows[0, 0] + rows[0, 1]) / 2)
    assert rows[0, 1] < rows[1, 0]
    assert layout.voices == ()


def test_long_words_are_cut():
    assert cut("a  b\nc", 9) == "a b c"
    assert cut("word " * 9, 8) == "word wo…"
