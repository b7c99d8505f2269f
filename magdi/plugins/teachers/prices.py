"""What tokens cost, where that is known: a small table, which the user's own goes before.

Vendors change their prices; the table is for an idea of what a run will cost, not for accounting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from magdi.core.config.yaml_text import read_document
from magdi.core.errors import ConfigError, DataError
from magdi.core.files import read_text
from magdi.core.teacher import Price

# US dollars per million tokens (input, output), list prices of mid 2025. Patterns are "host/model", the first that fits
# counts: so a model of a vendor's name on one's own server costs nothing.
TABLE: dict[str, tuple[float, float]] = {
    "api.openai.com/gpt-5-nano*": (0.05, 0.40),
    "api.openai.com/gpt-5-mini*": (0.25, 2.00),
    "api.openai.com/gpt-5*": (1.25, 10.00),
    "api.openai.com/gpt-4.1-nano*": (0.10, 0.40),
    "api.openai.com/gpt-4.1-mini*": (0.40, 1.60),
    "api.openai.com/gpt-4.1*": (2.00, 8.00),
    "api.openai.com/gpt-4o-mini*": (0.15, 0.60),
    "api.openai.com/gpt-4o*": (2.50, 10.00),
    "api.openai.com/o4-mini*": (1.10, 4.40),
    "api.openai.com/o3-mini*": (1.10, 4.40),
    "api.openai.com/o3*": (2.00, 8.00),
    "api.openai.com/gpt-3.5-turbo*": (0.50, 1.50),
    "api.anthropic.com/claude-opus-4*": (15.00, 75.00),
    "api.anthropic.com/claude-sonnet-4*": (3.00, 15.00),
    "api.anthropic.com/claude-3-5-haiku*": (0.80, 4.00),
    "generativelanguage.googleapis.com/gemini-2.5-pro*": (1.25, 10.00),
    "generativelanguage.googleapis.com/gemini-2.5-flash-lite*": (0.10, 0.40),
    "generativelanguage.googleapis.com/gemini-2.5-flash*": (0.30, 2.50),
    "api.mistral.ai/mistral-large*": (2.00, 6.00),
    "api.mistral.ai/mistral-small*": (0.10, 0.30),
    "api.deepseek.com/deepseek-chat*": (0.27, 1.10),
    "api.deepseek.com/deepseek-reasoner*": (0.55, 2.19),
}


def price_of(model: str, host: str) -> Price | None:
    """Returns the price of a model at a host; None where it is not known.

    Raises:
        ConfigError: The user's table cannot be read.
    """
    path = os.environ.get("MAGDI_PRICES", "")
    for table in (_own(path) if path else {}, _shipped()):
        for pattern, price in table.items():
            if fnmatchcase(f"{host}/{model}", pattern):
                return price
    return None


@cache
def _shipped() -> Mapping[str, Price]:
    return {pattern: Price(input=input_, output=output) for pattern, (input_, output) in TABLE.items()}


@cache
def _own(path: str) -> Mapping[str, Price]:
    """Reads the user's table: YAML of ``"host/model": {input: 1.0, output: 2.0}``, ``*`` standing for anything."""
    try:
        raw = read_document(read_text(Path(path))) or {}
        return TypeAdapter(dict[str, Price]).validate_python(raw)
    except (DataError, ValueError) as error:
        raise ConfigError(
            f"the price table {path} (MAGDI_PRICES) cannot be used: {error}",
            hint='its lines read: "host/model*": {input: 1.0, output: 2.0}, in US dollars per million tokens',
        ) from error
