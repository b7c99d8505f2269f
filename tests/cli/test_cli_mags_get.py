"""`magdi mags get` against a server on this machine that knows ranges, hangs up, and lies."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from magdi.cli.app import app
from magdi.core.errors import ConfigError, DataError
from magdi.plugins.formats.download import find_corpus, shipped

WORDS = b'{"question": "What is 2 + 3?", "answer": "5", "response_list": ["The answer is 5."]}\n' * 50

Get = Callable[..., Result]


class Server:
    """Serves ``files``; hangs up after ``cut`` bytes of a reply, and knows ranges unless told not to."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str | None] = []
        self.cut, self.ranges = 1 << 30, True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                whole = outer.files.get(self.path.lstrip("/"))
                if whole is None:
                    self.send_error(404)
                    return
                wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "") if outer.ranges else None
                outer.asked.append(self.headers.get("Range"))
                start = int(wanted[1]) if wanted else 0
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(whole) - start))
                self.end_headers()
                self.wfile.write(whole[start:][: outer.cut])

            def log_message(self, *_: str) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture
def get(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Get:
    """Returns a function that writes a manifest of the server's files and gets it."""
    monkeypatch.setenv("no_proxy", "*")

    def run(**fields: Any) -> Result:
        rows = [
            {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in server.files.items()
        ]
        rows[0] |= fields.pop("first", {})
        manifest = {"name": "mine", "summary": "Mine.", "licence": "CC0-1.0", "base": server.url, "files": rows}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest | fields))
        command = ["mags", "get", str(tmp_path / "manifest.json"), "-o", str(tmp_path / "got"), "--json"]
        return CliRunner().invoke(app, command, catch_exceptions=False)

    return run


def test_files_are_fetched_once_and_the_licence_is_told(get: Get, server: Server, tmp_path: Path) -> None:
    server.files = {"a/one.jsonl": WORDS, "two.jsonl": WORDS[:90]}
    told = get()
    assert "CC0-1.0" in told.stderr
    assert json.loads(told.stdout)["files"] == [str(tmp_path / "got" / name) for name in server.files]
    assert (tmp_path / "got" / "a" / "one.jsonl").read_bytes() == WORDS
    get()
    assert len(server.asked) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_what_was_cut_off_goes_on_where_it_stopped(get: Get, server: Server, tmp_path: Path, ranges: bool) -> None:
    server.files, server.cut, server.ranges = {"one.jsonl": WORDS}, 1000, ranges
    with pytest.raises(DataError) as caught:
        get()
    assert "goes on where" in caught.value.hint
    part = tmp_path / "got" / "one.jsonl.part"
    assert part.read_bytes() == WORDS[: 3000 if ranges else 1000]
    server.cut = 1 << 30
    get()
    assert (tmp_path / "got" / "one.jsonl").read_bytes() == WORDS
    assert not part.exists()
    assert server.asked[-1] == f"bytes={3000 if ranges else 1000}-"


@pytest.mark.parametrize("other", [WORDS[::-1], WORDS + b"more", WORDS * 3])
def test_another_file_than_was_promised_is_not_kept(get: Get, server: Server, tmp_path: Path, other: bytes) -> None:
    server.files = {"one.jsonl": other}
    first = {"bytes": len(WORDS), "sha256": hashlib.sha256(WORDS).hexdigest()}
    with pytest.raises(DataError, match="is not the file that it was"):
        get(first=first)
    assert [each for each in (tmp_path / "got").rglob("*") if each.is_file()] == []


@pytest.mark.parametrize("path", ["../one.jsonl", "/etc/one.jsonl", "a/../../b", "C:\\x", ""])
def test_a_manifest_leads_nowhere_else(get: Get, server: Server, path: str) -> None:
    server.files = {"one.jsonl": WORDS}
    with pytest.raises(ConfigError, match="leads out of the folder"):
        get(first={"path": path})


@pytest.mark.parametrize("base", ["http://example.org/", "file:///etc/", "ftp://127.0.0.1/"])
def test_addresses_are_https(get: Get, server: Server, base: str) -> None:
    server.files = {"passwd": WORDS}
    with pytest.raises(ConfigError, match="is no https address"):
        get(base=base)


def packed(kind: str, names: list[str]) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for name in names:
                archive.writestr(name, WORDS)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in names:
            row = tarfile.TarInfo(name)
            row.size = len(WORDS)
            archive.addfile(row, io.BytesIO(WORDS))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_are_unpacked_and_hold_no_more_than_they_may(
    get: Get, server: Server, tmp_path: Path, kind: str
) -> None:
    server.files = {f"all.{kind}": packed(kind, ["a/one.jsonl"])}
    get(first={"unpacked": len(WORDS)})
    assert (tmp_path / "got" / f"all.{kind}.d" / "a" / "one.jsonl").read_bytes() == WORDS
    with pytest.raises(DataError, match="more comes out"):
        get(first={"unpacked": len(WORDS) - 1})


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_nothing_of_an_archive_leads_out_of_its_folder(get: Get, server: Server, tmp_path: Path, kind: str) -> None:
    server.files = {f"all.{kind}": packed(kind, ["../../../escaped.jsonl"])}
    with suppress(DataError):  # a zip's names are cut to what is left of them, a tar is refused
        get(first={"unpacked": len(WORDS)})
    assert not (tmp_path.parent / "escaped.jsonl").exists()
    assert all(path.is_relative_to(tmp_path / "got" / f"all.{kind}.d") for path in tmp_path.rglob("escaped.jsonl"))


def test_a_corpus_that_is_not_known() -> None:
    with pytest.raises(ConfigError) as caught:
        find_corpus("dylan")
    assert "dylan-math" in caught.value.hint


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_has_licence_checksums_and_an_address_of_one_version(name: str) -> None:
    corpus = find_corpus(name)
    assert corpus.licence
    assert re.search(r"/[0-9a-f]{40}/", corpus.base)


@pytest.mark.data
def test_dylans_files_here_are_those_of_the_manifest(data: Path) -> None:
    import gzip

    corpus = find_corpus("dylan-math")
    assert len(corpus.files) == 51
    for file in corpus.files[::10]:
        whole = gzip.decompress((data / "dylan_math" / f"{file.path}.gz").read_bytes())
        assert (len(whole), hashlib.sha256(whole).hexdigest()) == (file.bytes, file.sha256)
