from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi.core.errors import DataError, StorageError
from magdi.core.files import cache_directory, portable, read_bytes, storage_error, whole_file
from magdi.core.seals import made_once, read_sealed, write_sealed

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


def test_a_cache_that_is_nowhere_can_be_put_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAGDI_CACHE", str(tmp_path))
    refused = PermissionError(errno.EACCES, "Permission denied")
    assert storage_error(tmp_path / "bases", refused).hint.startswith("MAGDI_CACHE names another place")
    monkeypatch.delenv("MAGDI_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", Mock(side_effect=RuntimeError("Could not determine home directory.")))
    with pytest.raises(DataError, match="there is no home directory"):
        cache_directory()


def test_what_memory_does_not_hold_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=MemoryError))
    with pytest.raises(DataError, match="larger than the memory that is left"):
        read_bytes(tmp_path / "f")


def test_a_document_is_read_as_it_was_written_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    document = {"accuracy": 0.5, "é": [1, None], "inner": {"10": "x", "9": True}}
    write_sealed(file, document)
    whole = file.read_bytes()
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        file.write_bytes(changed)
        with suppress(DataError):
            assert document.items() <= read_sealed(file).items()  # where not the key of the checksum was hit


def test_what_killed_processes_have_left_of_what_is_made_once_is_swept_away(tmp_path: Path) -> None:
    for name in ("left", "begun"):
        (tmp_path / f".making-{name}").mkdir()
        (tmp_path / f".making-{name}" / "half").touch()
    os.utime(tmp_path / ".making-left", (0, 0))
    folder = made_once(tmp_path / "model", lambda to: (to / "weights").write_text("1"))
    assert sorted(each.name for each in tmp_path.iterdir()) == [".making-begun", ".model.lock", "model"]
    assert made_once(folder, lambda to: pytest.fail("made again")) == folder
    (folder / "weights").write_text("2")
    made_once(folder, lambda to: (to / "weights").write_text("3"))
    assert (folder / "weights").read_text() == "3"


def test_of_two_that_write_one_file_the_last_to_begin_has_it_and_the_other_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mags.jsonl"
    first, second = whole_file(file), whole_file(file)
    first.__enter__().write("first\n")
    second.__enter__().write("second\n")
    with pytest.raises(StorageError, match="another process writes it, too"):
        first.__exit__(None, None, None)
    assert not file.exists()
    second.__exit__(None, None, None)
    assert file.read_text() == "second\n"
