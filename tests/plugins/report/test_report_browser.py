"""The page as a reader has it: in a headless Chromium, with mouse, keys, a phone's width, dark, and on paper."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from magdi.core.run.directory import RunDirectory
from magdi.plugins.report.blocks import Browser, Column, Section, Table
from magdi.plugins.report.data import mags_page, view
from magdi.plugins.report.discussions import Discussions
from magdi.plugins.report.drawing.svg import svg
from magdi.plugins.report.page import write_page
from tests.plugins.report.chromium import Chromium
from tests.plugins.report.report_samples import EVIL, a_mag

TURN = "#discussions .turn"


@pytest.fixture(scope="module")
def report(run_directory: RunDirectory) -> Path:
    return view(run_directory.path)


def text(browser: Chromium, selector: str) -> str:
    return str(browser.run(f"document.querySelector({selector!r}).textContent"))


def listed(browser: Chromium, section: str = "discussions") -> str:
    return text(browser, f"#{section} .found [role=status]")


def search(browser: Chromium, words: str) -> None:
    browser.run(
        f"(() => {{ const i = document.querySelector('#discussions [data-search]'); i.value = {words!r};"
        " i.dispatchEvent(new Event('input')); })()"
    )


def test_a_small_figure_is_as_narrow_as_an_axis(browser: Chromium) -> None:
    code = (files("magdi.plugins.report") / "assets" / "dom.js").read_text("utf-8")
    told = browser.run(f"(() => {{ {code}; return [5e-6, -1.25e-5, 0.00125, 0, 0.1].map((each) => figure(each)); }})()")
    assert told == ["5e-6", "-1.25e-5", "0.00125", "0", "0.1"]


def test_what_teachers_said_is_text(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#discussion/q1")
    browser.wait(f"document.querySelectorAll({TURN!r}).length === 4")
    browser.click(f"{TURN} > button")
    assert EVIL in text(browser, "#discussions .question")
    assert EVIL in text(browser, f"{TURN} .said")
    assert EVIL in text(browser, f"{TURN} pre")
    assert browser.run("window.hacked") is None
    assert browser.run("document.querySelectorAll('main img, main script').length") == 0
    assert browser.complaints == []
    assert browser.requests == [report.as_uri() + "#discussion/q1"] or browser.requests == [report.as_uri()]


def test_a_turn_shows_its_prompt_and_who_saw_it(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#discussion/q3")
    browser.wait(f"document.querySelectorAll({TURN!r}).length === 4")
    shapes = "[...document.querySelectorAll('#discussions .node .mark')].map((each) => each.tagName).join()"
    assert browser.run(shapes) == "circle,rect,circle,circle"
    browser.click("#discussions .node[data-step='3']")
    shown = "document.querySelectorAll('#discussions .turn .open:not([hidden])').length"
    assert browser.run(shown) == 1
    opened = text(browser, "#discussions .sheet .open:not([hidden])")
    assert "prompt 3 pebble3" in opened
    assert "reply 3 pebble3" in opened
    assert "0 ada" in opened
    assert "1 ben (own earlier turn)" in opened
    lit = "document.querySelectorAll('#discussions .edge.lit').length"
    assert browser.run(lit) == 2  # what the chosen turn was shown


@pytest.mark.parametrize(("width", "height"), [(1300, 900), (390, 844)])
def test_clicking_keeps_the_place(browser: Chromium, report: Path, width: int, height: int) -> None:
    browser.open(report, at="#discussion/q3", width=width, height=height)
    browser.wait(f"document.querySelectorAll({TURN!r}).length === 4")
    node = "#discussions .node[data-step='1']"
    browser.run(f"document.querySelector({node!r}).scrollIntoView({{ block: 'center' }})")
    place = (
        "[scrollX, scrollY, document.querySelector('.items').scrollTop, document.querySelector('.graph').scrollLeft]"
    )
    before = browser.run(place)
    browser.click(node)
    box = browser.run("document.querySelector('.sheet').getBoundingClientRect().toJSON()")
    assert 0 < box["top"] < box["bottom"] <= height
    assert "reply 1 pebble3" in text(browser, ".sheet")
    assert browser.run(place) == before
    browser.click(node)
    assert browser.run("document.querySelector('.sheet').hidden")
    assert browser.run(place) == before


def test_no_label_is_drawn_outside_of_its_node(browser: Chromium, tmp_path: Path) -> None:
    answers = (
        "W" * 60,
        "i" * 90,
        "漢字" * 20,
        "😀" * 30,
        r"\frac{1}{2}" * 9,
        "مرحبا" * 9,
        "a\u202eb" * 20,
        "Щ" * 40,
        "%@" * 30,
    )
    mag = a_mag(9)
    turns = [
        mag.turns[0].model_copy(update={"step": step, "seen": (), "agent": answer, "answer": answer, "confidence": 1.0})
        for step, answer in enumerate(answers)
    ]
    turns += [turn.model_copy(update={"step": len(answers) + turn.step, "answer": None}) for turn in turns]
    (tmp_path / "page.html").write_text("".join(mags_page([mag.model_copy(update={"turns": tuple(turns)})])))
    browser.open(tmp_path / "page.html")
    browser.wait("document.querySelector('.mag') !== null")
    outside = """[...document.querySelectorAll('.mag .node text')].filter((label) => {
        const [box, node] = [label, label.closest('.node').firstElementChild.nextElementSibling]
            .map((each) => each.getBoundingClientRect());
        return box.left < node.left || box.right > node.right || box.top < node.top || box.bottom > node.bottom;
    }).map((label) => label.textContent)"""
    assert browser.run(outside) == []
    names = "Math.max(...[...document.querySelectorAll('.mag .voice')].map((e) => e.getBoundingClientRect().right))"
    assert browser.run(f"{names} < document.querySelector('.node .box').getBoundingClientRect().left")


def test_another_turn_is_looked_at_where_it_was_shown(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#discussion/q3")
    browser.wait(f"document.querySelectorAll({TURN!r}).length === 4")
    browser.click(f"{TURN}:last-of-type > button")
    browser.click(f"{TURN}:last-of-type .open button.chip")
    assert text(browser, f"{TURN}:last-of-type .peek") == "because pebble3"


def test_filters_and_search(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#discussions")
    browser.wait("document.querySelectorAll('#discussions .items li').length === 50")
    assert listed(browser) == "1–50 of 130 discussions"
    search(browser, "what is 12")
    browser.wait("document.querySelectorAll('#discussions .items li').length === 11")
    assert listed(browser) == "11 discussions"
    search(browser, "pebble77")
    browser.wait("document.querySelectorAll('#discussions .items li').length === 0")
    browser.click("#discussions .check input")
    browser.wait("document.querySelectorAll('#discussions .items li').length === 1")
    browser.click("#discussions .check input")
    search(browser, "")
    browser.run(
        "(() => { const s = [...document.querySelectorAll('#discussions select')].find((each) => "
        "each.parentNode.textContent.startsWith('minds')); s.value = 'up'; s.dispatchEvent(new Event('change')); })()"
    )
    browser.wait("document.querySelector('#discussions .found').textContent.includes('of 65')")


def test_keys_are_enough(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#discussion/q2")
    browser.wait("location.hash === '#discussion/q2' && document.querySelector('#discussions .turn') !== null")
    browser.press("j")
    browser.wait("location.hash === '#discussion/q3' && document.querySelectorAll('#discussions .turn').length === 4")
    browser.run("document.querySelector('#discussions .node').focus()")
    browser.press("Enter")
    assert browser.run("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert "reply 0 pebble3" in text(browser, "#discussions .sheet")
    browser.press("/")
    assert browser.run("document.activeElement.type") == "search"
    unreachable = (
        "[...document.querySelectorAll('button, a, input, select, summary, .node')]"
        ".filter((each) => each.tabIndex < 0 && !each.disabled).length"
    )
    assert browser.run(unreachable) == 0


def test_students_stand_beside_teachers(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#answer/q3")
    browser.wait("document.querySelectorAll('#answers .columns .card').length === 4")
    titles = "[...document.querySelectorAll('#answers .columns h4')].map((each) => each.textContent).join('|')"
    assert browser.run(titles) == "ada, round 1|ben, round 1|before distillation|distilled student"
    kinds = "[...document.querySelectorAll('#answers .columns .card')].map((each) => each.classList[1]).join()"
    assert browser.run(kinds) == "right,right,wrong,wrong"


@pytest.mark.parametrize("dark", [False, True])
def test_plots_are_drawn_and_follow_the_theme(browser: Chromium, report: Path, dark: bool) -> None:
    browser.open(report, dark=dark)
    colours = (
        "[...document.querySelectorAll('canvas')].map((each) => new Set(new Uint32Array(each.getContext('2d')"
        ".getImageData(0, 0, each.width, each.height).data.buffer)).size)"
    )
    browser.wait("document.querySelectorAll('canvas').length > 5")
    assert min(browser.run(colours)) > 10
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(18, 22, 28)" if dark else "rgb(255, 255, 255)")
    browser.press("d")
    assert browser.run("getComputedStyle(document.body).backgroundColor") != background


def test_a_phone_needs_no_sideways_scrolling(browser: Chromium, report: Path) -> None:
    browser.open(report, at="#discussion/q3", width=390, height=844)
    browser.wait("document.querySelector('#discussions .turn') !== null")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    small = (
        "[...document.querySelectorAll('.items button, .turn > button')].filter((each) => "
        "each.getBoundingClientRect().height < 32).length"
    )
    assert browser.run(small) == 0


def test_prints_light_and_without_the_list(browser: Chromium, report: Path) -> None:
    browser.open(report, dark=True)
    browser.wait("document.querySelector('#discussions .turn') !== null")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("getComputedStyle(document.querySelector('.list')).display") == "none"
    assert browser.pdf().startswith(b"%PDF")
    browser.call("Emulation.setEmulatedMedia", media="")


def test_tables_sort_page_and_filter(browser: Chromium, tmp_path: Path) -> None:
    rows = tuple((f"row {number}", None if number == 5 else number) for number in range(60))
    table = Table((Column("name"), Column("figure", "number")), rows, title="many")
    browser.open(write_page(tmp_path / "table.html", "table", [Section("all", "All", (table,))]))
    first = "document.querySelector('tbody tr').textContent"
    assert browser.run("document.querySelectorAll('tbody tr').length") == 25
    browser.click("thead th:nth-child(2) button")
    assert browser.run(first) == "row 5959"
    browser.click("thead th:nth-child(2) button")
    assert browser.run(first) == "row 00"
    browser.run(
        "[...document.querySelectorAll('.tools button')].find((each) => each.textContent.startsWith('next')).click()"
    )
    browser.run(
        "[...document.querySelectorAll('.tools button')].find((each) => each.textContent.startsWith('next')).click()"
    )
    assert (
        browser.run("document.querySelector('tbody tr:last-child').textContent") == "row 5–"
    )  # what is missing is last


def test_ten_thousand_discussions(browser: Chromium, tmp_path: Path) -> None:
    discussions = Discussions()
    lines = [f'{{"mag":{a_mag(n).to_line()},"drawing":{json.dumps(svg(a_mag(n)))}}}' for n in (8, 9)]
    column = {name: "x" for name in ("question", "gold", "answer", "stop", "protocol", "task", "first")}
    figures = {"correct": 1, "turns": 2, "up": 0, "down": 0, "tokens": 9, "invalid": 0, "structure": "G0"}
    for number in range(10_000):
        discussions.store.add(lines[number % 2], id=f"q{number}", **column, **figures)
    block = Browser("discussions", "discussion", discussions.store, {"no_prompts": ""})
    page = write_page(tmp_path / "many.html", "many", [Section("discussions", "Discussions", (block,))])
    browser.open(page, at="#discussion/q9999")
    browser.wait("document.querySelectorAll('#discussions .turn').length === 4")
    assert listed(browser) == "9,951–10,000 of 10,000 discussions"
    assert browser.run("document.querySelectorAll('*').length") < 3000  # so that it is soon there
