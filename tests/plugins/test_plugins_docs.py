"""The documentation of plugins names every hook, and its examples do what they say. (Its code runs in test_docs.)"""

import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from magdi.plugins import hookspecs
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import Kind
from magdi.plugins.hooks import Hooks
from tests.doc_blocks import BLOCK, ROOT, blocks

NAMED = ("configuration", "encoders", "conformance", "python")
DOCS = ROOT / "docs"
PAGES = [
    *sorted((DOCS / "plugins").glob("*.md")),
    *sorted((DOCS / "api").glob("*.md")),
    *(DOCS / f"{name}.md" for name in NAMED),
]
HOOKS = Hooks().names


def test_the_first_protocol_is_short() -> None:
    first = next(block for block in blocks(ROOT / "docs" / "plugins" / "protocol.md") if block.file == "ring.py")
    assert sum(bool(line.strip()) for line in first.text.splitlines()) < 20


@pytest.mark.parametrize("kind", ["protocol", "encoder", "teacher", "task", "objective"])
def test_what_ships_is_named_in_the_readme_and_on_its_page(kind: Kind) -> None:
    for page in (ROOT / "README.md", DOCS / f"{kind}s.md"):
        words = set(re.findall(r"[\w-]+", page.read_text("utf-8")))
        assert not {each.name for each in BUILTINS[kind]} - words, page.name


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
