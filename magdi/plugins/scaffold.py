"""Starts a plugin: a complete little distribution, ready to be installed, checked and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from magdi.core.errors import ConfigError
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import KEBAB_CASE, KINDS, Kind


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was made.

    Attributes:
        directory: The distribution's folder.
        files: Its files, relative to the folder.
        next_steps: Commands to go on with.
    """

    directory: Path
    files: tuple[Path, ...]
    next_steps: tuple[str, ...]


def scaffold(name: str, kind: Kind, into: Path = Path()) -> Scaffold:
    """Makes a distribution ``magdi-NAME`` with a component that works and passes the conformance kit.

    Args:
        name: The component's name, in kebab-case.
        kind: What it is to be.
        into: Folder in which the distribution's folder is made.

    Raises:
        ConfigError: The name is no kebab-case or is a shipped component's, or the folder is already there.
    """
    directory = into / f"magdi-{name}"
    _check(name, kind, directory)
    names = _names(name, kind)
    made = {target: _filled(template, names) for target, template in _layout(kind, names).items()}
    for target, text in made.items():
        path = directory / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    steps = (f'pip install -e "{directory}[test]"', f"magdi plugins check {name}", f"python -m pytest {directory}")
    return Scaffold(directory, tuple(Path(target) for target in made), steps)


def _check(name: str, kind: Kind, directory: Path) -> None:
    if not KEBAB_CASE.fullmatch(name) or name[0].isdigit():
        raise ConfigError(f"{name!r} is no name for a component", hint="small letters, digits and hyphens: my-ring")
    if name in {component.name for component in BUILTINS[kind]}:
        raise ConfigError(f"magdi has a {kind} {name!r}, and its names are reserved", hint="take another name")
    if directory.exists():
        raise ConfigError(f"{directory} is already there", hint="take another name, or another folder with --into")


def _names(name: str, kind: Kind) -> dict[str, str]:
    words = name.split("-")
    names = {"name": name, "kind": kind, "distribution": f"magdi-{name}", "module": "magdi_" + "_".join(words)}
    names |= {"file": "_".join(words), "cls": "".join(word.capitalize() for word in words)}
    sources = "".join(f"| `{path}` | {what} |\n" for path, (_, what) in _sources(kind, names).items())
    return names | {"use": Template(f"Use it: {KINDS[kind].use}.").substitute(names), "sources": sources}


def _sources(kind: Kind, names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Returns the template of each source file, and what it is: one, or two where the class needs torch."""
    module = f"src/{names['module']}"
    if kind != "encoder":
        return {f"{module}.py": (f"{kind}.py", f"the {kind}, and the hook that names it; start here")}
    return {
        f"{module}/{names['file']}.py": ("encoder.py", "the encoder; start here"),
        f"{module}/__init__.py": ("encoder_hook.py", "the hook that names it, apart, for it is read without torch"),
    }


def _layout(kind: Kind, names: Mapping[str, str]) -> dict[str, str]:
    """Returns the template of each file that is made."""
    return {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        **{path: template for path, (template, _) in _sources(kind, names).items()},
        f"tests/test_{names['file']}.py": f"test_{kind}.py",
    }


def _filled(template: str, names: Mapping[str, str]) -> str:
    text = files("magdi.plugins").joinpath("templates", f"{template}.tmpl").read_text("utf-8")
    return Template(text).substitute(names)
