"""`magdi plugins` and `magdi config`, as they are typed."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import Typer, get_command
from typer.testing import CliRunner, Result

from magdi.cli import app as cli
from magdi.cli.commands import taken
from magdi.cli.config import app as config_app
from magdi.cli.plugins import app as plugins_app
from magdi.core.errors import ComponentError, ConfigError
from magdi.plugins import builtins
from magdi.plugins.source import read_file
from tests.plugins.conftest import MakeDistribution, MakeFile
from tests.plugins.plugin_samples import RING

LIAR = RING.replace(
    "        yield [self.ask(agent) for agent in agents]\n",
    "        said = yield [self.ask(agent) for agent in agents]\n"
    "        yield [self.ask(agent, round=1, seen=said) for agent in agents]\n\n"
    "    def prompt(self, question, ask):\n"
    "        return super().prompt(question, self.ask(ask.agent))\n",
)


def invoke(app: Typer, *arguments: object) -> str:
    outcome = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_list_names_components_and_says_what_is_broken_and_why(plugin_file: MakeFile) -> None:
    ring = plugin_file(
        "ring", RING.replace("Component(", "Component('lost', 'magdi.no_such:X', '')\n    yield Component(")
    )
    bad = plugin_file("bad", "import no_such_dependency")
    text = invoke(plugins_app, "list", "--plugin", ring, "--plugin", bad)
    document = json.loads(invoke(plugins_app, "list", "--json", "--plugin", ring, "--plugin", bad))
    found = {each["address"]: each for each in document["components"]}
    assert found["ring/ring"]["problem"] == ""
    assert found["ring/lost"]["problem"] == "No module named 'magdi.no_such'"
    cause = f"No module named 'no_such_dependency' ({bad}:1)"
    assert document["faults"] == [{"plugin": "bad", "version": "", "cause": cause}]
    assert "broken: No module named 'magdi.no_such'" in text
    assert "bad: No module named 'no_such_dependency'" in text


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("magdi.core.quiet:Nothing", "magdi.core.quiet has no 'Nothing'; there is none"),
        ("magdi.core.protocol.x:Y", "No module named 'magdi.core.protocol.x'"),
        ("magdi.core.mag", "target 'magdi.core.mag' is not \"module:Class\""),
        ("magdi.cli.output:show", ""),
    ],
)
def test_a_target_that_cannot_exist_is_seen_without_importing_it(target: str, problem: str) -> None:
    code = f"from magdi.plugins.target import absent; print(absent({target!r}))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert problem in found.stdout.strip()
    assert bool(problem) == bool(found.stdout.strip())


def test_list_can_be_narrowed_and_plugins_left_out(plugin_file: MakeFile) -> None:
    ring = plugin_file("ring", RING)
    document = json.loads(invoke(plugins_app, "list", "--json", "--kind", "task", "--plugin", ring, "--no-plugins"))
    assert {each["kind"] for each in document["components"]} == {"task"}
    assert (document["commands"], document["plugins"]) == ([], [])


def test_show_tells_settings_and_draws_the_graph(plugin_file: MakeFile) -> None:
    text = invoke(plugins_app, "show", "reconcile")
    about = json.loads(invoke(plugins_app, "show", "reconcile", "--json"))
    counts = [(count["rounds"], count["calls"], count["edges"]) for count in about["graph"]["counts"]]
    assert counts == [(0, 3, 0), (1, 6, 9), (2, 9, 18), (3, 12, 27)]
    rounds = next(each for each in about["settings"] if each["name"] == "rounds")
    assert (rounds["type"], rounds["default"], rounds["required"]) == ("int", 3, False)
    assert "round 1   3 ada <- 0 1 2" in text
    assert "'all' | 'top2'" in text


def test_show_takes_settings_and_refuses_wrong_ones() -> None:
    about = json.loads(invoke(plugins_app, "show", "reconcile", "--json", "-A", "rounds=1"))
    assert len(about["graph"]["counts"]) == 2
    with pytest.raises(ConfigError, match="did you mean 'rounds'"):
        invoke(plugins_app, "show", "reconcile", "-A", "ronds=1")
    with pytest.raises(ConfigError, match="--arg 'x' is not KEY=VALUE"):
        invoke(plugins_app, "show", "reconcile", "-A", "x")


def test_show_of_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(ComponentError, match="there is no component 'reconcil'; did you mean 'reconcile'"):
        invoke(plugins_app, "show", "reconcil")


def test_check_passes_a_good_protocol_and_fails_one_that_lies(plugin_file: MakeFile) -> None:
    good = CliRunner().invoke(plugins_app, ["check", "--plugin", str(plugin_file("good", RING))])
    assert good.exit_code == 0, good.output
    assert "1 passed" in good.output
    bad = CliRunner().invoke(plugins_app, ["check", "ring", "--json", "--plugin", str(plugin_file("bad", LIAR))])
    document = json.loads(bad.output)
    assert (bad.exit_code, document["passed"]) == (1, False)
    failed = [each["name"] for each in document["components"][0]["checks"] if not each["passed"]]
    assert "seen_is_provenance" in failed


def test_check_fails_for_a_component_that_cannot_be_loaded_and_for_a_plugin_at_fault(plugin_file: MakeFile) -> None:
    lost = plugin_file("lost", "@hookimpl\ndef magdi_tasks():\n    yield Component('lost', 'no_such:X', 'Lost.')")
    outcome = CliRunner().invoke(plugins_app, ["check", "--plugin", str(lost)])
    assert outcome.exit_code == 1
    assert "task 'lost' of lost cannot be loaded: No module named 'no_such'" in outcome.output
    outcome = CliRunner().invoke(plugins_app, ["check", "--plugin", str(plugin_file("bad", "import no_such_module"))])
    assert outcome.exit_code == 1
    assert "plugin bad: No module named 'no_such_module'" in outcome.stderr


def test_check_says_what_does_not_apply() -> None:
    text = invoke(plugins_app, "check", "simulated")
    assert "  -    keeps_secrets: not applicable, none of its settings takes a key" in text
    checks = json.loads(invoke(plugins_app, "check", "simulated", "--json"))["components"][0]["checks"]
    left_out = [check["name"] for check in checks if not check["applies"]]
    assert left_out == re.findall(r"-    (\w+): not applicable", text)
    assert text.count("  ok   ") == len(checks) - len(left_out)


def test_check_of_a_plugin_that_is_not_installed_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugin_file: MakeFile
) -> None:
    monkeypatch.chdir(tmp_path)
    invoke(plugins_app, "new", "my-wheel", "--kind", "protocol")
    for name in ("my-wheel", "magdi-my-wheel", tmp_path / "magdi-my-wheel"):
        with pytest.raises(ComponentError, match="there is no component") as caught:
            invoke(plugins_app, "check", name)
        assert caught.value.hint.endswith(
            f"pip install -e {tmp_path / 'magdi-my-wheel' if isinstance(name, Path) else 'magdi-my-wheel'}"
        )
    with pytest.raises(ComponentError) as caught:
        invoke(plugins_app, "check", plugin_file("ring", RING))
    assert f"--plugin {tmp_path / 'ring.py'}" in caught.value.hint


def test_config_show_is_a_file_that_can_be_read_back(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(invoke(config_app, "show", "--seed", "3", "-P", "rounds=1"))
    layer = read_file(tmp_path / "a.yaml")
    assert not layer.problems
    assert layer.tree["protocol"] == {"name": "reconcile", "rounds": 1}
    document = json.loads(invoke(config_app, "show", tmp_path / "a.yaml", "--json"))
    assert document["config"] == layer.tree
    assert document["origins"]["seed"].startswith(f"{tmp_path / 'a.yaml'}:")


def test_config_show_origin_names_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("training:\n  steps: 7\n")
    monkeypatch.setenv("MAGDI_TRAINING__LOG_EVERY", "3")
    text = invoke(
        config_app, "show", tmp_path / "a.yaml", "--origin", "--seed", "4", "--set", "objectives.margin.weight=0.2"
    )
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    for path, value, origin in (
        ("training.steps", "7", "a.yaml:2"),
        ("training.log_every", "3", "environment MAGDI_TRAINING__LOG_EVERY"),
        ("seed", "4", "flag"),
        ("objectives.margin.weight", "0.2", "--set objectives.margin.weight"),
        ("preset", "tiny", "auto, for student.model tiny"),
        ("protocol.rounds", "3", "default of reconcile"),
        ("task.seed", "4", "the run's seed"),
    ):
        assert value in lines[path]
        assert lines[path].rstrip().endswith(origin)


def test_config_validate_tells_all_problems(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("sed: 1\nprotocol: {name: reconcile, ronds: 3}\n")
    good = CliRunner().invoke(config_app, ["validate"], catch_exceptions=False)
    assert (good.exit_code, good.output) == (0, "the configuration is valid\n")
    bad = CliRunner().invoke(config_app, ["validate", str(tmp_path / "a.yaml"), "--json"])
    assert bad.exit_code == 2
    assert json.loads(bad.output)["problems"] == [
        f"sed: there is no such key; did you mean 'seed'? ({tmp_path / 'a.yaml'}:1)",
        f"protocol.ronds: there is no such key; did you mean 'rounds'? ({tmp_path / 'a.yaml'}:2)",
    ]
    with pytest.raises(ConfigError):
        CliRunner().invoke(config_app, ["validate", str(tmp_path / "a.yaml")], catch_exceptions=False)


def test_config_schema_knows_the_settings_of_all_components_plugins_included(plugin_file: MakeFile) -> None:
    schema = json.loads(invoke(config_app, "schema", "--plugin", plugin_file("ring", RING)))
    names, *by_name, _ = schema["properties"]["protocol"]["anyOf"]
    assert {"ring", "reconcile"} <= set(names["examples"])
    reconcile = next(each for each in by_name if each["title"] == "reconcile")
    assert reconcile["properties"]["rounds"]["minimum"] == 0


def test_settings_of_a_component_are_read_as_everywhere_else() -> None:
    document = json.loads(invoke(config_app, "show", "--json", "--encoder", "none", "--task-arg", "min_steps=3"))
    assert document["config"]["task"] == {"name": "arithmetic", "min_steps": 3}
    text = invoke(config_app, "validate", "-P", "calibration=stated", "--set", "training.learning_rate=1e-5")
    assert text == "the configuration is valid\n"


COMMAND = """
import typer
from magdi.plugins import Component, hookimpl

