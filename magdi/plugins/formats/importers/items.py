"""Reads JSON, JSONL, CSV, parquet, SQLite and pickle files, packed or not: items, each with its line."""

from __future__ import annotations

import ast
import codecs
import csv
import gzip
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from io import BufferedReader, BytesIO, TextIOWrapper
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from magdi.core.errors import MagFileError
from magdi.plugins.formats.importers import pickled
from magdi.plugins.formats.importers.plain_text import LOOKED_AT, is_talk, talks_in

_BEGINS_JSON = re.compile(r"[{\"]|\[(?:[\s\[{\"\]]|\Z)")
_HALF = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
_PICKLES = (".pkl", ".p", ".pickle")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_CHUNK = 1 << 16
_MOST = 1 << 28
"""Characters of one item; what was packed may unfold to any number."""
_LONGEST_TOKEN = 16
"""Characters at the end of a text in which a word or an escape may have been cut."""
_LONGEST_LINE = 1 << 22
"""Characters in which the first line ends where each is a list of its own."""
_HINT = "read are JSON, JSONL, CSV, parquet, SQLite, pickles; --skip-bad passes over lines of JSONL that are none of it"
_NO_ITEM = re.compile(r"Started new session with Session ID: |\[[A-Za-z_][\w.-]*\] (?!.*\{)")
"""What AutoGen's logger and others write between lines of JSON: a heading, ``[its_name] ...``."""
_SPACE = " \t\r\n\ufeff"


@dataclass(frozen=True, slots=True)
class Item:
    """One discussion as another system has written it.

    Attributes:
        path: The file.
        line: The line on which it begins, from 1.
        index: Its position among the file's items, from 0.
        value: What was read.
        key: Its key, where the file is one object of many items; "" elsewhere, and where the key is no text.
    """

    path: Path
    line: int
    index: int
    value: Any
    key: str = ""

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        return _plain_name(self.path).stem

    def bad(self, problem: str) -> MagFileError:
        """Returns the error that says what is wrong with it."""
        return MagFileError(self.path, self.line, f"item {self.index}: {problem}", hint="--skip-bad keeps the others")


OnBad = Callable[[MagFileError], None]


def read_items(path: Path, on_bad: OnBad | None = None) -> Iterator[Item]:
    """Yields the items of a file: the elements of a list, the lines of JSONL, the rows of a table, or one object.

    Args:
        path: The file; ``.gz`` is unpacked, and a pickle may hold plain values only.
        on_bad: Told of lines of JSONL that are no JSON, which are then passed over; without it the first one raises.

    Raises:
        MagFileError: The file is missing, no text, or no JSON; with the line.
    """
    with _unpacked(path) as file:
        head = file.peek(4)
        if head.startswith(b"\x80") or _plain_name(path).suffix in _PICKLES:
            yield from _unpickled(path, file.read())
            return
        if head.startswith(b"PAR1"):
            yield from _rows(path, _parquet(path, file.read()))
            return
        if head.startswith(b"SQLi"):
            yield from _rows(path, _sqlite(path, file.read()))
            return
        if head.startswith(b"PK\x03\x04"):
            yield from _zipped(path, file.read(), on_bad)
            return
        utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        with TextIOWrapper(file, "utf-16" if utf16 else "utf-8-sig", newline="") as text:
            if (kind := _plain_name(path).suffix.lower()) in _DELIMITERS:
                yield from _rows(path, _csv(path, text, _DELIMITERS[kind]))
                return
            yield from _Scanner(path, text).items(on_bad)


