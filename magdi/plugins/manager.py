"""Loads plugins, each in isolation: whatever one of them does wrong is one line, and everything else keeps working."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from magdi.core.config.code import whole
from magdi.core.errors import BROUGHT, ComponentError, did_you_mean, is_own
from magdi.plugins import discovery
from magdi.plugins.component import COMMAND, KEBAB_CASE, KINDS, Component, Kind
from magdi.plugins.discovery import Candidate
from magdi.plugins.guard import guarded
from magdi.plugins.hooks import Hooks, Observers
from magdi.plugins.registration import Fault, Registration, named
from magdi.plugins.registry import Registry, default_registry
from magdi.plugins.target import cause, where
from magdi.plugins.trust import Code, Trust, fault, remember

Trace = Callable[[str], None]

MOST = 1000
"""Components that one hook may yield: one that never ends would keep the command from starting."""


LONGEST_NAME = 64
"""Characters of a component's name: folders of runs are called after it."""


@dataclass(frozen=True, slots=True)
class Plugins:
    """What was loaded.

    Attributes:
        registry: All components, shipped ones included.
        observers: Who is told what happens.
        commands: Commands that plugins bring.
        loaded: The plugins that were loaded, broken ones included.
        refused: Code that was not run, as nobody has said that it is trusted.
        faults: What is wrong with them.
    """

    registry: Registry
    observers: Observers
    commands: Sequence[Registration] = ()
    loaded: Sequence[Candidate] = ()
    refused: Sequence[Code] = ()

    @property
    def faults(self) -> list[Fault]:
        """Everything that is wrong with plugins, in the order in which it was found."""
        return self.registry.faults

    def demand(self, *, plugins: bool = True) -> None:
        """Raises ComponentError where code was not run without which a run is not what its configuration says.

        With ``plugins`` off, only for the code of models: their teachers cannot even be made without it.
        """
        refused = [code for code in self.refused if plugins or code.source is None]
        if refused:
            lines = [f"  {code}, named by {code.by}" for code in refused]
            names = " ".join(dict.fromkeys(code.by for code in refused))
            raise ComponentError(
                "\n".join(["code that is not trusted is not run:", *lines]),
                hint=f"look at it, then: magdi trust {names}, or the same command with --trust",
            )


@dataclass(slots=True)
class _Loading:
    """One loading of plugins."""

    trace: Trace
    hooks: Hooks = field(default_factory=Hooks)
    registrations: list[Registration] = field(default_factory=list)
    commands: list[Registration] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # by origin, why it cannot be loaded

    def load(self, candidate: Candidate) -> None:
        """Imports a plugin and registers its hooks; every fault is one line."""
        start = time.perf_counter()
        with guarded() as undone:
            try:
                plugin = candidate.load()
                if (place := discovery.place_of(plugin)) and not is_own(place):
                    BROUGHT[place] = named(candidate.plugin, candidate.version)
                self.hooks.admit(candidate, plugin)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                why = cause(error) if where(error) else f"{cause(error)} ({candidate.origin})"
                self.fault(candidate, why)
                self.missing[candidate.origin] = why
        for what in undone:
            self.fault(candidate, what, fatal=False)
        self.trace(f"{candidate.plugin} ({candidate.origin}): {1000 * (time.perf_counter() - start):.1f} ms")

    def fault(self, candidate: Candidate, why: str, *, fatal: bool = True) -> None:
        """Keeps a fault."""
        self.hooks.faults.append(Fault(candidate.plugin, candidate.version, why, fatal))

    def collect(self, candidates: Mapping[str, Candidate]) -> None:
        """Asks every plugin for its components and commands."""
        for kind in (*KINDS, COMMAND):
            for name, implementation in self.hooks.implementations(f"magdi_{kind}s"):
                candidate = candidates[name]
                for component in self._yielded(candidate, f"magdi_{kind}s", implementation.function):
                    self._keep(kind, component, candidate)

    def _keep(self, kind: Kind, component: Component, candidate: Candidate) -> None:
        self.trace(f"{candidate.plugin} brings {kind} {component.name}")
        kept = self.commands if kind == COMMAND else self.registrations
        kept.append(Registration(kind, component, candidate.plugin, candidate.version, candidate.origin))

    def _yielded(self, candidate: Candidate, hook: str, function: Callable[[], Any]) -> list[Component]:
        """Returns the good components of one hook of one plugin; those before a failure count."""
        good: list[Component] = []
        with guarded():
            try:
                for component in _iterated(function()):
                    wrong = _wrong(component, hook)
                    if wrong:
                        self.fault(candidate, f"{hook} {wrong}", fatal=False)
                    else:
                        good.append(component)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.fault(candidate, f"{hook} failed: {cause(error)}")
        return good


def _iterated(components: Any) -> Iterator[Any]:
    if not isinstance(components, Iterable):
        raise TypeError(f"it gives {type(components).__name__}, not an iterable of Components")
    for number, component in enumerate(components):
        if number == MOST:
            raise TypeError(f"it yields more than {MOST:,} components")
        yield component


def _wrong(component: object, hook: str) -> str:
    if not isinstance(component, Component):
        return f'yields {component!r}, which is no Component("my-name", MyClass, "What it is.")'
    if not (isinstance(component.name, str) and KEBAB_CASE.fullmatch(component.name)):
        return f"yields a component named {component.name!r}, which is not kebab-case (my-name)"
    if len(component.name) > LONGEST_NAME:
        return f"yields a component named {component.name[:20]}..., a name of more than {LONGEST_NAME} characters"
    return _wrong_content(component, hook)


