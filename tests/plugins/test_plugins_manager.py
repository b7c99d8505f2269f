"""Every way in which a plugin can be wrong: one line with plugin, version and cause; everything else keeps working."""

import logging
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.errors import ComponentError
from magdi.plugins.manager import Plugins, load_plugins
from tests.plugins.conftest import MakeDistribution, MakeFile
from tests.plugins.plugin_samples import RING

GOOD = """
@hookimpl
def magdi_tasks():
    yield Component("chess", "chess_task:Chess", "Best moves.")
"""


def load(*plugins: object, environ: Mapping[str, str] | None = None, **kwargs: Any) -> Plugins:
    return load_plugins([str(plugin) for plugin in plugins], environ=environ or {}, **kwargs)


def faults(plugins: Plugins) -> list[str]:
    return [str(fault) for fault in plugins.faults]


@pytest.fixture(autouse=True)
def _modules_are_forgotten() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_an_entry_point_is_loaded(installed: MakeDistribution) -> None:
    installed("acme-ring", RING)
    plugins = load()
    assert faults(plugins) == []
    ring = plugins.registry.find("protocol", "ring")
    assert (ring.address, ring.version, ring.origin) == ("acme-ring/ring", "1.2", "entry point acme-ring")
    assert plugins.registry.load("protocol", "acme-ring/ring").__name__ == "Ring"


def test_a_file_a_package_and_a_module_are_loaded(
    plugin_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = plugin_file("ring", RING)
    package = tmp_path / "boxed"
    package.mkdir()
    (package / "__init__.py").write_text(GOOD.replace("@", "from magdi.plugins import Component, hookimpl\n@", 1))
    plugin_file("some_module", GOOD.replace('"chess"', '"go"'))
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = load(ring, package, "some_module")
    assert faults(plugins) == []
    found = {each.address for each in plugins.registry.listing() if not each.shipped}
    assert found == {"ring/ring", "boxed/chess", "some_module/go"}


def test_a_folder_of_files_is_loaded_and_one_file_counts_once(plugin_file: MakeFile, tmp_path: Path) -> None:
    ring = plugin_file("ring", RING)
    plugin_file("_helper", "raise RuntimeError")
    plugins = load(ring, ring.parent / "." / "ring.py", folder=tmp_path)
    assert faults(plugins) == []
    assert [candidate.plugin for candidate in plugins.loaded] == ["ring"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("no/such.py", "there is no plugin file no/such.py"),
        ("no_such_module.x", "there is no plugin module 'no_such_module.x'"),
    ],
)
def test_a_plugin_that_was_named_and_is_not_there_ends_the_command(named: str, message: str) -> None:
    with pytest.raises(ComponentError, match=message) as caught:
        load(named)
    assert caught.value.exit_code == 2


def test_a_folder_that_is_not_there_ends_the_command(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="there is no plugin folder"):
        load(folder=tmp_path / "nowhere")


