"""Running the checks: one list a kind, whichever front asks for it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from magdi.plugins.component import Component, Kind
from magdi.plugins.target import resolve
from magdi.plugins.testing.general_checks import CHECKS, check_import_is_light
from magdi.plugins.testing.specimen import Check, CheckFailed, DoesNotApply, Specimen, kind_of


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check went.

    Attributes:
        name: The check's name, without ``check_``.
        passed: Whether all is well: it passed, it does not apply, or it failed as was expected.
        message: What was wrong, or why it does not apply; empty where nothing was.
        seconds: How long it took.
        expected: The reason for which it was expected to fail; empty where it was not.
        applies: False for a check that cannot be made on this component.
    """

    name: str
    passed: bool
    message: str
    seconds: float
    expected: str = ""
    applies: bool = True


def checks_for(kind: Kind) -> dict[str, Check]:
    """Returns the checks of a kind of component, general ones first, by name."""
    light = () if kind == "encoder" else (check_import_is_light,)
    checks = (*CHECKS, *light, *importlib.import_module(f"magdi.plugins.testing.{kind}_checks").CHECKS)
    return {check.__name__.removeprefix("check_"): check for check in checks}


def run_checks(
    kind: Kind,
    target: type | str,
    config: BaseModel | None = None,
    *,
    component: Component | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Iterator[CheckResult]:
    """Runs the checks of a component and yields the results as they come.

    Args:
        kind: protocol, encoder, teacher or task.
        target: The class, or "module:Class".
        config: An instance of its ``Config``; its defaults when left out.
        component: Where it is registered, for the checks of name and summary.
        expected_failures: Names of checks that are known to fail, with the reasons; one that passes after all is a
            failure, so that no reason outlives what it excuses.

    Raises:
        ValueError: An expected failure names no check.
    """
    checks, expected = checks_for(kind), dict(expected_failures or {})
    if unknown := sorted(set(expected) - set(checks)):
        raise ValueError(f"no check of a {kind} is called {', '.join(unknown)}; there is: {', '.join(checks)}")
    specimen = Specimen(kind, resolve(target), config, component)
    for name, check in checks.items():
        yield run_check(name, check, specimen, expected.get(name, ""))


def run_check(name: str, check: Check, specimen: Specimen, expected: str = "") -> CheckResult:
    """Runs one check; whatever it raises is a failure."""
    start = time.perf_counter()
    message = ""
    try:
        check(specimen)
    except CheckFailed as failure:
        message = str(failure)
    except DoesNotApply as reason:
        return CheckResult(name, True, str(reason), time.perf_counter() - start, applies=False)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    if expected and not message:
        return CheckResult(name, False, f"passes, but was expected to fail: {expected}", seconds, expected)
    return CheckResult(name, not message or bool(expected), message, seconds, expected)


def check_component(
    target: type | str,
    config: BaseModel | None = None,
    *,
    component: Component | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> list[CheckResult]:
    """Runs all checks of a component, of whatever kind it is, and returns the results; see `run_checks`."""
    found = resolve(target)
    return list(run_checks(kind_of(found), found, config, component=component, expected_failures=expected_failures))
