"""Running the checks: one list a kind, whichever front asks for it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.target import resolve
from magdi.plugins.testing.check_process import Outcome
from magdi.plugins.testing.general_checks import (
    CHECKS,
    check_another_process,
    check_import_is_light,
    check_process_unchanged,
)
from magdi.plugins.testing.specimen import Check, Specimen, kind_of

MOST_STOPPED = 3
"""Checks that did not end, after which the others are not made: everything ends, and soon."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check went.

    Attributes:
        name: The check's name, without ``check_``.
        passed: Whether all is well: it passed, it does not apply, or it failed as was expected.
        message: What was wrong, why it does not apply, or a remark; empty where there is nothing to say.
        seconds: How long it took.
        expected: The reason for which it was expected to fail; empty where it was not.
        applies: False for a check that cannot be made on this component.
        made: False for one that was cut short: by an exception, by what went wrong before, or by the clock.
    """

    name: str
    passed: bool
    message: str
    seconds: float
    expected: str = ""
    applies: bool = True
    made: bool = True


def checks_of(kind: Kind) -> ModuleType:
    """Returns the module with a kind's checks, all that a kind brings to the kit.

    It has ``CHECKS``; it may have ``fingerprint``, from a specimen to a text that another process has to come to as
    well.
    """
    return importlib.import_module(f"magdi.plugins.testing.{kind}_checks")


def checks_for(kind: Kind) -> dict[str, Check]:
    """Returns the checks of a kind of component, general ones first, by name."""
    module = checks_of(kind)
    light = () if KINDS[kind].loads_torch else (check_import_is_light,)
    elsewhere = (check_another_process,) if hasattr(module, "fingerprint") else ()
    checks: tuple[Check, ...] = (*CHECKS, *light, *elsewhere, *module.CHECKS, check_process_unchanged)
    return {check.__name__.removeprefix("check_"): check for check in checks}


def run_checks(
    kind: Kind,
    target: type | str,
    config: BaseModel | None = None,
    *,
    component: Component | None = None,
    expected_failures: Mapping[str, str] | None = None,
    server: Callable[[], Any] | None = None,
) -> Iterator[CheckResult]:
    """Runs the checks of a component and yields the results as they come.

    Args:
        kind: protocol, encoder, teacher, task, ...
        target: The class, or "module:Class".
        config: An instance of its ``Config``; its defaults when left out.
        component: Where it is registered, for the checks of name and summary.
        expected_failures: Names of checks that are known to fail, with the reasons; one that passes after all is a
            failure, so that no reason outlives what it excuses.
        server: For a teacher, what makes the server that it is tried against; see `StubServer`.

    Raises:
        ValueError: An expected failure names no check.
    """
    checks, expected = checks_for(kind), dict(expected_failures or {})
    if unknown := sorted(set(expected) - set(checks)):
        raise ValueError(f"no check of a {kind} is called {', '.join(unknown)}; there is: {', '.join(checks)}")
    specimen = Specimen(kind, resolve(target), config, component, server)
    stopped: list[str] = []
    try:
        for name, check in checks.items():
            if len(stopped) == MOST_STOPPED:
                yield CheckResult(name, False, stopped[0], 0.0, expected.get(name, ""), made=False)
                continue
            result = run_check(name, check, specimen, expected.get(name, ""))
            stopped += [result.message] if "has not ended after" in result.message and not result.made else []
            yield result
    finally:
        specimen.process.close()


def run_check(name: str, check: Check, specimen: Specimen, expected: str = "") -> CheckResult:
    """Runs one check, in the specimen's own process; whatever it raises is a failure, as is not to end."""
    start = time.perf_counter()
    how, message = specimen.process.make(check, specimen)
    return _result(name, Outcome(how, message), time.perf_counter() - start, expected)


def _result(name: str, outcome: Outcome, seconds: float, expected: str) -> CheckResult:
    how, message = outcome
    if how == "not applicable":
        return CheckResult(name, True, message, seconds, applies=False)
    if how == "ok" and expected:
        return CheckResult(name, False, f"passes, but was expected to fail: {expected}", seconds, expected)
    return CheckResult(name, how == "ok" or bool(expected), message, seconds, expected, made=how != "stopped")


def check_component(
    target: type | str | Component,
    config: BaseModel | None = None,
    *,
    component: Component | None = None,
    expected_failures: Mapping[str, str] | None = None,
    server: Callable[[], Any] | None = None,
) -> list[CheckResult]:
    """Runs all checks of a component, of whatever kind it is, and returns the results; see `run_checks`."""
    component = target if isinstance(target, Component) else component
    found = resolve(target.target if isinstance(target, Component) else target)
    given = {"component": component, "expected_failures": expected_failures, "server": server}
    return list(run_checks(kind_of(found), found, config, **given))  # type: ignore[arg-type]


def failures(results: Iterable[CheckResult]) -> list[str]:
    """Returns what was wrong, a line for each cause: "ids: ...", or "9 checks not made: ... (ids, ...)"."""
    causes: dict[str, list[CheckResult]] = {}
    for result in results:
        if not result.passed:
            causes.setdefault(result.message, []).append(result)
    return [_cause(message, found) for message, found in causes.items()]


def _cause(message: str, found: list[CheckResult]) -> str:
    if len(found) == 1:
        return f"{found[0].name}: {message}"
    how = "failed" if all(result.made for result in found) else "not made"
    return f"{len(found)} checks {how}: {message} ({', '.join(result.name for result in found)})"
