"""Whose word a number or formula is, and whether it stands: told of others, asked, denied, taken back, or a remark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from magdi.core.verdict import Reading, Rule
from magdi.plugins.answers.attribution import CARRIES, endorses, faults, tells_of_value
from magdi.plugins.answers.clauses import clause_ends
from magdi.plugins.answers.phrase import phrase, words
from magdi.plugins.answers.spans import SENTENCE_END
from magdi.plugins.answers.statements import refuses

_VALUE = (
    r"(?:\$[^$\n]{1,120}\$|\\\([^\n]{1,120}?\\\)|\\boxed\s?\{(?:[^{}\n]|\{[^{}\n]{0,60}\}){0,120}\}"
    r"|[$€£]?-?\d{1,15}(?:[.,/]\d{1,15}){0,6}%?)"
)
_HAS_VALUE = re.compile(r"\d|\$[^$\n]|\\[(\[]|\\boxed")
_DENIED = phrase(
    rf"(?:\b(?:not|never|cannot|unlikely\sto\sbe|anything\sbut)|n't)\s(?:be\s|equal\sto\s|equal\s)?{_VALUE}(?:\sn?or\s{_VALUE}){{0,4}}"
    rf"|{_VALUE}\)?(?:\s[a-z]+)?\s(?:is|was|are|seems|would\sbe|must\sbe|can(?:not|'t)\sbe)\s?(?:\w+ly\s)?"
    r"(?:(?:not|n't)(?:\s(?:the\s|a\s)?(?:\w+\s)?(?:answer|correct|right|true|possible|valid)|(?=[\s.!]*(?:\n|\Z)))"
    r"|incorrect|wrong|false|impossible|invalid|mistaken|too\s(?:high|low|large|small|big|much|many|few))\b"
)
_TAG_QUESTION = phrase(r"(?:,\s(?:right|correct|yes|no|ok(?:ay)?|\w+n't\s\w+))\?\W*$")
_ASIDE = phrase(r"\b(?:of|from|by|with|on|to|in|than|like|reviewing|reading|considering)\s(?:the\s|an?\s|all\s)?\Z")
_OWN = phrase(r"\W*(?:but|however|yet|so|therefore|thus|hence|I|my|we|our|whereas|while)\b")
_CLAIMS = phrase(r"=|\b(?:I|answer|my|we|so|therefore|thus|hence|it(?:'s| is))\b")
_SAME = phrase(
    words(
        r"so\s(?:did|do)\sI\b|(?:as|like|with)\s(?:mine|me|my)\b",
        r"(?:concur|confirm\w*|consistent|same|matches|remains?|in\sboth)\b",
        r"(?<!not\s)(?<!isn't\s)(?<!neither\sis\s)(?<!none\sis\s)correct(?:ly)?\b",
    )
)

_ABOUT_THE_SAME = phrase(
    r"(?:(?<=[$)}π°])|(?<=\d/\d)|(?<=\d/\d\d))[\s,;(]{1,3}(?:(?:which|this|that)\sis,?\s|or\s|i\.e\.,?\s|=\s)?(?:approximately|about|roughly|approx\.?|around|≈|\\approx)"
    r"[\s$\\(]{0,3}-?\d+(?:[.,]\d+)*\\?%?[\s$\\)]{0,3}(?=(?:[.;](?:\s|$))|\n|$)"
)
"""An approximation of the exact value before it."""

_IN_CASES = phrase(
    rf"\bif\b[^.;!\n]{{1,80}}\banswer\b[^.;!\n]{{0,40}}{_VALUE}[^.;!\n]{{0,20}}[.;]\s{{1,3}}(?:but\s|and\s)?(?:if|otherwise|else)\b"
    rf"[^.;!\n]{{1,100}}{_VALUE}[^.;!\n]{{0,20}}\W*\Z"
    rf"|{_VALUE}[^.;!\n]{{0,20}}\sif\b[^.;!\n]{{1,80}}\b(?:and|but|or)\s{_VALUE}\s(?:otherwise|if|else)\b[^.;!\n]{{0,60}}\W*\Z"
    r"|\b(?:two|three|several|multiple)\s(?:possible|different|valid|plausible)\s(?:final\s)?(?:answers|results|interpretations)\b[^.\n]{0,60}\W*\Z"
)
"""What ends a text that gives one answer for each of several cases."""

_STATES = (
    r"(?:[\s,:;.]*\b(?:it|that|this|the|correct|right|real|final|answer|total|number|result|value|should|must|would|is|was|be|are|i"
    r"|meant|mean|get|got|actually|rather|equals|so|then|now|wait|no)\b(?:'s)?){0,12}[\s,:;.]*"
)
_INSTEAD = phrase(
    r"(?:[.!,;(\n…—–]|\s-)\s{0,3}(?:(?:oh|hmm+|ah|but|and|well|okay|wait|actually)\b[\s,.…]{0,5}){0,4}"
    r"(?:(?:no(?=[,;:.\s])|sorry|correction|edit(?:ed)?(?=:)|(?:scratch|strike|make)\sthat|i\smeant?|or\srather|oops|my\s(?:mistake|bad|apologies)"
    r"|i\s(?:was\swrong|made\san?\s\w+|misspoke|miscalculated)|(?:on|after|upon)\s(?:second\s|further\s|closer\s)?(?:thought|reflection)"
    r"|let\sme\s(?:correct|fix)\s(?:that|this|it|myself))"
    rf"\b{_STATES}|(?:wait|actually|hold\son|hmm+)\b(?:(?=[\s,]*{_VALUE}[\s.!]*(?:\n|\Z))[\s,]*|(?=[\s,:.]+(?:it|that|this|the)\b){_STATES}))"
    rf"(?={_VALUE}(?!\d|\s?[-+*/×=^]|\s(?:of|more|other|times)\b|\s\w+\s(?:is|are|was|were)\b))"
)
_ADMITS = phrase(
    r"(?<=[.!?\s])(?:oh|no|but|hmm+)?[ ,]{0,2}\b(?:wait|hmm+|actually|oops|sorry|hold on|correction|on second thought)"
    r"\b[^.!?\n]{0,60}?"
    r"\b(?:wrong|incorrect|not (?:right|correct)|(?:a|my) mistake|an error|miscalculated|forgot\w*|missed"
    r"|overlooked)\b(?![^.!?\n]{0,40}\?)"
    r"|(?<=[.!?,]\s)(?:but )?I (?:have )?(?:made a mistake|miscalculated|was wrong)\b"
    r"|(?<=[.!?]\s)(?:so|therefore|thus|hence),?\s(?:it|this|the\sanswer)\s(?:should|must)\s(?:actually\s|instead\s)?be\b"
)
_RECONSIDERS = phrase(
    r"(?:^|(?<=[.!?]\s)|(?<=\n))(?:but )?(?:wait|hold on|hmm+|actually)\b(?![^.!?\n]{0,80}\?)", re.MULTILINE
)
_CONCLUDES = phrase(
    r"\b(?:so|therefore|thus|hence|(?:total|answer)\s(?:is|should)|should\sbe|must\sbe)\b[^.!?\n]{0,80}\d"
)
_CONFIRMS = phrase(
    r"\b(?:yes|correct|right|indeed|confirm\w*|still|same|checks?\sout|holds|as\sbefore|consistent|matches)\b"
)

_REMARK = phrase(
    r"(?:^[^\w\n]*|(?<=[.!?]\s)(?=to\s(?:double|verify|check)|(?:we|you|I|let)\s|please|feel|if\syou|hope))"
    r"(?:(?P<behind>explanation|reason(?:ing)?|justification)\b|(?:verif\w+|to\s(?:verify|(?:double[ -])?check|confirm)"
    r"|(?:sanity\s|double[ -])?check(?:ing)?\b[:,]?"
    r"|(?:let(?:'s|\sme|\sus)|(?:we|you|I)\scan)\s(?:\w+[ -])?(?:check|verify|confirm)\b"
    r"|(?:please\s)?(?:let\sme\sknow|feel\sfree)|(?:I\s)?hope\s"
    r"|if\syou(?:'d\s|\s(?:would\slike|need\s(?:any|more|further|help)|want\s(?:me|more|any|further)|have\s(?:any|more|further|other|questions?|doubts?)))"
    r"|note\b|remark\b|confidence|difficulty|this\sis\sbecause"
    r"|I(?:'m|\sam)\s(?:about\s)?\d+\s?%)).*(?:\n(?![ \t]*\n).*){0,40}",
    re.MULTILINE,
)
_SUMS_UP = phrase(r"\b(?:so|therefore|thus|hence)\b[^.\n]{0,60}\d|\b(?:total|altogether|in all)\b")
_COMES_TO = phrase(r"\b(?:so|therefore|thus|hence|total)\b[^.!?\n]{0,80}\d[^.!?\n]{0,40}[.!]?\n\n\Z")
_SURE = phrase(
    r"[,;]?\s?\(?\b(?:and\s|with\s|at\s|my\s|an?\s){0,3}(?:confidence|certainty)(?:\s(?:level|score))?(?:\s(?:is|of|at)|\s?[:=])?"
    r"\s?\d+(?:\.\d+)?\s?(?:%|percent\b|/\s?100?\b|out\sof\s100?\b)?\)?"
    r"|[,;]?\swith\s(?:an?\s)?\d+(?:\.\d+)?\s?%?\s(?:confidence|certainty)\b"
)
_NUMBER = re.compile(r"\d[\d.,]*")


def own_reading(text: str, read: Callable[[str], Reading]) -> Reading:
    """Returns what a reader finds in the writer's own words, or in what others say where these hold nothing."""
    text = _ABOUT_THE_SAME.sub("", text)
    if _IN_CASES.search(text, max(0, len(text) - 400)):
        return Reading(None, Rule.UNDECIDED)
    parts = list(_standing(text, told=False))
    own = _ended("".join(parts), text)
    reading = read(own)
    claimed = reading.rule not in (Rule.CLOSING, Rule.LAST) or _CLAIMS.search(own)
    if reading.rule is Rule.NOTHING or not claimed:
        every = list(_standing(text, told=True))
        reading = read(_ended("".join(every), text)) if every != parts else reading
        if len(every) > len(parts) and _differ([part for part in every if part not in parts], read):
            return Reading(None, Rule.UNDECIDED)
    return reading


