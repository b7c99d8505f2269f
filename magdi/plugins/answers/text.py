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


def normal_text(text: str) -> str | None:
    """Returns a short answer in lower case without articles and punctuation; None where nothing is left."""
    folded = unicodedata.normalize("NFKC", text[: 4 * LONGEST_ANSWER]).casefold()
    words = _ARTICLES.sub(" ", _PUNCTUATION.sub(" ", folded)).split()
    normal = " ".join(words)
    return normal if 0 < len(normal) <= LONGEST_ANSWER else None


def read_text(text: str) -> Reading:
    """Returns the short answer in a text: behind a marker, or else its last line where that is short."""
    for span, rule in marked_spans(text):
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
