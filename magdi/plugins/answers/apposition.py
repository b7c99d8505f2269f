"""What a sentence adds to the number that it comes to: "7 days, 1 less than Tom", "7 days, which is within the 10"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from magdi.plugins.answers.asked import what_is_asked
from magdi.plugins.answers.numerals import Numeral
from magdi.plugins.answers.phrase import phrase

_NUMBER = r"(?:[$€£]?\d[\d.,/]*(?<![.,])|(?:an?|one|two|three|four|five|six|seven|eight|nine|ten)(?=\s))"
_MORE = (
    r"(?:more|less|fewer|greater|higher|lower|larger|smaller|bigger|better|worse|longer|shorter|older|younger|taller|faster|slower"
    r"|cheaper|heavier|lighter|earlier|later|further|farther)"
)
_LEADS = r"(?:or|i\.e\.,?|that(?:'s|\sis)|which\s(?:is|are|was|were|would\sbe)|it(?:'s|\sis)|a(?:nd|lso))\s"
_HEDGE = (
    r"(?:(?:only|just|still|exactly|about|roughly|approximately|nearly|almost|well|far|slightly|much|even|not)\s){0,2}"
)
_PART = (
    r"(?:half|twice|double|triple|(?:two|three|four|five)\stimes"
    r"|(?:an?|one|two|three)[\s-](?:third|quarter|fifth|tenth|half)s?)"
)
_CHANGE = r"(?:difference|increase|decrease|reduction|gain|drop|rise|improvement|saving)"
_BOUND = r"(?:below|under|above|over|within|beyond|between|close\sto|near|nearly|almost)"
_WHY = (
    r"(?:including|excluding|counting|ignoring|leaving\sout|(?:apart|aside)\sfrom|except\sfor|given\sthat|assuming|provided"
    r"|considering|where|e\.g\.|for\s(?:example|instance)|such\sas|which\s(?:can|could|has|had|holds?)"
    r"|(?:each\s)?(?:having|doing|weighing|using|holding|containing|working|reading|driving|running|walking))"
)
_ADDED = phrase(
    rf"""
    (?:,\s|\s?[–—]\s?|\s-\s)(?:{_LEADS}){{0,2}}{_HEDGE}
    (?: {_NUMBER}\s?(?:%|percent)?(?:\s[a-z-]+){{0,2}}?\s(?:{_MORE}|(?:%|percent)?of\s\w+'s|times(?!\s\d))\b
      | {_NUMBER}(?:\s[a-z-]+){{0,2}}?\s(?:short|shy|ahead|off|over|under|above|below|beyond)\b(?!\s\d)
      | {_NUMBER}\s?(?:%|percent)\s(?:of|off)\b
      | {_NUMBER}(?:\s[a-z]+){{0,2}}?\sof\sit\b | of\s(?:which|whom|them)\b
      | with\s\w+\s(?:getting|having|earning|making|paying)\b
      | {_PART}\s(?!of\s(?:which|whom|them|those)\b)(?:of|as|the|what|\w+'s)\b
      | an?\s(?:(?:total|net|slight|{_NUMBER}\s?(?:%|percent))\s)?{_CHANGE}\b
      | {_MORE}\sthan\b | (?:up|down)\sfrom\b | (?:which\s|that\s|thus\s)?exceed(?:s|ing)\b
      | {_BOUND}\s(?:[$€£]?\d|(?:the|his|her|their|what)\s|\w+'s\b|twice|half)
      | (?P<why>{_WHY})(?!\w)
    )
    | ,\si\.e\.,?\s{_NUMBER}(?:\s[a-z]+)?\s(?:per|an?)\s(?:second|minute|hour|day|week|month|year|person|item|piece)\b
    | ,?\s(?:vs\.?|versus|compared\s(?:to|with)|as\sopposed\sto|in\scontrast\sto)(?=\s)
    """,
    re.VERBOSE,
)
"""Where a comparison begins, or what was counted in, behind a comma or a dash."""
_ENDS = re.compile(r"[,;:=](?=\s)|\s[–—]\s|\n|\Z")
_SAYS_RESULT = phrase(
    rf"\b(?:is|are|was|were|be|equals?|makes?|gives?|leaves?|comes?\sto)\s(?:exactly\s|about\s)?{_NUMBER}"
)
"""What makes of a comparison the subject of what a sentence comes to: "5 more than that is 15"."""
_ASKS_FOR_DIFFERENCE = phrase(
    rf"\bhow\s(?:many|much|far)\s(?:\w+\s){{0,2}}{_MORE}\b|\bhow\s(?:much\s)?{_MORE}\b"
    r"|\bby\s(?:how\s(?:much|many)|what)\b|\bdifference\b"
)
_DIFFERENCE = phrase(rf"\s?{_NUMBER}\s?(?:%|percent)?\s(?:[a-z-]+\s){{0,2}}?{_MORE}\b")
_COMES_TO = phrase(r"=|\b(?:total|altogether|in all)\b")
_ASKS_FOR_CHANGE = phrase(
    r"%|\b(?:how\smany\stimes|exceed\w*|(?:in|de)creas\w+|ris\w+|drop\w*|chang\w+|sav(?:e|es|ed|ings?)|gain\w*|los(?:e|es|t|s)"
    r"|profit|raise|excess|extra|surplus|deficit|short(?:age)?|over|under|left|remain\w*|percent\w*|fraction|proportion"
    r"|ratio)\b"
)


def added(text: str, question: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields from where to where a sentence only compares or explains what it has said.

    Nothing does so where the question asks for a comparison: "he has 15, which is 5 more than Ann".

    Args:
        text: The text.
        question: What was asked; empty where it is not known.
        start: Where the sentence begins.
        end: Where it ends.
    """
    asked = what_is_asked(question)
    if _ASKS_FOR_DIFFERENCE.search(asked) or _ASKS_FOR_CHANGE.search(asked):
        return
    for begins in _ADDED.finditer(text, start, end):
        ends = _ENDS.search(text, begins.end(), end)
        last = ends.start() if ends else end
        if begins["why"] or not _SAYS_RESULT.search(text, begins.end(), last):
            yield begins.start(), last


def difference(text: str, question: str, found: Sequence[Numeral], end: int) -> Numeral | None:
    """Returns the number that says by how much one thing is more than another, where a question asks for that.

    Args:
        text: The text.
        question: What was asked; empty where it is not known.
        found: The numbers of a sentence.
        end: Where the sentence ends.
    """
    if not _ASKS_FOR_DIFFERENCE.search(what_is_asked(question)):
        return None
    differ = [each for each in found if _DIFFERENCE.match(text, each.start)]
    return differ[0] if len(differ) == 1 and not _COMES_TO.search(text, differ[0].end, end) else None