app = typer.Typer()


@app.command()
def hello() -> None:
    print("hello from a plugin")


@hookimpl
def magdi_commands():
    yield Component("greet", app, "Says hello.")
    yield Component("plugins", app, "Wants a name that is taken.")
    yield Component("broken", "no_such_module:app", "Cannot be imported.")
"""


def typed(*arguments: object) -> Result:
    brought, left = taken([str(argument) for argument in arguments])
    return CliRunner().invoke(cli.app, left, obj=brought)


def test_a_plugin_brings_a_command(installed: MakeDistribution) -> None:
    installed("acme-greet", COMMAND)
    outcome = typed("greet")
    assert outcome.stdout == "hello from a plugin\n"
    assert outcome.stderr == "plugin acme-greet 1.2: command 'plugins' is magdi's own; this one cannot be reached\n"


def test_a_function_is_a_command(plugin_file: MakeFile) -> None:
    file = plugin_file(
        "greeter", "@hookimpl\ndef magdi_commands():\n    yield Component('greet', greet, 'Says hello.')\n"
    )
    file.write_text(file.read_text() + "\ndef greet(name: str) -> None:\n    print('hello', name)\n")
    assert typed("greet", "ann", "--plugin", file).stdout == "hello ann\n"


def test_doctor_knows_every_extra_that_a_user_may_install() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = json.loads(invoke(cli.app, "doctor", "--json"))["extras"]
    assert set(extras) == set(project["optional-dependencies"]) - {"dev", "docs"}


def test_a_command_that_cannot_be_reached_stands_in_the_list_and_in_doctor(
    installed: MakeDistribution, plugin_file: MakeFile
) -> None:
    installed("acme-greet", COMMAND)
    other = plugin_file(
        "other", COMMAND.replace('    yield Component("plugins", app, "Wants a name that is taken.")\n', "")
    )
    document = json.loads(invoke(cli.app, "plugins", "list", "--json", "--plugin", other))
    assert [fault["cause"] for fault in document["faults"]] == [
        "command 'plugins' is magdi's own; this one cannot be reached",
        "command 'greet' is also brought by acme-greet; this one cannot be reached",
        "command 'broken' is also brought by acme-greet; this one cannot be reached",
    ]
    (fault,) = json.loads(invoke(cli.app, "doctor", "--json"))["plugin_faults"]
    assert fault == "acme-greet 1.2: command 'plugins' is magdi's own; this one cannot be reached"


@pytest.mark.parametrize(
    "arguments", [["--plugin", "FILE", "greet"], ["greet", "--plugin", "FILE"], ["--plugin=FILE", "greet"]]
)
def test_a_file_brings_a_command(plugin_file: MakeFile, arguments: list[str]) -> None:
    file = plugin_file("greeter", COMMAND)
    assert typed(*(argument.replace("FILE", str(file)) for argument in arguments)).stdout == "hello from a plugin\n"


def test_a_folder_brings_commands_and_help_lists_them(plugin_file: MakeFile) -> None:
    folder = plugin_file("greeter", COMMAND).parent
    assert "Says hello." in typed("--help", "--plugins-dir", folder).stdout


def test_help_lists_plugins_commands_without_importing_them(installed: MakeDistribution) -> None:
    installed("acme-greet", COMMAND)
    assert "Cannot be imported." in typed("--help").stdout


def test_a_command_that_cannot_be_loaded_says_whose_it_is(installed: MakeDistribution) -> None:
    installed("acme-greet", COMMAND)
    wrong = str(typed("broken").exception)
    assert wrong.startswith("command 'broken' of acme-greet 1.2 cannot be loaded: No module named")


def test_own_commands_load_no_plugin_for_the_sake_of_commands(installed: MakeDistribution) -> None:
    installed("acme-bad", "import no_such_dependency")
    assert typed("run", "--help").stderr == ""
    assert "acme-bad" in typed("no-such-command").stderr


def test_own_commands_come_by_the_hook_and_one_at_a_time() -> None:
    names = [component.name for component in builtins.magdi_commands()]
    group = get_command(cli.app)
    assert isinstance(group, TyperGroup)
    assert list(group.commands) == names
    code = "import sys; sys.argv = ['magdi', 'runs', '-h']; from magdi.cli.app import main\n"
    code += (
        "try: main()\nexcept SystemExit: print(sorted(name for name in sys.modules if name.startswith('magdi.cli.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "magdi.cli.runs" in loaded
    assert not {"magdi.cli.ablate", "magdi.cli.mags", "magdi.cli.evaluate"} & set(loaded.split())


def test_the_shell_completes_options_of_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "_MAGDI_COMPLETE": "complete_bash",
        "COMP_WORDS": "magdi runs compare --",
        "COMP_CWORD": "3",
    }.items():
        monkeypatch.setenv(name, value)
    outcome = CliRunner().invoke(cli.app, [], prog_name="magdi")
    assert "--json" in outcome.stdout


def test_list_loads_no_torch_with_ten_plugins(installed: MakeDistribution, tmp_path: Path) -> None:
    for number in range(10):
        installed(f"acme-{number}", RING.replace('"ring"', f'"ring-{number}"'))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site-packages')!r})\n"
        "sys.argv = ['magdi', 'plugins', 'list']\n"
        "from magdi.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'transformers', 'numpy', 'openai'} & sys.modules.keys()))"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("Everybody once.") == 10
