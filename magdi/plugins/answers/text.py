"""Short free answers: compared without case, articles, punctuation and spaces (as SQuAD's exact match does)."""

from __future__ import annotations

import re
import unicodedata

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.spans import marked_spans

LONGEST_ANSWER = 100
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(r"[^\w\s%$€£.+-]|(?<!\d)[.]|[.](?!\d)|_")


_WRAPPING = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_NOT_BUT = re.compile(r"\b(?P<verb>is|was)\snot\s[^.\n]{1,60}?,?\sbut\s(?:rather\s)?", re.IGNORECASE)
_RATHER_THAN = re.compile(r",?\s(?:(?:and\s)?not|rather\sthan|instead\sof)\s.*", re.IGNORECASE | re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_ABBREVIATED = re.compile(r"(?:^|[A-Z][\w.]*\s)[A-Z]$|\b(?:Dr|St|Mr|Mrs|Ms|Mt|Jr|Sr|vs|No)$")
_NEW_SENTENCE = re.compile(r"[.]\s+(?:It|Its|The|This|That|He|She|They|We|I|In|As|A|An)\b|[.]\W*\Z|[!?]")


def normal_text(text: str) -> str | None:
    """Returns a short answer in lower case without articles and punctuation; None where nothing is left."""
    folded = unicodedata.normalize("NFKC", _WRAPPING.sub(r"\1", text[: 4 * LONGEST_ANSWER])).casefold()
    words = _ARTICLES.sub(" ", _PUNCTUATION.sub(" ", folded)).split()
    normal = " ".join(words)
    return normal if 0 < len(normal) <= LONGEST_ANSWER else None


def read_text(text: str) -> Reading:
    """Returns the short answer in a text: behind a marker, or else its last line where that is short."""
    text = _NOT_BUT.sub(r"\g<verb> ", text)
    for line, rule in marked_spans(text, whole_line=True):
        span = _RATHER_THAN.sub("", _first_sentence(line.partition("</")[0]))
        if abstains(span):
            return Reading(None, Rule.ABSTAINS)
        answer = normal_text(span) if len(span) <= LONGEST_ANSWER else None
        if answer:
            return Reading(answer, rule)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines or len(lines[-1]) > LONGEST_ANSWER or abstains(lines[-1]):
        return NOTHING
    answer = normal_text(lines[-1])
    return Reading(answer, Rule.LAST if answer else Rule.NOTHING)


def _first_sentence(line: str) -> str:
    """Returns a line up to the end of its first sentence, which is not in "Dr. Seuss" or "J. K. Rowling"."""
    ends = (
        end.start()
        for end in _SENTENCE_END.finditer(line)
        if _NEW_SENTENCE.match(line, end.start()) or not _ABBREVIATED.search(line, 0, end.start())
    )
    return line[: next(ends, len(line))]
