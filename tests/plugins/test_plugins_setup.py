from pathlib import Path

import pytest

from magdi.core.errors import ConfigError
from magdi.plugins.presets import PRESETS
from magdi.plugins.setup import set_up
from magdi.plugins.trust import Trust
from tests.plugins.conftest import MakeFile
from tests.plugins.plugin_samples import RING

TUNABLE = RING.replace(
    "class Ring(Protocol):\n",
    "class Ring(Protocol):\n"
    "    class Config(BaseModel, extra='forbid'):\n"
    "        rounds: int = Field(3, ge=1, description='Rounds.')\n\n",
).replace("from magdi.core", "from pydantic import BaseModel, Field\nfrom magdi.core", 1)


def test_a_file_names_a_plugin_and_uses_its_component(plugin_file: MakeFile, tmp_path: Path) -> None:
    plugin_file("ring", TUNABLE)
    file = tmp_path / "x.yaml"
    file.write_text("plugins: [ring.py]\nprotocol: {name: ring, rounds: 2}\nencoder: {name: none}\n")
    setup = set_up([file], environ={}, trust=Trust(given=True))
    assert setup.plugins.registry.protocol(setup.config.protocol).config.rounds == 2
    assert setup.origins["protocol.rounds"] == f"{file}:2"


def test_problems_of_keys_and_components_are_told_at_once(plugin_file: MakeFile) -> None:
    ring = plugin_file("ring", TUNABLE)
    with pytest.raises(ConfigError) as caught:
        set_up(
            environ={},
            flags={"plugins": [str(ring)], "protocol.name": "ring", "encoder.name": "gcnn"},
            sets=["protocol.ronds=1", "training.stepz=3"],
        )
    assert caught.value.problems == (
        "training.stepz: there is no such key; did you mean 'steps'? (--set training.stepz)",
        "protocol.ronds: there is no such key; did you mean 'rounds'? (--set protocol.ronds)",
        "encoder: there is no encoder 'gcnn'; did you mean 'gcn'? (flag)",
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_fits_its_components(preset: str) -> None:
    """And that of the authors' code has their encoder, whose normalisation is symmetric."""
    config = set_up(environ={}, flags={"preset": preset}).config
    expected = {"authors-code": ("gcn-symmetric", 512), "paper": ("gcn", None)}.get(preset, ("gcn", 64))
    assert (config.encoder.name, config.encoder.settings.get("hidden")) == expected


def test_the_authors_code_freezes_the_node_loss_alone_and_has_their_schedule_and_batch() -> None:
    """16 pairs a step are some four MAGs; frozen, the margin would be without its gradient, which theirs has."""
    config = set_up(environ={}, flags={"preset": "authors-code"}).config
    states = {name: config.objectives[name].settings.get("states", "live") for name in ("margin", "node")}
    assert states == {"margin": "live", "node": "frozen"}
    assert (config.training.scheduler, config.training.warmup, config.training.mags_per_step) == ("linear", 100, 4)
