"""Real distributions, built and installed by pip: third-party ones, a broken one, and what `plugins new` makes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from magdi.core.errors import ConfigError
from magdi.plugins.component import KINDS, Kind
from magdi.plugins.scaffold import scaffold

BROKEN = [
    "magdi_task is no hook; did you mean 'magdi_tasks'?",
    "No module named 'a_dependency_that_nobody_has' (missing.py:3)",
    "magdi_encoders failed: RuntimeError: no licence file (__init__.py:12)",
    "encoder 'gcn' is reserved for magdi's own; this one answers to 'magdi-broken/gcn' only",
]


def run(site: Path, *command: object, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the distributions on its path."""
    return subprocess.run(
        [sys.executable, *(str(part) for part in command)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def magdi(site: Path, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(site, "-c", "from magdi.cli.app import main; main()", *arguments, cwd=None, **environ)


def test_what_is_installed_is_listed_with_everything_that_is_wrong(site: Path) -> None:
    outcome = magdi(site, "plugins", "list", "--json")
    document = json.loads(outcome.stdout)
    found = {each["address"]: each for each in document["components"]}
    assert found["magdi-star/star"]["version"] == "1.4"
    assert {"magdi-star/loudest", "magdi-broken/parrot", "magdi-broken/lost", "magdi/gcn"} <= set(found)
    assert found["magdi-broken/lost"]["problem"] == "No module named 'magdi_broken.gone'"
    causes = [re.sub(r"\(/.*/", "(", fault["cause"]) for fault in document["faults"]]
    assert causes == BROKEN
    assert {(fault["plugin"], fault["version"]) for fault in document["faults"]} == {("magdi-broken", "0.3")}


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("lost", "protocol 'lost' of magdi-broken 0.3 cannot be loaded: No module named 'magdi_broken.gone'"),
        ("odd", "protocol 'odd' of magdi-broken 0.3 cannot be loaded: Odd is no protocol"),
        ("nowhere", "hint: plugins that could not be loaded: magdi-broken 0.3: magdi_task is no hook"),
    ],
)
def test_choosing_what_is_broken_says_distribution_version_and_cause(site: Path, protocol: str, message: str) -> None:
    outcome = magdi(site, "plugins", "show", protocol, "--kind", "protocol")
    assert outcome.returncode == 2
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_strict_ends_the_command_and_disabling_the_plugin_mends_it(site: Path) -> None:
    strict = magdi(site, "plugins", "list", MAGDI_STRICT_PLUGINS="1")
    assert strict.returncode == 2
    assert "magdi-broken 0.3: magdi_task is no hook" in strict.stderr
    mended = magdi(site, "plugins", "list", MAGDI_STRICT_PLUGINS="1", MAGDI_DISABLE_PLUGINS="magdi-broken")
    assert mended.returncode == 0, mended.stderr


def test_a_third_partys_components_pass_the_conformance_kit(site: Path, tmp_path: Path) -> None:
    outcome = magdi(site, "plugins", "check", "magdi-star", MAGDI_LOAD_PLUGINS="magdi-star")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "2 passed" in outcome.stdout
    (tmp_path / "magdi-star").mkdir()
    assert magdi(site, "plugins", "show", tmp_path / "magdi-star", MAGDI_LOAD_PLUGINS="magdi-star").returncode == 0


OBSERVER = """
from magdi.plugins import hookimpl

said = []

@hookimpl
def magdi_run_start(config, directory):
    said.append(f"start {config.protocol.name}")

@hookimpl
def magdi_discussion_end(mag):
    said.append(f"{len(mag.turns)} turns")
    raise OSError("disk full")

@hookimpl
def magdi_run_end(directory, status):
    (directory / "said.txt").write_text(", ".join([*said, status]))
"""


def test_a_discussion_is_held_by_a_third_partys_protocol_and_observed(site: Path, tmp_path: Path) -> None:
    (tmp_path / "observer.py").write_text(OBSERVER)
    plugins = ["--plugin", tmp_path / "observer.py", "--protocol", "star", "-P", "rounds=1"]
    outcome = magdi(site, "discuss", *plugins, "--limit", "3", "-o", tmp_path / "run", "--quiet")
    assert outcome.returncode == 0, outcome.stderr
    assert "plugin magdi-broken 0.3: magdi_encoders failed" in outcome.stderr
    assert outcome.stderr.count("plugin observer: magdi_discussion_end failed: OSError: disk full") == 1
    assert (tmp_path / "run" / "said.txt").read_text() == "start star, 6 turns, 6 turns, 6 turns, done"
    mags = [json.loads(line) for line in (tmp_path / "run" / "mags.jsonl").read_text("utf-8").splitlines()]
    assert len(mags) == 3
    seen = [[edge["step"] for edge in turn["seen"]] for turn in mags[0]["turns"][3:]]
    assert seen == [[0, 1, 2], [0, 1], [0, 2]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_plugins_new_makes_is_a_whole_distribution(generated: dict[Kind, Path], kind: Kind) -> None:
    directory = generated[kind]
    module = f"magdi_our_own_{kind}"
    sources = {f"{module}.py"} if kind != "encoder" else {f"{module}/__init__.py", f"{module}/our_own_{kind}.py"}
    assert sources == {str(path.relative_to(directory / "src")) for path in directory.glob("src/**/*.py")}
    for other in ("pyproject.toml", "README.md", f"tests/test_our_own_{kind}.py"):
        assert (directory / other).is_file()
    assert not [path for path in directory.rglob("*.*") if path.is_file() and "$" in path.read_text("utf-8")]


def test_what_plugins_new_makes_passes_its_own_tests(site: Path, generated: dict[Kind, Path], tmp_path: Path) -> None:
    tests = [directory / "tests" for directory in generated.values()]
    outcome = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", *tests, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stdout[-3000:]
    assert "failed" not in outcome.stdout
    assert int(outcome.stdout.strip().splitlines()[-1].split()[0]) > 40


def test_what_plugins_new_makes_is_clean_code(generated: dict[Kind, Path]) -> None:
    for directory in generated.values():
        command = ["check", "--isolated", "--select", "E,F,I,UP,B,SIM", "--line-length", "120", "--no-cache", "."]
        outcome = run(Path(), "-m", "ruff", *command, cwd=directory)
        assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My_Ring", "'My_Ring' is no name for a component"),
        ("reconcile", "magdi has a protocol 'reconcile', and its names are reserved"),
        ("ring", "is already there"),
    ],
)
def test_plugins_new_refuses_names_that_would_not_work(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "magdi-ring").mkdir()
    with pytest.raises(ConfigError, match=message):
        scaffold(name, "protocol", tmp_path)
