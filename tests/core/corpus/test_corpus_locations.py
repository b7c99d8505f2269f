"""Files of MAGs wherever they lie: paths, patterns, memory, and an S3 server on this machine; JSONL and Parquet."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from typer.testing import CliRunner

import magdi
from magdi.cli.app import app
from magdi.core.config.models import RunConfig
from magdi.core.errors import ComponentError, DataError, MagdiError, MagFileError, StorageError
from magdi.core.mag import Mag
from magdi.core.run import locations
from magdi.core.run.inputs import contents
from magdi.plugins.corpus import files
from magdi.plugins.corpus.files import count_mags, mag_files, read, read_all, read_in_turn, write
from tests.core.corpus.mag_samples import talk

Base = str
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "sk-0123456789", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


everywhere = pytest.mark.parametrize("base", ["path", "memory", "s3"], indirect=True)
near = pytest.mark.parametrize("base", ["path", "memory"], indirect=True)


@pytest.fixture
def base(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Base]:
    """A folder to write to and read from."""
    if request.param == "path":
        yield str(tmp_path / "corpus")
        return
    if request.param == "memory":
        yield "memory://corpus"
        fsspec.filesystem("memory").store.clear()
        return
    for name, value in (*KEYS.items(), ("AWS_ENDPOINT_URL", request.getfixturevalue("s3_server"))):
        monkeypatch.setenv(name, value)
    fs = fsspec.filesystem("s3", skip_instance_cache=True)
    fs.makedirs("corpus", exist_ok=True)
    yield "s3://corpus"
    fs.invalidate_cache()
    fs.rm("corpus", recursive=True)


def at(name: str) -> locations.Location:
    return name if locations.is_url(name) else Path(name)


def mags(count: int, start: int = 0) -> list[Mag]:
    return [talk(f"m{number}") for number in range(start, start + count)]


def run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["mags", *map(str, arguments), "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


@everywhere
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_what_is_written_is_read_again(base: Base, suffix: str) -> None:
    for number in (0, 1):
        assert write(at(f"{base}/part-{number}.{suffix}"), mags(70, 70 * number)) == 70
    assert list(read_all([f"{base}/part-*.{suffix}"])) == mags(140)
    assert list(magdi.load_mags(f"{base}/part-1.{suffix}")) == mags(70, 70)
    assert sum(map(count_mags, mag_files([f"{base}/*.{suffix}"]))) == 140
    in_turn = [mag.id for mag in read_in_turn([f"{base}/part-*.{suffix}"])]
    assert in_turn[:4] == ["m0", "m70", "m1", "m71"]
    assert len({*in_turn}) == 140


@everywhere
def test_commands_take_patterns_and_both_forms(base: Base) -> None:
    write(at(f"{base}/a.jsonl"), mags(3))
    write(at(f"{base}/b.parquet"), mags(3, 2))
    (all_of_them,) = (f"{base}/all.parquet",)
    merged = run("merge", f"{base}/[ab].*", "-o", all_of_them, "--once", "none")
    assert (merged["mags"], merged["of"]) == (6, 6)
    assert run("stats", all_of_them)["totals"]["mags"] == 6
    assert run("merge", all_of_them, "-o", f"{base}/again.jsonl", "--once", "none")["mags"] == 6
    assert list(read_all([f"{base}/again.jsonl"])) == list(read_all([all_of_them]))
    assert run("filter", all_of_them, "-o", f"{base}/f.parquet", "--agent", "A")["mags"] == 6
    assert run("sample", f"{base}/f.parquet", "-n", 2, "-o", f"{base}/s.jsonl")["mags"] == 2
    assert run("check", f"{base}/a.jsonl", f"{base}/b.parquet")["sound"]


@near
def test_a_run_learns_from_them(base: Base, tmp_path: Path) -> None:
    write(at(f"{base}/a.parquet"), mags(4))
    small = ("--task", "arithmetic", "--student", "tiny", "--limit", "3", "-o", tmp_path / "run", "--quiet")
    arguments = ["distill", f"{base}/a.parquet", *map(str, small), "--level", "base"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "run" / "mags.jsonl").read_text().splitlines()) == 3
    plan = CliRunner().invoke(app, [*arguments, "-n", "--json"])
    assert json.loads(plan.stdout)["mags"] == 3


@everywhere
def test_what_lies_there_decides_a_run(base: Base) -> None:
    config = RunConfig.model_validate({"discussion": {"mags": f"{base}/*.jsonl"}})
    write(at(f"{base}/a.jsonl"), mags(2))
    locations.state.cache_clear()
    before = contents(config)
    locations.state.cache_clear()
    assert contents(config) == before != {}
    write(at(f"{base}/b.jsonl"), mags(1))
    locations.state.cache_clear()
    assert contents(config) != before


@everywhere
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_file_is_written_whole_or_not_at_all(base: Base, suffix: str) -> None:
    def torn() -> Iterator[Mag]:
        yield from mags(3)
        raise DataError("the source is torn")

    write(at(f"{base}/a.{suffix}"), mags(2))
    with pytest.raises(DataError, match="the source is torn"):
        write(at(f"{base}/a.{suffix}"), torn())
    with pytest.raises(DataError, match="the source is torn"):
        write(at(f"{base}/b.{suffix}"), torn())
    assert list(read_all([f"{base}/*"])) == mags(2)


@near
@pytest.mark.parametrize("name", ["no.jsonl", "no.parquet", "no-*.jsonl", "no/such/run"])
def test_what_is_not_there_is_said(base: Base, name: str) -> None:
    write(at(f"{base}/a.jsonl"), mags(1))
    with pytest.raises(MagFileError, match="no such file|no file fits|No such file"):
        list(read_all([f"{base}/{name}"]))


def test_an_s3_that_refuses_is_said_without_its_keys(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (*KEYS.items(), ("AWS_ENDPOINT_URL", s3_server)):
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match=r"s3://no-such-bucket/x\.jsonl cannot be written") as refused:
        write("s3://no-such-bucket/x.jsonl", mags(1))
    assert "sk-0123456789" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "module", "hint"),
    [("s3://b/a.jsonl", "s3fs", "magdi[s3]"), ("gs://b/*.parquet", "gcsfs", "magdi[gs]")],
)
def test_an_extra_that_is_missing_is_named(url: str, module: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, url.partition(":")[0], raising=False)
    for use in (lambda: list(read_all([url])), lambda: write(url, mags(1))):
        with pytest.raises(ComponentError, match="needs a package") as missing:
            use()
        assert hint in missing.value.hint


def test_no_such_scheme_is_said() -> None:
    with pytest.raises(DataError, match="nonsense"):
        list(read_all(["nonsense://user:secret@host/a.jsonl"]))
    with pytest.raises(DataError) as shown:
        list(read_all(["nonsense://user:secret@host/a.jsonl"]))
    assert "secret" not in str(shown.value)


Spoil = Callable[[Path], object]


def other_table(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), path)


def bad_row(path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[1]["turns"][0]["seen"] = [{"step": 7, "kind": "content"}]
    pq.write_table(table.from_pylist(rows, schema=table.schema), path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b"{}"), "is no Parquet file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is no Parquet file"),
        (other_table, "holds no MAGs: there is no column schema, id"),
        (bad_row, "x.parquet:2: turns.0"),
    ],
    ids=["not one", "torn", "another table", "a bad row"],
)
def test_a_parquet_file_that_is_none_of_ours_is_said(tmp_path: Path, spoil: Spoil, said: str) -> None:
    file = tmp_path / "x.parquet"
    write(file, mags(3))
    spoil(file)
    with pytest.raises(MagFileError, match=said):
        list(read(file))
    bad: list[MagFileError] = []
    if spoil is bad_row:
        assert [mag.id for mag in read(file, bad)] == ["m0", "m2"]
        assert len(bad) == 1


def test_few_of_many_files_are_open_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "AT_ONCE", 3)
    for number in range(8):
        write(tmp_path / f"{number}.jsonl", mags(2, 10 * number))
    found = [mag.id for mag in read_in_turn([tmp_path / "*.jsonl"])]
    assert found[:6] == ["m0", "m10", "m20", "m1", "m11", "m21"]
    assert len(found) == 16


def test_a_name_with_signs_of_a_pattern_is_itself_where_it_is_there(tmp_path: Path) -> None:
    write(tmp_path / "a[1].jsonl", mags(1))
    write(tmp_path / "a1.jsonl", mags(2))
    assert len(list(read_all([str(tmp_path / "a[1].jsonl")]))) == 1


def test_a_query_is_no_part_of_a_name() -> None:
    assert locations.suffix_of("https://host/x.parquet?X-Amz-Signature=0") == ".parquet"
    assert not locations.is_pattern("https://host/x.jsonl?sig=0")
    assert locations.is_pattern("s3://b/*.jsonl")
    assert locations.is_pattern("mags-?.jsonl")


def test_patterns_in_folders_of_folders(tmp_path: Path) -> None:
    for name in ("a/x.jsonl", "b/c/y.jsonl"):
        write(tmp_path / name, mags(1))
    assert len(mag_files([str(tmp_path / "**/*.jsonl")])) == 2
    with pytest.raises(MagdiError, match="no file fits"):
        mag_files([str(tmp_path / "*.parquet")])
