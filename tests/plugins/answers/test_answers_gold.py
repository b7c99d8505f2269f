"""MATH's gold answers: none equals its negative, its reciprocal or another's; each equals its respellings."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from magdi.plugins.answers import extract, grade, normal_form

pytestmark = pytest.mark.data
FRACTION = re.compile(r"(-?)\\d?frac\{(\d+)\}\{(\d+)\}")
PLAIN = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def golds(data: Path) -> list[str]:
    lines = (data / "math" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["answer"] for line in lines]


def right(answer: str, gold: str) -> bool:
    """Returns the verdict on a boxed answer."""
    normal = normal_form(gold, "expression")
    assert normal is not None, gold
    return grade(extract(f"So it is $\\boxed{{{answer}}}$.", "expression"), normal, "expression")


def negative(gold: str) -> str:
    return gold.removeprefix("-") if gold.startswith("-") else f"-{gold}"


def test_the_negative_and_the_reciprocal_are_wrong(golds: list[str]) -> None:
    for gold in golds:
        fraction = FRACTION.fullmatch(gold)
        if fraction or PLAIN.fullmatch(gold):
            value = normal_form(gold, "expression")
            assert value is not None
            if value != "0":
                assert not right(negative(gold), gold), gold
            if value not in ("0", "1", "-1"):
                turned = f"\\frac{{{fraction[3]}}}{{{fraction[2]}}}" if fraction else f"\\frac{{1}}{{{gold}}}"
                assert not right(turned, gold), gold


def test_every_fraction_has_its_sign() -> None:
    for top, bottom in ((1, 2), (3, 4), (4, 3), (11, 7), (1, 3), (25, 8)):
        ways = [f"-\\frac{{{top}}}{{{bottom}}}", f"\\frac{{-{top}}}{{{bottom}}}", f"-\\dfrac{{{top}}}{{{bottom}}}",
                f"-{top}/{bottom}", f"\\tfrac{{{top}}}{{-{bottom}}}", f"- \\frac {{{top}}} {{{bottom}}}"]  # fmt: skip
        for kind in ("number", "expression"):
            assert {normal_form(way, kind) for way in ways} == {normal_form(ways[0], kind)}
            assert "-" in (normal_form(ways[0], kind) or "")


def test_respellings_are_right(golds: list[str]) -> None:
    for gold in golds:
        ways = {gold, f"{gold}.", f"x = {gold}" if PLAIN.fullmatch(gold) else gold, gold.replace("\\frac", "\\dfrac")}
        ways |= {gold.replace("\\left", "").replace("\\right", ""), gold.replace(" ", "  "), f"\\ {gold}"}
        fraction = FRACTION.fullmatch(gold)
        if fraction:
            sign, top, bottom = fraction.groups()
            ways |= {f"{sign}{top}/{bottom}", f"\\frac{{{sign}{top}}}{{{bottom}}}"}
            ways |= {f"{sign}\\frac{{{2 * int(top)}}}{{{2 * int(bottom)}}}"}
        if PLAIN.fullmatch(gold):
            ways |= {f"{gold}\\%", f"\\${gold}", f"{gold}\\text{{ cm}}", f"{gold}^\\circ", f"{gold} units", f"({gold})"}
            ways |= {f"{int(gold):,}", f"{gold}.0", f"{gold}.00"} if "." not in gold else {f"{gold}0"}
        for way in ways:
            assert right(way, gold), (way, gold)


def test_other_questions_gold_is_wrong(golds: list[str]) -> None:
    """Hundreds of pairs; those whose answers truly are equal are left out by their normal forms."""
    draw = random.Random(0)
    for gold in golds:
        other = draw.choice(golds)
        if normal_form(other, "expression") != normal_form(gold, "expression"):
            assert not right(other, gold), (other, gold)
