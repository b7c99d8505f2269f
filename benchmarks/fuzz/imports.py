"""Files of other systems: JSON, JSONL, pickles; gzipped or not."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import Lot, as_json, changed, torn


class Imports:
    """The example of an importer, changed, and read by it or by another."""

    def __init__(self, folder: Path) -> None:
        from magdi.plugins.formats.importing import all_importers
        from magdi.plugins.registry import default_registry

        self.folder = folder
        importers = all_importers(default_registry())
        self.examples = [(name, each.example) for name, each in importers.items() if each.example is not None]

    def __call__(self, lot: Lot) -> object:
        name, example = lot.choice(self.examples)
        document = changed(example, lot, lot.choice((1, 1, 2)))
        ending = lot.choice(("json", "jsonl", "json.gz", "pkl"))
        data = as_json([document] if lot.random() < 0.3 else document, lot)
        if ending == "json.gz":
            data = gzip.compress(data)
        elif ending == "pkl":
            data = pickle.dumps(json.loads(json.dumps(document)), lot.choice((0, 2, 4)))
        if ending in ("json.gz", "pkl") and lot.random() < 0.4:
            data = torn(data.decode("latin-1"), lot) if lot.random() < 0.5 else data[: lot.randrange(len(data))]
        file = self.folder / f"i.{ending}"
        file.write_bytes(data)
        how = lot.choice(("", name, name, lot.choice(self.examples)[0]))
        self.said = (ending, how, data[:2000])
        more = [*(["--format", how] if how else []), *(["--skip-bad"] if lot.random() < 0.3 else [])]
        return invoke(["mags", "import", str(file), "-o", str(self.folder / "imported.jsonl"), *more])
