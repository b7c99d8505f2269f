"""What files name is data: no command imports a plugin that a run, a suite or a configuration names, until trusted."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

import magdi
from magdi.cli import loading
from magdi.cli.app import app
from magdi.core.config.code import digest_of, files_of
from magdi.core.config.models import RunConfig
from magdi.core.errors import ComponentError, ConfigError, DataError, MagdiError
from magdi.plugins.discovery import PREFIX, from_path
from magdi.plugins.generation.loading import load as load_model
from magdi.plugins.manager import load_plugins
from magdi.plugins.setup import set_up
from magdi.plugins.trust import Code, Trust
from tests.core.run.run_directories import opened_run

PLUGIN = """
from pathlib import Path

from magdi.plugins import Component, hookimpl
from magdi.protocols.single import Single

Path({marker!r}).write_text("it ran")


@hookimpl
def magdi_protocols():
    yield Component("lonely", Single, "Like single.")
"""

QUICK: dict[str, Any] = {
    "preset": "quick",
    "discussion": {"questions": 4},
    "training": {"steps": 1},
    "evaluation": {"questions": 3},
}


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What the plugin leaves behind where it is imported."""
    return tmp_path / "marker"


@pytest.fixture
def plugin(tmp_path: Path, marker: Path) -> Path:
    """A plugin that tells on whoever imports it."""
    file = tmp_path / "lonely.py"
    file.write_text(PLUGIN.format(marker=str(marker)))
    return file


@pytest.fixture
def config(tmp_path: Path, plugin: Path) -> Path:
    """Somebody's configuration, which names the plugin."""
    file = tmp_path / "theirs.yaml"
    file.write_text(yaml.safe_dump({**QUICK, "plugins": [plugin.name], "protocol": "lonely"}))
    return file


