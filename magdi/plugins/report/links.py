"""Links from one page to another, which stay right when the folder that holds both is moved."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from magdi.plugins.report.blocks import Link

REPORT = "report.html"


def link_to(run: Path, name: str, page: Path) -> Link:
    """Returns a link from a page to that of a run; one that leads nowhere where the run has no page."""
    report = run / REPORT
    if not report.is_file():
        return name, ""
    return name, quote("./" + Path(os.path.relpath(report, page.parent)).as_posix())


def is_stale(run: Path) -> bool:
    """Returns whether a run has no page, or has gone on since it was made."""
    report, state = run / REPORT, run / "run.json"
    return not report.is_file() or (state.is_file() and state.stat().st_mtime > report.stat().st_mtime)
