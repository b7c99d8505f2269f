"""What runs of a suite warn of is heard: once, whatever their number."""

from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.core.mag import write_mags
from magdi.core.run.own_files import is_written
from magdi.plugins.suites.warned import WARNINGS, Heard, keep_warnings, told_warnings
from magdi.plugins.testing.sample_mags import sample_mags


def test_warnings_alone_are_kept_and_none_twice(tmp_path: Path) -> None:
    for _ in range(2):  # a run that was stopped warns again
        heard = Heard(lambda hook, **facts: None)
        for note in (
            "resuming",
            "warning: 3 of 24 chains\n were cut",
            "skipped a.jsonl:7: no JSON",
        ):
            heard.note(note)
        keep_warnings(tmp_path, heard.warnings)
    lines = (tmp_path / WARNINGS).read_text().splitlines()
    assert lines == ["warning: 3 of 24 chains were cut", "skipped a.jsonl:7: no JSON"]
    assert is_written(WARNINGS), "--fresh takes it away"
    keep_warnings(tmp_path / "gone", heard.warnings)  # a folder that cannot be written is no reason to fail


def test_warnings_that_differ_in_numbers_alone_are_told_once(tmp_path: Path) -> None:
    runs = [tmp_path / name for name in "abc"]
    for number, run in enumerate(runs[:2]):
        run.mkdir()
        keep_warnings(run, [f"warning: {number}.5 of 1,00{number} replies", f"warning: of {run.name} alone"])
    first, *others = told_warnings(runs)
    assert first == f"warning: 0.5 of 1,000 replies (and 1 more like it: {WARNINGS} of each run)"
    assert others == ["warning: of a alone", "warning: of b alone"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_suite_tells_what_its_runs_skipped(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "two.yaml").write_text(
        'title: T\nsettings: {level: base}\ncells: [{n: 1, measure: "knows:rounds"}, {n: 2, measure: "knows:most"}]\n'
    )
    mags = tmp_path / "mags.jsonl"
    write_mags(mags, [mag for _ in range(12) for mag in sample_mags()])
    with mags.open("a") as file:
        file.write('{"broken": 1\n')
    given: dict[str, Any] = {"mags": mags, "seeds": 2, "out": tmp_path / "out", "task": "order"}
    done = magdi.ablate(str(tmp_path / "two.yaml"), **given, jobs=jobs, skip_bad=True)
    (skipped,) = done["warnings"]
    assert skipped.startswith(f"skipped {mags}:")
    assert "1 more like it" in skipped, "two seeds, each with discussions of its own"
    again = magdi.ablate(str(tmp_path / "two.yaml"), **given, jobs=jobs, skip_bad=True)
    assert again["warnings"] == done["warnings"], "there is nothing left to do, and they hold"
    assert skipped in "\n".join(note for sheet in done.sheets() for note in sheet.notes)
    assert "1 more like it" in (tmp_path / "out" / "report.html").read_text()
