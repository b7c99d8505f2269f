"""Servers of one teacher, as its specification lists them: ``openai:MODEL@URL1,URL2``.

Servers in a list answer alike, so a run does not depend on which they are, in what order, or how many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_COMMA = re.compile(r"\s*,\s*(?=https?://)")
_SERVERS = re.compile(r"@(?=https?://)")


def split_urls(text: str) -> str | tuple[str, ...]:
    """Returns the URLs of a list, ``URL1,URL2`` or ``URL1,``; a URL alone as it is."""
    urls = tuple(_COMMA.split(text.removesuffix(",")))
    return urls if len(urls) > 1 or text.endswith(",") else text


def split_target(target: str) -> tuple[str, str | tuple[str, ...] | None]:
    """Returns what stands before ``@URL`` and the URLs behind it, if any; a model's name may hold an @ itself."""
    model, *urls = _SERVERS.split(target, maxsplit=1)
    return model, split_urls(urls[0]) if urls else None


def deciding_teacher(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what decides the replies of a teacher in a configuration: all of it but a list of servers."""
    specification, settings = str(choice["teacher"]), dict(choice["settings"])
    model, named = split_target(specification)
    if isinstance(_urls(settings.get("base_url")), tuple):
        del settings["base_url"]
    return {**choice, "teacher": f"{model}@..." if isinstance(named, tuple) else specification, "settings": settings}


def with_known_servers(now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns the teachers of a configuration, each with its servers of before where one of them is named still.

    So a run goes on where its one server is joined by others, or they leave it.
    """
    if len(now) != len(before):
        return [dict(each) for each in now]
    return [_as_before(new, old) for new, old in zip(now, before, strict=True)]


def _as_before(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    (model, urls), (model_before, urls_before) = _model_and_urls(new), _model_and_urls(old)
    if model != model_before or not urls & urls_before:
        return dict(new)
    settings = {name: value for name, value in new["settings"].items() if name != "base_url"}
    known = {name: value for name, value in old["settings"].items() if name == "base_url"}
    return {**new, "teacher": old["teacher"], "settings": settings | known}


def _model_and_urls(choice: Mapping[str, Any]) -> tuple[str, set[str]]:
    model, named = split_target(str(choice["teacher"]))
    urls = _urls(choice["settings"].get("base_url")) or named or ()
    return model, {url.rstrip("/") for url in ((urls,) if isinstance(urls, str) else urls)}


def _urls(value: Any) -> str | tuple[str, ...] | None:
    return split_urls(value) if isinstance(value, str) else tuple(map(str, value)) if value else None