def _wrong_content(component: Component, hook: str) -> str:
    target: object = component.target
    command = hook == "magdi_commands"
    is_command = hasattr(target, "registered_commands") or inspect.isfunction(target)
    takes = is_command if command else isinstance(target, type)
    if not (takes or isinstance(target, str)):
        what = "typer.Typer" if command else "class"
        return f'yields {component.name!r}, whose target is {target!r}: neither a {what} nor "module:name"'
    texts: tuple[object, ...] = (component.summary, component.requires)
    if not all(isinstance(text, str) for text in texts):
        return f"yields {component.name!r}, whose summary and requires are not both texts"
    return ""


def load_plugins(
    plugins: Iterable[str] = (),
    *,
    folder: Path | None = None,
    enabled: bool = True,
    environ: Mapping[str, str] | None = None,
    trace: Trace | None = None,
    lenient: bool = False,
    found: Iterable[Code] = (),
    optional: bool = False,
    trust: Trust = Trust(),  # noqa: B008 (it cannot be changed)
) -> Plugins:
    """Returns all plugins that there are.

    Args:
        plugins: Files or modules that a person has named; they are trusted, now and wherever a file names the same.
        folder: A folder of plugin files, ``--plugins-dir``.
        enabled: False for shipped components alone, ``--no-plugins``.
        environ: The environment; the process's when left out. MAGDI_LOAD_PLUGINS (distributions to load, separated by
            commas; empty for none), MAGDI_DISABLE_PLUGINS (not to load), MAGDI_STRICT_PLUGINS (a fault is an error).
        trace: Told each plugin, the milliseconds it took, and each component; MAGDI_TRACE_PLUGINS asks for it.
        lenient: True to keep what is wrong with a plugin that was named and cannot be loaded as a fault.
        found: Plugins that files name; loaded where they are trusted.
        optional: Whether one of these that is missing or cannot be loaded is a fault and no error.
        trust: How it is decided what is trusted.

    Raises:
        ComponentError: A file, module or folder that was named does not exist; a file or module that was named cannot
            be loaded; or MAGDI_STRICT_PLUGINS is set and a plugin is at fault.
    """
    environ = os.environ if environ is None else environ
    loading = _Loading(trace if trace and _switched_on(environ, "MAGDI_TRACE_PLUGINS") else lambda line: None)
    named = list(dict.fromkeys(map(whole, plugins))) if enabled else []
    found = [code for code in found if code.name not in named] if enabled else []
    refused = trust.refused([code for code in found if code.source], environ)
    admitted = _admitted(found, refused, loading, optional=optional)
    inside = list(discovery.in_folder(folder)) if folder and enabled else []
    candidates = _candidates([*named, *admitted], inside, environ, loading) if enabled else {}
    remember(code for code in map(Code.plugin, [*named, *(each.origin for each in inside)]) if code.source)
    for candidate in candidates.values():
        loading.load(candidate)
    if not lenient and loading.missing:
        _refuse([*named, *([] if optional else admitted)], loading)
    loading.collect(candidates)
    registry = default_registry(loading.registrations, loading.hooks.faults)
    if registry.faults and _switched_on(environ, "MAGDI_STRICT_PLUGINS"):
        raise ComponentError(
            "\n".join(["plugins at fault:", *(f"  {fault}" for fault in registry.faults)]),
            hint="unset MAGDI_STRICT_PLUGINS to go on without them",
        )
    observers = Observers(loading.hooks, candidates, registry.faults)
    return Plugins(registry, observers, tuple(loading.commands), tuple(candidates.values()), tuple(refused))


def _admitted(found: Iterable[Code], refused: Sequence[Code], loading: _Loading, *, optional: bool) -> list[str]:
    """Returns the plugins of files that are loaded; the others are faults."""
    names = []
    for code in found:
        if code in refused:
            loading.hooks.faults.append(fault(code))
        elif optional and code.source is None:
            gone = f"is not there any more: {code.by} names it"
            loading.hooks.faults.append(Fault(code.name, "", gone))
        else:
            names.append(code.name)
    return names


def _candidates(
    plugins: Iterable[str], inside: Iterable[Candidate], environ: Mapping[str, str], loading: _Loading
) -> dict[str, Candidate]:
    """Returns what is to be loaded, by a name that tells any two apart."""
    only, never = _names(environ, "MAGDI_LOAD_PLUGINS"), _names(environ, "MAGDI_DISABLE_PLUGINS")
    installed = list(discovery.installed())
    known = {candidate.plugin for candidate in installed}
    for variable, names in (("MAGDI_LOAD_PLUGINS", only), ("MAGDI_DISABLE_PLUGINS", never)):
        for name in sorted((names or frozenset()) - known):
            loading.hooks.faults.append(Fault(variable, "", f"{name!r} is not installed; {did_you_mean(name, known)}"))
    found = discovery.chosen(installed, only, never or frozenset())
    found += [discovery.named(plugin) for plugin in plugins]
    found += inside
    return {f"{candidate.plugin} {candidate.origin}": candidate for candidate in found}


def _refuse(plugins: Iterable[str], loading: _Loading) -> None:
    """Raises a `ComponentError` where a plugin that was named could not be loaded; others may be missing."""
    asked = {discovery.named(plugin).origin: plugin for plugin in plugins}
    lines = [f"plugin {asked[at]} cannot be loaded: {why}" for at, why in loading.missing.items() if at in asked]
    if lines:
        raise ComponentError("\n".join(lines))


def _names(environ: Mapping[str, str], variable: str) -> frozenset[str] | None:
    """Returns the names in a variable; None where it is not set."""
    value = environ.get(variable)
    return None if value is None else frozenset(name.strip() for name in value.split(",") if name.strip())


def _switched_on(environ: Mapping[str, str], variable: str) -> bool:
    return environ.get(variable, "").strip().lower() not in ("", "0", "false", "no", "off")
