"""All graphs of a file as a few tensors, for torch_geometric; no pickle."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from magdi.core.files import whole_path
from magdi.core.mag import Mag
from magdi.core.views import EDGE_KINDS, View, edges
from magdi.plugins.formats.exporter import Exporter

_NODE, _EDGE = ("y", "round"), ("edge_index", "edge_kind")


class PyG(Exporter):
    """Safetensors of all graphs, read as torch_geometric Data by `load_pyg`."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes ``edge_index`` [2, E], ``edge_kind`` [E], ``y`` and ``round`` [N] of all graphs one after another.

        ``nodes`` and ``edges`` [G + 1] say where each graph begins and ends; node numbers count within a graph. Ids and
        the names of edge kinds stand in the file's metadata.

        Raises:
            ValueError: There is no MAG.
        """
        import torch
        from safetensors.torch import save

        ids, graphs = [], []
        for mag in mags:
            ids.append(mag.id)
            graphs.append(to_pyg(mag, view))
        if not graphs:
            raise ValueError("there is no MAG to write")
        tensors = {name: torch.cat([graph[name] for graph in graphs], dim=-1).contiguous() for name in (*_NODE, *_EDGE)}
        for name, sizes in (
            ("nodes", [graph.num_nodes for graph in graphs]),
            ("edges", [graph.edge_index.shape[1] for graph in graphs]),
        ):
            tensors[name] = torch.tensor([0, *sizes]).cumsum(0)
        facts = {"ids": json.dumps(ids), "edge_kinds": json.dumps(EDGE_KINDS), "view": view, "format": "magdi.pyg/1"}
        with whole_path(path) as file:
            file.write_bytes(save(tensors, metadata=facts))
        return len(ids)


def to_pyg(mag: Mag, view: View = "exact") -> Any:
    """Returns a MAG as a ``torch_geometric.data.Data``.

    Fields: ``edge_index`` [2, E] int64, ``edge_kind`` [E] int64 (index into ``EDGE_KINDS``), ``y`` [N] int64 (1 right,
    0 wrong, -1 no label), ``round`` [N] int64, ``num_nodes`` N.
    """
    import torch
    from torch_geometric.data import Data

    listed = edges(mag, view)
    return Data(
        edge_index=torch.tensor([[u for u, _, _ in listed], [v for _, v, _ in listed]], dtype=torch.long),
        edge_kind=torch.tensor([EDGE_KINDS.index(kind) for _, _, kind in listed], dtype=torch.long),
        y=torch.tensor([-1 if turn.label is None else int(turn.label) for turn in mag.turns]),
        round=torch.tensor([turn.round for turn in mag.turns]),
        num_nodes=len(mag.turns),
    )


def load_pyg(path: Path | str) -> list[Any]:
    """Returns the ``torch_geometric.data.Data`` of every graph, each with its MAG's ``id``."""
    from safetensors import safe_open
    from torch_geometric.data import Data

    with safe_open(str(path), framework="pt") as file:
        ids = json.loads(file.metadata()["ids"])
        all_ = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    spans = {name: list(pairwise(all_[name].tolist())) for name in ("nodes", "edges")}
    return [
        Data(
            **{name: all_[name][first:last] for name in _NODE},
            **{name: all_[name][..., start:end] for name in _EDGE},
            num_nodes=last - first,
            id=name_of,
        )
        for name_of, (first, last), (start, end) in zip(ids, spans["nodes"], spans["edges"], strict=True)
    ]
