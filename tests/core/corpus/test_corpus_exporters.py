"""Exporters: each is read back by the tool that it is for, and nothing is lost or added."""

import json
import unicodedata
from pathlib import Path

import networkx
import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.mag import Mag, Question, Turn, read_mags
from magdi.core.views import EDGE_KINDS, edges
from magdi.plugins.corpus.parquet import mag_of, read_parquet, row
from magdi.plugins.formats.exporter import Exporter
from magdi.plugins.formats.exporters.tables import Card
from magdi.plugins.formats.exporters.tensors import load_pyg
from magdi.plugins.registry import default_registry
from magdi.protocols.reconcile import ReConcile
from magdi.protocols.solver_critic import SolverCritic
from tests.core.corpus.mag_samples import held, long_reply, mag, talk, turn


def exporter(name: str) -> Exporter:
    return default_registry().exporter(ComponentChoice(name=name))


@pytest.fixture(scope="module")
def mags() -> list[Mag]:
    first = talk("a/b: ü")
    rich = first.model_copy(update={"metadata": {"deep": {"list": [1, "two", None]}}, "stop": "consensus"})
    asked = held(ReConcile(ReConcile.Config(rounds=1)), long_reply)
    critics = held(SolverCritic(), lambda ask, step: f"Step {step}. The answer is {step}.")
    return [rich, asked, critics.model_copy(update={"id": "c"}), mag(turn(0, "A", None, text="\x0bbell\x07"), name="d")]


def test_our_own_lines(tmp_path: Path, mags: list[Mag]) -> None:
    assert exporter("magdi").write(mags, tmp_path / "x", "exact") == 4
    assert list(read_mags(tmp_path / "x")) == mags


def test_node_link(tmp_path: Path, mags: list[Mag]) -> None:
    assert exporter("node-link").write(mags, tmp_path / "x", "exact") == 4
    for line, some in zip((tmp_path / "x").read_text().splitlines(), mags, strict=True):
        graph = networkx.node_link_graph(json.loads(line), edges="edges")
        assert set(graph.edges(data="kind")) == set(edges(some))
        assert [graph.nodes[step]["agent"] for step in graph] == [turn.agent for turn in some.turns]
        assert graph.graph["id"] == some.id


def test_graphml(tmp_path: Path, mags: list[Mag]) -> None:
    assert exporter("graphml").write(mags, tmp_path / "x", "adjacent") == 4
    files = sorted((tmp_path / "x").iterdir())
    assert [file.name for file in files] == ["a_b__ü.graphml", "c.graphml", "d.graphml", "q1.graphml"]
    graph = networkx.read_graphml(files[0], node_type=int)
    assert set(graph.edges(data="kind")) == set(edges(mags[0], "adjacent"))
    assert graph.nodes[4]["answer"] == "51"
    assert networkx.read_graphml(files[2]).nodes["0"]["text"].strip() == "bell"


def test_no_graph_takes_the_place_of_another(tmp_path: Path, mags: list[Mag]) -> None:
    """Whatever their ids: equal, of signs that no name of a file has, told apart by capitals or accents, or endless."""
    ids = [
        "a/b",
        "a:b",
        "a_b",
        "A_B",
        "a_b-2",
        "a_b",
        "e\u0301",
        "\u00e9",
        "x" * 300,
        "x" * 299,
        "\u4e2d" * 300,
        "",
        ".",
        "nul",
    ]
    given = [mags[0].model_copy(update={"id": each, "protocol": f"{place}"}) for place, each in enumerate(ids)]
    assert exporter("graphml").write(given, tmp_path / "x", "exact") == len(ids)
    files = list((tmp_path / "x").iterdir())
    assert len({unicodedata.normalize("NFC", file.name).casefold() for file in files}) == len(files) == len(ids)
    assert {networkx.read_graphml(file).graph["protocol"] for file in files} == {*map(str, range(len(ids)))}


def test_pyg(tmp_path: Path, mags: list[Mag]) -> None:
    assert exporter("pyg").write(mags, tmp_path / "x", "exact") == 4
    graphs = load_pyg(tmp_path / "x")
    for graph, some in zip(graphs, mags, strict=True):
        assert graph.id == some.id
        assert graph.num_nodes == len(some.turns)
        kinds = [EDGE_KINDS[kind] for kind in graph.edge_kind.tolist()]
        assert list(zip(*graph.edge_index.tolist(), kinds, strict=True)) == list(edges(some))
        assert graph.y.tolist() == [-1 if turn.label is None else int(turn.label) for turn in some.turns]
    with pytest.raises(ValueError, match="no MAG"):
        exporter("pyg").write([], tmp_path / "y", "exact")


def test_parquet_loses_nothing(tmp_path: Path, mags: list[Mag]) -> None:
    assert exporter("parquet").write(mags, tmp_path / "x", "exact") == 4
    assert list(read_parquet(tmp_path / "x")) == mags


def test_every_field_has_a_column(tmp_path: Path, mags: list[Mag]) -> None:
    import pyarrow.parquet as pq

    exporter("parquet").write(mags, tmp_path / "x", "exact")
    schema = pq.read_schema(tmp_path / "x")
    names = {field.alias or name for name, field in Mag.model_fields.items()}
    assert set(schema.names) == names | {"edges"}
    turns = schema.field("turns").type.value_type
    assert {turns.field(place).name for place in range(turns.num_fields)} == set(Turn.model_fields)
    question = schema.field("question").type
    assert {question.field(place).name for place in range(question.num_fields)} == set(Question.model_fields)
    assert mag_of(row(mags[0])) == mags[0]


def test_a_dataset_is_read_by_datasets(tmp_path: Path, mags: list[Mag]) -> None:
    import datasets

    assert exporter("dataset").write(mags, tmp_path / "x", "exact") == 4
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "x/data/*.parquet"), cache_dir=str(tmp_path / "c")
    )
    assert [len(turns) for turns in loaded["train"]["turns"]] == [len(some.turns) for some in mags]
    text = (tmp_path / "x/README.md").read_text()
    assert text.startswith("---\n")
    assert "4 discussions" in text


def test_the_card_says_how_much_there_is(mags: list[Mag]) -> None:
    assert "size_categories: n<1K\n" in text_of(mags)
    assert "size_categories: 1K<n<10K\n" in text_of(mags[3:] * 1000)
    assert "Protocols: debate" in text_of(mags)


def text_of(mags: list[Mag]) -> str:
    card = Card()
    list(card.watching(mags))
    return card.text()
