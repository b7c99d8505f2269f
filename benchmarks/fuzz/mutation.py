"""Documents and texts, changed at random."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import yaml

BOMB = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else '0'] * 9)}]\n" for n in range(12))
NUMBERS = (0, -1, 1, 2, 10**9, -(10**9), 2**31, 2**63, 2**64, 10**400, 0.0, -0.5, 1e-300, 1e308, float("inf"))
VALUES: tuple[Any, ...] = (
    *(None, True, False, "", " ", "x", "\0", "\ud800", "\x1b]0;x\a", "a" * 5000, "é\u2028", "{", "{question", "{0.x}"),
    *(
        [],
        [[]],
        {},
        [None],
        ["x"] * 3,
        {"a": {}},
        {"name": None},
        {"name": "\0"},
        [{}],
        [1, "x"],
        "nan",
        ".inf",
        "1e400",
    ),
    *(
        "../..",
        "/dev/null",
        "/proc/self/mem",
        "~",
        "%",
        "a/b",
        ":",
        "a:",
        ":b",
        "#",
        "@",
        "-",
        "--",
        "=",
        "\n",
        "[" * 900,
    ),
    *NUMBERS,
    float("nan"),
)
Lot = random.Random


def places(document: Any) -> list[tuple[Any, Any]]:
    """Returns every (holder, key) of a document."""
    found: list[tuple[Any, Any]] = []
    todo = [document]
    while todo:
        at = todo.pop()
        for key in list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ():
            found.append((at, key))
            todo.append(at[key])
    return found


def alike(value: Any, lot: Lot) -> Any:
    """Returns another value of the same sort: what is of the wrong sort is refused at the door, and tries no more."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        sort: type | tuple[type, ...] = int if isinstance(value, int) and lot.random() < 0.8 else (int, float)
        return lot.choice([each for each in (*NUMBERS, value + 1, -value) if isinstance(each, sort)])
    if isinstance(value, str):
        others = [each for each in VALUES if isinstance(each, str)]
        return lot.choice((lot.choice(others), value + lot.choice(others), value * lot.choice((2, 300)), value[1:]))
    if isinstance(value, list):
        return lot.choice((value[::-1], value[:1], value * lot.choice((2, 40)), [], value[1:]))
    if isinstance(value, dict):
        return dict(lot.sample(list(value.items()), lot.randrange(len(value) + 1)))
    return value


def changed(document: Any, lot: Lot, times: int = 1) -> Any:
    """Returns a document with some values changed, deleted, doubled, renamed, or put in the place of others."""
    document = copy.deepcopy(document)
    for _ in range(times):
        if not (all_ := places(document)):
            return copy.deepcopy(lot.choice(VALUES))
        holder, key = lot.choice(all_)
        how = lot.random()
        if how < 0.08:
            del holder[key]
        elif how < 0.16 and isinstance(holder, dict):
            holder[lot.choice(("x", "", "\0", str(key)[:-1], str(key).upper(), "0", "a.b", "name"))] = holder[key]
        elif how < 0.2 and isinstance(holder, list):
            holder.extend(copy.deepcopy(holder) * lot.choice((1, 50)))
        elif how < 0.6:
            holder[key] = copy.deepcopy(alike(holder[key], lot))
        elif how < 0.7:
            other, at = lot.choice(all_)
            if type(other) is type(holder) and at in (other if isinstance(other, dict) else range(len(other))):
                holder[key] = copy.deepcopy(other[at])
        else:
            holder[key] = copy.deepcopy(lot.choice(VALUES))
    return document


def torn(text: str, lot: Lot) -> bytes:
    """Returns a text whose bytes were changed."""
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(lot.choice((1, 1, 5))):
        if data:
            at = lot.randrange(len(data))
            data[at : at + lot.choice((0, 1, 1, 30))] = lot.choice(
                (b"", b"\0", b"\xff", b"[", b"{", b"\xed\xa0\x80", b"&a *a", b": ", b"\n", b'"', b"9" * 5000, b"!!x")
            )
    return bytes(data)


def as_yaml(document: Any, lot: Lot) -> bytes:
    """Returns a document as YAML, sometimes torn."""
    try:
        text = yaml.safe_dump(document, allow_unicode=lot.random() < 0.5)
    except (yaml.YAMLError, ValueError):
        text = json.dumps(document)
    return torn(text, lot) if lot.random() < 0.15 else text.encode("utf-8", "surrogatepass")


def as_json(document: Any, lot: Lot) -> bytes:
    """Returns a document as a line of JSON, sometimes torn."""
    text = json.dumps(document, ensure_ascii=lot.random() < 0.5)
    return torn(text, lot) if lot.random() < 0.1 else text.encode("utf-8", "surrogatepass")


def in_text(value: Any) -> str:
    """Returns a value as a person may type it."""
    return value if isinstance(value, str) else json.dumps(value)
