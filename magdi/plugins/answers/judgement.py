"""What is said for or against options: "B is right", "A and C are wrong", "all but D can be ruled out", ticks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from magdi.core.verdict import Rule
from magdi.plugins.answers.options import Names
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.statements import Found

_JUDGED = phrase(
    r"""
    ^[\s)\].,"'}$:|–—→-]*(?P<not>(?:(?:is|are|was|be|must|would|should|seems?|appears?|to|remains?|does|do|can|cannot|could|will|both|all|indeed|the|a|an|my|our
        |only|one|most|best|more|even|much|makes?|make|likely|therefore|thus|also|clearly|probably|definitely|fully|actually|option|choice|single|final|not|n't|isn't
        |doesn't|don't|that|this|and|it|itself)[\s,]+
        |\((?!\s?\w\s?\))[^()]{0,80}\)\s+)*)
    (?:(?P<right>correct|right|true|better|likelier|likely|probable|sense|preferable|(?:comes\ )?closest|closer
        |stronger|safer|superior
        |relevant|sensible
        |convincing|consistent|precise|sound|solid|compelling|it\ is(?=\W*$)|valid|best|answer|accurate
            |appropriate|suitable|fitting|plausible|logical|reasonable|solution|choice|option|fit|match
        |complete|comprehensive|(?:remains?|left|yes)(?=\W*(?:$|[,;]))
        |(?:fits?|works?|match(?:es)?|suits?|describes?)(?:\ [\w-]+){1,6}?\ (?:best|better|perfectly)(?=\W*$|[.,;])
        |(?:fits?|works?|match(?:es)?|applies|holds|wins|prevails)(?:\ (?:best|better|well|perfectly))?(?=\W*$|[.,;]))
      |(?P<wrong>wrong|incorrect|false|invalid|inaccurate|eliminated|ruled|excluded|flawed|unsound|unconvincing|dismissed|rejected|discarded|implausible|unlikely|irrelevant|impossible|inappropriate|out|no(?=\W*(?:$|[,;]))))\b
    """,
    re.VERBOSE,
)
_DO_NOT = phrase(
    r"[\s)\].,]*(?:all\s|both\s)?(?:(?:do|does|are|is|can|could|will|would|have|has)\snot\b|cannot\b|fail\b|lack\b)"
)
"""What sets a list of options apart from the one that is not in it: "A, C and D do not conduct"."""
_NEITHER = phrase(r"\b(?:neither|not)\W*$")
_CLAUSE_LEAD = phrase(
    r"(?:\W|and|but|so|therefore|thus|hence|since|as|because|only|that|the|option|choice|answer(?=\s\W?\w\W)|I|conclude|believe|think|both(?=\s\W?\w\W))+(?=\W*\(?\w)"
)
_THE_OPTIONS = r"(?:(?:both|all|the|of|these|options?|choices?|answers?)\s)*"
_FRONTED = phrase(
    rf"\W*(?:(?:so|thus|therefore|hence),?\s)?(?:among|amongst|of|out\sof|from|between|comparing|considering|given|both"
    rf"|(?:after\s|by\s|having\s|with\s)?(?:rul\w+\sout|eliminat\w+|exclud\w+|discard\w+|dismiss\w+|reject\w+))\s{_THE_OPTIONS}"
)
_BEHIND_LIST = re.compile(r"[\s)\].]*,\s+")
_HEADED = phrase(
    r"[\W_]*(?:all\s|the\s)?(?:(?P<right>correct|right|true|valid)|(?P<wrong>(?:in|not\s)correct|wrong|false|invalid|eliminated|ruled\sout|rejected))"
    r"(?:\s(?:options?|choices?|answers?|ones?))?\s?[:=]\s*"
)
_RULES_OUT = phrase(
    rf"\b(?:rul(?:e|ed|ing)\sout|eliminat(?:e|ed|ing)|exclud(?:e|ed|ing)|discard(?:ed|ing)?|dismiss(?:ed|ing)?|reject(?:ed|ing)?)\s{_THE_OPTIONS}"
)
_NOR_IS = phrase(r"(?:^|[\s,])(?:unlike|(?:neither|nor)\s(?:is|are|was|can|could|does|do|will|would|has|have))\s")
_DENIES = phrase(r"\b(?:not|never|cannot|neither)\b|n't\b|\bwould\b")
_TICKS = re.compile("(?P<starts>^[ \\t*>|-]*)?(?:(?P<right>[✓✔✅☑])|[✗✘❌✖])\ufe0f?[ \\t]*", re.MULTILINE)
_MANY = r"\b(?P<many>(?P<none>none|nothing|no)|all|every(?:thing)?|each|any(?:thing)?)\b"
_THINGS = (
    r"(?:\s(?:of\s)?(?:the\s|these\s|those\s)?(?:other\s)?(?:option|choice|answer|alternative|one)s?"
    r"|\s(?:of\s)?(?:them|these|those|it)|\selse)?"
)
_BUT = r"(?:but|except(?:\sfor)?|other\sthan|besides|apart\sfrom|aside\sfrom|with\sthe\sexception\sof)"
_EXCEPT = phrase(rf"{_MANY}{_THINGS},?\s{_BUT}\s(?:(?:option|choice|answer)\s)?")
_EXCEPT_FIRST = phrase(
    r"\W*(?:\w+,\s)?(?:apart\sfrom|aside\sfrom|except\sfor|other\sthan|besides|with\sthe\sexception\sof)\s(?:(?:option|choice|answer)\s)?"
)
_THEN_MANY = phrase(rf"[\s).\]]*,?\s*{_MANY}")
_AGAINST = phrase(
    r"\b(?:rul\w+\sout|eliminat\w+|exclud\w+|discard\w*|dismiss\w*|reject\w*|wrong|incorrect|false|impossible|implausible|invalid"
    r"|inappropriate|irrelevant|unlikely|cannot|not|fails?|lacks?)\b|n't\b"
)


def judgement(subject: str, predicate: str, options: Names) -> Found | None:
    """Reads "(answer) (A) is incorrect", where the option stands before the verb."""
    verdict = _JUDGED.match(predicate)
    labels = options.mentioned(subject)
    if verdict is None or len(labels) != 1:
        return None
    if _negative(verdict):
        return Found(None, Rule.CONCLUSION, 1, tuple(labels))
    return Found(labels.pop(), Rule.CONCLUSION, 1)


def judged(text: str, options: Names) -> Iterator[Found]:
    """Reads "B is the right one" and "A and C are wrong"."""
    start = _CLAUSE_LEAD.match(text)
    said = text[start.end() :] if start else text
    while said:
        labels, rest = options.listed(said)
        verdict = _JUDGED.match(rest) if labels and not options.leading(rest.lstrip(" ,.;:")) else None
        neither = _NEITHER.search(text[: len(text) - len(said)])
        if verdict and _negative(verdict) != bool(neither):
            yield Found(None, Rule.CONCLUSION, 1, tuple(labels))
        elif verdict and len(labels) > 1:
            yield Found(None, Rule.UNDECIDED, 1)
        elif not verdict and len(labels) > 1 and _DO_NOT.match(rest):
            yield Found(None, Rule.CONCLUSION, 1, tuple(labels))
        elif verdict:
            yield Found(labels[0], Rule.CONCLUSION, 1)
        ahead = options.label.search(rest, verdict.end() if verdict else int(rest == said))  # at least one sign on
        said = ahead.string[ahead.start() :] if ahead else ""


def is_judged(text: str) -> bool:
    """Returns whether a text begins with what is judged of an option before it."""
    return _JUDGED.match(text) is not None


def is_rejected(text: str) -> bool:
    """Returns whether a text begins with what is wrong of an option before it."""
    verdict = _JUDGED.match(text)
    return verdict is not None and _negative(verdict)


def _negative(verdict: re.Match[str]) -> bool:
    return bool(verdict["wrong"]) != bool(re.search(r"\bnot\b|n't|cannot", verdict["not"]))


def without_ticks(text: str) -> str:
    """Returns a text in which ticks and crosses, before or behind an option, are said in words."""

    def said(tick: re.Match[str]) -> str:
        word = "correct" if tick["right"] else "wrong"
        return f"{word}: " if tick["starts"] is not None else f" is {word}.\n"

    return _TICKS.sub(said, text)


def without_lead(text: str, options: Names) -> str:
    """Returns a clause without the options that it only begins with: "Among A, B and C, only C ..."."""
    lead = _FRONTED.match(text)
    labels, rest = options.listed(text[lead.end() :]) if lead else ([], "")
    end = _BEHIND_LIST.match(rest)
    return rest[end.end() :] if end and len(labels) > 1 else text


def sorted_out(text: str, options: Names) -> Iterator[Found]:
    """Yields what a clause says of options that it heads as right or wrong, or rules out."""
    headed = _HEADED.match(text)
    if headed:
        labels, rest = options.listed(text[headed.end() :])
        if labels and headed["wrong"]:
            yield Found(None, Rule.CONCLUSION, 1, tuple(labels))
        elif labels:
            yield Found(
                labels[0] if len(labels) == 1 else None, Rule.CONCLUSION if len(labels) == 1 else Rule.UNDECIDED, 1
            )
    elif (out := _NOR_IS.search(text)) or (
        (out := _RULES_OUT.search(text)) and not _DENIES.search(text, 0, out.start())
    ):
        labels, _ = options.listed(text[out.end() :])
        if labels:
            yield Found(None, Rule.CONCLUSION, 1, tuple(labels))


def set_apart(text: str, options: Names) -> Found | None:
    """Returns what a clause says of the option that it excepts from what it says of all, or of none, of the others."""
    match = _EXCEPT_FIRST.match(text)
    if match:
        labels, rest = options.listed(text[match.end() :])
        many = _THEN_MANY.match(rest)
    else:
        match = many = _EXCEPT.search(text)
        labels, rest = options.listed(text[match.end() :]) if match else ([], "")
    if match is None or many is None or len(labels) != 1:
        return None
    against = _AGAINST.search(rest) or _AGAINST.search(text, 0, match.start())
    if bool(many["none"]) != bool(against):
        return Found(labels[0], Rule.CONCLUSION, 1)
    return Found(None, Rule.CONCLUSION, 1, tuple(labels))
