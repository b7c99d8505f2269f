"""Short free answers: compared without case, articles, punctuation and spaces (as SQuAD's exact match does)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.attribution import told
from magdi.plugins.answers.clauses import Clause, sentences
from magdi.plugins.answers.dates import normal_date
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.spans import marked_spans
from magdi.plugins.answers.statements import Found, chosen, concluded, decide, marked, refuses

LONGEST_ANSWER = 100
LONGEST_NAME = 10
"""Words of what is taken for an answer though no marker says so."""
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(r"[^\w\s%$€£.+-]|(?<!\d)[.]|[.](?!\d)|_")


_WRAPPING = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_ASKED = phrase(
    r"(?:^|[.!?:]\s+|\n)(?:what|who|which|where)(?:\s\w+(?=\s(?:is|was)\s))?\s(?:(?P<is>is|was|are|were)\s)?(?P<what>[^.!?\n]+)\?\W*\Z"
)
_NO_NAME = phrase(
    r"\b(?:not|no|nobody|never|who|what|which|where|if|whether|that|it|he|she|they|this|may|might|some|or)\b"
)
_NO_ANSWER = phrase(
    r"\b(?:is|are|was|were|be|has|have|had|does|do|did|can|could|would|should|will|because|since|i|we|you|what|which|that|this|these|those|it|he|she|they|not)\b"
)
_NOT_BUT = phrase(r"(?:^\W*|\b(?P<verb>(?:is|was)\s))not\s[^.\n]{1,60}?,?\sbut\s(?:rather\s)?")
_LEAD = phrase(
    r"^[^\w\\$€£+-]*(?:(?:so|thus|therefore|hence|but|and|well)\b,?\s)?"
    r"(?:(?:I|we)(?:'d|\swould)?\s(?:think|believe|say|guess)\b,?\s(?:that\s)?|(?:probably|perhaps|likely|definitely)\s)?"
    r"(?:(?:(?:it|that)(?:'s|\sis|\swas)|this\sis|the\sanswer\sis)\s|[^:\n]{0,80}\s(?:is|are|was|were)\s?:\s)?"
)
_SAID_OF_IT = phrase(
    r"(?:,?\s\(?(?:(?:and\s)?not|rather\sthan|instead\sof|as\sopposed\sto|because|since)|,\s(?:which|who|whose|where|as|in|the|an?))\s.*"
    r"|,\s(?:I(?:'d|\s(?:would|do))?\s(?:think|say|believe|guess)|final\sanswer)\W*$"
    r"|\s\([^()]*\b(?:not|is|are|was|were|agent|confiden\w+)\b[^()]*\)?\W*$",
    re.DOTALL,
)
_IN_FRONT = phrase(
    r"\W*(?:(?:so|thus|therefore|hence)\b,?\s)?(?P<said>[^!?\n]{1,100}?)"
    r"(?:\s(?:is|was|(?:must|should|would)\sbe)\s(?:\w+ly\s)?"
    r"(?:(?:the|my|our)\s(?:\w+\s){0,2}(?:answer|choice|guess|pick|vote)\b|(?:correct|right)\W*$)|,?\sit\sis\W*$)"
)
"""What is said to be the answer: "Paris is my final answer"."""
_INITIAL = re.compile(
    r"\b([A-Z])\.\s(?=(?!(?:It|This|That|The|I|We|He|She|They|You|There|So|But|And|My|A|An|In|As)\b)[A-Z])"
)
_ASKS_ITSELF = phrase(r"^[^?\n]{1,60}\?\s+no\b[,.:]?\s", re.MULTILINE)


def normal_text(text: str) -> str | None:
    """Returns a short answer in lower case without articles and punctuation; None where nothing is left.

    Dates and times of day are written in one way, whatever their order and spelling.
    """
    folded = unicodedata.normalize("NFKC", _WRAPPING.sub(r"\1", text[: 4 * LONGEST_ANSWER])).casefold()
    if date := normal_date(folded):
        return date
    words = _ARTICLES.sub(" ", _PUNCTUATION.sub(" ", folded)).split()
    normal = " ".join(words)
    return normal if 0 < len(normal) <= LONGEST_ANSWER else None


def read_text(text: str, question: str = "") -> Reading:
    """Returns the short answer in a text: what it says of the answer, or else its last line where that is short.

    Where that line says the question again as a statement, it is what stands for the question's "what" or "who".
    """
    text = _NOT_BUT.sub(lambda said: said["verb"] or "", _ASKS_ITSELF.sub("", _INITIAL.sub(r"\1 ", text)))
    reading, _ = decide(text, partial(_said, question=question))
    if reading and reading.rule is not Rule.NOTHING:
        return reading
    lines = [line.strip() for line in text.split("\n") if line.strip() and not told(line)]
    if not lines or len(lines[-1]) > LONGEST_ANSWER or abstains(lines[-1]):
        return NOTHING
    answer = normal_text(_bare(lines[-1]))
    return Reading(answer, Rule.LAST if answer else Rule.NOTHING)


def _said(clause: Clause, question: str) -> Iterator[Found]:
    """Yields what a clause says of the answer."""
    text = clause.text
    if refuses(text):
        return
    if span := next(marked_spans(text, whole_line=True), None):
        said = _bare(next(iter(sentences(span.text.partition("</")[0])), "").rstrip(".!?"))
        answer = normal_text(said) if len(said) <= LONGEST_ANSWER else None
        if abstains(said):
            yield Found(None, Rule.ABSTAINS)
        elif answer:
            yield Found(answer, span.rule)
        return
    for said, weight in _tails(clause, question):
        bare = _bare(said).strip()
        if bare and len(bare.split()) <= LONGEST_NAME and not _NO_ANSWER.search(bare) and (answer := normal_text(bare)):
            yield Found(answer, Rule.CONCLUSION if weight else Rule.LAST, weight)
            return


def _tails(clause: Clause, question: str) -> Iterator[tuple[str, int]]:
    """Yields what may be an answer in a clause without a marker, and what it weighs."""
    text = clause.text
    if asked := _asked_for(text, question):
        yield asked, 1
    if front := _IN_FRONT.match(text):
        yield front["said"], 2
    yield from ((predicate, 1) for _, predicate in marked(text))
    yield from ((tail, 1) for tail in chosen(text))
    if (tail := concluded(text)) is not None:
        yield tail, 1
    if clause.last:
        yield text, 0


def _asked_for(line: str, question: str) -> str | None:
    """Returns "Paris" of "Paris is the capital" or "The capital is Paris", for "What is the capital?"."""
    asked = _ASKED.search(question[-LONGEST_ANSWER:])
    if asked is None or told(line):
        return None
    what, verb = re.escape(asked["what"]), rf"\s{asked['is'] or ''}"
    said = re.fullmatch(
        rf"(?:(?P<front>.+?){verb}\s?{what}|.{{0,24}}?{what}{verb}\s(?P<back>.+?))[.!]?", line, re.IGNORECASE
    )
    answer = (said["front"] or said["back"]) if said else None
    return answer if answer and not _NO_NAME.search(answer) else None


def _bare(said: str) -> str:
    """Returns an answer without what leads to it and what is said of it: "I think it's Paris, which ..."."""
    return _SAID_OF_IT.sub("", _LEAD.sub("", said)) or said
