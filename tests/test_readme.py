"""The README's protocol is one, and its links lead somewhere. (Its code and its commands run in test_docs.)"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.doc_blocks import run_command

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)


def block(start: str) -> str:
    return next(code for _, code in BLOCKS if start in code)


@pytest.mark.parametrize(
    "line",
    [
        "magdi plugins check quorum --plugin quorum.py",
        "magdi discuss --plugin quorum.py --protocol quorum --limit 20 -o run",
    ],
)
def test_the_protocol_conforms_and_holds_discussions(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quorum.py").write_text(block("class Quorum"))
    assert run_command(line, monkeypatch)[0] == 0


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (root / target).exists(), target
