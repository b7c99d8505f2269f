"""Short free answers: compared without case, articles, punctuation and spaces (as SQuAD's exact match does)."""

from __future__ import annotations

import re
import unicodedata

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.attribution import told
from magdi.plugins.answers.clauses import sentences
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.spans import marked_spans

LONGEST_ANSWER = 100
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(r"[^\w\s%$€£.+-]|(?<!\d)[.]|[.](?!\d)|_")


_WRAPPING = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_ASKED = phrase(
    r"(?:^|[.!?:]\s+|\n)(?:what|who|which|where)(?:\s\w+(?=\s(?:is|was)\s))?\s(?:(?P<is>is|was|are|were)\s)?(?P<what>[^.!?\n]+)\?\W*\Z"
)
_NO_NAME = phrase(
    r"\b(?:not|no|nobody|never|who|what|which|where|if|whether|that|it|he|she|they|this|may|might|some|or)\b"
)
_NOT_BUT = phrase(r"(?:^\W*|\b(?P<verb>(?:is|was)\s))not\s[^.\n]{1,60}?,?\sbut\s(?:rather\s)?")
_LEAD = phrase(
    r"^\W*(?:(?:so|thus|therefore|hence)\b,?\s)?(?:(?:I|we)(?:'d|\swould)?\s(?:think|believe|say|guess)\s(?:that\s)?)?"
    r"(?:(?:(?:it|that)(?:'s|\sis|\swas)|this\sis|the\sanswer\sis)\s|[^:\n]{0,80}\s(?:is|are|was|were)\s?:\s)"
)
_SAID_OF_IT = phrase(
    r"(?:,?\s\(?(?:(?:and\s)?not|rather\sthan|instead\sof|because|since)|,\s(?:which|who|whose|where|as|in|the|an?))\s.*",
    re.DOTALL,
)
_ASKS_ITSELF = phrase(r"^[^?\n]{1,60}\?\s+no\b[,.:]?\s", re.MULTILINE)


def normal_text(text: str) -> str | None:
    """Returns a short answer in lower case without articles and punctuation; None where nothing is left."""
    folded = unicodedata.normalize("NFKC", _WRAPPING.sub(r"\1", text[: 4 * LONGEST_ANSWER])).casefold()
    words = _ARTICLES.sub(" ", _PUNCTUATION.sub(" ", folded)).split()
    normal = " ".join(words)
    return normal if 0 < len(normal) <= LONGEST_ANSWER else None


def read_text(text: str, question: str = "") -> Reading:
    """Returns the short answer in a text: behind a marker, or else its last line where that is short.

    Where that line says the question again as a statement, it is what stands for the question's "what" or "who".
    """
    text = _ASKS_ITSELF.sub("", "\n".join(line for line in text.split("\n") if not told(line)) or text)
    text = _NOT_BUT.sub(lambda said: said["verb"] or "", text)
    for line, rule in marked_spans(text, whole_line=True):
        span = _bare(next(iter(sentences(line.partition("</")[0])), "").rstrip(".!?"))
        if abstains(span):
            return Reading(None, Rule.ABSTAINS)
        answer = normal_text(span) if len(span) <= LONGEST_ANSWER else None
        if answer:
            return Reading(answer, rule)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines or len(lines[-1]) > LONGEST_ANSWER or abstains(lines[-1]):
        return NOTHING
    answer = normal_text(_asked_for(lines[-1], question) or _bare(lines[-1]))
    return Reading(answer, Rule.LAST if answer else Rule.NOTHING)


def _asked_for(line: str, question: str) -> str | None:
    """Returns "Paris" of "Paris is the capital" or "The capital is Paris", for "What is the capital?"."""
    asked = _ASKED.search(question[-LONGEST_ANSWER:])
    if asked is None or told(line):
        return None
    what, verb = re.escape(asked["what"]), rf"\s{asked['is'] or ''}"
    said = re.fullmatch(rf"(?:(?P<front>.+?){verb}\s?{what}|{what}{verb}\s(?P<back>.+?))[.!]?", line, re.IGNORECASE)
    answer = (said["front"] or said["back"]) if said else None
    return answer if answer and not _NO_NAME.search(answer) else None


def _bare(said: str) -> str:
    """Returns an answer without what leads to it and what is said of it: "I think it's Paris, which ..."."""
    return _SAID_OF_IT.sub("", _LEAD.sub("", said)) or said