FAULTY = {
    "import error": ("import no_such_dependency", "No module named 'no_such_dependency'"),
    "syntax error": ("def broken(:  # import", "SyntaxError: invalid syntax"),
    "raises at import": ("import os\nraise RuntimeError('no licence')", "RuntimeError: no licence"),
    "exits at import": ("import sys\nsys.exit(3)", "SystemExit: 3"),
    "hook raises": ("@hookimpl\ndef magdi_protocols():\n    return 1 / 0", "magdi_protocols failed: ZeroDivisionError"),
    "hook returns nothing": (
        "@hookimpl\ndef magdi_encoders():\n    Component('x', 'y:Z', '')",
        "magdi_encoders failed: it gives NoneType, not an iterable of Components",
    ),
    "wrong signature": (
        "@hookimpl\ndef magdi_run_end(directory, outcome):\n    pass",
        "magdi_run_end takes outcome, which the hook does not have (it has directory, status)",
    ),
    "misspelt hook": (
        "@hookimpl\ndef magdi_protocol():\n    return ()",
        "magdi_protocol is no hook; did you mean 'magdi_protocols'?",
    ),
    "no marker": ("def magdi_protocols():\n    return ()", "magdi_protocols looks like a hook and lacks @hookimpl"),
    "wrapper": (
        "@hookimpl(wrapper=True)\ndef magdi_protocols():\n    return (yield)",
        "magdi_protocols is a wrapper; hooks of magdi cannot be wrapped",
    ),
    "no hooks": ("x = 1", "has no hooks; magdi_commands, magdi_decisions, magdi_discussion_end, "),
    "no component": (
        "@hookimpl\ndef magdi_protocols():\n    yield 'ring'",
        "magdi_protocols yields 'ring', which is no Component",
    ),
    "bad name": (
        "@hookimpl\ndef magdi_protocols():\n    yield Component('Ring/1', 'x:Y', '')",
        "magdi_protocols yields a component named 'Ring/1', which is not kebab-case (my-name)",
    ),
    "reserved name": (
        "@hookimpl\ndef magdi_encoders():\n    yield Component('gcn', 'x:Y', '')",
        "encoder 'gcn' is reserved for magdi's own; this one answers to 'acme-bad/gcn' only",
    ),
    "raises what is no Exception": ("import os\nclass Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd ("),
    "an exception that cannot be shown": (
        "import os\nclass Odd(Exception):\n    def __str__(self): return 1 / 0\nraise Odd",
        "Odd (",
    ),
    "never ends": (
        "@hookimpl\ndef magdi_tasks():\n    while True:\n        yield Component('x', 'y:Z', '')",
        "magdi_tasks failed: it yields more than 1,000 components",
    ),
    "async hook": (
        "@hookimpl\nasync def magdi_tasks():\n    return []",
        "magdi_tasks is async, and nobody awaits it: a hook is a plain def",
    ),
    "target of another type": (
        "@hookimpl\ndef magdi_tasks():\n    yield Component('x', 5, '')",
        "magdi_tasks yields 'x', whose target is 5: neither a class nor \"module:name\"",
    ),
    "summary of another type": (
        "@hookimpl\ndef magdi_tasks():\n    yield Component('x', 'y:Z', None)",
        "magdi_tasks yields 'x', whose summary and requires are not both texts",
    ),
    "changes the folder": (
        "import os\nfrom magdi.plugins import hookimpl\nos.chdir('/')\n@hookimpl\ndef magdi_tasks():\n    return ()",
        "changes the working directory, which was changed back",
    ),
    "one name twice": (
        "@hookimpl\ndef magdi_encoders():\n    yield Component('x', 'x:Y', '')\n    yield Component('x', 'x:Z', '')",
        "encoder 'x' is registered twice; the first one is used",
    ),
}


@pytest.mark.parametrize(("code", "cause"), FAULTY.values(), ids=FAULTY)
def test_a_fault_is_one_line_and_everything_else_works(
    installed: MakeDistribution, plugin_file: MakeFile, code: str, cause: str
) -> None:
    installed("acme-bad", code, "0.7")
    plugins = load(plugin_file("good", GOOD))
    fault, *more = faults(plugins)
    assert fault.startswith(f"acme-bad 0.7: {cause}")
    assert "\n" not in fault
    assert more in ([], ["acme-bad 0.7: task 'x' is registered twice; the first one is used"])
    assert plugins.registry.find("task", "chess").plugin == "good"
    assert plugins.registry.find("encoder", "gcn").shipped


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("acme_gone", "No module named 'acme_gone'"),
        ("acme_bad:gone", "module 'acme_bad' has no attribute 'gone'"),
        ("acme bad:::", '\'acme bad:::\' is not "module" or "module:attribute"'),
        ("acme_bad", "SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_where_there_is_no_line_to_look_at_the_entry_point_is_named(
    installed: MakeDistribution, entry: str, cause: str
) -> None:
    installed("acme-bad", "import os\nx = '\0'\n" if entry == "acme_bad" else GOOD, entry=entry)
    for finder in ("importlib.metadata", "importlib_metadata"):  # the latter finds for all once it was imported
        pytest.importorskip(finder)
        assert faults(load()) == [f"acme-bad 1.2: {cause} (entry point acme-bad)"]


def test_a_module_that_is_installed_twice_and_named_is_one_plugin(installed: MakeDistribution) -> None:
    module = installed("acme-one", GOOD)
    installed("acme-two", GOOD, entry=module)
    plugins = load(module)
    assert not plugins.faults
    assert plugins.registry.find("task", "chess").plugin in ("acme-one", "acme-two")


