"""Options that stand in a question's text, and the option that a gold answer means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from magdi.core.mag import Choice

_HEADER = r"(?:answer\s+)?(?:choices|options)(?:\s+are)?\s*:"
_HEAD = re.compile(rf"(?:^|\s)(?:the\s+)?{_HEADER}\s*$", re.IGNORECASE)
_STYLES = (
    re.compile(r"(?<!\w)\((?P<label>[A-Z])\)[.:]?"),
    re.compile(r"(?<![\w(.])(?P<label>[A-Z])\)"),
    re.compile(r"^[ \t]*(?P<label>[A-Z])[.:](?=\s)", re.MULTILINE),
)
"""(A), A), and A. at the start of a line."""
_ONE_LINE = re.compile(r"(?<!\S)(?P<label>[A-Z])[.:](?=\s)")
"""A. within a line, where a header says that options follow: elsewhere it is somebody's initial."""
_ENDS_A_QUESTION = re.compile(r"[?:.!…]\s*$|\n\s*$|^\s*$")
_MOST = 400
"""An option of more characters than this is none."""
_MOST_STARTS, _TAIL = 20, 200


def split_options(text: str) -> tuple[str, list[Choice]]:
    """Returns a question without the options that stand in its text, and the options.

    Read are ``(A) x (B) y``, ``A) x, B) y``, a line each, or behind ``Answer Choices:`` and the like.
    """
    for labels in _runs(text):
        stem, options = text[: labels[0].start()], _texts(text, labels)
        told = _HEAD.search(stem, max(0, len(stem) - _TAIL))
        if not _are_options(stem, options, labels, told=told is not None):
            continue
        named = [Choice(label=each["label"], text=option) for each, option in zip(labels, options, strict=True)]
        return (stem[: told.start()] if told else stem).strip().removesuffix(":").strip(), named
    return text, []


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Yields what may be options: of each style the longest run of A, B, ..., of runs of one length the last."""
    headed = re.search(_HEADER, text, re.IGNORECASE)
    for style in (*_STYLES, _ONE_LINE) if headed else _STYLES:
        labels = list(style.finditer(text))
        starts = [place for place, found in enumerate(labels) if found["label"] == "A"][-_MOST_STARTS:]
        runs = [_run(labels[place:]) for place in starts]
        if runs and (longest := max(reversed(runs), key=len))[1:]:
            yield longest


def _run(labels: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    run: list[re.Match[str]] = []
    for found in labels:
        if ord(found["label"]) == ord("A") + len(run):
            run.append(found)
    return run


def _open(text: str, at: int) -> bool:
    """Returns whether a place is within parentheses."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line.count("(") > line.count(")")


def _texts(text: str, labels: Sequence[re.Match[str]]) -> list[str]:
    ends = [*(each.start() for each in labels[1:]), len(text)]
    options = [text[label.end() : end].strip() for label, end in zip(labels, ends, strict=True)]
    for mark in (",", ";"):
        if all(option.endswith(mark) for option in options[:-1]):
            return [option.rstrip(f"{mark} ") for option in options]
    return options


def _are_options(stem: str, options: Sequence[str], labels: Sequence[re.Match[str]], *, told: bool) -> bool:
    """Returns whether a run of labels lists options, and does not name lines, teams or statements of the question."""
    if not stem.strip() or _open(stem, len(stem)) or any(not re.search(r"[^\s.,;:]", each) for each in options):
        return False
    if any(len(option) > _MOST for option in options):
        return False
    return told or bool(_ENDS_A_QUESTION.search(stem[-_TAIL:])) or len(labels) > 2 and "?" not in "".join(options)


def label_of(gold: str, choices: Sequence[Choice]) -> str | None:
    """Returns the label of the option that a gold answer means, by its text or its label; None where it means none."""
    said, labels = gold.strip(), [choice.label for choice in choices]
    for choice in choices:
        if said.casefold() == choice.text.strip().casefold():
            return choice.label
    found = re.match(r"\(?(?P<label>[A-Za-z0-9]{1,2})(?:[).:]|\s|$)", said)
    label = found["label"].upper() if found else ""
    if label not in labels:
        return None
    rest = said[found.end() :].strip() if found else ""
    return label if not rest or any(_alike(rest, each.text) for each in choices if each.label == label) else None


def _alike(one: str, other: str) -> bool:
    one, other = ("".join(each.casefold().split()) for each in (one, other))
    return one.startswith(other) or other.startswith(one)
