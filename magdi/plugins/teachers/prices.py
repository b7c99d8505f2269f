"""What tokens cost, where that is known: LiteLLM's cost map as it was kept, which the user's own table goes before.

`benchmarks/prices.py` makes the kept copy anew; `prices.json` says from which release it is, and when it was made.
Vendors change their prices: they are for an idea of what a run will cost, not for accounting.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from magdi.core.config.yaml_text import read_document
from magdi.core.errors import ConfigError, DataError
from magdi.core.files import read_text
from magdi.core.teacher import Price

KEPT = Path(__file__).with_name("prices.json")
"""By provider and model, US dollars per million tokens: input, output, cached input, reasoning output."""

Row = Sequence[float | None]

PROVIDERS = {
    "api.ai21.com": "ai21",
    "api.anthropic.com": "anthropic",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere_chat",
    "api.deepinfra.com": "deepinfra",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks_ai",
    "api.groq.com": "groq",
    "api.hyperbolic.xyz": "hyperbolic",
    "api.lambda.ai": "lambda_ai",
    "api.minimax.io": "minimax",
    "api.mistral.ai": "mistral",
    "api.moonshot.ai": "moonshot",
    "api.novita.ai": "novita",
    "api.openai.com": "openai",
    "api.perplexity.ai": "perplexity",
    "api.sambanova.ai": "sambanova",
    "api.studio.nebius.com": "nebius",
    "api.together.xyz": "together_ai",
    "api.x.ai": "xai",
    "api.z.ai": "zai",
    "dashscope-intl.aliyuncs.com": "dashscope",
    "dashscope.aliyuncs.com": "dashscope",
    "generativelanguage.googleapis.com": "gemini",
    "openrouter.ai": "openrouter",
}
"""LiteLLM's name of who serves at a host: a model of a vendor's name on one's own server has no price."""

BARE = ("openai", "anthropic", "cohere_chat")
"""Whose models LiteLLM knows by their names alone."""

AZURE = ".openai.azure.com"
DATED = re.compile(r"-(?:20\d\d-\d\d-\d\d|20\d{6}|\d{4}|latest)$")
TUNED = re.compile(r"^(ft:[^:]+):.*$")


def price_of(model: str, host: str) -> Price | None:
    """Returns the price of a model at a host; None where it is not known.

    Raises:
        ConfigError: The user's table cannot be read.
    """
    if (price := _own_price(f"{host}/{model}")) is not None:
        return price
    provider = PROVIDERS.get(host) or ("azure" if host.endswith(AZURE) else "")
    return _kept_price(model, _kept().get(provider, {})) if provider else None


def litellm_price_of(model: str) -> Price | None:
    """Returns the price of a model by LiteLLM's name for it, e.g. ``groq/llama-3.3-70b-versatile``.

    Raises:
        ConfigError: The user's table cannot be read.
    """
    if (price := _own_price(f"litellm/{model}")) is not None:
        return price
    vendor, slash, name = model.partition("/")
    kept = _kept()
    families = [key for key in kept if key == vendor or key.startswith((f"{vendor}_c", f"{vendor}-"))]
    asked = (_kept_price(name if slash else model, kept[key]) for key in (families if slash else BARE))
    return next((price for price in asked if price is not None), None)


def _kept_price(model: str, models: Mapping[str, Row]) -> Price | None:
    """Returns a model's price; of a snapshot that the map does not have, its model's."""
    tuned = TUNED.sub(r"\1", model)
    for name in (tuned, DATED.sub("", tuned)):
        if row := models.get(name):
            input_, output, cached, reasoning = (*row, None, None)[:4]
            return Price(input=input_ or 0.0, output=output or 0.0, cached=cached, reasoning=reasoning)
    return None


@cache
def _kept() -> Mapping[str, Mapping[str, Row]]:
    document = json.loads(KEPT.read_text(encoding="utf-8"))
    prices: Mapping[str, Mapping[str, Row]] = document["prices"]
    return prices


def _own_price(name: str) -> Price | None:
    path = os.environ.get("MAGDI_PRICES", "")
    table = _own(path) if path else {}
    return next((price for pattern, price in table.items() if fnmatchcase(name, pattern)), None)


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
