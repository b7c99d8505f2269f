"""Drawings: every turn and edge is there, nothing that was said becomes markup, time runs from left to right."""

import re
import xml.etree.ElementTree as ElementTree
from xml.etree.ElementTree import Element

import pytest

from magdi.core.mag import Mag
from magdi.core.views import View
from magdi.plugins.report.drawing.layout import lay_out
from magdi.plugins.report.drawing.style import breadth, cut, fitted
from magdi.plugins.report.drawing.svg import svg
from magdi.protocols.mad import Mad
from magdi.protocols.malt import Malt
from tests.core.corpus.mag_samples import held, mag, talk, turn

HOSTILE = '<script>alert("x")</script> & \x07 \ufffe ]]> </pre>'
SVG = "{http://www.w3.org/2000/svg}"


def drawn(some: Mag, view: View = "exact") -> tuple[list[int], list[Element]]:
    root = ElementTree.fromstring(svg(some, view))
    nodes = root.findall(f"{SVG}svg[@data-step]")
    return [int(node.attrib["data-step"]) for node in nodes], root.findall(f"{SVG}g[@data-from]")


@pytest.mark.parametrize(("view", "edges"), [("exact", 9), ("adjacent", 9), ("none", 0), ("undirected", 18)])
def test_every_turn_and_edge_is_drawn(view: View, edges: int) -> None:
    steps, paths = drawn(talk(), view)
    assert steps == list(range(6))
    assert len(paths) == edges


def test_right_and_wrong_differ_in_class_and_mark() -> None:
    text = svg(mag(turn(0, "A", "51"), turn(1, "B", "7"), turn(2, "C", None), turn(3, "D", None, status="ok")))
    found = re.findall(r'class="node (\w+)".*?<(\w+) class="mark"', text, re.DOTALL)
    assert found == [("right", "circle"), ("wrong", "rect"), ("invalid", "path"), ("open", "path")]


def test_nothing_that_was_said_becomes_markup() -> None:
    prompt = ({"role": "user", "content": HOSTILE},)
    said = turn(0, HOSTILE[:30], HOSTILE, text=HOSTILE, reasoning=HOSTILE, model=HOSTILE, prompt=prompt)
    asked = talk().question.model_copy(update={"text": HOSTILE, "gold": HOSTILE})
    hostile = mag(said, name=HOSTILE, protocol=HOSTILE, stop=HOSTILE, answer=HOSTILE, question=asked)
    root = ElementTree.fromstring(svg(hostile))
    assert "script" not in {each.tag.removeprefix(SVG) for each in root.iter()}
    assert cut(HOSTILE.replace("\x07", "\ufffd").replace("\ufffe", "\ufffd"), 200) == root.findtext(f"{SVG}title")


@pytest.mark.parametrize("text", ["42", "W" * 99, "漢字" * 20, "a\u202eb", "\\frac{3}{4}" * 5, "", "👩‍🔬" * 9])
def test_labels_are_no_wider_than_their_nodes(text: str) -> None:
    root = ElementTree.fromstring(svg(mag(turn(0, text or "A", text, confidence=0.5), turn(1, "B", None, text=text))))
    for node in root.iter(f"{SVG}svg"):
        for label in node.findall(f"{SVG}text") if node is not root else ():
            size = 14 if label.get("class") in ("answer", "words") else 11
            assert float(label.attrib["x"]) + size * breadth(label.text or "") <= float(node.attrib["width"])
    assert "\u202e" not in "".join(label.text or "" for label in root.iter(f"{SVG}text"))
    assert fitted(text, 10_000, 1) == text.replace("\u202e", "").replace("\u200d", "")


def test_time_runs_from_left_to_right() -> None:
    for some in (talk(), held(Mad(), lambda ask, step: "The answer is 7." if ask.role != "moderator" else "{}")):
        columns = lay_out(some).columns
        assert all(columns[source] < columns[target] for source, target in some.edges)
        last = -1
        for start, end in lay_out(some).rounds.values():
            assert last < start <= end
            last = end


def test_no_two_turns_stand_in_one_place() -> None:
    tree = held(Malt(Malt.Config(samples=3)), lambda ask, step: f"The answer is {step}.", agents=1)
    for some in (talk(), tree, mag(*(turn(step, "A", "51") for step in range(5)))):
        layout = lay_out(some)
        places = list(zip(layout.columns, layout.rows, strict=True))
        assert len(set(places)) == len(places)


def test_parents_stand_between_their_children() -> None:
    tree = held(Malt(Malt.Config(samples=2)), lambda ask, step: f"The answer is {step}.", agents=1)
    layout = lay_out(tree)
    rows = {turn.branch: layout.rows[turn.step] for turn in tree.turns}
    assert rows[0,] == pytest.approx((rows[0, 0] + rows[0, 1]) / 2)
    assert rows[0, 1] < rows[1, 0]
    assert layout.voices == ()


def test_long_words_are_cut() -> None:
    assert cut("a  b\nc", 9) == "a b c"
    assert cut("word " * 9, 8) == "word wo…"
