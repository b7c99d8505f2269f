"""A Slurm that is there and takes no job: said in a sentence, not by a traceback."""

from pathlib import Path

import pytest

from magdi.core.errors import ComponentError
from magdi.plugins.suites.executors.resources import Resources
from magdi.plugins.suites.executors.slurm import Slurm

pytest.importorskip("submitit")


def test_what_sbatch_said_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sbatch", "srun", "squeue", "scancel"):
        (tmp_path / name).write_text("#!/bin/sh\necho first >&2; echo 'no such partition' >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    engine = Slurm(None, Resources(), tmp_path / "suite")  # type: ignore[arg-type]
    with pytest.raises(ComponentError, match="did not take the jobs: no such partition") as caught, engine:
        engine.begin(["a job"])  # type: ignore[list-item]
    assert "sinfo" in (caught.value.hint or "")
