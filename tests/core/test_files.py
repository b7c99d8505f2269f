from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi.core.files import portable

DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)( *\..*)?")


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("arithmetic-reconcile-gcn-7cd4c3dd", "arithmetic-reconcile-gcn-7cd4c3dd"),
        ("single-teacher:ana", "single-teacher_ana"),
        ("a/b\\c", "a_b_c"),
        ("CON", "_CON"),
        ("nul.jsonl", "_nul.jsonl"),
        ("com1-abc", "com1-abc"),
        ("stop.", "stop_"),
        ("ü=1", "ü=1"),
    ],
)
def test_names_are_such_as_every_system_takes(name: str, there: str) -> None:
    assert portable(name) == there


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
    | st.sampled_from(["con", "NUL.x", "lpt3 .y", "aux "])
)
def test_no_name_is_one_that_windows_refuses(name: str) -> None:
    made = portable(name)
    assert not set(made) & set('<>:"/\\|?*\0\n')
    assert made[-1] not in ". "
    assert not DEVICES.fullmatch(made)
    assert portable(made) == made
