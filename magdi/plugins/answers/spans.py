r"""Where the answer stands in a text: after "####", "A:" or "the answer is", or within \boxed{}."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from magdi.core.verdict import Rule
from magdi.plugins.answers.phrase import phrase

MOST_MARKERS = 16
"""Markers that are looked at, from the last one back."""


class Span(NamedTuple):
    """What stands behind a marker, and which sort of marker it is."""

    text: str
    rule: Rule


_MARKER = phrase(
    r"""
      (?P<hashes>\#\#\#\#)
    | (?P<boxed>\\(?:boxed|fbox)\s*(?=\{))
    | (?P<tag><answer>)
    | ^[ \t]*(?P<letter>(?-i:A))[ ]?:
    | \b(?:answer|ans|final(?=\s?:\s)|(?P<loose>solution|result))\b(?![ ](?:questions?|sheets?|keys?|choices)\b)
      (?:
        ["']?\s{0,3}(?:[:=]|(?:-+>|[→➡➜]|(?:(?<=^answer\ )|(?<=^ans\ ))[-–](?=\ )|(?<=\bans)\.(?=\ )))
      | (?:,(?![ ](?:and|as|so|but|since|because|which|while|where)\b))?
        (?:[ ](?!is\b|was\b|not\b)[\w'$(),-]{1,20}){0,4}?
        (?:(?(loose)(?!))(?:[ ](?!is\b|was\b|not\b)[\w'$(),-]{1,20}){0,8}?)?
        [ ](?:is|was|are|(?:must|would|should|will|might|may|could)[ ]be|should[ ]have[ ]been|equals)\b
        (?![ ](?:not|found|derived|obtained|calculated|reached|based|supported)\b)
        (?:[ ](?:therefore|thus|then|hence|clearly|likely|probably|simply|just|that)\b)*\s{0,3}:?
      )
    """,
    re.VERBOSE | re.MULTILINE,
)
ABBREVIATIONS = (r"i\.e", r"e\.g", "vs", "approx", "Mr", "Mrs", "Ms", "Dr", "St")
_NO_ABBREVIATION = "".join(rf"(?<!\b{short})" for short in ABBREVIATIONS)
SENTENCE_END = re.compile(rf"(?<!\\)(?:[!?]|{_NO_ABBREVIATION}\.)(?=\s|$)|\n+")
_LINE_END = re.compile(r"\n")
_HEADING = phrase(r"[ \t]*(?:\*\*)?(?:(?:step[ ]?)?\d{1,2}[.):]?[ ]+(?:\*\*)?)?(?-i:[A-Z])[a-z]{2}[^\n]*\n\s*\w")
"""A heading of the fourth level, which has text below it."""
_TAG_END = re.compile(r"</answer>|\n")
_DIGIT = re.compile(r"\d")
_NOTHING = re.compile(r"[\s*:$\\\[\](){}.\"-]*")
_ASIDE = re.compile(r"\"[^\"\n]{0,300}\"|(?<!\w)'[^'\n]{0,300}'(?!\w)|\([^()\n]{0,300}\)")
_SUPPOSED = phrase(r"\b(?:suppos\w+|assum\w+|imagine|say|let's say|what if|if)\s(?:that\s)?(?:the|my|your|our)?\s?$")
_WOULD = phrase(r"\bwould be\W*$")
_BOX_WOULD = re.compile(r"\{[^{}\n]{0,60}\}\$?\s(?:would|could|might)\b")
_UNREAL = phrase(r"\d\W{0,3}(?:\w+\s){0,3}(?:if|but|were)\b")


def balanced(text: str, start: int) -> str | None:
    """Returns what stands within the braces that open at ``start``; None where they do not close."""
    depth = 0
    for end in range(start, len(text)):
        if text[end] == "{":
            depth += 1
        elif text[end] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 1 : end]
    return None


def boxed(text: str) -> str | None:
    r"""Returns what stands in the last \boxed{} of a text; None where there is none."""
    start = max(text.rfind("\\boxed{"), text.rfind("\\fbox{"))
    return balanced(text, text.index("{", start)) if start >= 0 else None


def markers(text: str, *, colon_after_a: bool = True) -> list[re.Match[str]]:
    """Returns the markers of a final answer, those first that count most.

    The last one counts most, but one that is quoted, in parentheses, another's or on a condition counts less than any
    that is not.
    """
    found = [match for match in _MARKER.finditer(text) if _counts(text, match, colon_after_a=colon_after_a)]
    own = [match for match in found[: -2 * MOST_MARKERS : -1] if not _is_hypothesis(text, match)][:MOST_MARKERS]
    asides = [match.span() for match in _ASIDE.finditer(text)]
    return sorted(own, key=lambda match: _is_aside(match, asides))


def _counts(text: str, match: re.Match[str], *, colon_after_a: bool) -> bool:
    """Leaves out an option's "A:", "#### Step 2" as a heading, and "the result is" where others follow."""
    if match["letter"]:
        return colon_after_a
    if match["hashes"] and _HEADING.match(text, match.end()):
        return False
    if not match["loose"] or match[0].rstrip()[-1:] in ":=":
        return True
    end = SENTENCE_END.search(text, match.end())
    return end is None or not _DIGIT.search(text, end.end())


def _is_hypothesis(text: str, match: re.Match[str]) -> bool:
    """Returns whether a marker is in "suppose the answer is 5. Then ..." or "the answer would be 5 if ..."."""
    end = SENTENCE_END.search(text, match.end())
    if _SUPPOSED.search(text, max(0, match.start() - 40), match.start()):
        return end is not None and _DIGIT.search(text, end.end()) is not None
    if match["boxed"] and _BOX_WOULD.match(text, match.end()):
        return True
    unreal = _WOULD.search(text, max(0, match.end() - 20), match.end())
    return unreal is not None and _UNREAL.search(text, match.end(), end.start() if end else len(text)) is not None


def _is_aside(match: re.Match[str], asides: list[tuple[int, int]]) -> bool:
    if match["boxed"] or match["hashes"] or match["tag"]:
        return False
    return any(start < match.start() < end for start, end in asides)


def marked_spans(text: str, *, colon_after_a: bool = True, whole_line: bool = False) -> Iterator[Span]:
    """Yields what stands behind each marker of a final answer, the one that counts most first.

    Args:
        text: Text from `magdi.plugins.answers.cleaning.clean`.
        colon_after_a: Whether "A:" at the start of a line marks an answer; not where it may be an option.
        whole_line: Take the whole line behind a marker instead of its first sentence.
    """
    for marker in markers(text, colon_after_a=colon_after_a):
        place = extent(text, marker, whole_line=whole_line)
        if place:
            yield Span(text[slice(*place)].strip(), rule_of(marker))


def rule_of(marker: re.Match[str]) -> Rule:
    """Returns the rule by which what stands behind a marker is read."""
    return Rule.HASHES if marker["hashes"] else Rule.BOXED if marker["boxed"] else Rule.MARKER


def extent(text: str, marker: re.Match[str], *, whole_line: bool = False) -> tuple[int, int] | None:
    """Returns from where to where the answer behind a marker goes: the rest of the sentence or line.

    It is the next line with something on it where there is no rest, and None for braces that do not close.
    """
    if marker["boxed"]:
        inside = balanced(text, marker.end())
        start = text.index("{", marker.end()) + 1
        return None if inside is None else (start, start + len(inside))
    first = _start(text, marker.end())
    first = text.rfind("\n", marker.end(), first) + 1 or marker.end()
    ends = _LINE_END if whole_line or marker["hashes"] else _TAG_END if marker["tag"] else SENTENCE_END
    end = ends.search(text, _start(text, marker.end()))
    return first, end.start() if end else len(text)


def is_heading(text: str, marker: re.Match[str]) -> bool:
    """Returns whether a marker heads a section: "Answer:", or a new line behind it."""
    if marker["boxed"] or marker["hashes"] or marker["tag"]:
        return False
    return marker[0].rstrip()[-1:] in ":=" or _on_a_line_above(text, marker)


def is_section(text: str, marker: re.Match[str]) -> bool:
    """Returns whether a heading is one of several lines: "Solution:", or a line of its own."""
    alone = _on_a_line_above(text, marker) or marker[0].lower().startswith("solution")
    return is_heading(text, marker) and alone


def _on_a_line_above(text: str, marker: re.Match[str]) -> bool:
    return "\n" in text[marker.start() : _start(text, marker.end())]


def _start(text: str, place: int) -> int:
    found = _NOTHING.match(text, place)
    return found.end() if found else place