@contextmanager
def _unpacked(path: Path) -> Iterator[Any]:
    """Opens a file, gzipped or not, and says in one way what is wrong with it while it is read."""
    try:
        with path.open("rb") as file:
            if not file.peek(2).startswith(b"\x1f\x8b"):
                yield file
                return
            with BufferedReader(gzip.GzipFile(fileobj=file)) as unpacked:
                yield unpacked
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MagFileError(path, 0, f"cannot be unpacked: {error}") from error
    except UnicodeDecodeError as error:
        raise MagFileError(path, 0, f"is no UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise MagFileError(path, 0, f"cannot be read: {error.strerror}") from error


def _unpickled(path: Path, data: bytes) -> Iterator[Item]:
    try:
        value = pickled.load(data)
    except ValueError as error:
        raise MagFileError(path, 0, f"cannot be read: {error}") from None
    for index, each in enumerate(value if isinstance(value, list) else [value]):
        yield Item(path, 0, index, _encodable(each))


def _parquet(path: Path, data: bytes) -> Iterator[tuple[int, Mapping[str, object]]]:
    from pyarrow import ArrowException, parquet

    try:
        for batch in parquet.ParquetFile(BytesIO(data)).iter_batches(1000):
            yield from ((0, _opened(row)) for row in batch.to_pylist())
    except (ArrowException, ValueError, LookupError, OverflowError) as error:
        raise MagFileError(path, 0, f"is no parquet file: {error}") from error


def _sqlite(path: Path, data: bytes) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yields the rows of all tables, those included that a program at work has not moved out of its journal yet."""
    with TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        copy.write_bytes(data)
        if (journal := path.with_name(f"{path.name}-wal")).exists():
            copy.with_name("copy-wal").write_bytes(journal.read_bytes())
        with closing(sqlite3.connect(copy)) as database:
            database.row_factory = sqlite3.Row
            try:
                for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
                    quoted = table.replace('"', '""')
                    yield from ((0, _opened(dict(row))) for row in database.execute(f'SELECT * FROM "{quoted}"'))
            except sqlite3.Error as error:
                raise MagFileError(path, 0, f"is no SQLite database: {error}") from error


def _zipped(path: Path, data: bytes, on_bad: OnBad | None) -> Iterator[Item]:
    """Yields the items of an archive's JSON; of Inspect's, which holds a folder of samples, those of the samples."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith((".json", ".jsonl")))
            samples = [name for name in names if name.startswith("samples/")]
            numbers = count()
            for name in samples or names:
                with archive.open(name) as member, TextIOWrapper(member, "utf-8-sig", newline="") as text:
                    yield from (replace(item, index=next(numbers)) for item in _Scanner(path, text).items(on_bad))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise MagFileError(path, 0, f"cannot be unpacked: {error}") from error


def _opened(row: Mapping[str, Any]) -> Mapping[str, object]:
    """Returns a row with the objects that stand in it as JSON."""
    return {name: _cell(cell, ("{", "[{")) for name, cell in row.items()}


def _csv(path: Path, text: TextIOWrapper, delimiter: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    csv.field_size_limit(_MOST)
    rows = csv.DictReader(text, delimiter=delimiter)
    try:
        yield from ((rows.line_num, {name: _cell(cell) for name, cell in row.items() if cell}) for row in rows)
    except csv.Error as error:
        raise MagFileError(path, rows.line_num, f"is no CSV: {error}") from error


def _cell(cell: Any, begins: tuple[str, ...] = ("[", "{")) -> Any:
    """Returns what a cell holds: lists and objects stand in tables as JSON, or as Python writes them."""
    if not isinstance(cell, str) or not cell.startswith(begins):
        return cell
    for read in (loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return read(cell)
    return cell


def _rows(path: Path, rows: Iterable[tuple[int, Mapping[str, object]]]) -> Iterator[Item]:
    for index, (line, row) in enumerate(rows):
        yield Item(path, line, index, _encodable(row))


def _plain_name(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".gz" else path


def entries(item: Item) -> Iterator[Item]:
    """Yields the values of an item that is one object of many, each with its key and the same line."""
    for index, (key, value) in enumerate(item.value.items()):
        yield Item(item.path, item.line, index, value, key if isinstance(key, str) else "")


def loads(text: str) -> Any:
    """Returns what a text of JSON says, with texts that can be written: half a character at a cut is replaced.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply.
    """
    value = json.loads(text)
    return _encodable(value) if _HALF.search(text) else value


def _encodable(value: Any) -> Any:
    """Returns a value whose texts can be written: half a character at a cut is replaced."""
    if isinstance(value, str):
        halved = any("\ud800" <= char <= "\udfff" for char in value)  # texts of a sort of their own stay what they are
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if halved else value
    if isinstance(value, list | tuple):
        return type(value)(map(_encodable, value))
    if isinstance(value, dict):
        return {_encodable(key) if isinstance(key, str) else key: _encodable(each) for key, each in value.items()}
    return value


class _Scanner:
    """Decodes one value after another, so that each is known by its line; of the text it holds what it still needs."""

    def __init__(self, path: Path, file: TextIOWrapper) -> None:
        self.path, self.text, self.at = path, "", 0
        self._file, self._ended = file, False
        self._decoder = json.JSONDecoder()
        self._line, self._counted = 1, 0

    def items(self, on_bad: OnBad | None = None) -> Iterator[Item]:
        if not self._skip():
            raise MagFileError(self.path, 0, "is empty")
        if self._is_text():
            while self._read():
                pass
            yield from (Item(self.path, 1, place, talk) for place, talk in enumerate(talks_in(self.text)))
            return
        listed = self.text[self.at] == "[" and not self._is_line() and not self._is_no_item()
        self.at += listed
        for index in count():
            if self._is_over(listed):
                break
            if not listed:
                self._pass_over_prefix()
            line = self.line()
            try:
                value = self._value()
            except MagFileError as error:
                if on_bad is None or listed:
                    raise
                on_bad(error)
                self._skip_line()
                continue
            yield Item(self.path, line, index, value)
            if listed:
                self._separator()

    def _is_text(self) -> bool:
        """Returns whether this is a printed transcript, and nothing of JSON."""
        if _BEGINS_JSON.match(self.text, self.at):
            return False
        while len(self.text) - self.at < LOOKED_AT and self._read():
            pass
        text = self.text[self.at :]
        return "{" not in text.partition("\n")[0] and is_talk(text)

    def _is_line(self) -> bool:
        """Returns whether a list is the first line's only, and the next line begins with another."""
        while (end := self.text.find("\n", self.at)) < 0 and len(self.text) < _LONGEST_LINE and self._read():
            pass
        while end >= 0 and not self.text[end:].strip(_SPACE) and self._read():
            end = self.text.find("\n", self.at)
        closed = self.text[self.at : max(end, self.at)].rstrip(_SPACE).endswith("]")
        return closed and self.text[end:].lstrip(_SPACE).startswith("[")

    def _read(self) -> bool:
        """Reads on, and forgets what has been decoded; returns whether there was more."""
        self.line()
        if len(self.text) - self.at > _MOST:
            raise MagFileError(self.path, self.line(), f"an item has more than {_MOST:,} characters")
        more = "" if self._ended else self._file.read(max(_CHUNK, len(self.text) - self.at))
        self.text, self.at, self._counted, self._ended = self.text[self.at :] + more, 0, 0, not more
        return bool(more)

    def _is_over(self, listed: bool) -> bool:
        while self._skip():
            if listed or not self._is_no_item():
                return listed and self.text[self.at] == "]"
            self._skip_line()
        if listed:
            raise MagFileError(self.path, self.line(), "no JSON: the list never ends")
        return True

    def _is_no_item(self) -> bool:
        """Returns whether a line is a logger's own."""
        if self.text[self.at] not in "S[":
            return False
        end = self._line_end()  # which reads on, and moves what has been read
        return _NO_ITEM.match(self.text, self.at, end) is not None

    def _value(self) -> Any:
        while True:
            try:
                value, end = self._decoder.raw_decode(self.text, self.at)
            except (ValueError, RecursionError) as error:  # an endless number is a plain ValueError
                if self._is_cut(error) and not self._ended:
                    self._read()
                    continue
                self.at = getattr(error, "pos", self.at)
                raise MagFileError(
                    self.path, self.line(), f"no JSON: {getattr(error, 'msg', error)}", hint=_HINT
                ) from None
            if end == len(self.text) and not self._ended:  # a number may go on
                self._read()
                continue
            half = _HALF.search(self.text, self.at, end)
            self.at = end
            return _encodable(value) if half else value

    def _is_cut(self, error: Exception) -> bool:
        """Returns whether a value is wrong because the rest of it has not been read yet."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.pos >= len(self.text) - _LONGEST_TOKEN or error.msg.startswith("Unterminated string")

    def _separator(self) -> None:
        if not self._skip() or self.text[self.at] not in ",]":
            raise MagFileError(self.path, self.line(), "no JSON: the list goes on without a comma, or never ends")
        self.at += self.text[self.at] == ","

    def _skip(self) -> bool:
        """Goes on to what is no blank; returns whether there is any."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text) or not self._read():
                return self.at < len(self.text)

    def _pass_over_prefix(self) -> None:
        """Goes on to the object in a line that begins otherwise: loggers write time and level before it."""
        if self.text[self.at] not in '{["':
            end = self._line_end()  # which reads on, and moves what has been read
            place = self.text.find("{", self.at, end)
            self.at = place if place >= 0 else self.at

    def _skip_line(self) -> None:
        self.at = self._line_end()

    def _line_end(self) -> int:
        while (end := self.text.find("\n", self.at)) < 0 and self._read():
            pass
        return len(self.text) if end < 0 else end

    def line(self) -> int:
        """Returns the line that the scanner is on."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
