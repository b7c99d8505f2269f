"""Whose code is run: what a person names is; what a file names, only once its content has been looked at.

A run, a suite or a configuration may be somebody else's, so the plugins that it names are data until they are trusted.
Trust is of content: a file that has changed is asked about again, and a copy of a trusted one elsewhere is not.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from magdi.core.config.code import digest_of, files_of, names_file, source_of
from magdi.core.errors import DataError
from magdi.core.files import home
from magdi.plugins.registration import Fault

if TYPE_CHECKING:
    from magdi.core.config.models import Student

VARIABLE = "MAGDI_TRUST"
SHORT = 12
"""Signs of a digest that are shown."""


@dataclass(frozen=True)
class Code:
    """Code that a file would have run.

    Attributes:
        name: The plugin, or the model that code comes with.
        by: The file that names it.
        source: Where it lies; None for code of a model, and for a plugin that is not there.
    """

    name: str
    by: str = ""
    source: Path | None = None

    @classmethod
    def plugin(cls, name: str, by: str = "") -> Code:
        """Finds the code of a plugin, without importing it."""
        return cls(name, by, source_of(name))

    @classmethod
    def model(cls, student: Student, by: str = "") -> Code:
        """Returns the code that comes with a student's model: another model, or revision, is other code."""
        return cls(f"the code that comes with {student.source}", by)

    @cached_property
    def digest(self) -> str:
        """Of its content; of the name alone where there is nothing that could be read."""
        return digest_of(self.source) if self.source else hashlib.sha256(self.name.encode()).hexdigest()

    def __str__(self) -> str:
        try:
            count = len(files_of(self.source)) if self.source else 1
            files = f", {count} files" if count > 1 else ""
            return f"{self.source or self.name} (sha256 {self.digest[:SHORT]}{files})"
        except DataError as error:  # whoever wants to trust it is told so as well
            return error.message


Ask = Callable[[Sequence[Code]], bool]
"""Asks a person whether code may be run."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How a command decides.

    Attributes:
        given: Trust whatever files name, as ``--trust`` says.
        ask: Asks at a terminal; None where nobody can be asked.
    """

    given: bool = False
    ask: Ask | None = None

    def refused(self, wanted: Iterable[Code], environ: Mapping[str, str]) -> list[Code]:
        """Returns the code that must not be run; what is trusted from now on is written down.

        MAGDI_TRUST=1 in the environment is ``--trust`` for every command, and nothing is written down.
        """
        unknown = [code for code in dict.fromkeys(wanted) if not _is_trusted(code)]
        if not unknown or always(environ):
            return []
        if not (self.given or (self.ask is not None and self.ask(unknown))):
            return unknown
        remember(unknown)
        return []


def always(environ: Mapping[str, str]) -> bool:
    """Returns whether MAGDI_TRUST is on: everything is run, and nothing remembered."""
    return environ.get(VARIABLE, "").strip().lower() in ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Listing(Trust):
    """Trusts nothing, and keeps what it was asked about.

    Attributes:
        wanted: That.
    """

    wanted: list[Code] = field(default_factory=list)

    def refused(self, wanted: Iterable[Code], environ: Mapping[str, str]) -> list[Code]:
        """Refuses all of it."""
        self.wanted.extend(wanted := list(wanted))
        return wanted


def fault(code: Code) -> Fault:
    """Returns why code that is not trusted was not run, and what to do."""
    return Fault(
        Path(code.name).stem if code.source else code.name,
        "",
        f"is not loaded: {code.by} names {code}, and it is not trusted; "
        f"look at it, then: magdi trust {code.source or code.by}, or --trust",
    )


def folder() -> Path:
    """Returns where trust is written down: one small file for each content, in the user's own configuration."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "magdi" / "trusted"


def remember(codes: Iterable[Code]) -> None:
    """Writes down that code is trusted; where that cannot be written, it is asked about again."""
    for code in codes:
        if _is_remembered(code):
            continue
        with suppress(OSError):
            folder().mkdir(parents=True, exist_ok=True, mode=0o700)
            entry = {"name": str(code.source or code.name), "since": time.strftime("%Y-%m-%d")}
            (folder() / code.digest).write_text(json.dumps(entry) + "\n", encoding="utf-8")


def forget(codes: Iterable[Code]) -> None:
    """Takes trust back."""
    for code in codes:
        (folder() / code.digest).unlink(missing_ok=True)


def remembered() -> Iterator[dict[str, str]]:
    """Yields ``name``, ``since`` and ``sha256`` of all that is trusted."""
    for file in sorted(folder().glob("*")):
        with suppress(OSError, ValueError, RecursionError):
            if isinstance(entry := json.loads(file.read_text("utf-8")), dict):
                known = {name: str(entry.get(name, "?")) for name in ("name", "since")}
                yield {**known, "sha256": file.name}


def _is_trusted(code: Code) -> bool:
    return _is_remembered(code) or _is_installed(code)


def _is_remembered(code: Code) -> bool:
    with suppress(OSError, DataError):
        return (folder() / code.digest).is_file()
    return False


def _is_installed(code: Code) -> bool:
    """Returns whether it is the module, or within the package, of a plugin that somebody has installed."""
    from magdi.plugins.discovery import installed_modules

    top = "" if names_file(code.name) else code.name.partition(".")[0]
    return code.source is not None and top in {module.partition(".")[0] for module in installed_modules()}
