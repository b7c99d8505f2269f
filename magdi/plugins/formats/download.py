"""Corpora of discussions that anybody may have: where they are, under which licence, and what they must be.

A manifest names files with their sizes and checksums; what does not have them is not kept. A download that was cut off
goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

from pydantic import BaseModel, Field, ValidationError, field_validator

from magdi.core.errors import ConfigError, DataError, did_you_mean
from magdi.core.mag import problems_of

_SHIPPED = files("magdi.plugins.formats") / "corpora"
_CHUNK = 1 << 16
_ATTEMPTS = 3
_LOCAL = ("127.0.0.1", "localhost", "::1")


class CorpusFile(BaseModel, extra="forbid", frozen=True):
    """A file of a corpus."""

    path: str = Field(description="Where it is kept, below the corpus's folder; and where it is, below its address.")
    bytes: int = Field(ge=0, description="Its size.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Its checksum.")
    unpacked: int = Field(0, ge=0, description="Of a zip or tar that is unpacked: most bytes that come out of it.")

    @field_validator("path")
    @classmethod
    def _stays_below(cls, path: str) -> str:
        parts = Path(path).parts
        if not parts or Path(path).is_absolute() or ".." in parts or "\\" in path or ":" in path:
            raise ValueError("leads out of the folder")
        return path


class Corpus(BaseModel, extra="forbid", frozen=True):
    """A corpus: what it is, and its files."""

    name: str
    summary: str
    licence: str = Field(min_length=1)
    licence_url: str = ""
    home: str = ""
    base: str = Field(description="Address that the files' paths are relative to; of one version, for good.")
    files: tuple[CorpusFile, ...] = Field(min_length=1)
    import_: tuple[str, ...] = Field((), alias="import", description="Options of `magdi mags import`.")

    @field_validator("base")
    @classmethod
    def _is_safe(cls, base: str) -> str:
        _check_address(base)
        return base


def shipped() -> list[str]:
    """Returns the names of the corpora that magdi knows."""
    return sorted(each.name.removesuffix(".json") for each in _SHIPPED.iterdir() if each.name.endswith(".json"))


def find_corpus(name: str) -> Corpus:
    """Returns a corpus by its name, or by the path of a manifest.

    Raises:
        ConfigError: There is none, or the manifest is none.
    """
    manifest = Path(name) if name.endswith(".json") else _SHIPPED / f"{name}.json"
    if not name.endswith(".json") and name not in shipped():
        raise ConfigError(f"no corpus {name!r}", hint=did_you_mean(name, shipped()))
    try:
        return Corpus.model_validate_json(manifest.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} cannot be read: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{name} is no manifest of a corpus: {problems_of(error)}") from None


def download(corpus: Corpus, folder: Path, on_file: Callable[[CorpusFile], None] = lambda file: None) -> list[Path]:
    """Fetches what is not there yet, checks it, unpacks archives, and returns the files.

    Raises:
        DataError: A file cannot be fetched, or is not what it must be; what was fetched before is kept.
    """
    kept = []
    for file in corpus.files:
        path = folder / file.path
        if not (path.is_file() and path.stat().st_size == file.bytes and _digest(path) == file.sha256):
            _fetch(urljoin(corpus.base, file.path), path, file)
        kept += _unpack(path, path.with_name(path.name + ".d"), file.unpacked) if file.unpacked else [path]
        on_file(file)
    return kept


def _fetch(url: str, path: Path, file: CorpusFile) -> None:
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _go_on(url, part, file.bytes)
        except (OSError, URLError) as error:
            if attempt == _ATTEMPTS:
                hint = "the same command goes on where this one stopped"
                raise DataError(f"{url} cannot be fetched: {error}", hint=hint) from None
        if part.is_file() and part.stat().st_size >= file.bytes:
            break
    if part.stat().st_size != file.bytes or _digest(part) != file.sha256:
        part.unlink()
        raise DataError(f"{url} is not the file that it was: its size or its checksum differs")
    part.replace(path)


def _go_on(url: str, part: Path, size: int) -> None:
    """Fetches the rest of a file, or all of it from a server that knows no rests; never more than its size."""
    start = part.stat().st_size if part.is_file() else 0
    if start >= size > 0:
        return
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with urlopen(request, timeout=60) as reply:
        _check_address(reply.geturl())
        with part.open("ab" if reply.status == 206 else "wb") as out:
            promised = out.tell() + int(reply.headers.get("Content-Length") or 0)
            while chunk := reply.read(_CHUNK):
                out.write(chunk)
                if out.tell() > size:
                    return
            if out.tell() < promised:
                raise OSError("the connection was cut off")


def _check_address(url: str) -> None:
    address = urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOCAL):
        raise ValueError(f"{url} is no https address")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(archive: Path, folder: Path, limit: int) -> list[Path]:
    """Unpacks a zip or tar below a folder; nothing of it leads out of it, or is larger than was said."""
    too_large = DataError(f"{archive}: more comes out of it than the {limit:,} bytes that it may hold")
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                if sum(each.file_size for each in packed.infolist()) > limit:
                    raise too_large
                packed.extractall(folder)
        else:
            with tarfile.open(archive) as tar:
                if sum(each.size for each in tar) > limit:
                    raise too_large
                tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive} cannot be unpacked: {error}") from None
    return sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())
