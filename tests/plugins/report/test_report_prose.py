"""Replies on a page: read as they are meant, whatever they hold; nothing of them runs, leads away, or is lost."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from magdi.core.mag import Mag
from magdi.plugins.report.blocks import may_have_mathematics
from magdi.plugins.report.data import mags_page
from tests.plugins.report.chromium import Chromium
from tests.plugins.report.report_samples import a_mag

HOSTILE = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=2>",
    "<style>*{display:none}</style>",
    "<svg onload=window.hacked=3><a href=javascript:alert(1)>x</a></svg>",
    "<iframe src=//example.org>",
    "[click](javascript:window.hacked=4)",
    "![x](http://127.0.0.1:9/x.png)",
    "<https://example.org/a>",
    "https://example.org/b",
    "[ref]: http://example.org/c",
    r"$\href{javascript:window.hacked=5}{x}$",
    r"\(\htmlStyle{position:fixed}{cover}\)",
    r"\[\includegraphics{http://127.0.0.1:9/y.png}\]",
    r"$\kern-100em\rule{100em}{100em}$",
    r"$\def\x{\x\x}\x$",
    r"$\color{white}{hidden}$ $50% of it$",
    "\u202e\u2067 right to left \u200f",
    "مرحبا 42",
    "W" * 300,
    "graph TD; A-->B; click A call hacked()",
    "|a|b|\n|--|--|\n|1|2|3|\n|4|",
    "- [x] done\n- [ ] left",
    "1. one\n7. seven\n   - 3. three",
    "```js onload=x",
    "~~~",
    "``",
    "$",
    "$$",
    r"\(",
    r"\]",
    r"\begin{align} a &= b",
    r"\end{align}",
    "&lt;b&gt; &amp;amp; &#65;",
    "<!-- -->",
    "]]>{{7*7}}",
    "**bold",
    "_under_score_",
    "> 3\n>> 4",
    "# 5",
    "===\n---",
    "    code",
    "<div>",
    "\\",
    "\n\n",
)


def page_of(folder: Path, replies: Sequence[str], mag: Mag | None = None) -> Path:
    """Writes a page of one discussion in which these are the replies."""
    mag = mag or a_mag(0)
    turns = (
        mag.turns[0].model_copy(update={"step": step, "text": text, "reasoning": text, "seen": ()})
        for step, text in enumerate(replies)
    )
    path = folder / "page.html"
    path.write_text("".join(mags_page([mag.model_copy(update={"turns": tuple(turns)})])))
    return path


def shown(browser: Chromium, folder: Path, replies: Sequence[str]) -> list[str]:
    """Returns what stands on the page for each reply; mathematics by its source."""
    browser.open(page_of(folder, replies))
    browser.wait(f"document.querySelectorAll('.turn .said').length === {len(replies)}")
    return list(
        browser.run(
            """[...document.querySelectorAll('.turn .said')].map((said) => {
                const copy = said.cloneNode(true);
                copy.querySelectorAll('.katex').forEach((each) => each.replaceWith(each.querySelector('annotation')));
                copy.querySelectorAll('li[value]').forEach((each) => each.prepend(each.getAttribute('value')));
                return copy.textContent;
            })"""
        )
    )


def letters(text: str) -> str:
    turning = re.compile("[\u202a-\u202e\u2066-\u2069]")  # written out
    return re.sub(r"[\W_]", "", turning.sub(lambda found: f"u{ord(found[0]):04x}", text))


def test_hostile_replies_do_nothing_and_lose_nothing(browser: Chromium, tmp_path: Path) -> None:
    lot = random.Random(0)
    mixed = ["".join(lot.choice(HOSTILE) + lot.choice((" ", "\n", "\n\n")) for _ in range(5)) for _ in range(120)]
    replies = [*HOSTILE, *mixed]
    read = shown(browser, tmp_path, replies)
    for reply, text in zip(replies, read, strict=True):
        assert letters(text) == letters(reply)
    assert browser.run("window.hacked") is None
    assert browser.run("getComputedStyle(document.body).display") == "block"
    elements = browser.run("[...new Set([...document.querySelectorAll('.said *')].map((each) => each.localName))]")
    assert not {"a", "img", "script", "style", "iframe", "form", "input", "link"} & set(elements)
    own = "[...document.querySelectorAll('.said *')].filter((each) => !each.closest('.math'))"
    attributes = browser.run(f"[...new Set({own}.flatMap((each) => each.getAttributeNames()))]")
    assert set(attributes) <= {"value", "data-math"}
    assert browser.run("document.documentElement.scrollWidth") <= 1400
    assert browser.complaints == []
    assert [each for each in browser.requests if not each.startswith(("file:", "data:font/"))] == []
    with pytest.raises(AssertionError, match="TrustedHTML"):
        browser.run("document.body.innerHTML = '<b>x</b>'")


def test_nothing_that_is_said_is_hidden(browser: Chromium, tmp_path: Path) -> None:
    said = [r"$\color{white}{a}$", r"$\textcolor{#fff}{b}$", r"$\phantom{c}$", r"$\colorbox{black}{d}$", "$50% e$"]
    read = shown(browser, tmp_path, said)
    hidden = """[...document.querySelectorAll('.said .katex-html *')].filter((each) => {
        const { color, backgroundColor } = getComputedStyle(each);
        return color !== getComputedStyle(each.closest('.said')).color || backgroundColor !== 'rgba(0, 0, 0, 0)';
    }).length"""
    assert browser.run(hidden) == 0
    assert [text.strip().rstrip("$}")[-1] for text in read] == ["a", "b", "c", "d", "e"]
    drawn = "document.querySelectorAll('.said')[4].querySelector('.katex-html').textContent"
    assert "e" in browser.run(drawn)


def test_nothing_turns_figures_round(browser: Chromium, tmp_path: Path) -> None:
    turned = "\u202e42 \u2067x\u2069 \u202d"
    assert [text.strip() for text in shown(browser, tmp_path, [turned])] == [r"\u202e42 \u2067x\u2069 \u202d"]
    mag = a_mag(0)
    turns = (mag.turns[0].model_copy(update={"agent": turned, "answer": turned, "text": turned, "reasoning": ""}),)
    browser.open(page_of(tmp_path, [turned], mag.model_copy(update={"turns": turns, "protocol": turned})))
    browser.wait("document.querySelector('.turn') !== null")
    browser.click(".turn > button")
    browser.run("document.querySelectorAll('svg title').forEach((each) => each.remove())")  # tooltips, by themselves
    assert not set("\u202e\u2067\u2069\u202d") & set(browser.run("document.getElementById('main').textContent"))


def test_nothing_is_painted_outside_of_its_reply(browser: Chromium, tmp_path: Path) -> None:
    page = page_of(tmp_path, [r"$\kern-20em\rule{9em}{9em}$", "W" * 5000, r"$$\raisebox{9em}{here}$$", "x"])
    for width in (1300, 390):
        browser.open(page, width=width, height=900)
        browser.wait("document.querySelectorAll('.turn .said').length === 4")
        contained = browser.run("[...document.querySelectorAll('.said')].map((e) => getComputedStyle(e).contain)")
        assert set(contained) == {"paint"}
        assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_markdown_and_mathematics_are_drawn(browser: Chromium, tmp_path: Path, dark: bool) -> None:
    replies = [
        "**Bold** and *slanted*\n\n1. one\n3. three\n\n- dot\n\n# Head\n\n> said\n\n```py\nx < 1\n```\n\n"
        "|a|\n|-|\n|`1`|",
        r"Both \(x^2\) and $\frac{1}{2}$, also $x$ and $y$." + "\n\\[\nx = 1\n- y\n\\]\n$$z$$\n"
        r"\begin{align} a &= b \\ c &= d \end{align}",
        r"Broken $\frac{1$ and $\nosuchthing$.",
    ]
    browser.open(page_of(tmp_path, replies), dark=dark)
    browser.wait("document.querySelectorAll('.turn .said').length === 3")
    of = "document.querySelectorAll('.turn:nth-of-type({}) .said {}').length"
    tags = ("strong", "em", "ol > li", "ul > li", "h5", "blockquote", "pre", "td code", "small")
    assert [browser.run(of.format(1, tag)) for tag in tags] == [1, 1, 2, 1, 1, 1, 1, 1, 1]
    assert browser.run("[...document.querySelectorAll('ol > li')].map((each) => each.value)") == [1, 3]
    assert [browser.run(of.format(2, kind)) for kind in (".math", ".math.displayed")] == [7, 3]
    assert browser.run(of.format(3, ".math")) == 0
    assert r"$\frac{1$ and $\nosuchthing$" in browser.run("document.querySelectorAll('.said')[2].textContent")
    fonts = "document.fonts.load('12px KaTeX_Math', 'x').then((found) => found.map((each) => each.status).join())"
    assert browser.run(fonts) == "loaded"
    assert browser.complaints == []


def test_sums_of_money_are_no_mathematics(browser: Chromium, tmp_path: Path) -> None:
    lot = random.Random(1)
    before = ("$5", "$1,000", "$0.50", "US$7", "$3.2k", "**$9**", "($4)", "$6/day", "-$2", "$10m", "A$8", "$ 5", "$5.")
    behind = ("8$", "0.50$", "1,000 $", "(7$)", "5 US$")
    joints = (" and ", " or ", "-", ", ", " + ", "/", " = ", "; then ", " (or ", ") ", " is less than ", "*", "\n")
    texts = ["It costs $5 and $6.", "$5 (in US$) or $6 (A$)", "$5-$10", "between $5 and 10$"]
    for amounts in (before, behind):
        texts += ["".join(lot.choice(amounts) + lot.choice(joints) for _ in range(6)) for _ in range(80)]
    read = shown(browser, tmp_path, texts)
    assert browser.run("document.querySelectorAll('.said .math, .said [data-math]').length") == 0
    for text, whole in zip(read, texts, strict=True):
        assert text.count("$") == whole.count("$")


def test_arithmetic_keeps_its_signs(browser: Chromium, tmp_path: Path) -> None:
    lot = random.Random(2)
    atoms, signs = (
        ("2", "x", "(a)", "10", "x_1", "y_2"),
        ("*", "**", " * ", "+", " - ", "/", "^", "_", "~", "<", ">", "=", "&"),
    )
    sums = ["2*3*4", "x**2 + y**2", "a*b and c*d", "12\n+ 34\n= 46", "~5 or ~6", r"5\*6", "2 * 3 * 4"]
    sums += ["".join(lot.choice(atoms) + lot.choice(signs) for _ in range(5)) + "1" for _ in range(100)]
    for _ in range(60):  # one below the other
        sign = lot.choice(("+ ", "- ", "* ", "> ", "= ", "# ", "x ", "", "+", "-"))
        rows = [sign + lot.choice(("12", "$3.50", "4 * 5"))]
        sums.append("The sum:\n" + "\n".join(rows * lot.randint(1, 2) + ["= 46"]))
    for text, whole in zip(shown(browser, tmp_path, sums), sums, strict=True):
        assert re.sub(r"\s", "", text) == re.sub(r"\s", "", whole.replace(r"\*", "*"))


def test_a_page_brings_what_it_needs(tmp_path: Path) -> None:
    def size(reply: str) -> int:
        return page_of(tmp_path, [reply]).stat().st_size

    assert "KaTeX_Main" not in page_of(tmp_path, ["It costs $5 and $6."]).read_text()
    assert "KaTeX_Main" in page_of(tmp_path, [r"It is \(x\)."]).read_text()
    assert size("plain") < size("$x$") / 3


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("$x$", True),
        (r"\[x\]", True),
        ("$$x$$", True),
        (r"\begin{align}", True),
        ("$5 and $6", False),
        ("\\n $", False),
    ],
)
def test_mathematics_are_found_in_a_text(text: str, has: bool) -> None:
    assert may_have_mathematics(text) is has
