"""The sentences of a text and their clauses: who speaks in each, and whether it only supposes or asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from magdi.plugins.answers.attribution import CARRIES, endorses, told
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.spans import ABBREVIATIONS

LONGEST_SENTENCE = 600
MOST_SENTENCES = 240
_ABBREVIATION = re.compile(rf"\b(?:{'|'.join(ABBREVIATIONS)}|Mt|etc|Fig|Eq|[A-Z]\.[A-Z])$")
_LABEL_GOES_ON = re.compile(r"(?<!\w)[A-Z]\.\s(?:is|are|was|does|can|cannot|would|and|or)\b")
_INITIALS = re.compile(r"[A-Z]\.\s[A-Z]\.\s[A-Z][a-z]")
_SENTENCE_END = re.compile(r"(?<!\\)[.!?](?:[\"')\]}]|\\[)\]])*(?=\s|$)|\n+|(?=<answer>)|</[a-z]{3,9}>")
_NUMBERING = phrase(r"\s*[\W_]{0,3}(?!no\b)\w{1,2}")
_UNFINISHED = re.compile(r"(?:\b(?:is|be|are)|[:=])[\s$\\\[({\"]*$")
EXPLICIT = re.compile(r"(?P<hashes>\#{4}\s?)|(?P<boxed>\\(?:boxed|fbox)\s?\{)|<answer>")
_CLAUSE = phrase(
    r"""
    (?=[;,:\s])(?:
      ;\s+ | \s+[—–-]{1,2}\s+(?!(?:(?:in)?correct|right|wrong)\W*$)
    | ,?\s+(?=(?:but|however|yet|whereas|therefore|thus|hence|leaving|leaves|which\ (?:means|leaves))\b|i\.e\.)
    | [,:]\s+(?=(?:so|then|and\ (?:so|therefore|thus)|I(?=[\s'])|we|in\ my|my|wait|no\ wait|actually)\b)
    | [,:]\s+(?=(?:and\ )?the\ (?:\w+\ ){0,2}(?:answer|option|choice)\b)
    | ,\s+(?=(?:even\ )?(?:though|although|while|whereas)\b|and\ (?:I|we)\b|I\ mean|or\ rather)
    | \s+(?=so\ (?:the|it|I|my|we)\b)
    )
    """,
    re.VERBOSE,
)
_NOT_THIS = phrase(
    r"\bnot\W+(?:(?:option|text|textbf|mathrm|boxed)\W+)?(?!(?:sure|certain|clear|known|easy|obvious|confident)\b)\w{1,24}\W*$"
)
CONCEDES = phrase(r"\W*(?:while|although|though|even\sthough|whereas)\b[^,]{3,200},\s")
_ALL = phrase(r"\b(?:all|none|nothing|everything|anything|any|options?|choices?|answers?|them)\W*$")
"""What a "but" behind it goes on with: "not A but B"."""
_SUPPOSED = phrase(
    r"\W*(?:(?:but|however|and|so|now|then),?\s)*"
    r"(?:(?:if|whether|suppos\w+|assum\w+|unless|otherwise|why|how|depend\w*\son)\b|(?:had|were)\s(?:it|the|this|that|they|he|she|we|I)\b)"
    r"|.*\b(?:would|'d)\shave\s(?:been|chosen|picked|selected|said|answered|gone)\b"
    r"|[^,;]{0,120}\bwould\sbe\s\W{0,3}\w{1,12}\W{0,3}\sif\s\w+\s(?:were|had)\b"
)
_WONDERS = phrase(
    r"\b(?:unclear|unknown|uncertain|sure|clear|certain|doubt\w*|wonder\w*|ask\w*|question|tell|know|determine|decide)\s(?:if|whether)\b"
    r"|^\W*(?:but\s|and\s)?there(?:'s|\sis|\swas)\sno\s(?:evidence|proof|indication|record|sign)\s(?:that|of)\b"
)
_NO_MORE_SUPPOSED = phrase(r"(?:but|however|so|therefore|thus|hence|I|we)\b")


class Clause(NamedTuple):
    """Part of a sentence that may say something of its own.

    Attributes:
        text: The clause.
        opens: Whether it stands at the start of its sentence.
        last: Whether it is in the text's last sentence.
        quoted: Whether it tells what somebody else says.
        supposed: Whether it is a question, or an "if".
        replies_to: The question that the sentence before it is; empty where it is none.
    """

    text: str
    opens: bool = True
    last: bool = False
    quoted: bool = False
    supposed: bool = False
    replies_to: str = ""


def sentences(text: str) -> list[str]:
    """Splits a text at ends of sentences and lines; the first few and the last are kept, and of long ones the end."""
    found, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        unfinished = end[0].startswith("\n") and _UNFINISHED.search(text, max(start, end.start() - 12), end.start())
        numbered = end[0] == "." and _NUMBERING.fullmatch(text, start, end.start()) and text[end.end() :][:1] != "\n"
        short = end[0] == "." and (
            _ABBREVIATION.search(text, max(0, end.start() - 8), end.start())
            or any(_INITIALS.match(text, max(0, end.start() - before)) for before in (1, 4))
        )
        labels = end[0] == "." and _LABEL_GOES_ON.match(text, end.start() - 1)
        if unfinished or numbered or short or labels:
            continue
        found.append(text[start : end.end()])
        start = end.end()
    found.append(text[start:])
    kept = [sentence.strip()[-LONGEST_SENTENCE:] for sentence in found if sentence.strip()]
    return kept if len(kept) <= MOST_SENTENCES else kept[:4] + kept[4 - MOST_SENTENCES :]


def clauses(sentence: str, *, last: bool = False) -> Iterator[Clause]:
    """Yields the parts of a sentence that may say different things: "B is wrong, so A"."""
    asked = sentence.rstrip("\"')* ").endswith("?")
    endorsed = endorses(sentence)
    start, supposed, carried = 0, False, False
    for end in clause_ends(sentence):
        text = sentence[start:end].strip(" ,")
        supposed = bool(_SUPPOSED.match(text) or (_WONDERS.search(text) and not EXPLICIT.search(text))) or (
            supposed and not _NO_MORE_SUPPOSED.match(text)
        )
        if text:
            quoted = (told(text) or (carried and not _NO_MORE_SUPPOSED.match(text))) and not endorsed
            carried = quoted and CARRIES.match(text) is not None
            yield Clause(text, start == 0, last, quoted, asked or supposed)
        start = end


def clause_ends(sentence: str) -> list[int]:
    """Returns where the parts of a sentence end; "not A but B" is one."""
    found = [
        cut
        for cut in _CLAUSE.finditer(sentence)
        if not (
            sentence.startswith(("but", "rather"), cut.end())
            and _NOT_THIS.search(sentence, max(0, cut.start() - 60), cut.start())
        )
    ]
    cuts = [
        cut for cut in found if not (cut[0].isspace() and _ALL.search(sentence, max(0, cut.start() - 12), cut.start()))
    ]
    conceded = CONCEDES.match(sentence)
    ends = {cut.end() for cut in cuts} | ({conceded.end()} if conceded else set())
    return [*sorted(ends), len(sentence)]