def test_a_generator_that_fails_half_way_keeps_what_came_before(installed: MakeDistribution) -> None:
    installed(
        "acme-half",
        """
        @hookimpl
        def magdi_encoders():
            yield Component("first", "x:Y", "")
            raise KeyError("licence")

        @hookimpl
        def magdi_tasks():
            yield Component("third", "x:Y", "")
        """,
    )
    plugins = load()
    (fault,) = faults(plugins)
    assert fault.startswith("acme-half 1.2: magdi_encoders failed: KeyError: 'licence' (")
    assert fault.endswith("acme_half.py:6)")
    assert plugins.registry.find("encoder", "first")
    assert plugins.registry.find("task", "third")


def test_a_wrong_hook_takes_no_other_hook_with_it(installed: MakeDistribution) -> None:
    installed("acme-mixed", GOOD + "\n@hookimpl\ndef magdi_metric(metrics):\n    pass\n")
    plugins = load()
    assert faults(plugins) == ["acme-mixed 1.2: magdi_metric is no hook; did you mean 'magdi_metrics'?"]
    assert plugins.registry.find("task", "chess")


def test_two_plugins_with_one_name_break_only_that_name(installed: MakeDistribution) -> None:
    installed("acme-one", GOOD, "1.0")
    installed("acme-two", GOOD, "2.0")
    plugins = load()
    assert len(plugins.faults) == 1
    assert "task 'chess' is also registered by acme-" in faults(plugins)[0]
    assert plugins.registry.find("task", "acme-one/chess").version == "1.0"
    with pytest.raises(ComponentError, match="2 plugins have a task 'chess'"):
        plugins.registry.find("task", "chess")


def test_choosing_what_a_broken_plugin_may_have_had_says_why(installed: MakeDistribution) -> None:
    installed("acme-bad", "import no_such_dependency", "0.7")
    with pytest.raises(ComponentError, match="there is no protocol 'star'") as caught:
        load().registry.load("protocol", "star")
    hint = "plugins that could not be loaded: acme-bad 0.7: No module named 'no_such_dependency' ("
    assert caught.value.hint.startswith(hint)


def test_a_damaged_distribution_is_passed_over(installed: MakeDistribution, tmp_path: Path) -> None:
    installed("acme-ring", RING)
    damaged = tmp_path / "site-packages" / "damaged-1.dist-info"
    damaged.mkdir()
    (damaged / "entry_points.txt").write_text("[magdi\nx y z\n")
    assert load().registry.find("protocol", "ring")


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, {"a", "b"}),
        ({"MAGDI_LOAD_PLUGINS": "a"}, {"a"}),
        ({"MAGDI_LOAD_PLUGINS": ""}, set()),
        ({"MAGDI_DISABLE_PLUGINS": "a"}, {"b"}),
        ({"MAGDI_DISABLE_PLUGINS": " a , b"}, set()),
    ],
)
def test_the_environment_says_which_distributions_are_loaded(
    installed: MakeDistribution, environ: dict[str, str], found: set[str]
) -> None:
    for name in ("a", "b"):
        installed(name, GOOD.replace('"chess"', f'"chess-{name}"'))
    plugins = load(environ=environ)
    assert {each.plugin for each in plugins.registry.listing("task") if not each.shipped} == found
    assert faults(plugins) == []


def test_a_distribution_that_the_environment_misspells_is_said(installed: MakeDistribution) -> None:
    installed("acme", GOOD)
    assert faults(load(environ={"MAGDI_DISABLE_PLUGINS": "acmee"})) == [
        "MAGDI_DISABLE_PLUGINS: 'acmee' is not installed; did you mean 'acme'?"
    ]


