"""What cards say of who spoke, and of how good a student is."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import RunConfig
from magdi.core.redact import without_servers
from magdi.plugins.corpus.parquet import read_parquet
from magdi.plugins.exporting.model_card import model_card
from magdi.plugins.formats.exporters.tables import Dataset
from tests.core.corpus.mag_samples import mag, turn
from tests.core.run.run_directories import opened_run

INSIDE = "http://gpu-7.lab:8103/v1"


@pytest.mark.parametrize(
    ("identity", "public"),
    [
        (f"openai:m@{INSIDE}", "openai:m"),
        (f'openai:org/m@{INSIDE}{{"effort":"low"}}', 'openai:org/m{"effort":"low"}'),
        (f"openai:m@{INSIDE},https://gpu-8.lab/v1", "openai:m"),
        (f'litellm:m{{"api_base":"{INSIDE}"}}', 'litellm:m{"api_base":""}'),
        ("hf:org/m@main#seed=3", "hf:org/m@main#seed=3"),
        ("simulated:careful", "simulated:careful"),
    ],
)
def test_a_teacher_is_named_without_its_server(identity: str, public: str) -> None:
    assert without_servers(identity) == public


def test_a_students_card_names_no_server_and_no_evaluation_of_another_command(tmp_path: Path) -> None:
    config = RunConfig.model_validate({"teachers": [f"a=openai:m@{INSIDE}", f"b=openai:n@{INSIDE}"]})
    card = model_card(opened_run(tmp_path, config), base=None, merged=False, sources={})
    assert "openai:m, openai:n" in card
    assert "gpu-7" not in card
    assert "The run that made it did not evaluate it." in card


def test_a_dataset_names_no_server_and_loses_nothing_else(tmp_path: Path) -> None:
    told = mag(turn(0, "A", "51", model=f"openai:m@{INSIDE}"), turn(1, "B", "51"))
    Dataset().write([told], tmp_path, "exact")
    (read,) = read_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    assert [each.model for each in read.turns] == ["openai:m", told.turns[1].model]
    assert read.model_copy(update={"turns": told.turns}) == told
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"gpu-7" in file.read_bytes()]
