"""Threads are chosen by the model's size and what the machine does, for every piece of work, and put back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
import torch

from magdi.core import threads as module
from magdi.core.threads import OWN, fitting, idle_cores, threads, threads_for, told


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A quiet machine with eight cores on which nobody has chosen."""
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    with threads(8):
        yield


def model(millions: float) -> torch.nn.Module:
    """Weights without memory behind them: one number, seen many times."""
    found = torch.nn.Module()
    found.weight = torch.nn.Parameter(torch.zeros(1).expand(int(1e6 * millions)), requires_grad=False)
    return found


@pytest.mark.parametrize(("millions", "count"), [(0.35, 1), (19.9, 1), (25, 2), (200, 8)])
def test_small_models_take_one(millions: float, count: int) -> None:
    assert fitting(model(millions)) == count


@pytest.mark.parametrize(("load", "count"), [(0.4, 8), (3.2, 5), (7.0, 1), (40.0, 1)])
def test_cores_that_are_busy_are_left_alone(load: float, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert fitting(model(200)) == count


def test_what_this_process_did_itself_is_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: module._started + 600)
    monkeypatch.setattr(time, "process_time", lambda: 4 * 600.0)
    monkeypatch.setattr(os, "getloadavg", lambda: (6.0, 0.0, 0.0))
    assert idle_cores() == 6


@pytest.mark.parametrize("name", OWN)
def test_whoever_has_set_a_number_gets_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    with threads(3):
        assert fitting(model(0.1)) == 3


def test_never_more_than_torch_was_given_and_afterwards_as_before() -> None:
    with threads(2):
        with threads_for(model(200)):
            assert told() == {"threads": 2}
        with threads_for(model(1)):
            assert told() == {"threads": 1}
        assert torch.get_num_threads() == 2
