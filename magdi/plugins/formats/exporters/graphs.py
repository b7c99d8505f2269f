"""GraphML and node-link JSON, through networkx."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.files import portable, whole_file, whole_path
from magdi.core.mag import Mag
from magdi.core.views import View, edges
from magdi.plugins.formats.exporter import Exporter

if TYPE_CHECKING:
    import networkx

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold."""


class NodeLink(Exporter):
    """JSONL of networkx's node-link form, one graph a line."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes one graph a line, as ``networkx.node_link_graph(line, edges="edges")`` reads it; returns how many."""
        import networkx

        count = 0
        with whole_file(path) as file:
            for mag in mags:
                document = networkx.node_link_data(to_networkx(mag, view), edges="edges")
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
                count += 1
        return count


class GraphMl(Exporter):
    """A folder of GraphML files, one a graph."""

    folder = True

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes one GraphML file a MAG, named by its id; characters that XML cannot hold become spaces."""
        import networkx

        count = 0
        for count, mag in enumerate(mags, start=1):  # noqa: B007
            graph = to_networkx(mag, view)
            for fields in (graph.graph, *(data for _, data in graph.nodes(data=True))):
                fields.update({name: _plain(value) for name, value in fields.items()})
            with whole_path(path / f"{_file_name(mag.id)}.graphml") as file:
                networkx.write_graphml(graph, file)
        return count


def to_networkx(mag: Mag, view: View = "exact") -> networkx.DiGraph[int]:
    """Returns a MAG as a networkx DiGraph; nodes are steps with the turn's fields, edges carry ``kind``."""
    import networkx

    graph: networkx.DiGraph[int] = networkx.DiGraph(id=mag.id, protocol=mag.protocol, question=mag.question.text)
    for turn in mag.turns:
        fields = turn.model_dump(include={"agent", "role", "round", "text", "answer", "confidence", "label", "status"})
        graph.add_node(turn.step, **{key: value for key, value in fields.items() if value is not None})
    graph.add_edges_from((u, v, {"kind": kind}) for u, v, kind in edges(mag, view))
    return graph


def _plain(value: Any) -> Any:
    return _CONTROL.sub(" ", value) if isinstance(value, str) else value


def _file_name(name: str) -> str:
    return portable(re.sub(r"[^\w.~-]", "_", name))
