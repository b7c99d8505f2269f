"""Makes the kept copy of LiteLLM's cost map anew: `python benchmarks/prices.py [WHEEL ...]`.

Of chat models the prices of input, output, cached input and reasoning are kept, in US dollars per million tokens. The
maps of some wheels are taken (`pip download litellm --no-deps` fetches the newest), and last the installed litellm's: a
model's price is that of the first map which has it, for newer ones leave out whole vendors.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from magdi.plugins.teachers.prices import KEPT

MAP = "litellm/model_prices_and_context_window_backup.json"
MODES = ("chat", "completion", "responses")
FIELDS = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "output_cost_per_reasoning_token",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", type=Path, nargs="*", help="wheels of litellm, the newest first")
    maps = dict(map(read, [*parser.parse_args().wheels, None]))
    about = {
        "source": ", ".join(maps),
        "address": f"https://github.com/BerriAI/litellm/blob/main/{MAP.rpartition('/')[2]}",
        "licence": "MIT",
        "date": datetime.now(UTC).date().isoformat(),
        "units": "US dollars per million tokens: input, output, cached input, reasoning output",
    }
    kept = prices({name: facts for each in reversed(maps.values()) for name, facts in each.items()})
    KEPT.write_text(text({"about": about, "prices": kept}), encoding="utf-8", newline="\n")
    sys.stdout.write(f"{sum(map(len, kept.values())):,} models of {about['source']} in {KEPT}\n")


def read(wheel: Path | None) -> tuple[str, dict[str, Any]]:
    """Returns a release's name and its cost map; of the installed one where no wheel is given."""
    if wheel is None:
        installed = distribution("litellm")
        return f"litellm {installed.version}", json.loads(installed.locate_file(MAP).read_text(encoding="utf-8"))
    with ZipFile(wheel) as archive:
        return f"litellm {wheel.name.split('-')[1]}", json.loads(archive.read(MAP))


def prices(cost_map: dict[str, Any]) -> dict[str, dict[str, list[float | None]]]:
    """Returns the prices of chat models by provider and by the name that the provider has for the model."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for name, facts in sorted(cost_map.items()):
        if facts.get("mode") in MODES and None not in (row := row_of(facts))[:2]:
            provider = facts["litellm_provider"]
            found.setdefault(provider, {})[name.removeprefix(f"{provider}/")] = row
    return dict(sorted(found.items()))


def row_of(facts: dict[str, Any]) -> list[float | None]:
    row = [None if (cost := facts.get(field)) is None else round(1e6 * float(cost), 6) for field in FIELDS]
    while len(row) > 2 and row[-1] is None:
        row.pop()
    return row


def text(document: dict[str, Any]) -> str:
    """Returns JSON with a line a model, so that a change of a price is a line."""
    about = json.dumps(document["about"], indent=1)
    providers = (
        f"{json.dumps(provider)}: {{\n"
        + ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}" for name, row in models.items())
        + "\n}"
        for provider, models in document["prices"].items()
    )
    return f'{{"about": {about},\n"prices": {{\n' + ",\n".join(providers) + "\n}}\n"


if __name__ == "__main__":
    main()
