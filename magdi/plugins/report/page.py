"""Writes a page: one HTML file with its style, its script and its data inside, that loads nothing from anywhere.

What comes from data reaches the page as JSON in which no ``<`` stands, or as base64; the script puts it into the page
as text, and what is Markdown in it through a sanitiser. A content security policy allows the page's own script and
style by their hashes and nothing else, and markup from nobody but the sanitiser.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from magdi.core.files import whole_file
from magdi.plugins.report.blocks import Link, Section
from magdi.plugins.report.drawing.style import CSS

SCRIPTS = (
    *("dom", "store", "prose", "tables", "plots", "intervals", "graph"),
    *("browse", "discussions", "answers", "main"),
)
LIBRARIES = {
    "uplot": ("uPlot.iife.min.js", "uPlot.min.css"),
    "marked": ("marked.umd.js",),
    "dompurify": ("purify.min.js",),
    "katex": ("katex.min.js", "katex.min.css"),
}
"""Files of the libraries in ``assets/vendor``; a page has those that its blocks need."""

_FONT = re.compile(r"src:url\((fonts/\w+-\w+\.woff2)\)[^;}]*")
_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def write_page(path: Path, title: str, sections: Sequence[Section]) -> Path:
    """Writes a page, whole or not at all.

    Args:
        path: The HTML file.
        title: Its title.
        sections: What is on it.

    Returns:
        ``path``.

    Raises:
        StorageError: It cannot be written.
    """
    with whole_file(path) as file:
        file.writelines(page(title, sections))
    return path


def page(title: str, sections: Sequence[Section], *, live: bool = False) -> Iterator[str]:
    """Yields a page's parts: first what is seen at once, then the stores.

    Args:
        title: Its title.
        sections: What is on it.
        live: Whether it is to be served, and hears of more from where it came from; see `magdi.plugins.report.live`.
    """
    follows = "It follows a run, from this machine." if live else "This file is whole: it loads nothing."
    content = {
        "title": title,
        "made": f"Made by magdi {version('magdi')}. {follows}",
        "sections": [section.document() for section in sections],
    }
    needed = {name for section in sections for block in section.blocks for name in block.needs}
    libraries = tuple(name for name in LIBRARIES if live or name in needed)
    style, script = _style(libraries), _script(libraries, (*SCRIPTS, "live") if live else SCRIPTS)
    yield Template(_asset("page.html")).substitute(
        title=html.escape(title),
        version=version("magdi"),
        policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; font-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types dompurify"
        + ("; connect-src 'self'" if live else ""),
        style=style,
        page=embedded(content),
        script=script,
    )
    for section in sections:
        for store in section.stores:
            for name, text in store.parts():
                yield f'<script type="text/plain" id="{html.escape(name)}">{text}</script>\n'
    yield "</body>\n</html>\n"


def embedded(document: Any) -> str:
    """Returns a document as JSON that may stand in a script element whatever it says; no number is not finite."""
    return json.dumps(_finite(document), separators=(",", ":"), allow_nan=False).translate(_MARKUP)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return files("magdi.plugins.report").joinpath("assets", name).read_text("utf-8")


@cache
def _style(libraries: tuple[str, ...]) -> str:
    """Styles of libraries with their fonts, of drawings, and the page's own."""
    sheets = [_asset(f"vendor/{name}/{file}") for name in libraries for file in LIBRARIES[name] if file.endswith("css")]
    return _FONT.sub(_font, "".join(sheets)) + CSS + _asset("page.css")


def _font(found: re.Match[str]) -> str:
    font = files("magdi.plugins.report").joinpath("assets", "vendor", "katex", found[1]).read_bytes()
    return f'src:url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format("woff2")'


@cache
def _script(libraries: tuple[str, ...], scripts: tuple[str, ...]) -> str:
    """Libraries with their licences, then the page's own script; nothing of that is seen from outside."""
    own = "\n".join(_asset(f"{name}.js") for name in scripts)
    return "".join(map(_library, libraries)) + f"(() => {{\n'use strict';\n{own}}})();\n"


def _library(name: str) -> str:
    scripts = "\n".join(_asset(f"vendor/{name}/{file}") for file in LIBRARIES[name] if file.endswith("js"))
    return f"/* {name}:\n{_asset(f'vendor/{name}/LICENSE')}*/\n{scripts}\n"


REPORT = "report.html"


def link_to(run: Path, name: str, page: Path) -> Link:
    """Returns a link from a page to that of a run; one that leads nowhere where the run has no page."""
    report = run / REPORT
    if not report.is_file():
        return name, ""
    return name, quote("./" + Path(os.path.relpath(report, page.parent)).as_posix())


def is_stale(run: Path) -> bool:
    """Returns whether a run has no page, or has gone on since it was made."""
    report, state = run / REPORT, run / "run.json"
    return not report.is_file() or (state.is_file() and state.stat().st_mtime > report.stat().st_mtime)
