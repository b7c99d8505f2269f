"""Files are read piece by piece, and give the same whatever the pieces."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from magdi.core.errors import MagFileError
from magdi.plugins.formats.importers import items
from magdi.plugins.formats.importers.items import read_items
from tests.plugins.otel.span_grammar import debate, dumped, genai, otlp_document

TEXTS = {
    "lines": "\n".join(dumped(genai(debate()))) + "\n",
    "printed": "\n".join(dumped(genai(debate()), indent=4)),
    "document": otlp_document(genai(debate()))[0],
    "list": "[" + ",\n".join(dumped(genai(debate()))) + "]",
    "numbers": "[1, 22, 333, true, null, 4444]",
    "logged": "".join(f"2026-05-28 12:00:00,123 INFO events: {line}\n" for line in dumped(genai(debate()))),
    "sent": "".join(f"data: {line}\n\n" for line in dumped(genai(debate()))),
    "escapes": '{"a": "\\u00e9\\\\ \\ud83d\\ude00 \\" ]}"}\n' * 3,
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_pieces_do_not_matter(name: str, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.jsonl"
    data = TEXTS[name].encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    whole = list(read_items(path))
    assert whole
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(items, "_CHUNK", size)
        assert list(read_items(path)) == whole


@pytest.mark.parametrize("name", ["printed", "list", "logged", "sent"])
def test_what_stands_around_objects_does_not_matter(name: str, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text(TEXTS["lines"])
    (tmp_path / "other.log").write_text(TEXTS[name])
    lines, other = (list(read_items(tmp_path / file)) for file in ("lines.jsonl", "other.log"))
    assert [item.value for item in other] == [item.value for item in lines]


def test_bad_lines_are_named_wherever_pieces_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text('{"a": 1}\n{"a": "cut\n{"b": tru}\n{"c": 3}\n{"d": ')
    for size in (1, 5, 1000):
        monkeypatch.setattr(items, "_CHUNK", size)
        bad: list[MagFileError] = []
        assert [item.value for item in read_items(path, bad.append)] == [{"a": 1}, {"c": 3}]
        assert [error.line for error in bad] == [2, 3, 5]


def test_no_more_is_held_than_what_is_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text('{"a": "0123456789"}\n' * 10_000)
    held = []
    monkeypatch.setattr(items, "_CHUNK", 256)
    read = items._Scanner._read
    monkeypatch.setattr(items._Scanner, "_read", lambda self: (read(self), held.append(len(self.text)))[0])
    assert sum(1 for _ in read_items(path)) == 10_000
    assert max(held) <= 512
