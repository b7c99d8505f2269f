"""Plugins as files and as distributions, made where a test can see them and nobody else does."""

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from magdi.plugins.component import KINDS, Kind
from magdi.plugins.scaffold import scaffold
from tests.made_once import made_once

MakeFile = Callable[[str, str], Path]
MakeDistribution = Callable[..., str]


@pytest.fixture
def plugin_file(tmp_path: Path) -> MakeFile:
    """Writes a plugin file; ``code`` may be one of the hooks alone."""

    def make(name: str, code: str) -> Path:
        file = tmp_path / f"{name}.py"
        head = "" if "import" in code else "from magdi.plugins import Component, hookimpl\n"
        file.write_text(head + textwrap.dedent(code))
        return file

    return make


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeDistribution:
    """Puts a distribution on sys.path as pip would: a module, its metadata and its entry point."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def make(name: str, code: str, version: str = "1.2", entry: str = "") -> str:
        module = name.replace("-", "_")
        head = "" if "import" in code else "from magdi.plugins import Component, hookimpl\n"
        (site / f"{module}.py").write_text(head + textwrap.dedent(code))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[magdi]\n{name} = {entry or module}\n")
        return module

    return make


PACKAGES = Path(__file__).parents[1] / "plugin_pkg"


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    """A distribution of each kind, as `magdi plugins new` makes it."""
    name = "our-own-{}".format
    folder = made_once(tmp_path_factory, "generated", lambda to: [scaffold(name(kind), kind, to) for kind in KINDS])
    return {kind: folder / f"magdi-{name(kind)}" for kind in KINDS}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, generated: dict[Kind, Path]) -> Path:
    """A folder into which pip has installed the two distributions of plugin_pkg and the generated ones."""

    def install(folder: Path) -> None:
        copies = Path(shutil.copytree(PACKAGES, folder / "copies"))  # building leaves files behind
        sources = [copies / "magdi-star", copies / "magdi-broken", *generated.values()]
        options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", *sources]
        subprocess.run([str(part) for part in command], check=True)

    return made_once(tmp_path_factory, "installed", install) / "site"
