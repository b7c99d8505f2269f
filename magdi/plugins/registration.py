"""What is known of a registered component and of a plugin that is at fault."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from magdi.plugins.builtins import BUILTINS, COMMANDS
from magdi.plugins.component import COMMAND, Component, Kind

SHIPPED = "magdi"
"""The plugin name of everything that is shipped."""

LOCAL = "local"
"""The plugin name of classes and objects that a call from Python was given."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a plugin, in one line.

    Attributes:
        plugin: Its distribution, file or module.
        version: Its version; empty where it has none.
        cause: What went wrong.
        fatal: Whether nothing of the plugin is loaded, or of one hook of it; False where only one name is affected.
    """

    plugin: str
    version: str
    cause: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{named(self.plugin, self.version)}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Registration:
    """A component or command, and where it came from.

    Attributes:
        kind: What it is.
        component: Name, target, summary.
        plugin: The distribution, file or module that registered it.
        version: That plugin's version; empty where it has none.
        origin: How it was found: shipped, entry point, or the path of a file.
    """

    kind: Kind
    component: Component
    plugin: str
    version: str = ""
    origin: str = ""

    @property
    def address(self) -> str:
        """The name that no other plugin can have, ``plugin/name``."""
        return f"{self.plugin}/{self.component.name}"

    @property
    def place(self) -> tuple[bool, int]:
        """Where it comes where those of its kind are tried one after another: shipped ones last, in their order."""
        own = COMMANDS if self.kind == COMMAND else BUILTINS[self.kind]
        return self.shipped, own.index(self.component) if self.shipped else 0

    @property
    def shipped(self) -> bool:
        """Whether magdi brings it."""
        return self.plugin == SHIPPED

    def fault(self, cause: str) -> Fault:
        """Returns a fault of this one component."""
        return Fault(self.plugin, self.version, f"{self.kind} {self.component.name!r} {cause}", fatal=False)


def named(plugin: str, version: str) -> str:
    """Returns a plugin's name with its version, as it stands in messages."""
    return f"{plugin} {version}".strip()


@cache
def _own_version() -> str:
    return version(SHIPPED)


def shipped(kind: Kind, component: Component) -> Registration:
    """Returns the registration of a shipped component."""
    return Registration(kind, component, SHIPPED, _own_version(), "shipped")