def _differ(told: list[str], read: Callable[[str], Reading]) -> bool:
    """Returns whether others are told to have said different things."""
    said = [reading for part in told if (reading := read(part.strip(" ,"))).answer]
    return len({reading.answer for reading in said}) > 1 or any(reading.rule is Rule.LAST for reading in said)


def _ended(kept: str, text: str) -> str:
    """Returns what was kept of a text without the comma before what was not: it is not cut off for that."""
    return kept if kept == text else kept.rstrip(" ,;:–—-\n")


def instead(text: str, start: int) -> int | None:
    """Returns where the last value stands that one before it is taken back for ("7, no, 8"); None where none is."""
    found = [match.end() for match in _INSTEAD.finditer(text, start)]
    return found[-1] if found else None


def reconsidered(text: str, start: int) -> int | None:
    """Returns where a text begins anew, after it has found that what it said is wrong; None where it does not."""
    if admitted := _ADMITS.search(text, start):
        return admitted.end()
    if again := _RECONSIDERS.search(text, start):
        rest = text[again.end() :]
        return again.end() if _CONCLUDES.search(rest) and not _CONFIRMS.search(rest) else None
    return None


def without_remarks(text: str) -> str:
    """Returns a text without checks, notes and the like behind what it comes to, and without how sure its writer is."""
    surer = _SURE.sub("", text)
    text = surer if _NUMBER.search(surer) else text

    def kept(remark: re.Match[str]) -> str:
        before = text[max(0, remark.start() - 400) : remark.start()]
        values = [] if _SUMS_UP.search(remark[0]) else _NUMBER.findall(before)
        said = (
            before.endswith("\n\n") and (len(values) == 1 or _COMES_TO.search(before)) if remark["behind"] else values
        )
        return "" if said else remark[0]

    return _ended(_REMARK.sub(kept, text), text)


