"""Presets: what each one sets, in the shape of a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {"paper": {}, "authors-code": {}, "tiny": {}, "quick": {}}
