"""Mutation proof: every deliberately wrong component is caught by the check that should catch it."""

import mutant_encoders
import mutant_heavys
import mutant_protocols
import mutant_tasks
import mutant_teachers
import pytest
from mutant_register import MUTANTS

from magdi.plugins.component import Component
from magdi.plugins.testing import check_component, run_checks, task_checks, teacher_checks
from magdi.plugins.testing.runner import checks_for, run_check
from magdi.plugins.testing.specimen import Specimen

HONEST = [mutant_protocols.Honest, mutant_encoders.Honest, mutant_teachers.Honest, mutant_tasks.Honest]


@pytest.fixture
def little_patience(monkeypatch):
    """Cuts mutants that never end off soon; what is to pass has the time that it takes on a busy machine."""
    monkeypatch.setattr(task_checks, "SECONDS", 0.3)
    monkeypatch.setattr(teacher_checks, "TIMEOUT", 0.1)
    monkeypatch.setattr(teacher_checks, "SECONDS", 8.0)


@pytest.mark.parametrize("target", HONEST, ids=lambda target: target.__module__)
def test_what_the_mutants_are_made_from_passes(target):
    assert [result for result in check_component(target) if not result.passed] == []


@pytest.mark.usefixtures("little_patience")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.kind}-{mutant.target.__name__}")
def test_mutant_is_caught(mutant):
    result = run_check(mutant.check, checks_for(mutant.kind)[mutant.check], Specimen(mutant.kind, mutant.target))
    assert not result.passed
    assert result.applies
    assert result.message


def test_every_check_catches_a_mutant():
    caught = {(mutant.kind, mutant.check) for mutant in MUTANTS}
    general = {"name_and_summary", "base_class", "config", "import_is_light"}
    for kind in ("protocol", "encoder", "teacher", "task"):
        assert {check for check in checks_for(kind) if (kind, check) not in caught} <= general


def failing(kind, target, **how):
    return {result.name for result in run_checks(kind, target, **how) if not result.passed}


@pytest.mark.parametrize(
    ("name", "summary"),
    [("Ring", "A ring."), ("ring_two", "A ring."), ("ring", " "), ("ring", "A\nring."), ("ring", "A ring. " * 40)],
)
def test_bad_name_or_summary_is_caught(name, summary):
    component = Component(name, mutant_protocols.Honest, summary)
    assert failing("protocol", mutant_protocols.Honest, component=component) == {"name_and_summary"}


def test_module_that_loads_torch_is_caught():
    assert failing("protocol", mutant_heavys.LoadsTorch) == {"import_is_light"}


def test_mutants_are_many():
    assert len(MUTANTS) >= 25
