"""Mutation proof: every deliberately wrong component is caught by the check that should catch it."""

from typing import Any

import pytest

from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.testing import check_component, check_process, run_checks, stub_server, task_checks, teacher_checks
from magdi.plugins.testing.other_interpreter import job_of
from magdi.plugins.testing.runner import checks_for, failures, run_check
from magdi.plugins.testing.specimen import Specimen, kind_of
from tests.conforming import ask_elsewhere
from tests.plugins.testing import (
    mutant_decisions,
    mutant_encoders,
    mutant_exporters,
    mutant_heavys,
    mutant_importers,
    mutant_objectives,
    mutant_protocols,
    mutant_tasks,
    mutant_teachers,
)
from tests.plugins.testing.mutant_register import MUTANTS, Mutant

MODULES = (mutant_protocols, mutant_encoders, mutant_teachers, mutant_tasks, mutant_objectives)
HONEST = [target for module in MODULES for target in module.HONEST]
HONEST += [mutant_decisions.Honest, mutant_importers.Honest, mutant_exporters.Honest]


NEVER_ENDING: dict[str, list[tuple[Any, str, float]]] = {
    "ends": [(check_process, "LIMIT", 0.5)],
    "always_ends": [(task_checks, "SECONDS", 0.5)],
    "honours_timeout": [(teacher_checks, "SECONDS", 4.0)],
    "at_once": [(stub_server, "PATIENCE", 0.2)],
}
"""By check, what cuts its mutants off soon."""

ENDLESS = ("9**9**9**9", "a" * 30_000 + "!", "a b " * 8_000 + "!")
"""Those that mutants do not come back from; the tasks that ship read all of them (`tests/test_conformance.py`)."""


@pytest.fixture(autouse=True)
def few_monstrous_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(ENDLESS) < set(task_checks.ENDLESS)
    monkeypatch.setattr(task_checks, "ENDLESS", ENDLESS)


@pytest.fixture(scope="module", autouse=True)
def one_other_interpreter(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Asks one other interpreter about all of them, instead of one for each."""
    known = [(mutant.kind, mutant.target) for mutant in MUTANTS if mutant.check == "another_process" or mutant.alone]
    jobs = [*known, *((kind_of(target), target) for target in HONEST), ("protocol", mutant_heavys.LoadsTorch)]
    asked = [job_of(kind, target, None) for kind, target in jobs if kind not in ("encoder", "objective")]
    ask_elsewhere("mutants", asked, tmp_path_factory)


@pytest.mark.parametrize("target", HONEST, ids=lambda target: f"{target.__module__}-{target.__name__}")
def test_what_is_honest_passes(target: type) -> None:
    assert failures(check_component(target)) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.kind}-{mutant.target.__name__}")
def test_mutant_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, seconds in NEVER_ENDING.get(mutant.check, []):
        monkeypatch.setattr(module, name, 2 * seconds if mutant.alone else seconds)  # other checks are to pass
    if mutant.alone:
        results = {result.name: result for result in run_checks(mutant.kind, mutant.target)}
        assert [name for name, result in results.items() if not result.passed] == [mutant.check]
        result = results[mutant.check]
    else:
        result = run_check(mutant.check, checks_for(mutant.kind)[mutant.check], Specimen(mutant.kind, mutant.target))
    assert not result.passed
    assert result.applies
    assert result.message


def test_every_check_has_a_mutant_that_it_alone_catches() -> None:
    caught = {(mutant.kind, mutant.check) for mutant in MUTANTS if mutant.alone}
    general = {"name_and_summary", "base_class", "config", "import_is_light", "process_unchanged"}
    for kind in KINDS:
        assert {check for check in checks_for(kind) if (kind, check) not in caught} <= general


def failing(kind: Kind, target: type, **how: Any) -> set[str]:
    return {result.name for result in run_checks(kind, target, **how) if not result.passed}


@pytest.mark.parametrize(
    ("name", "summary"),
    [("Ring", "A ring."), ("ring_two", "A ring."), ("ring", " "), ("ring", "A\nring."), ("ring", "A ring. " * 40)],
)
def test_bad_name_or_summary_is_caught(name: str, summary: str) -> None:
    component = Component(name, mutant_protocols.Honest, summary)
    assert failing("protocol", mutant_protocols.Honest, component=component) == {"name_and_summary"}


def test_module_that_loads_torch_is_caught() -> None:
    assert failing("protocol", mutant_heavys.LoadsTorch) == {"import_is_light"}


def test_mutants_are_many() -> None:
    assert len(MUTANTS) >= 25