def _standing(text: str, *, told: bool) -> Iterator[str]:
    """Yields the parts of a text that are neither asked nor denied, and not told of others unless these count, too."""
    cuts = [0, *(end.end() for end in SENTENCE_END.finditer(text)), len(text)]
    sentences = [text[start:end] for start, end in zip(cuts, cuts[1:], strict=False)]
    for sentence, behind in zip(sentences, [*sentences[1:], ""], strict=True):
        if not _HAS_VALUE.search(sentence):
            yield sentence
        elif not sentence.rstrip("\"')* \n").endswith("?") or _TAG_QUESTION.search(sentence):
            others = (
                (told and not faults(sentence))
                or endorses(sentence)
                or endorses(behind)
                or _SAME.search(sentence + behind) is not None
            )
            yield from _clauses(sentence, told=others)


def _clauses(sentence: str, *, told: bool) -> Iterator[str]:
    """Yields the clauses that stand; "according to Ben, the answer is 5" is one clause of Ben's."""
    start, carried = 0, False
    for end in clause_ends(sentence):
        clause = sentence[start:end]
        who = tells_of_value(clause)
        theirs = who is not None and not (
            _HAS_VALUE.search(clause, 0, who.start()) or _ASIDE.search(clause[: who.start()])
        )
        theirs = theirs or (carried and not _OWN.match(clause))
        carried = who is not None and CARRIES.match(clause) is not None and not _HAS_VALUE.search(clause, who.end())
        left = _DENIED.sub(" ", clause)
        if not refuses(clause) and (told or not theirs) and (left == clause or _HAS_VALUE.search(left)):
            yield left
        start = end
