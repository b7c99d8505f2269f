r"""The expression that a text gives as its answer: \boxed{...}, $...$, or what stands behind "the answer is"."""

from __future__ import annotations

import re

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.latex import normal_latex
from magdi.plugins.answers.number import read_behind, read_number
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.spans import SENTENCE_END, extent, is_section, markers, rule_of
from magdi.plugins.answers.unfinished import unfinished
from magdi.plugins.answers.voice import instead, own_reading, reconsidered, without_remarks

MOST_WORDS = 3
"""Words that a line may have and still be a formula without delimiters."""
LONGEST_LINE = 300

_FORMULA = re.compile(
    r"(?<!\\)\$(?P<block>\$)?(?!\d[\d,.]*(?:\s+[A-Za-z]|\s*\Z|[.]\s)|\s+[a-z]{2,}[\s,])"
    r"(?P<dollars>(?:\\\$|[^$\n]|\n(?(block)|(?![ \t]*(?:[-*•][ ]|\n)))){1,300}?)(?<!\\)\$\$?"
    r"|\\\((?P<round>.{1,300}?)\\\)|\\\[(?P<square>.{1,300}?)\\\]",
    re.DOTALL,
)
_JOINED = phrase(
    r"(?:[\s$,;.]|\\[\[\]()!,;:]|\\q?quad|\\(?:text|mbox)\s?\{|\})*(?:(?:(?:and|or|for|[a-z]{4,12})\b|\([a-z]\))"
    r"(?:[\s$,;]|\\[\[\]()!,;:]|\\q?quad|\\(?:text|mbox)\s?\{|\}|(?:[a-z](?:_\{?\d\}?)?\s*=))*){0,5}"
)
_LINE_ENDS = re.compile(r"\.[\s$]*\n")
"""What ends a statement, so that the next formula is one of another."""
_LISTING = phrase(r"\b(?:and|or)\b|[,;}]")
_CONCLUDES = phrase(r"\b(?:so|thus|therefore|hence|then|answer|which|where|because|since|gives?|get|but|not)\b")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{2,}")
_BEING = phrase(r"\b(?:is|are|equals?|be|=)\b[\s:]*")
_HEAD = phrase(
    r"^(?:[^\W\d_][^:=\\$\d{}^]{1,30}:\s+|(?:so|thus|therefore|hence|then|finally|solving)\b[,\s]+(?=[^\W\d_]\b))"
)
_GETS = phrase(r"\b(?:is|are|equals?|be|get|gives?|obtain|yields?|have)\b[\s:]*")
_IS = phrase(r"\s*(?:must |should |would )?(?:is|are|equals?|be)\b(?: equal to)?[^$]{0,40}\d")
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"-?[\d./]+")
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{\s*[^\s{}]")
"""A box with something in it: what is said behind it (code, say) overrules it by a number alone."""
_FILLERS = {
    "there", "are", "is", "it", "that", "we", "have", "about", "approximately", "exactly", "only", "indeed", "still",
}  # fmt: skip
_MATHEMATICS = {"and", "or", "sqrt", "pi", "sin", "cos", "tan", "log", "ln", "exp", "infinity"}
_NOT_THIS = phrase(r"(?<=\S),\s(?:and\s)?(?:not|rather\sthan|instead\sof)\s.*", re.DOTALL)
_VERDICT = phrase(
    r"\W*(?:in)?(?:correct|valid|right|wrong|reasonable|complete|sound|accurate|logical|consistent"
    r"|as follows|below|above)\b"
)
_NAMED = phrase(r"\b(?:of|for|when|if|that|on|by|to|in|than|from|with|between|where)\s$")
_VARIABLE = re.compile(r"\s*[a-zA-Z](?:_\w)?\s*")
_EQUATION = re.compile(r"\s*(?!(?:[a-zA-Z](?:_\{?\w\}?)?|[a-zA-Z]\([a-zA-Z]\))\s*(?:=|\\in))[^=]*=")
_ASSIGNED = re.compile(r"\s*[a-zA-Z](?:_\{?\w\}?)?\s*=")
_GIVEN = phrase(r"[$)],?\s(?:(?:which\sis\s)?(?:attained|achieved|reached|obtained)\s)?(?:when|if|for|at)\s$")
_COUNTED = phrase(
    r"\bthere\s(?:are|exist)\s(?:(?:only|exactly|precisely|just|thus|therefore|a\stotal\sof)\s)*"
    r"(?P<count>\d[\d,]*|two|three|four|five|six|seven|eight|nine|ten|twelve)\s"
    r"(?P<behind>(?:(?!\bthere\s(?:are|exist)\b)[^.!?\n])*)[.!?\s]*\Z"
)
_GOES_ON = phrase(r"(?:(?!\b(?:which|such|that|where)\b).)*?(?:=|\b(?:so|giving|total)\b)")
_LISTS = re.compile(r":\s*[$\\(\d-]")
_PLAIN_LIST = re.compile(r"(?:\bis|\bare|:)\s+(-?\d[\d./]*(?:(?:,|,?\s+and)\s+-?\d[\d./]*)+)\W*\Z")
_POINT = phrase(r"(?<![\w\\])[a-z]\s?=\s?-?\d[\d./]*(?:,?\s(?:and\s)?[a-z]\s?=\s?-?\d[\d./]*(?<!\.)){1,2}[.\s]*\Z")
"""What several variables are, without delimiters: "x = 3 and y = 7."."""
_FOUND = phrase(r"\b(?:conclude|find|get|obtain|see|have)\sthat\s$")
_WITH_SIGN = phrase(
    r"(?:\b(?:is|are|be|equals|get)|=)\s+(?P<said>-?\d*\s?(?:π|√\d+|\\pi\b|\\sqrt\{\d+\})(?:\s?[-+]\s?\d+|/\d+)?)(?=[\s.,;!]|$)[^\d\n$\\]*\Z"
)
"""A number with a sign of its own, without delimiters: "the volume is 12π cubic units."."""
_CALCULATION = re.compile(
    r"(?:\\(?:times|cdot|div|text\{[^{}]{0,60}\}|frac|[,;!% ])|[\d\s+*/^().,{}%$-])+=(?=(?:\\[a-z]+|[^=a-zA-Z])+$)"
)


def normal_expression(text: str) -> str | None:
    """Returns a bare expression in normal form; see `magdi.plugins.answers.latex.normal_latex`."""
    return normal_latex(text)


def read_expression(text: str) -> Reading:
    r"""Returns the final expression of a text: \boxed{...}, behind a marker, or what its closing sentence gives.

    Several boxes or formulas in a list ("\boxed{1} and \boxed{2}") are one answer, "1,2".
    """
    return own_reading(text, _read_own)


def _read_own(text: str) -> Reading:
    prose: Reading | None = None
    for marker in markers(text):
        place = extent(text, marker)
        reading = _marked(text, marker, place) if place else None
        if reading and place and (prose is None or reading.rule == Rule.BOXED):
            leads = reading.answer is None or _leads(text[slice(*place)])
            overruled = _BOX.search(text, 0, marker.start()) and not _NUMBER.fullmatch(reading.answer or "0")
            if reading.rule == Rule.BOXED or (leads and not overruled):
                return _thought_better(text, place[0]) or reading
            prose = reading
    if prose or abstains(text):
        return prose or Reading(None, Rule.ABSTAINS)
    bare = None if _COUNTED.search(text) or _POINT.search(text, max(0, len(text) - LONGEST_LINE)) else _bare(text)
    said = without_remarks(text)
    answer = bare or (None if unfinished(said) else _closing(said))
    return Reading(answer, Rule.BARE if bare else Rule.CLOSING) if answer else NOTHING


def _thought_better(text: str, start: int) -> Reading | None:
    """Returns what is said instead of an answer that is taken back; None where none is."""
    place = instead(text, start)
    if place is None:
        place = reconsidered(text, start)
        answer = _closing(without_remarks(text[place:])) if place is not None else None
        return Reading(answer, Rule.CLOSING) if answer else None
    end = SENTENCE_END.search(text, place)
    answer = _in_sentence(text[place : end.start() if end else len(text)])
    return Reading(answer, Rule.CLOSING) if answer else None


def _marked(text: str, marker: re.Match[str], place: tuple[int, int]) -> Reading | None:
    """Returns the answer behind a marker; None where there is nothing that might be one."""
    if marker["boxed"]:
        answer = normal_latex(_boxes(text, marker.start(), place))
        return Reading(answer, Rule.BOXED) if answer else None
    span = text[slice(*place)].strip()
    if abstains(span):
        return Reading(None, Rule.ABSTAINS)
    answer = None if _VERDICT.match(span) else _in_sentence(span)
    if answer is None and is_section(text, marker):
        answer = _closing(text[place[0] :])
    return Reading(answer, rule_of(marker)) if answer else None


def _leads(span: str) -> bool:
    """Returns whether a span begins with its answer, rather than with words about it."""
    formula = _FORMULA.search(span)
    return len(_WORD.findall(span[: formula.start()] if formula else span)) <= MOST_WORDS


def _boxes(text: str, start: int, place: tuple[int, int]) -> str:
    """Returns what stands in the last box, with that of the boxes before it in the same list."""
    parts = [text[slice(*place)]]
    boxes = []
    for marker in reversed(markers(text[:start], colon_after_a=False)):
        before = extent(text, marker) if marker["boxed"] else None
        if before:
            boxes.append((marker.start(), before))
    for begin, inside in reversed(boxes):
        if not _listed(text[inside[1] + 1 : start]):
            break
        parts.insert(0, text[slice(*inside)])
        start = begin
    return ", ".join(dict.fromkeys(part.strip() for part in parts))


def _listed(gap: str) -> bool:
    """Returns whether what stands between two formulas makes them a list: "and", "or", a comma, nothing."""
    if len(gap) > 60 or _LINE_ENDS.search(gap) or _CONCLUDES.search(gap) or not _JOINED.fullmatch(gap):
        return False
    return not _WORD.search(gap) or _LISTING.search(gap) is not None


def _in_sentence(sentence: str) -> str | None:
    """Returns the answer in a sentence: its first formulas, or what stands behind its last "is"."""
    sentence = _NOT_THIS.sub("", sentence)
    formulas = list(_FORMULA.finditer(sentence))
    if not formulas:
        return _in_words(sentence)
    lead, behind = sentence[: formulas[0].start()], sentence[formulas[-1].end() :]
    if _IS.match(behind):
        return _in_words(_BEING.split(behind)[-1])
    if len([word for word in _WORD.findall(lead.lower()) if word not in _FILLERS]) <= 1:
        return _list(sentence, formulas)
    tails = [match.end() for match in _BEING.finditer(sentence)]
    tail = sentence[tails[-1] :] if tails else ""
    if tail and tails[-1] >= formulas[-1].end():
        return _in_words(tail)
    said = [formula for formula in formulas if tails and formula.start() >= tails[-1]]
    return _list(sentence, said or formulas[-1:])


def _in_words(sentence: str) -> str | None:
    """Returns the answer in a sentence without formulas: a short one itself, or else its number."""
    words = _WORD.findall(sentence)
    if len(words) <= MOST_WORDS and len(sentence) <= LONGEST_LINE:
        told = _DIGIT.search(sentence) and "\\" not in sentence and set(map(str.lower, words)) - _MATHEMATICS
        return read_behind(sentence).answer if told else normal_latex(sentence)
    tail = _BEING.split(sentence)[-1]
    if tail != sentence and not _DIGIT.search(sentence) and 0 < len(_WORD.findall(tail)) <= MOST_WORDS:
        return normal_latex(tail)
    return read_behind(sentence).answer


def _list(sentence: str, formulas: list[re.Match[str]]) -> str | None:
    """Returns the first of some formulas, with those that follow it in a list."""
    parts, end = [_inside(formulas[0])], formulas[0].end()
    for formula in formulas[1:]:
        if not _listed(sentence[end : formula.start()]):
            break
        parts.append(_inside(formula))
        end = formula.end()
    solved = [place for place, part in enumerate(parts[:-1]) if _EQUATION.match(part) and _ASSIGNED.match(parts[-1])]
    return normal_latex(", ".join(parts[solved[-1] + 1 if solved else 0 :]))


def _closing(text: str) -> str | None:
    """Returns what the last sentence with a formula or a number in it gives."""
    counted = _COUNTED.search(text, max(0, len(text) - LONGEST_LINE))
    if counted and not _GOES_ON.match(counted["behind"]):
        return None if _LISTS.search(counted["behind"]) else read_number(counted["count"]).answer
    if listed := _PLAIN_LIST.search(text, max(0, len(text) - LONGEST_LINE)):
        return normal_latex(re.sub(r",?\s+and\s+|,\s+", ",", listed[1].rstrip(".")))
    if point := _POINT.search(text, max(0, len(text) - LONGEST_LINE)):
        return normal_latex(point[0])
    if sign := _WITH_SIGN.search(text, max(0, len(text) - LONGEST_LINE)):
        return normal_latex(sign["said"])
    formulas = list(_FORMULA.finditer(text))
    if len(formulas) > 1 and _GIVEN.search(text, max(0, formulas[-1].start() - 30), formulas[-1].start()):
        formulas.pop()
    last = formulas[-1].end() if formulas else 0
    tail = text[last:]
    behind = read_number(tail).answer if _DIGIT.search(tail) else None
    if behind and (_IS.match(tail) or len(_WORD.findall(tail)) > MOST_WORDS):
        return behind
    if not formulas:
        return behind
    said = _stated(text, formulas[-1])
    if said:
        return said
    first = len(formulas) - 1
    while first and _listed(text[formulas[first - 1].end() : formulas[first].start()]):
        first -= 1
    return _list(text, formulas[first:])


def _stated(text: str, formula: re.Match[str]) -> str | None:
    """Returns the plain number of a sentence whose last formula only names something: "there are 8 values of $x$"."""
    if _FOUND.search(text, max(0, formula.start() - 20), formula.start()):
        return None
    start = max((end.end() for end in SENTENCE_END.finditer(text, 0, formula.start())), default=0)
    end = SENTENCE_END.search(text, formula.end())
    sentence = text[start : end.start() if end else len(text)]
    named = _NAMED.search(text, max(start, formula.start() - 12), formula.start()) or _VARIABLE.fullmatch(
        _inside(formula)
    )
    words = _FORMULA.sub("x", sentence)
    return read_behind(words).answer if named and _DIGIT.search(words) else None


def _bare(text: str) -> str | None:
    lines = [line for line in text.split("\n") if line.strip()]
    words = [word for word in _WORD.findall(text) if word.lower() not in _MATHEMATICS | _FILLERS]
    if len(lines) != 1 or len(text) > LONGEST_LINE or _FORMULA.search(text) or len(words) > MOST_WORDS:
        return None
    return normal_latex(_HEAD.sub("", _GETS.split(lines[0])[-1]))


def _inside(formula: re.Match[str]) -> str:
    r"""Returns a formula without its delimiters, and without the calculation that comes to it ("5 \times 6 = 30")."""
    inside = formula["dollars"] or formula["round"] or formula["square"]
    return _CALCULATION.sub("", inside, count=1) if _CALCULATION.match(inside) else inside