@pytest.fixture
def theirs(tmp_path: Path, plugin: Path) -> Path:
    """Somebody's run, which was made with the plugin."""
    folder = tmp_path / "their-run"
    folder.mkdir()
    made = magdi.discuss(protocol="single", out=tmp_path / "made", **QUICK)
    assert made["mags"]["count"] == 4
    shutil.copy(tmp_path / "made" / "mags.jsonl", folder)
    stated = yaml.safe_load((tmp_path / "made" / "config.yaml").read_text())
    stated |= {"plugins": [str(plugin)], "protocol": {"name": "lonely"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(stated))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


COMMANDS: dict[str, Callable[[Path, Path], list[object]]] = {
    "view": lambda theirs, config: ["view", theirs],
    "ask": lambda theirs, config: ["ask", theirs, "What is 2 + 2?"],
    "evaluate": lambda theirs, config: ["evaluate", theirs],
    "evaluate its base": lambda theirs, config: ["evaluate", theirs, "--base"],
    "export": lambda theirs, config: ["export", theirs],
    "mags check": lambda theirs, config: ["mags", "check", theirs],
    "mags stats": lambda theirs, config: ["mags", "stats", theirs],
    "runs list": lambda theirs, config: ["runs", "list", theirs.parent],
    "config show": lambda theirs, config: ["config", "show", config],
    "config show --origin": lambda theirs, config: ["config", "show", config, "--origin"],
    "config validate": lambda theirs, config: ["config", "validate", config],
    "run": lambda theirs, config: ["run", config, "-o", theirs.parent / "out"],
    "run -n": lambda theirs, config: ["run", "-n", config],
    "run its config": lambda theirs, config: ["run", "-n", theirs / "config.yaml"],
    "discuss -n": lambda theirs, config: ["discuss", "-n", config],
    "distill its MAGs": lambda theirs, config: ["distill", "-n", theirs],
    "ablate": lambda theirs, config: ["ablate", "levels", "--config", config, "--quick", "-o", theirs.parent / "suite"],
    "ablate -n": lambda theirs, config: ["ablate", "-n", "levels", "--config", config],
    "ablate --rescore": lambda theirs, config: [
        "ablate",
        "levels",
        "--config",
        config,
        "--rescore",
        "-o",
        theirs.parent / "suite",
    ],
    "convincing": lambda theirs, config: ["mags", "convincing", config, "-o", theirs.parent / "samples.json"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_command_imports_what_files_name_where_nobody_can_be_asked(
    command: Callable[[Path, Path], list[object]], theirs: Path, config: Path, plugin: Path, marker: Path
) -> None:
    outcome = run(*command(theirs, config))
    assert not marker.exists()
    assert outcome.exception is None or isinstance(outcome.exception, MagdiError | SystemExit)
    said = outcome.output + outcome.stderr
    if isinstance(outcome.exception, ComponentError | ConfigError):
        said += f"{outcome.exception} {outcome.exception.hint}"
    if "no student" not in said and command not in (COMMANDS["mags stats"], COMMANDS["runs list"]):
        assert command is COMMANDS["distill its MAGs"] or "not trusted" in said
    assert not (theirs.parent / "out").exists()


def test_a_run_is_shown_without_its_plugin_and_with_it_once_it_is_trusted(
    theirs: Path, plugin: Path, marker: Path
) -> None:
    outcome = run("view", theirs, "--json")
    assert outcome.exit_code == 0
    assert Path(json.loads(outcome.stdout)["page"]).is_file()
    assert f"plugin lonely: is not loaded: {theirs / 'config.yaml'} names {plugin} (sha256 " in outcome.stderr
    assert f"magdi trust {plugin}, or --trust" in outcome.stderr
    assert f"trusted: {plugin}" in run("trust", theirs).output
    assert not marker.exists()
    assert run("view", theirs).stderr == ""
    assert marker.exists()


def test_trust_is_of_content_and_can_be_taken_back(
    theirs: Path, config: Path, plugin: Path, marker: Path, tmp_path: Path
) -> None:
    run("trust", config)
    assert run("config", "validate", config).exit_code == 0
    listed = json.loads(run("trust", "--list", "--json").stdout)["trusted"]
    assert [(each["name"], each["sha256"]) for each in listed] == [(str(plugin), digest_of(plugin))]
    marker.unlink()
    plugin.write_text(plugin.read_text() + "# changed\n")
    assert "not trusted" in run("view", theirs).stderr
    run("trust", plugin)
    moved = shutil.copy(plugin, tmp_path / "elsewhere.py")
    plugin.unlink()
    (theirs / "config.yaml").write_text((theirs / "config.yaml").read_text().replace(str(plugin), str(moved)))
    assert "not trusted" in run("view", theirs).stderr  # by another name it may be imported by another
    assert not marker.exists()
    run("trust", moved)
    run("trust", theirs, "--revoke")
    assert "not trusted" in run("view", theirs).stderr
    assert not marker.exists()


def test_at_a_terminal_one_is_asked_once_for_all_files(
    theirs: Path, plugin: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def answer(*answers: bool) -> None:
        left = iter(answers)
        monkeypatch.setattr(
            loading,
            "trust",
            lambda *, given: Trust(given, lambda codes: bool(asked.append([*map(str, codes)])) or next(left)),
        )

    answer(False)
    assert "not trusted" in run("view", theirs).stderr
    assert not marker.exists()
    answer(True)
    assert run("view", theirs).stderr == ""
    assert run("mags", "check", theirs).exit_code in (0, 1)
    assert marker.exists()
    assert len(asked) == 2
    assert asked[0] == [f"{plugin} (sha256 {digest_of(plugin)[:12]})"]


def test_the_question_names_the_files_and_goes_to_stderr(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.command("ask-me", hidden=True)
    def asks() -> None:
        typer.echo(loading._ask([Code.plugin(str(plugin), "x/config.yaml"), Code("code", "x/config.yaml")]))

    try:
        for typed, answered in (("y\n", "True"), ("n\n", "False"), ("\n", "False")):
            outcome = CliRunner().invoke(app, ["ask-me"], input=typed)
            assert outcome.stdout.endswith(f"{answered}\n")
            assert f"  {plugin} (sha256 {digest_of(plugin)[:12]})\n" in outcome.stderr
            assert outcome.stderr.count("x/config.yaml names code that would be run with your rights:") == 1
    finally:
        app.registered_commands.pop()


@pytest.mark.parametrize("named", ["option", "folder", "environment", "--trust", "python"])
def test_what_a_person_names_is_trusted_and_the_run_that_it_makes_is(
    named: str, config: Path, plugin: Path, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine"
    own = {**QUICK, "protocol": "lonely"}
    if named == "environment":
        monkeypatch.setenv("MAGDI_TRUST", "1")
        run("discuss", config, "-o", out)
    elif named == "python":
        magdi.discuss(plugin=[str(plugin)], out=out, **own)
    elif named in ("option", "folder"):
        plain = tmp_path / "plain.yaml"
        plain.write_text(yaml.safe_dump(own))
        typed = ("--plugin", plugin) if named == "option" else ("--plugins-dir", plugin.parent)
        run("discuss", plain, *typed, "-o", out)
    else:
        run("discuss", config, "--trust", "-o", out)
    assert marker.exists()
    marker.unlink()
    monkeypatch.delenv("MAGDI_TRUST", raising=False)
    for module in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[module]
    said = run("view", out)
    assert ("not trusted" in said.stderr) == (named == "environment")
    assert marker.exists() == (named != "environment")


def test_a_suite_is_somebodys_file_too(plugin: Path, marker: Path, tmp_path: Path) -> None:
    cells = {"axes": {"level": ["1", "2"]}, "title": "Theirs", "reference": "1"}
    suite = tmp_path / "theirs.yaml"
    suite.write_text(yaml.safe_dump({**cells, "settings": {"plugins": [str(plugin)], "protocol": "lonely"}}))
    outcome = run("ablate", "-n", suite)
    assert "not trusted" in str(outcome.exception)
    run("trust", suite)
    assert not marker.exists()
    outcome = run("ablate", "-n", suite)
    assert marker.exists()
    assert outcome.exit_code == 0, outcome.exception


@pytest.mark.parametrize("place", ["embedded", "a cell", "an axis"])
def test_nothing_of_a_suite_is_what_a_person_has_named(place: str, plugin: Path, marker: Path, tmp_path: Path) -> None:
    remote = {"student.model": "their/model", "student.trust_remote_code": True}
    parts: dict[str, dict[str, Any]] = {
        "embedded": {"embedded": {"plugins": [str(plugin)]}},
        "a cell": {"cells": [{"level": "x", "set": {"plugins": [str(plugin)], **remote}}]},
        "an axis": {"axes": {"level": {"x": remote, "y": {"plugins": [str(plugin)]}}}},
    }
    suite = tmp_path / "theirs.yaml"
    suite.write_text(yaml.safe_dump({"axes": {"level": ["1"]}, "title": "Theirs", **parts[place]}))
    said = "lonely.py" if place == "embedded" else "the code that comes with their/model"
    outcome = run("ablate", suite, "--seeds", "1", "-o", tmp_path / "suite")
    assert said in str(outcome.exception) + outcome.stderr
    assert "not trusted" in str(outcome.exception) + outcome.stderr
    assert not marker.exists()
    assert said in run("trust", suite).stdout


def test_code_of_models_is_run_only_for_files_that_are_trusted(tmp_path: Path) -> None:
    file = tmp_path / "remote.yaml"
    file.write_text("teachers: [{teacher: 'hf:their/model', settings: {trust_remote_code: true}}]\n")
    plugins = set_up([file], environ={}).plugins
    for act in (plugins.demand, partial(plugins.demand, plugins=False)):
        with pytest.raises(ComponentError, match="the code that comes with tiny, hf:their/model"):
            act()
    outcome = run("run", "-n", file)
    assert "code that is not trusted is not run" in str(outcome.exception)
    assert run("trust", file).exit_code == 0
    set_up([file], environ={}).plugins.demand()
    file.write_text(file.read_text().replace("their", "other"))
    with pytest.raises(ComponentError):
        set_up([file], environ={}).plugins.demand()
    typed = set_up(environ={}, flags={"student.trust_remote_code": True})
    typed.plugins.demand()


def test_code_of_a_students_model_is_run_in_evaluations_that_trust_it(tmp_path: Path) -> None:
    folder, mark = tmp_path / "model", tmp_path / "ran"
    folder.mkdir()
    code = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(code))
    (folder / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["own.Own", null]}}')
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w').close()\nraise RuntimeError('it was run')\n")
    with pytest.raises(DataError, match="it comes with code of its own, and nobody has said") as caught:
        load_model(folder)
    assert "student.trust_remote_code: true" in caught.value.hint
    student = {"model": str(folder), "trust_remote_code": True}
    theirs = opened_run(tmp_path / "theirs", RunConfig.model_validate({"student": student}))
    shutil.copytree(folder, theirs.student)
    evaluate = ("evaluate", theirs.path, "--limit", "1", "-o", tmp_path / "out")
    for command in (evaluate, ("ask", theirs.path, "1 + 1?"), ("export", theirs.path, "-o", tmp_path / "x")):
        refused = run(*command)
        assert "not trusted is not run" in str(refused.exception), command
    assert not mark.exists()
    assert run("trust", theirs.path).exit_code == 0
    assert "it was run" in str(run(*evaluate).exception)
    assert mark.exists()


def test_a_module_is_not_trusted_because_it_can_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: Path
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "lonely.py").write_text(PLUGIN.format(marker=str(marker)))
    monkeypatch.syspath_prepend(str(tmp_path / "there"))
    for name in ("lonely", "lonely.inner", "antigravity", "magdi.__main__"):
        plugins = load_plugins(found=[Code.plugin(name, "x")], optional=True, environ={})
        assert [code.name for code in plugins.refused] == [name]
    assert not marker.exists()
    assert load_plugins(found=[Code.plugin("lonely", "x")], environ={"MAGDI_TRUST": "1"}).registry.find(
        "protocol", "lonely"
    )


def test_the_digest_covers_what_is_imported_from_beside_and_a_whole_package(plugin: Path, tmp_path: Path) -> None:
    plugin.write_text("import helper\nfrom boxed import part\nimport json\n" + plugin.read_text())
    (tmp_path / "helper.py").write_text("from further import x\nimport lonely\n")
    (tmp_path / "further.py").write_text("x = 1\n")
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    box = tmp_path / "boxed"
    box.mkdir()
    for name in ("__init__.py", "part.py", "prompts.txt"):
        (box / name).write_text("")
    assert [file.name for file in files_of(plugin)] == [
        *("lonely.py", "__init__.py", "part.py", "prompts.txt", "further.py", "helper.py")
    ]
    for file in (tmp_path / "further.py", box / "prompts.txt"):
        before = digest_of(plugin)
        file.write_text("x = 2\n")
        assert digest_of(plugin) != before
    before = digest_of(plugin)
    (tmp_path / "unrelated.py").write_text("x = 2\n")
    assert digest_of(plugin) == before


def test_a_folder_that_is_no_plugin_is_told_so_and_not_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magdi.core.config.code.MOST_FILES", 20)
    monkeypatch.setattr("magdi.plugins.discovery.MOST", 3)
    home = tmp_path / "home"
    (home / "deep").mkdir(parents=True)
    for number in range(30):
        (home / "deep" / f"{number}.py").write_text("raise SystemExit('it ran')\n")
    theirs = tmp_path / "theirs.yaml"
    theirs.write_text(yaml.safe_dump({"plugins": [f"{home}/"]}))
    for arguments, said in (
        (["config", "show", "--plugin", f"{home}/"], "is no plugin: neither a file NAME.py nor a folder"),
        (["config", "show", "--plugin", "/dev/null"], "there is no plugin file /dev/null"),
        (["config", "show", "--plugins-dir", str(home / "deep")], "is no plugin folder: 30 Python files"),
        (["config", "show", "--plugins-dir", str(theirs)], "there is no plugin folder"),
        (["run", "-n", str(theirs)], "is no plugin: neither"),
    ):
        result = CliRunner().invoke(app, arguments)
        assert isinstance(result.exception, ComponentError)
        assert said in result.exception.message
    assert CliRunner().invoke(app, ["config", "schema", "--plugins-dir", str(home)]).exit_code == 0  # its top alone
    (home / "__init__.py").write_text("")
    for arguments in (["config", "show", "--plugin", f"{home}/"], ["trust", str(home)], ["run", "-n", str(theirs)]):
        with pytest.raises(MagdiError, match="is no plugin: it holds more than 20 files"):
            CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_marks_of_trust_that_are_none_are_passed_over(plugin: Path) -> None:
    from magdi.plugins.trust import folder, remember, remembered

    remember([Code.plugin(str(plugin))])
    for number, torn in enumerate((b"", b"null", b"[1]", b"\xff", b"{}", b"[" * 100_000)):
        (folder() / str(number)).write_bytes(torn)
    assert {each["name"] for each in remembered()} == {str(plugin), "?"}


@pytest.mark.parametrize("package", [False, True])
def test_compiled_files_beside_a_plugin_are_never_run(tmp_path: Path, marker: Path, package: bool) -> None:
    """A .pyc of other code, which Python would take for that of the source that was looked at."""
    import py_compile
    from importlib.util import cache_from_source

    folder = tmp_path / "boxed"
    folder.mkdir()
    good = folder / "part.py"
    (folder / "__init__.py").write_text("from . import part\n")
    good.write_text(f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(good), cache_from_source(str(good)), invalidation_mode=mode)
    good.write_text("x = 1\n")
    from_path(folder if package else good).load()
    assert not marker.exists()


def test_no_module_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("yaml", "rich", "typer", "pluggy", "pydantic"):
        (tmp_path / f"{name}.py").write_text(f"open('{tmp_path}/{name}.marker', 'w')\n")
    command = [sys.executable, "-m", "magdi", "config", "show", "--encoder", "none"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "preset: tiny" in outcome.stdout
    assert not list(tmp_path.glob("*.marker"))
