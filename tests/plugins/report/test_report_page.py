"""What a page is, looked at as text: nothing of the data can become markup, and nothing is loaded."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from magdi.core.errors import StorageError
from magdi.plugins.report.blocks import Browser, Column, Fact, Facts, Section, Table
from magdi.plugins.report.chunks import Store
from magdi.plugins.report.page import embedded, page, write_page
from tests.plugins.report.report_samples import EVIL


class Tags(HTMLParser):
    """The elements of a page, with the text of those that hold raw text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", {}, ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text + data


def evil_page() -> str:
    store = Store("records", ("question",))
    store.add(json.dumps({"said": EVIL}), id=EVIL, question=EVIL)
    table = Table((Column(EVIL),), ((EVIL,),), title=EVIL)
    browser = Browser("discussions", "record", store, {"no_prompts": EVIL})
    facts = Facts((Fact(EVIL, EVIL, EVIL),))
    return "".join(page(EVIL, [Section("all", EVIL, (facts, table, browser), EVIL)]))


def test_no_data_becomes_markup() -> None:
    tags = Tags(evil_page()).found
    kinds = [attributes.get("type") for tag, attributes, _ in tags if tag == "script"]
    assert kinds == ["application/json", None, "text/plain", "text/plain"]
    assert not [tag for tag, _, _ in tags if tag in ("img", "b", "link", "iframe")]
    content = next(text for tag, attributes, text in tags if attributes.get("id") == "page")
    assert json.loads(content)["sections"][0]["blocks"][0]["items"][0]["value"] == EVIL


def test_policy_allows_its_own_script_and_style_alone() -> None:
    tags = Tags(evil_page()).found
    policy = next(a["content"] for _, a, _ in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    for kind in ("script", "style"):
        text = next(text for tag, attributes, text in tags if tag == kind and "type" not in attributes)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    loading = {"src", "srcset", "href", "data", "action"}
    assert {a[key] for _, a, _ in tags for key in loading & a.keys()} == {"#main"}


def test_numbers_that_are_none_and_markup_in_keys() -> None:
    text = embedded({"<b>": [float("nan"), float("inf"), 0.5], "text": "\u2028</script>"})
    assert "<" not in text
    assert json.loads(text) == {"<b>": [None, None, 0.5], "text": "\u2028</script>"}


def test_store_comes_back_whole_and_the_same_each_time() -> None:
    def filled() -> list[tuple[str, str]]:
        store = Store("records", ("length",), size=10)
        for number in range(23):
            store.add(json.dumps({"n": number, "text": "ünï" * number}), id=str(number), length=number)
        assert store.document() == {"name": "records", "size": 10, "chunks": 3, "count": 23}
        return list(store.parts())

    parts = filled()
    texts = [json.loads(gzip.decompress(base64.b64decode(text))) for _, text in parts]
    assert [name for name, _ in parts] == ["records-index", "records-0", "records-1", "records-2"]
    assert texts[0]["length"] == list(range(23))
    assert [record["n"] for chunk in texts[1:] for record in chunk] == list(range(23))
    assert filled() == parts


def test_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_page(tmp_path / "file" / "page.html", "x", [])


def test_scripts_never_make_markup_of_text() -> None:
    assets = Path(sys.modules["magdi.plugins.report"].__path__[0]) / "assets"
    for script in assets.glob("*.js"):
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|\bfetch\(|DOMParser", script.read_text()
        )
        assert not found, script.name
