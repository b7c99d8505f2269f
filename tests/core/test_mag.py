"""Questions, turns and MAGs: what they refuse, and that a file brings back what was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from magdi.core.errors import MagFileError
from magdi.core.mag import Decision, Mag, Question, Seen, Turn, Usage, read_mags, write_mags
from magdi.core.views import edges
from magdi.plugins.formats.exporters.graphs import to_networkx
from magdi.plugins.formats.exporters.tensors import to_pyg

AGENTS = ("ada", "ben", "cyd")


def turn(step: int, seen: tuple[int, ...] = (), agent: str | None = None, **fields: object) -> Turn:
    edges_in = tuple(Seen(step=source) for source in seen)
    return Turn(
        step=step, agent=agent or AGENTS[step % 3], round=step // 3, text=f"text {step}", seen=edges_in, **fields
    )


def reconcile_like(rounds: int) -> Mag:
    turns = [turn(step) for step in range(3)]
    for r in range(1, rounds + 1):
        turns += [turn(3 * r + k, (3 * r - 3, 3 * r - 2, 3 * r - 1)) for k in range(3)]
    return Mag(id="q", question=Question(id="q", text="2 + 2?", gold="4"), protocol="reconcile", turns=tuple(turns))


@pytest.mark.parametrize(("rounds", "nodes", "arrows"), [(0, 3, 0), (1, 6, 9), (2, 9, 18), (3, 12, 27)])
def test_structure_counts_are_the_papers(rounds: int, nodes: int, arrows: int) -> None:
    mag = reconcile_like(rounds)
    assert mag.structure == f"G{rounds}"
    assert (len(mag.turns), len(mag.edges)) == (nodes, arrows)


def test_views_of_one_round() -> None:
    mag = reconcile_like(1)
    assert [len(edges(mag, view)) for view in ("exact", "adjacent", "undirected", "full", "none")] == [9, 9, 18, 30, 0]


def test_adjacent_keeps_the_newest_turn_of_each_source() -> None:
    full_memory = Mag(
        id="q",
        question=Question(id="q", text="?"),
        protocol="debate",
        turns=(turn(0, agent="a"), turn(1, (0,), agent="a"), turn(2, (0, 1), agent="b")),
    )
    assert {(u, v) for u, v, _ in edges(full_memory, "adjacent")} == {(0, 1), (1, 2)}


def test_a_turn_sees_only_the_past() -> None:
    with pytest.raises(ValidationError, match="was not said before it"):
        turn(1, (1,))
    with pytest.raises(ValidationError, match="has seen a turn twice"):
        turn(2, (0, 0))


def test_steps_count_up() -> None:
    with pytest.raises(ValidationError, match="must carry steps"):
        Mag(id="q", question=Question(id="q", text="?"), protocol="p", turns=(turn(1),))


def test_a_file_brings_back_what_was_written(tmp_path: Path) -> None:
    mags = [
        reconcile_like(2).model_copy(update={"decision": Decision(answer="4", rule="plurality", votes={"4": 3.0})}),
        reconcile_like(0).model_copy(update={"id": "é\u2028\n", "stop": "consensus"}),
    ]
    file = tmp_path / "mags.jsonl"
    assert write_mags(file, mags) == 2
    assert list(read_mags(file)) == mags
    assert all(line.startswith('{"schema":"magdi.mag/1"') for line in file.read_text().splitlines() if line)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mags.jsonl"
    good = reconcile_like(0).to_line()
    file.write_text(f'{good}\n{{"schema":"magdi.mag/1","id":"x"}}\n{good}\n')
    with pytest.raises(MagFileError, match=r"mags\.jsonl:2: question: Field required") as caught:
        list(read_mags(file))
    assert "--skip-bad" in caught.value.hint
    bad: list[MagFileError] = []
    assert len(list(read_mags(file, on_bad_line=bad))) == 2
    assert [error.line for error in bad] == [2]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_line_that_is_cut_off_says_where_in_it(tmp_path: Path, end: str) -> None:
    file = tmp_path / "mags.jsonl"
    cut = '{"schema":"magdi.mag/1"'
    file.write_bytes(f"{reconcile_like(0).to_line()}\n\n{cut}{end}".encode())
    with pytest.raises(MagFileError, match=rf"mags\.jsonl:3: .* at column {len(cut)}$"):
        list(read_mags(file))


def test_a_line_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mags.jsonl"
    file.write_bytes(reconcile_like(0).to_line().encode() + b'\n{"id":"\xff"}\n')
    with pytest.raises(MagFileError, match=r"mags\.jsonl:2: line: Invalid JSON: invalid unicode"):
        list(read_mags(file))


def test_of_many_broken_lines_some_are_named_and_all_counted(tmp_path: Path) -> None:
    file = tmp_path / "mags.jsonl"
    good = reconcile_like(0).to_line()
    file.write_text("\n".join([good, "{", good, *["nonsense"] * 6]))
    with pytest.raises(MagFileError) as caught:
        list(read_mags(file))
    first, *named, last = caught.value.message.splitlines()
    assert first == f"{file}: 7 lines cannot be read:"
    assert [line.split(":")[0] for line in named] == [f"  line {number}" for number in (2, 4, 5, 6, 7)]
    assert last == "  and 2 more"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MagFileError, match="No such file"):
        list(read_mags(tmp_path / "none.jsonl"))


def test_blind_questions_have_no_gold() -> None:
    question = Question(id="q", text="?", gold="4", metadata={"rationale": "the answer is 4"})
    assert question.blind().gold is None
    assert question.blind().metadata == {}


def test_usage_adds_up() -> None:
    mag = reconcile_like(0)
    spent = [t.model_copy(update={"usage": Usage(prompt_tokens=2, completion_tokens=3, cost=0.5)}) for t in mag.turns]
    total = mag.model_copy(update={"turns": tuple(spent)}).usage
    assert (total.total_tokens, total.cost) == (15, 1.5)


def test_networkx_and_pyg_hold_the_same_graph() -> None:
    mag = reconcile_like(3)
    graph, data = to_networkx(mag), to_pyg(mag)
    assert sorted(graph.edges) == sorted(map(tuple, data.edge_index.t().tolist())) == sorted(mag.edges)
    assert graph.number_of_nodes() == data.num_nodes == 12
