"""Every block of code in the documentation of plugins and configuration runs and does what it says."""

import doctest
import inspect
import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.errors import MagdiError
from magdi.plugins import hookspecs
from magdi.plugins.hooks import Hooks

ROOT = Path(__file__).parents[2]
NAMED = ("configuration", "encoders", "conformance", "python")
DOCS = ROOT / "docs"
PAGES = [
    *sorted((DOCS / "plugins").glob("*.md")),
    *sorted((DOCS / "api").glob("*.md")),
    *(DOCS / f"{name}.md" for name in NAMED),
]
HOOKS = Hooks().names
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """The name in a first line such as ``# ring.py``."""
        found = re.match(r"# (\S+\.(?:py|yaml))\n", self.text)
        return found[1] if found else ""


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        yield Block(found["language"], found["text"], text.count("\n", 0, found.start()) + 1)


def run_command(line: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Returns the exit code of a line and what it prints; the same as in a shell, in this process."""
    words = shlex.split(line)
    with monkeypatch.context() as patched:
        while "=" in words[0]:
            patched.setenv(*words.pop(0).split("=", 1))
        assert words[0] == "magdi"
        outcome = CliRunner().invoke(app, words[1:])
    error = outcome.exception
    if isinstance(error, MagdiError):
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return error.exit_code, f"{outcome.output}error: {error.message}{hint}\n"
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return outcome.exit_code, outcome.output


def check_console(text: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        code, printed = run_command(command, monkeypatch)
        got = "".join(line.rstrip() + "\n" for line in printed.splitlines())
        assert (code != 0) == ("error:" in expected), f"{where}: {command} ended with {code}\n{got}"
        matches = doctest.OutputChecker().check_output(expected, got, doctest.ELLIPSIS)
        assert matches, f"{where}: {command}\nexpected\n{expected}\ngot\n{got}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_every_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAGDI_LOAD_PLUGINS", "")
    names: dict[str, object] = {"__name__": "documentation"}
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.file:
            Path(block.file).write_text(block.text)
        if block.language == "console":
            check_console(block.text, where, monkeypatch)
        elif block.language == "python" and not block.file:
            exec(compile(block.text, where, "exec"), names)
        else:
            assert block.file or block.language == "toml", f"{where} is not run"


def test_the_first_protocol_is_short() -> None:
    first = next(block for block in blocks(ROOT / "docs" / "plugins" / "protocol.md") if block.file == "ring.py")
    assert sum(bool(line.strip()) for line in first.text.splitlines()) < 20


def signature(hook: str) -> str:
    return f"{hook}{inspect.signature(getattr(hookspecs, hook))}".replace("'", "")


def section(hook: str) -> str:
    text = (ROOT / "docs" / "plugins" / "hooks.md").read_text("utf-8")
    return text.partition(f"\n## {signature(hook)}\n")[2].partition("\n## ")[0]


def test_there_is_a_heading_for_every_hook_and_no_other() -> None:
    text = (ROOT / "docs" / "plugins" / "hooks.md").read_text("utf-8")
    assert sorted(re.findall(r"^## (.*)$", text, re.M)) == sorted(map(signature, HOOKS))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_typed_signature_and_a_line_that_says_what_it_is(hook: str) -> None:
    function = getattr(hookspecs, hook)
    about = inspect.signature(function)
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in about.parameters.values())
    assert about.return_annotation is not inspect.Signature.empty
    first_sentence = inspect.cleandoc(function.__doc__).partition(": ")[0].replace("`", "")
    assert first_sentence in section(hook).replace("`", "")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_test(hook: str) -> None:
    from tests.plugins.test_plugins_hooks import TESTS

    assert hook in TESTS


@pytest.fixture
def example(plugin_file: Callable[[str, str], Path]) -> Callable[[str], Path]:
    """Writes the example of a hook's section as a plugin file."""

    def write(hook: str) -> Path:
        (found,) = BLOCK.finditer(section(hook))
        return plugin_file(f"example_{hook}", found["text"])

    return write


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_every_hook_does_what_its_test_says(
    hook: str, example: Callable[[str], Path], tmp_path: Path
) -> None:
    from tests.plugins.test_plugins_hooks import TESTS

    TESTS[hook](example(hook), tmp_path)


def test_links_lead_somewhere() -> None:
    missing = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
        if not (page.parent / link).exists() and os.path.basename(link) not in OTHERS
    ]
    assert not missing


OTHERS = {"tasks.md", "teachers.md", "encoders.md", "conformance.md"}
"""Pages of other areas."""
