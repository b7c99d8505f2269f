"""The documentation as a site: it is built without a dead link, and no method that a plugin may write is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.plugins.hooks import Hooks
from tests.made_once import made_once

ROOT = Path(__file__).parents[1]
PAGES = {"protocol": magdi.Protocol, "encoder": magdi.Encoder, "objective": magdi.Objective, "task": magdi.Task} | {
    "teacher": magdi.Teacher
}
OWN = {"reading"}  # of an objective: what the core makes of its settings


def named(nav: Any) -> set[str]:
    """The pages of a navigation."""
    if isinstance(nav, str):
        return {nav}
    entries = nav.values() if isinstance(nav, dict) else nav
    return set().union(*map(named, entries))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "documentation", build) / "site"


def build(folder: Path) -> None:
    shutil.copytree(ROOT / "docs", folder / "docs")
    for name in ("zensical.toml", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, folder)
    (folder / "magdi").symlink_to(ROOT / "magdi")
    command: list[str | Path] = [Path(sys.executable).with_name("zensical"), "build", "--strict"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_is_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    docs = ROOT / "docs"
    assert named(nav) == {str(page.relative_to(docs)) for page in docs.rglob("*.md")}


@pytest.mark.parametrize("page", PAGES)
def test_every_method_is_in_the_reference(site: Path, page: str) -> None:
    base = PAGES[page]
    text = (site / "api" / page / "index.html").read_text()
    methods = {name for name in vars(base) if not name.startswith("_") and name != "Config"} - OWN
    assert len(methods) > 2
    missing = [name for name in methods if f'id="{base.__module__}.{base.__qualname__}.{name}"' not in text]
    assert not missing


def test_every_hook_is_in_the_reference(site: Path) -> None:
    text = (site / "api" / "hooks" / "index.html").read_text()
    assert [name for name in Hooks().names if f'id="magdi.plugins.hookspecs.{name}"' not in text] == []


def test_what_is_included_is_there(site: Path) -> None:
    for page in ("contributing", "changelog"):
        text = (site / "development" / page / "index.html").read_text()
        assert len(re.sub(r"<[^>]+>", "", text)) > 4000