@pytest.mark.parametrize(
    ("code", "cause"), [("import no_such_dependency", "No module named 'no_such_dependency'"), ("def :", "SyntaxError")]
)
def test_a_plugin_that_was_named_and_cannot_be_loaded_is_an_error(
    plugin_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, cause: str
) -> None:
    bad = plugin_file("bad_one", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in (str(bad), "bad_one"):
        with pytest.raises(ComponentError, match=f"plugin {name} cannot be loaded: .*{cause}") as caught:
            load(name)
        assert caught.value.exit_code == 2
    assert cause in faults(load(bad, lenient=True))[0]
    assert cause in faults(load(folder=tmp_path))[0]
    assert load(bad, enabled=False).faults == []


def test_no_plugins_means_none(installed: MakeDistribution, plugin_file: MakeFile) -> None:
    installed("acme", RING)
    plugins = load(plugin_file("good", GOOD), enabled=False)
    assert plugins.loaded == ()
    assert all(each.shipped for each in plugins.registry.listing())


def test_strict_makes_every_fault_an_error(installed: MakeDistribution) -> None:
    installed("acme-bad", "import no_such_dependency", "0.7")
    with pytest.raises(ComponentError, match="acme-bad 0.7: No module named 'no_such_dependency'"):
        load(environ={"MAGDI_STRICT_PLUGINS": "1"})
    assert load(environ={"MAGDI_STRICT_PLUGINS": "0"}).faults


def test_tracing_names_each_plugin_its_time_and_its_components(installed: MakeDistribution) -> None:
    installed("acme", GOOD)
    lines: list[str] = []
    load(environ={"MAGDI_TRACE_PLUGINS": "1"}, trace=lines.append)
    assert lines[0].startswith("acme (entry point acme): ")
    assert lines[0].endswith(" ms")
    assert lines[1] == "acme brings task chess"
    load(environ={}, trace=lines.append)
    assert len(lines) == 2


def test_commands_are_collected(installed: MakeDistribution) -> None:
    installed("acme", "@hookimpl\ndef magdi_commands():\n    yield Component('stats', 'acme:app', 'Figures.')")
    (command,) = load().commands
    assert (command.component.name, command.plugin, command.version) == ("stats", "acme", "1.2")


def test_loading_plugins_imports_no_torch(tmp_path: Path) -> None:
    (tmp_path / "ring.py").write_text(RING)
    code = (
        f"import sys; from magdi.plugins.manager import load_plugins; load_plugins([{str(tmp_path / 'ring.py')!r}])"
        "; sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_a_plugin_does_by_the_way_is_undone(plugin_file: MakeFile, capfd: pytest.CaptureFixture[str]) -> None:
    code = """
    import logging, os, signal, subprocess, sys, warnings
    from magdi.plugins import Component, hookimpl

    print("printed")
    os.write(1, b"written")
    subprocess.run(["echo", "from a subprocess"])
    warnings.simplefilter("error")
    logging.basicConfig(level=1)
    logging.disable(50)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = None


    @hookimpl
    def magdi_tasks():
        print("yielded")
        yield Component("chess", "x:Y", "")
    """
    root = logging.getLogger()
    handler, filters = signal.getsignal(signal.SIGINT), list(warnings.filters)
    before = (root.level, list(root.handlers), root.manager.disable)
    plugins = load(plugin_file("loud", code))
    assert (faults(plugins), plugins.registry.find("task", "chess").plugin) == ([], "loud")
    assert (root.level, list(root.handlers), root.manager.disable) == before
    assert signal.getsignal(signal.SIGINT) is handler
    assert [each for each in warnings.filters if each not in filters] == []
    out, err = capfd.readouterr()
    assert out == ""
    assert all(each in err for each in ("printed", "written", "from a subprocess", "yielded"))


def test_a_component_that_cannot_be_made_is_one_line_with_file_and_line(plugin_file: MakeFile) -> None:
    head = "from pydantic import BaseModel, field_validator\n" + RING
    raising = head.replace("    def discuss", "    def __init__(self, config):\n        {}['key']\n\n    def discuss")
    config = (
        "    class Config(BaseModel, validate_default=True):\n        rounds: int = 1\n\n"
        "        @field_validator('rounds')\n        def check(cls, value):\n            {}['key']\n\n    def discuss"
    )
    choice = ComponentChoice(name="ring")
    why = r"protocol 'ring' of raising cannot be made: KeyError: 'key' \(.*raising\.py:\d+\)"
    with pytest.raises(ComponentError, match=why):
        load(plugin_file("raising", raising)).registry.protocol(choice)
    registry = load(plugin_file("strict", head.replace("    def discuss", config))).registry
    with pytest.raises(ComponentError, match=r"protocol 'ring' of strict has a Config that failed: KeyError: 'key'"):
        registry.protocol(choice)
    assert "has a Config that failed" in registry.problems("protocol", choice)[0].message
