"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

from tests.made_once import of_all_workers

settings.register_profile(
    "magdi", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("magdi")

NUMBERS = itertools.count()

gc.disable()  # a third of the time that collecting 8,700 tests takes, and nothing of it is garbage


def pytest_collection_finish() -> None:
    """What was imported is not looked through any more when garbage is collected, as before every training."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """What a test, or a library that it imports, writes into the environment is gone after it."""
    with patch.dict(os.environ):
        os.environ.pop("COLUMNS", None)  # set by xdist; tests say for themselves how wide it is
        yield


@pytest.fixture(autouse=True)
def _own_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, _same_environment: None
) -> None:
    """No test reads or writes the user's cache, or what the user trusts."""
    monkeypatch.setenv("MAGDI_CACHE", str(of_all_workers(tmp_path_factory) / "magdi-cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "configs" / str(next(NUMBERS))))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched at every import


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with real data; tests that read it are skipped where it is missing, except in a CI that names it."""
    folder = Path(os.environ.get("MAGDI_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI") and "MAGDI_DATA" in os.environ:
            pytest.fail(f"CI needs the real data; there is none at {folder}")
        pytest.skip(f"no real data at {folder}; name its folder in MAGDI_DATA")
    return folder
