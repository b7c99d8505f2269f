"""The README's protocol is one, and its links lead somewhere. (Its code and its commands run in test_docs.)"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)


def block(start: str) -> str:
    return next(code for _, code in BLOCKS if start in code)


def magdi(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from magdi.cli.app import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_the_protocol_conforms(tmp_path: Path) -> None:
    (tmp_path / "quorum.py").write_text(block("class Quorum"))
    done = magdi("plugins", "check", "quorum", "--plugin", "quorum.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_protocol_holds_discussions(tmp_path: Path) -> None:
    (tmp_path / "quorum.py").write_text(block("class Quorum"))
    done = magdi(*shlex.split("discuss --plugin quorum.py --protocol quorum --limit 20 -o run"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (root / target).exists(), target
