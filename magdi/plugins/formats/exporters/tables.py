"""Parquet, and a folder as the Hugging Face hub takes it; one discussion a row, nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from magdi.core.files import whole_path, write_whole
from magdi.core.mag import SCHEMA, Mag
from magdi.core.run.summary import simulated
from magdi.core.views import View, edges
from magdi.plugins.formats.exporter import Exporter

_FREE = (("metadata",), ("question", "metadata"), ("decision", "votes"))
"""Fields whose keys differ from row to row: they are JSON text in a table."""


def row(mag: Mag, view: View = "exact") -> dict[str, Any]:
    """Returns a MAG as a row: its fields, and ``edges`` as (source, target, kind) under a view."""
    fields = mag.model_dump(mode="json")
    for path in _FREE:
        *above, last = path
        holder = fields[above[0]] if above else fields
        holder[last] = json.dumps(holder[last], ensure_ascii=False)
    return fields | {
        "edges": [{"source": source, "target": target, "kind": kind} for source, target, kind in edges(mag, view)]
    }


def mag_of(fields: dict[str, Any]) -> Mag:
    """Returns the MAG that a row was made from."""
    fields = {name: value for name, value in fields.items() if name != "edges"}
    question, decision = dict(fields["question"]), dict(fields["decision"])
    question["metadata"] = json.loads(question["metadata"])
    decision["votes"] = json.loads(decision["votes"])
    metadata = json.loads(fields["metadata"])
    return Mag.model_validate(fields | {"question": question, "decision": decision, "metadata": metadata})


class Parquet(Exporter):
    """One Parquet file, one discussion a row."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes one Parquet file; returns the number of rows."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [row(mag, view) for mag in mags]
        with whole_path(path) as file:
            pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), file)
        return len(rows)


def read_parquet(path: Path | str) -> Iterator[Mag]:
    """Yields the MAGs of a Parquet file that `Parquet` has written."""
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
        yield from map(mag_of, batch.to_pylist())


class Dataset(Exporter):
    """A folder for the Hugging Face hub: Parquet and a card."""

    folder = True

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes ``data/train-00000-of-00001.parquet``, and README.md, which is the dataset's card."""
        mags = list(mags)
        count = Parquet().write(mags, path / "data" / "train-00000-of-00001.parquet", view)
        write_whole(path / "README.md", card(mags, view))
        return count


def card(mags: Iterable[Mag], view: View = "exact") -> str:
    """Returns the card of a dataset: what is in it, where it is from, what to beware of."""
    mags = list(mags)
    turns = [turn for mag in mags for turn in mag.turns]
    right = sum(turn.label is True for turn in turns)
    wrong = sum(turn.label is False for turn in turns)
    size = next((f"n<{limit}" if limit == "1K" else limit for limit, most in _SIZES if len(mags) < most), "n>1M")
    programs = sum(any(simulated(mag)) for mag in mags)
    speakers = _speakers(programs, len(mags))
    lines = [
        "---", "language: [en]", "task_categories: [question-answering, text-generation]",
        f"tags: [multi-agent, debate, reasoning, magdi{', simulated-teachers' if programs else ''}]",
        f"size_categories: [{size}]",
        "configs:", "- config_name: default", "  data_files: data/train-*.parquet", "---", "",
        "# Multi-agent interaction graphs", "",
        f"{len(mags)} discussions between {speakers}, {len(turns)} turns ({right} right, {wrong} wrong, "
        f"{len(turns) - right - wrong} without a label), {sum(len(mag.edges) for mag in mags)} edges. An edge (u, v) "
        "says that the text of turn u stood in the prompt of turn v.", "",
        _counted("Protocols", (mag.protocol for mag in mags)),
        _counted("Tasks", (mag.question.task or "none" for mag in mags)),
        _counted("Graph types (rounds after the first)", (mag.structure for mag in mags)),
        _counted("Teachers", (turn.model or turn.agent for turn in turns)), "",
        "## Fields", "",
        f"One row is one discussion, schema `{SCHEMA}`: `id`, `question` (text, choices, gold), `protocol`, `turns` "
        "(agent, role, round, seen, text, reasoning, answer, confidence, correct, label, status, ...), `decision`, "
        f"`stop`; `edges` under the view `{view}`. `metadata` and `votes` are JSON text.", "",
        "## Before you use it", "",
        f"Turns are what {speakers} said; wrong ones are kept on purpose, for a student learns from the "
        "difference. Licences of the models' outputs and of the questions are those of their sources; name them here. "
        "Teachers named `simulated:` are programs, not language models.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _speakers(simulated: int, count: int) -> str:
    """Returns who spoke in so many discussions, in some of which programs did."""
    if not simulated:
        return "language models"
    programs = "**simulated** teachers (programs, no language models)"
    return programs if simulated == count else f"language models and, in {simulated:,} of them, {programs}"


_SIZES = (("1K", 1_000), ("1K<n<10K", 10_000), ("10K<n<100K", 100_000), ("100K<n<1M", 1_000_000))


def _counted(title: str, values: Iterable[str]) -> str:
    told = ", ".join(f"{value} {count}" for value, count in Counter(values).most_common())
    return f"- {title}: {told}"


def _schema() -> Any:
    import pyarrow as pa

    text, whole, real, flag = pa.string(), pa.int64(), pa.float64(), pa.bool_()
    message = pa.struct([("role", text), ("content", text)])
    turn = pa.struct(
        [
            *(("step", whole), ("agent", text), ("role", text), ("round", whole), ("branch", pa.list_(whole))),
            ("seen", pa.list_(pa.struct([("step", whole), ("kind", text)]))),
            *(("text", text), ("reasoning", text), ("answer", text), ("confidence", real), ("correct", flag)),
            *(("label", flag), ("label_source", text), ("value", real), ("status", text), ("attempts", whole)),
            ("model", text),
            ("usage", pa.struct([("prompt_tokens", whole), ("completion_tokens", whole), ("cost", real)])),
            ("prompt", pa.list_(message)),
        ]
    )
    question = pa.struct(
        [
            *(("id", text), ("text", text), ("gold", text)),
            ("choices", pa.list_(pa.struct([("label", text), ("text", text)]))),
            *(("answer_type", text), ("task", text), ("metadata", text)),
        ]
    )
    decision = pa.struct([("answer", text), ("rule", text), ("votes", text), ("correct", flag)])
    edge = pa.struct([("source", whole), ("target", whole), ("kind", text)])
    return pa.schema(
        [
            *(("schema", text), ("id", text), ("question", question), ("protocol", text), ("turns", pa.list_(turn))),
            *(("decision", decision), ("stop", text), ("metadata", text), ("edges", pa.list_(edge))),
        ]
    )
