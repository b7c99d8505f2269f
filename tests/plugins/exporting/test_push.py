"""`magdi export --push` and `magdi mags export --push`, to a hub on this machine; and what the cards say to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import DatasetCard, ModelCard, constants
from typer.testing import CliRunner

import magdi
from magdi.cli.app import app
from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError, StorageError
from magdi.core.mag import read_mags
from magdi.plugins.corpus.parquet import read_parquet
from magdi.plugins.exporting.card_data import model_card_data
from magdi.plugins.tasks.dataset import Source
from tests.core.run.conftest import TOY
from tests.plugins.exporting.stub_hub import TOKEN, StubHub

Call = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's, of httpx


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pushed") / "first"
    magdi.run(out=folder, **TOY)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StubHub]:
    with StubHub() as stub:
        monkeypatch.setattr(constants, "ENDPOINT", stub.url)  # what HF_ENDPOINT says as a process begins
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        huggingface_hub.close_session()
        yield stub
        huggingface_hub.close_session()


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: object) -> dict[str, Any]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert TOKEN not in result.output
        return dict(json.loads(result.stdout))

    return typed


def test_a_student_is_pushed_with_what_the_hub_reads(hub: StubHub, call: Call, run: Path) -> None:
    found = call("export", run, "--push", "first")
    assert found["pushed"] == f"{hub.url}/me/first"
    assert hub.made["models/me/first"]["visibility"] == "private"
    files = hub.files["models/me/first"]
    assert files.keys() == set(found["files"])
    assert files["model.safetensors"] == (run / "student" / "model.safetensors").read_bytes()
    data: Any = ModelCard(files["README.md"].decode()).data
    scores = json.loads((run / "run.json").read_text())["stages"]["evaluation"]["student"]
    (result,) = data.eval_results
    assert (result.dataset_name, result.dataset_split, result.metric_type) == ("arithmetic", "test", "accuracy")
    assert result.metric_value == round(scores["accuracy"], 4)
    assert result.metric_args == {"questions": 12, "interval_95": [round(each, 4) for each in scores["interval"]]}
    assert (data.model_name, data.license, data.base_model, data.datasets) == ("first", "mit", None, None)
    assert "simulated-teachers" in data.tags
    assert "**simulated** teachers" in files["README.md"].decode()
    assert not list(run.glob("export*"))
    kept = b"".join(file.read_bytes() for file in run.rglob("*") if file.is_file())
    assert TOKEN.encode() not in kept + b"".join(files.values())


def test_who_sees_it_is_as_asked(hub: StubHub, call: Call, run: Path, tmp_path: Path) -> None:
    call("export", run, "--push", "us/open", "--public", "-o", tmp_path / "out", "--licence", "CC BY 4.0")
    assert hub.made["models/us/open"]["visibility"] == "public"
    assert hub.settings["models/us/open"]["visibility"] == "public"
    assert ModelCard.load(tmp_path / "out" / "README.md").data.to_dict()["license"] == "cc-by-4.0"
    assert hub.files["models/us/open"]["README.md"] == (tmp_path / "out" / "README.md").read_bytes()


def test_discussions_are_pushed_as_a_dataset(hub: StubHub, call: Call, run: Path, tmp_path: Path) -> None:
    found = call("mags", "export", run, "--push", "talk")
    told = {"format": "dataset", "mags": 24, "skipped": 0, "pushed": f"{hub.url}/datasets/me/talk"}
    assert found == told | {"schema": found["schema"]}
    assert hub.made["datasets/me/talk"]["visibility"] == "private"
    files = hub.files["datasets/me/talk"]
    (tmp_path / "train.parquet").write_bytes(files["data/train-00000-of-00001.parquet"])
    assert list(read_parquet(tmp_path / "train.parquet")) == list(read_mags(run / "mags.jsonl"))
    card = DatasetCard(files["README.md"].decode())
    data: Any = card.data
    assert (data.license, data.language) == ("mit", "en")
    assert "simulated-teachers" in data.tags
    assert "**simulated** teachers" in card.text
    assert re.search(r"^0 of [\d,]+ turns hold their prompt", card.text, re.M)
    call("mags", "export", run, "-o", tmp_path / "named", "-A", "licence=odc-by")
    assert DatasetCard.load(tmp_path / "named" / "README.md").data.to_dict()["license"] == "odc-by"


def test_without_a_right_to_it_nothing_is_lost(
    hub: StubHub, call: Call, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(StorageError, match="first was not pushed to the hub") as refused:
        call("export", run, "--push", "first", "-o", tmp_path / "out")
    assert "hf_wrong" not in str(refused.value)
    assert "HF_TOKEN" in refused.value.hint
    assert (tmp_path / "out" / "README.md").is_file()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for kind in (("export",), ("mags", "export")):
        with pytest.raises(StorageError, match="was not pushed"):
            call(*kind, run, "--push", "a name/that is/none")


def test_what_has_no_card_is_not_pushed(call: Call, run: Path) -> None:
    with pytest.raises(ConfigError, match="--push takes a folder with a card"):
        call("mags", "export", run, "--push", "pairs", "--to", "dpo")
    with pytest.raises(ConfigError, match="nothing says where to"):
        call("mags", "export", run)


SCORE = {"accuracy": 0.5, "interval": [0.4, 0.6], "count": 100, "by_task": {}}
GSM8K = Source("openai/gsm8k", "main", licence="MIT")


def test_a_card_names_data_and_base_and_leaves_the_licence_to_its_sources() -> None:
    config = RunConfig.model_validate({"task": {"name": "gsm8k"}, "student": {"model": "org/base"}})
    outcome: Any = {"student": SCORE, "mags": {"tasks": {"gsm8k": 3}}}
    data: Any = model_card_data(
        config, outcome, base="org/base", adapter=True, name="x", sources={"gsm8k": GSM8K}, protocols=["debate"]
    )
    (result,) = data.eval_results
    assert (result.dataset_type, result.dataset_config, result.dataset_name) == ("openai/gsm8k", "main", "gsm8k")
    assert (data.base_model, data.datasets, data.license) == ("org/base", ["openai/gsm8k"], "other")
    assert "simulated-teachers" not in data.tags


def test_a_mixture_has_a_score_for_each_of_its_tasks() -> None:
    by_task = {"gsm8k": SCORE, "svamp": {**SCORE, "accuracy": 0.7}}
    config = RunConfig.model_validate({"task": {"name": "mix:gsm8k+svamp"}})
    told = {"simulated": True, "mags": {"simulated": 1, "tasks": {"gsm8k": 1}}}
    outcome: Any = {"student": {**SCORE, "by_task": by_task}, **told}
    found: Any = model_card_data(
        config,
        outcome,
        base=None,
        adapter=False,
        name="x",
        sources={"gsm8k": GSM8K, "svamp": Source("ChilleD/SVAMP", licence="MIT")},
        protocols=[],
    )
    assert [(each.dataset_type, each.metric_value) for each in found.eval_results] == [
        ("openai/gsm8k", 0.5),
        ("ChilleD/SVAMP", 0.7),
    ]
    assert "simulated-teachers" in found.tags
