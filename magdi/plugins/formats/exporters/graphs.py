"""GraphML and node-link JSON, through networkx."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
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

LONGEST_NAME = 200
"""Bytes of a file's name, without its end; most systems take 255 in all."""


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
        """Writes one GraphML file a MAG, named by its id; characters that XML cannot hold become spaces.

        Ids that give one name are told apart by a number: ``a.graphml``, ``a-2.graphml``.
        """
        import networkx

        count, names = 0, _Names()
        for count, mag in enumerate(mags, start=1):  # noqa: B007
            graph = to_networkx(mag, view)
            for fields in (graph.graph, *(data for _, data in graph.nodes(data=True))):
                fields.update({name: _plain(value) for name, value in fields.items()})
            with whole_path(path / f"{names.of(mag.id)}.graphml") as file:
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


class _Names:
    """Names of files, no two of which any system takes for one: not by capitals, nor by how accents are written."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: Counter[str] = Counter()

    def of(self, name: str) -> str:
        """Returns a name of a file for an id."""
        plain = _file_name(name)
        own, found = unicodedata.normalize("NFKC", plain).casefold(), plain
        while (known := unicodedata.normalize("NFKC", found).casefold()) in self._taken:
            self._next[own] += 1
            found = f"{plain}-{self._next[own] + 1}"
        self._taken.add(known)
        return found


def _file_name(name: str) -> str:
    plain = re.sub(r"[^\w.~-]", "_", name).encode()[:LONGEST_NAME].decode(errors="ignore")
    return portable(plain or "_")
