"""YAML as people expect it: version 1.2's scalars, whether in a file or after an equals sign."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

MOST_VALUES = 10_000
DEEPEST = 100
MOST_CHARACTERS = 4 * 2**20  # a second's work; prices of all models that there are take a quarter of it
QUOTING = """a shell takes one pair of quotes away, and words with a comma, a colon or a bracket need their own: \
KEY='{first: "Wait: is it, {answer}?"}'"""


class Loader(yaml.SafeLoader):
    """Only true and false are booleans, 1e-5 is a number, a date is a string."""


Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        [*"-+.0123456789"],
    ),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _decimal(loader: Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    try:
        return int(text)
    except ValueError:  # Python reads no more than some thousand digits
        raise yaml.YAMLError(f"it holds a number of {len(text):,} digits") from None


Loader.add_constructor("tag:yaml.org,2002:int", _decimal)


def compose(text: str) -> yaml.Node | None:
    """Returns what is in a YAML document, as nodes that know their lines; None of an empty one.

    Raises:
        yaml.YAMLError: It is none, or unfolds to what no configuration is: a few lines of aliases can stand for more
            values than there is memory for, or for themselves.
    """
    if len(text) > MOST_CHARACTERS:
        raise yaml.YAMLError(f"it has {len(text):,} characters, and no configuration more than {MOST_CHARACTERS:,}")
    try:
        node = yaml.compose(text, Loader)
    except RecursionError:
        raise yaml.YAMLError(f"it is nested more than {DEEPEST} deep") from None
    if node is not None:
        _measure(node, {})
    return node


def _measure(node: yaml.Node, known: dict[int, tuple[int, int]], around: int = 0) -> tuple[int, int]:
    """Returns how many values a node unfolds to, and how deep."""
    if around > DEEPEST:
        raise yaml.YAMLError(f"it is nested more than {DEEPEST} deep, or holds itself")
    if isinstance(node, yaml.ScalarNode) and any("\ud800" <= char <= "\udfff" for char in node.value):
        raise yaml.YAMLError(f"it holds half a character: {_short(node.value)}")
    if id(node) not in known:
        held = node.value if isinstance(node, yaml.CollectionNode) else []
        inner = [part for each in held for part in (each if isinstance(each, tuple) else (each,))]
        sizes = [_measure(each, known, around + 1) for each in inner]
        values, deep = 1 + sum(size for size, _ in sizes), 1 + max((deep for _, deep in sizes), default=0)
        if values > MOST_VALUES or deep > DEEPEST:
            raise yaml.YAMLError(f"it holds more than {MOST_VALUES:,} values, or is nested more than {DEEPEST} deep")
        known[id(node)] = values, deep
    return known[id(node)]


def scalar(node: yaml.Node) -> Any:
    """Returns the value of a node that holds no others.

    Raises:
        yaml.YAMLError: It has a tag that it does not fit, or one that there is not.
    """
    try:
        return Loader("").construct_object(node, deep=True)
    except (ValueError, ArithmeticError, AttributeError) as error:  # what its constructors let through
        raise yaml.YAMLError(f"{_short(str(node.value))} is no {node.tag.rpartition(':')[2]}") from error


def read_document(text: str) -> Any:
    """Returns the value of a YAML document; keys are texts.

    Raises:
        ValueError: It is none; see `compose`.
    """
    try:
        node = compose(text)
        return None if node is None else _value(node)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {complaint(error)}") from None


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _value(value) for key, value in node.value}
    return [_value(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else scalar(node)


def read_value(text: str) -> Any:
    """Returns a value given as text, read as YAML: ``3``, ``1e-5``, ``null``, ``[a, b]`` or simply words.

    Raises:
        ValueError: It begins like a list or a mapping and is none.
    """
    try:
        return read_document(text)
    except ValueError as error:
        if text.lstrip()[:1] in ("[", "{"):
            said = str(error).removeprefix("it is no YAML: ")
            raise ValueError(f"{_short(text)} cannot be read as YAML: {said}; {QUOTING}") from None
        return text


def _short(text: str, most: int = 200) -> str:
    return repr(text if len(text) <= most else text[:most] + "...")


def write_value(value: Any) -> str:
    """Returns a value as `read_value` would read it, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=2**16).strip()
    text = text.removesuffix("\n...")
    return json.dumps(value, ensure_ascii=False) if "\n" in text else text


def complaint(error: Exception) -> str:
    """Returns a YAML error in one line, with line and column."""
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{getattr(error, 'problem', None) or error}{where}"
