"""A run to make pages of, and a browser to look at them with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magdi.core.run.directory import RunDirectory
from tests.plugins.report.chromium import Chromium, find
from tests.plugins.report.report_samples import a_run


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return a_run(tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    path = find()
    if path is None:
        pytest.skip("no Chromium; apt-get install chromium, or name one in MAGDI_CHROMIUM")
    with Chromium(path) as running:
        yield running
