"""Presets: configuration files that come with magdi, in ``preset_files/``, below everything that is given.

``NAME.yaml`` is what a preset sets, ``NAME.METHOD.yaml`` what it sets beyond that where training is by a method of that
name. ``paper`` is the models' own defaults (MAGDi, section 4 and Appendix A), and has no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from magdi.plugins.source import Layer, read_file

PRESETS: Mapping[str, Sequence[str]] = {
    "paper": ("paper",),
    "authors-code": ("authors-code",),
    "tiny": ("tiny",),
    "quick": ("tiny", "quick"),
}
"""By name, the presets that one is laid from."""

FOLDER = Path(__file__).with_name("preset_files")


def preset_layers(preset: str, method: str) -> list[Layer]:
    """Returns what a preset sets, and what it sets for a method beyond that; nothing where there is no such preset."""
    of = {f"preset {preset}": "", f"preset {preset} of method {method}": f".{method}"}
    parts = PRESETS.get(preset, ())
    return [Layer(_read(f"{part}{end}"), {(): told}) for told, end in of.items() for part in parts]


@cache
def _read(name: str) -> Mapping[str, object]:
    files = {file.stem: file for file in FOLDER.glob("*.yaml")}  # a name may be whatever somebody has written
    return read_file(files[name]).tree if name in files else {}
