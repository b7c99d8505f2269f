"""Every example runs in its small form, also as a notebook, and its components conform."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
COMPONENTS = sorted((EXAMPLES / "components").glob("*.py"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_run(
    script: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAGDI_DATA", str(data))
    monkeypatch.setattr(sys, "argv", [script.name, "--small"])
    runpy.run_path(str(script))
    assert len(capsys.readouterr().out.splitlines()) > 2


@pytest.mark.parametrize("file", COMPONENTS, ids=lambda file: file.stem)
def test_components_conform(file: Path) -> None:
    found = re.search(r'Component\("([\w-]+)"', file.read_text())
    assert found is not None
    done = CliRunner().invoke(app, ["plugins", "check", found[1], "--kind", file.stem, "--plugin", str(file)])
    assert done.exit_code == 0, done.output


def test_every_example_is_listed() -> None:
    listed = set(re.findall(r"\]\(([\w/.]+)\)", (EXAMPLES / "README.md").read_text()))
    there = {str(file.relative_to(EXAMPLES)) for file in [*SCRIPTS, *COMPONENTS, *EXAMPLES.glob("*.yaml")]}
    assert there <= listed


@pytest.mark.parametrize("name", re.findall(r"\(notebooks/(\w+)\.ipynb\)", (EXAMPLES / "README.md").read_text()))
def test_a_notebook_that_is_listed_is_its_script_and_ran(name: str) -> None:
    """`make notebooks` makes it anew."""
    jupytext = pytest.importorskip("jupytext")
    script = EXAMPLES / f"{name}.py"
    notebook = jupytext.read(EXAMPLES / "notebooks" / f"{name}.ipynb")
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    assert cells == [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("text/html" in output.get("data", {}) for output in outputs), "no picture and no table"
    assert not [output for output in outputs if output.output_type == "error"]


def test_a_script_is_a_notebook(tmp_path: Path) -> None:
    """Cells with their texts, executed in a kernel of their own: the last one draws a discussion."""
    jupytext = pytest.importorskip("jupytext")
    nbclient = pytest.importorskip("nbclient")
    notebook = jupytext.read(EXAMPLES / "study_discussions.py")
    notebook.cells[1].source = notebook.cells[1].source.replace('"--small" in arguments', "True")
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    outputs = notebook.cells[-1].outputs
    drawn = [each.data["text/html"] for each in outputs if "data" in each and "text/html" in each.data]
    assert drawn
    assert "<svg" in drawn[0]
    assert notebook.cells[0].cell_type == "markdown"
