"""What a release rests on: one version everywhere, workflows that are YAML, and a site that keeps every version."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import magdi

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
AUTHOR = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def test_there_is_one_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert magdi.__version__ == PROJECT["version"] == citation["version"] == released[0]


def test_workflows_test_every_python_that_the_package_says() -> None:
    flows = {file.stem: yaml.safe_load(file.read_text()) for file in (ROOT / ".github" / "workflows").glob("*.yml")}
    assert set(flows) == {"docs", "release", "test"}
    said = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert flows["test"]["jobs"]["test"]["strategy"]["matrix"]["python"] == said


def git(*words: str, cwd: Path) -> str:
    command = ["git", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, env=os.environ | AUTHOR).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git("init", "--quiet", "--bare", "origin", cwd=tmp_path)
    git("clone", "--quiet", "origin", "clone", cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=tmp_path / "clone")
    return tmp_path / "clone"


def publish(clone: Path, text: str, *names: str) -> None:
    site = clone.parent / "site"
    site.mkdir(exist_ok=True)
    (site / "index.html").write_text(text)
    command = [str(ROOT / ".ci" / "publish-docs"), str(site), *names]
    subprocess.run(command, cwd=clone, check=True, env=os.environ | AUTHOR)


def test_every_version_of_the_site_stays(clone: Path) -> None:
    publish(clone, "main", "dev")
    publish(clone, "old", "0.9", "latest")
    publish(clone, "new", "0.10", "latest")
    publish(clone, "main again", "dev")
    pages = clone.parent / "pages"
    git("clone", "--quiet", "--branch", "gh-pages", "origin", "pages", cwd=clone.parent)
    assert {name: (pages / name / "index.html").read_text() for name in ("dev", "0.9", "0.10", "latest")} == {
        **{"dev": "main again", "0.9": "old"},
        **{"0.10": "new", "latest": "new"},
    }
    known = json.loads((pages / "versions.json").read_text())
    assert [(each["version"], each["aliases"]) for each in known] == [("dev", []), ("0.10", ["latest"]), ("0.9", [])]
    assert "url=latest/" in (pages / "index.html").read_text()
    assert git("worktree", "list", cwd=clone).count("\n") == 1
