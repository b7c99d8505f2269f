"""Texts that end before they come to an answer: cut off, or with a calculation that is announced only."""

from __future__ import annotations

import re

from magdi.plugins.answers.number_words import WORD
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.spans import SENTENCE_END

LONGEST_SENTENCE = 600
_CUT_OFF = phrase(
    r"(?:[-+*/×÷=({\[,:\\]|\s\$|\\boxed\s?\{[^{}]*|\b(?:is|are|was|the|(?-i:an?)|of|and|or|by|to|with|at|for|in|on|that|than|so|each|from|as|if"
    r"|but|we|then|per|equals|get|gives|giving|has|have|pays?|leav(?:es|ing)|totall?ing|which|because|since|when|where|will|would|how|there|they|she|he)"
    r"|[a-z]{3,}\s(?:and|plus|minus|times)\s\d{1,9})\s*\Z"
)
_DOES = (
    r"(?:try(?:ing)?|(?:add|subtract|sum|convert|count(?!\s\d))(?:s|ing)?|(?:multipl|appl)(?:y|ies|ying)|plug(?:s|ging)?"
    r"|(?:divid|calculat|comput|determin|solv|combin|substitut)(?:e|es|ing)|find(?:ing)?(?!\sthat\b|\s[$€£]?\d[\d.,]*\s(?!of\b)))\b"
    r"(?!\s[$€£]?\d[\d.,]*(?:\s(?:more|additional|extra|in\stotal)\b|(?:\s\w+)?\W*\Z))"
)
_ANNOUNCES = phrase(
    rf"(?<!after\s)(?<!when\s)(?<!once\s)(?<!if\s)\b(?:we|I|you|us|let's)(?:'ll)?\s(?:\w+\s){{0,3}}?{_DOES}"
    rf"|^\W*(?:(?:first|then|next|finally|lastly|now|so|and|thus|therefore|hence|after\sthat),?\s)*"
    rf"(?:(?:to|in\sorder\sto)\b[^,]{{3,100}},\s)?(?:by\s)?{_DOES}(?![^.]{{0,40}}:)"
    r"|(?<!this\s)(?<!that\s)\b(?:is|are|can\sbe)\s(?:then\s)?(?:calculated|found|determined|computed|obtained)\s(?:by|from)\b"
    r"|(?<!that\s)\b(?:will|would)\s(?:then\s)?give\sus\b|\bgiv(?:es|ing)\sus\s(?:the|his|her|their|our)\b"
)
_VALUE = rf"[\s$€£({{\[*\\]*-?\.?(?:\d|{WORD}\b)"
_COMES_TO = phrase(
    rf"(?:[=≈]|\b(?:gets?|getting|give|gives|giving|yields?|yielding|is|are|was|were|equals?|mak(?:e|es|ing)|total(?:s|l?ing)?"
    rf"|costs?|results?\sin|resulting\sin|leav(?:e|es|ing)|obtain|find(?=\s[$\d\\])|found|have|has|had|so|means|becomes"
    rf"|(?:comes|adds|sums|brings)\s(?:out\s|up\s|us\s)?to|arrive\sat|end(?:s|ing)?\sup\swith|total\sof|as))\W*"
    rf"(?:(?!of\b)[a-z']+\W+|of\W+(?=[$\d])){{0,5}}?{_VALUE}|:\s*{_VALUE}"
    rf"|,\s(?:he|she|they|it|we|I|you|(?:the|his|her|their|its)\s\w+)\s\w+(?:\s\w+)?{_VALUE}"
)
_TO_BE_SOLVED = re.compile(r"\bsolv(?:e|ing)\b[^.]{0,80}\bfor\s[$(\\]{0,3}[a-zA-Z]\b\W*\Z")
_TELLS_OF_BEFORE = phrase(r"\W*(?:this|that|it|which)\b")
_GIVEN = phrase(
    r"\W*(?:and\s|so\s)?(?:we\s(?:already\s)?(?:know|are\s(?:given|told))|we're\s(?:given|told)|it\sis\sgiven|given(?:\sthat|:)|the\s(?:problem|question)\s(?:says|states|tells|gives))\b(?!.*\b(?:so|therefore|thus|hence)\b)",
    re.DOTALL,
)
"""What begins a sentence that only says what is known."""
_CHECKS = phrase(r"\b(?:check|verif\w*|confirm\w*|double|know|hope|help|question)\b")
_THERE_IS_NONE = phrase(r"\bno\s(?:\w+\s){0,2}solutions?\b|\bno\ssuch\b|\bill-posed\b|\bdoes\snot\sexist\b")


def cut_off(text: str) -> bool:
    """Returns whether a text ends in the middle of a sentence."""
    return _CUT_OFF.search(text[-200:]) is not None


def unfinished(text: str) -> bool:
    """Returns whether a text ends before it comes to an answer, or where it says that there is none."""
    if cut_off(text):
        return True
    last, before = _last_sentences(text)
    if _THERE_IS_NONE.search(last) and not re.search(r"\d", last):
        return True
    if _GIVEN.match(last) and "=" not in last:
        return True
    return _only_announces(last) and (not _TELLS_OF_BEFORE.match(last) or _only_announces(before))


def _only_announces(sentence: str) -> bool:
    """Returns whether a sentence says what is to be calculated, and not what it comes to."""
    plans = list(_ANNOUNCES.finditer(sentence))
    if not plans or _CHECKS.search(sentence):
        return False
    return _TO_BE_SOLVED.search(sentence) is not None or _COMES_TO.search(sentence, plans[-1].end()) is None


def _last_sentences(text: str) -> tuple[str, str]:
    """Returns the last sentence of a text, and the one before it."""
    text = text[-2 * LONGEST_SENTENCE :].rstrip(" \n.!*")
    cuts = [0, 0, *(cut.end() for cut in SENTENCE_END.finditer(text) if text[cut.end() :].strip())]
    return text[cuts[-1] :], text[cuts[-2] : cuts[-1]]
