"""magdi as a library prints nothing of its own accord, and leaves transformers' settings as it found them."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub.utils import are_progress_bars_disabled  # type: ignore[attr-defined]
from transformers.utils import logging as chatter

from magdi.core.quiet import quiet

RUN = """
import sys
import magdi
from transformers.utils import logging as chatter
before = chatter.is_progress_bar_enabled(), chatter.get_verbosity()
magdi.run(
    out=sys.argv[1],
    task={"name": "arithmetic", "train": 24, "test": 12, "primer_problems": 60, "primer_checks": 0},
    student={"tiny": {"hidden": 32, "layers": 1, "heads": 2, "epochs": 1}},
    training={"steps": 40},
    evaluation={"max_new_tokens": 24},
)
assert (chatter.is_progress_bar_enabled(), chatter.get_verbosity()) == before == (True, 30)
"""


def test_a_run_from_python_prints_nothing(tmp_path: Path) -> None:
    """Bars of loading and saving, and a warning about checkpoints that are written within a second, were seen."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "run")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")


def test_what_the_user_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("transformers")
    monkeypatch.setattr(log, "level", logging.DEBUG)
    with quiet():
        assert log.level == logging.DEBUG
    monkeypatch.setattr(log, "level", logging.WARNING)
    downloads = are_progress_bars_disabled()
    with quiet(), quiet():
        assert (log.level, chatter.is_progress_bar_enabled()) == (logging.ERROR, False)
        assert are_progress_bars_disabled() == downloads
    assert (log.level, chatter.is_progress_bar_enabled()) == (logging.WARNING, True)
    assert are_progress_bars_disabled() == downloads
