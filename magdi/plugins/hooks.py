"""Hooks of plugins: registered one by one, so that a wrong one leaves the others, and told what happens in a run."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any, cast

import pluggy
from pluggy import HookimplOpts

from magdi.core.errors import did_you_mean
from magdi.core.run.progress import Progress
from magdi.plugins import hookspecs
from magdi.plugins.discovery import Candidate
from magdi.plugins.registration import Fault
from magdi.plugins.signature import is_async
from magdi.plugins.target import cause

MARK = f"{hookspecs.PROJECT}_impl"

LONG_TOLD = "distillation"
"""The stage that plugins know that do not look at stages: there was no other one that told its metrics."""


class Hooks(pluggy.PluginManager):
    """A plugin manager that never raises for what a plugin did.

    Attributes:
        faults: What is wrong with the plugins that were registered.
    """

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)
        self.names = sorted(name for name in vars(self.hook) if not name.startswith("_"))
        self.faults: list[Fault] = []
        self._candidate: Candidate | None = None

    def admit(self, candidate: Candidate, plugin: object) -> None:
        """Registers a loaded plugin, one that is found twice once; what is wrong with it goes to `faults`."""
        if inspect.isclass(plugin):
            plugin = plugin()
        if self.is_registered(plugin):  # by another entry point, or it is installed and named by its module, too
            return
        self._candidate = candidate
        for name in _unmarked(plugin):
            self._fault(f"{name} looks like a hook and lacks @hookimpl")
        self.register(plugin, name=f"{candidate.plugin} {candidate.origin}")
        if not self.get_hookcallers(plugin) and not any(_of(fault, candidate) for fault in self.faults):
            self._fault(f"has no hooks; {', '.join(self.names)} are looked for")

    def parse_hookimpl_opts(self, plugin: object, name: str) -> HookimplOpts | None:
        """Passes over hooks that are wrong, and says what is wrong with them."""
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None or self._candidate is None:
            return options
        wrong = self._wrong(getattr(plugin, name), options, options.get("specname") or name)
        if wrong:
            self._fault(wrong)
        return None if wrong else options

    def _wrong(self, function: Any, options: HookimplOpts, hook: str) -> str:
        if hook not in self.names:
            return f"{hook} is no hook; {did_you_mean(hook, self.names)}"
        if options.get("wrapper") or options.get("hookwrapper"):
            return f"{hook} is a wrapper; hooks of magdi cannot be wrapped"
        if is_async(function):
            return f"{hook} is async, and nobody awaits it: a hook is a plain def"
        spec = getattr(self.hook, hook).spec
        takes = inspect.signature(function).parameters.values()
        extra = [each.name for each in takes if each.name not in spec.argnames]
        if extra:
            has = f"it has {', '.join(spec.argnames)}" if spec.argnames else "it has none"
            return f"{hook} takes {', '.join(extra)}, which the hook does not have ({has})"
        return ""

    def _fault(self, cause: str) -> None:
        candidate = cast("Candidate", self._candidate)
        self.faults.append(Fault(candidate.plugin, candidate.version, cause))

    def implementations(self, hook: str) -> Iterator[tuple[str, Any]]:
        """Yields (plugin's registered name, implementation) of a hook in the order of loading."""
        for each in getattr(self.hook, hook).get_hookimpls():
            yield each.plugin_name, each


class Observers:
    """The plugins that observe.

    Args:
        hooks: All hooks that were registered.
        candidates: By registered name, the plugins.
        faults: Where a fault goes, the first time that an observer raises.

    Attributes:
        report: Told each fault once; set by whoever shows faults.
    """

    def __init__(self, hooks: Hooks, candidates: Mapping[str, Candidate], faults: list[Fault]) -> None:
        self._hooks = hooks
        self._candidates = candidates
        self._faults = faults
        self._reported: set[tuple[str, str]] = set()
        self.report: Callable[[Fault], None] = lambda fault: None
        self._others: list[Observers] = []

    def join(self, others: Observers) -> None:
        """Has others told the same, after its own."""
        others.report = lambda fault: self.report(fault)
        self._others.append(others)

    def tell(self, event: str, **facts: Any) -> None:
        """Tells every observer of an event.

        Args:
            event: run_start, discussion_end, metrics or run_end.
            **facts: What the hook ``magdi_<event>`` takes, by name.

        Raises:
            TypeError: Those are not the facts that the hook takes (magdi's own mistake, not a plugin's).
        """
        hook = f"magdi_{event}"
        caller = getattr(self._hooks.hook, hook, None)
        if caller is None or set(facts) != set(caller.spec.argnames):
            raise TypeError(f"no hook {hook} takes {sorted(facts)}")
        for name, implementation in self._hooks.implementations(hook):
            if facts.get("stage", LONG_TOLD) != LONG_TOLD and "stage" not in implementation.argnames:
                continue
            try:
                with redirect_stdout(sys.stderr):  # stdout is for the run's outcome
                    implementation.function(*(facts[argument] for argument in implementation.argnames))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._failed(name, hook, error)
        for others in self._others:
            others.tell(event, **facts)

    def _failed(self, name: str, hook: str, error: BaseException) -> None:
        if (name, hook) in self._reported:
            return
        self._reported.add((name, hook))
        plugin = self._candidates[name]
        fault = Fault(plugin.plugin, plugin.version, f"{hook} failed: {cause(error)}", fatal=False)
        self._faults.append(fault)
        self.report(fault)


def _of(fault: Fault, candidate: Candidate) -> bool:
    return (fault.plugin, fault.version) == (candidate.plugin, candidate.version)


def _unmarked(plugin: object) -> list[str]:
    """Returns the functions of a plugin that are named like hooks and were not marked as such."""
    return [
        name
        for name, value in vars(plugin).items()
        if name.startswith("magdi_") and inspect.isfunction(value) and not hasattr(value, MARK)
    ]


class Observed(Progress):
    """Progress that nobody watches, but that plugins hear of.

    Args:
        observe: Told of events.
    """

    def __init__(self, observe: Callable[..., None]) -> None:
        self._observe = observe

    def event(self, hook: str, **facts: Any) -> None:
        """Tells plugins."""
        self._observe(hook, **facts)
