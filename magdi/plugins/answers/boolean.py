"""Yes or no: yes, no, true, false, correct, incorrect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.clauses import Clause, clauses, sentences
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.restated import asks_the_same, can_be_restated, read_restated
from magdi.plugins.answers.statements import (
    MIGHT,
    Found,
    chosen,
    concluded,
    decide,
    explicit,
    marked,
    refuses,
    speaks_of_answer,
)  # fmt: skip

_VALUES = {
    "yes": "yes", "true": "yes", "correct": "yes", "right": "yes", "yeah": "yes", "yep": "yes", "y": "yes",
    "no": "no", "false": "no", "incorrect": "no", "wrong": "no", "nope": "no", "n": "no", "untrue": "no",
    "affirmative": "yes", "negative": "no", "supported": "yes", "refuted": "no", "unfounded": "no", "unsupported": "no",
    "inaccurate": "no", "accurate": "yes", "valid": "yes", "invalid": "no",
}  # fmt: skip
_FILLER = phrase(
    r"""
      [\s"'$\\:=>,*_-]+ | (?:text|mathrm|mathbf|textbf|boxed|bf)\s?\{ | [({\[](?=\S)
    | (?:that's|that|it's|it|this|is|was|be|a|an|the|most|very|quite|much|more|likely|definitive|definitely
        |certainly|clearly
        |probably|possibly|perhaps|maybe|therefore|thus|indeed|simply|just|actually|still|also|resounding|definite|clear
        |strong|firm|absolutely|generally|typically|usually|technically|logically|currently|then|so
        |statement|claim|answer|would|must|should|considered)\b(?!\s*[.,;)]\s*$)
    """,
    re.VERBOSE,
)
_ECHO = phrase(
    r"[(\[]\s?(?:answer\s|in\s)?[\"']?(?:yes|true)[\"']?\s?(?:or|/|,|\|)\s?[\"']?(?:no|false)[\"']?\s?[)\]]"
    r"|\b(?:yes\s?(?:or|/)\s?no|true\s?(?:or|/)\s?false)(?=\s(?:question|answer)|\s?:)|\byes\sor\sno\?"
)
"""What the prompt asked for, said again: "The answer (Yes or No) is ..."."""
_LONG = phrase(
    r"(?P<short>\b(?:short|quick|simple)\s(?:answer|version)\W(?:[^\n]|\n(?=.*answer)){2,80}?)\blong(?:er)?\s(?:answer|version)\W+it(?:\s\w+){0,3}\sdepends\b[^.!?\n]*"
)
"""What takes nothing back: "Short answer: no. Long answer: it depends"."""
_COMPARED = phrase(r",?\s(?:rather\sthan|instead\sof|as\sopposed\sto)\s[\"']?(?:yes|no|true|false)\b[\"']?")
_WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s?\{\s?(\w+)\.?\s?\}")
_IN_FRONT = phrase(
    r"\W*(?:(?:so|thus|therefore|hence|but)\b\W*)?(?P<word>yes|no|true|false)\W?\s(?:is|was|(?:must|should|would)\sbe)\s"
    r"(?:\w+ly\s)?(?:the|my|our)\s(?:\w+\s){0,2}(?:answer|choice|vote|verdict|response)\b(?!\sif\b)"
)
"""What is said to be the answer: "No is my final answer"."""
_CLAIM = phrase(
    r"\b(?:claim|statement|idea|notion|belief|assertion|view|hypothesis)\sthat\s(?P<held>[^.;\n]{3,200}?)\s(?:is|was|would\sbe)\s"
    r"(?:\w+ly\s)?(?P<value>wrong|false|incorrect|untrue|mistaken|unfounded|an?\smyth|true|correct|right)\b"
)
_LETTER = re.compile(r"(?:^[ \t]*|(?<=[.!]\s))A[ ]?:[ ]*", re.MULTILINE)
_WORD = phrase(
    r"(?P<word>yes|no|true|false|yeah|yep|nope|correct|incorrect|right|wrong|untrue|affirmative|negative)(?![\w-])"
)
_OPENING = phrase(
    r"""
    (?P<word>yes|yeah|yep|nope|true|false|correct|incorrect
      |no(?=\W*$|\s?[.,;:!)\]"'—–*}-]|\s(?:it|he|she|they|we|you|I|this|that|these|those|there|not|because|since|as|for|from|in|the|a|an)\b(?!\s(?:more|longer)\b)))(?![\w-])
    """,
    re.VERBOSE,
)
_OF_WHAT = phrase(r"\sthat\b")
"""What makes "it is true" one of what follows, which may be another matter than what was asked."""
_HEDGE = phrase(
    r"(?:\W|(?:(?:most|very|quite)\s)?(?:likely|probably|definitely|certainly|technically|generally|typically|usually|clearly|possibly"
    r"|perhaps|maybe|of\scourse|in\sgeneral)\b)*"
)
_SO = r"(?:it|that|this)(?:'s|\sis|\swould\sbe)"
_SURELY = (
    r"(?:absolutely|definitely|certainly|undoubtedly|surely|of\scourse|almost\scertainly"
    r"|most\slikely|probably|very\slikely)"
)
_IS = r"(?:is|was|does|did|can|could|will|would|has)"
_ALONE = phrase(
    rf"[\W_]*(?:indeed,?\s)?(?:(?P<yes>y|yup|sure|indeed|by\sall\smeans|(?:(?:very|quite|most)\s)?(?:probably|likely)|it\s{_IS}"
    rf"|(?:i\s(?:really\s|do\s)?(?:think|believe|guess|suppose)|i(?:'d|\swould)\ssay)\sso|i\s(?:\w+ly\s)?agree\swith\sth(?:e|is)\s(?:statement|claim)|{_SO}\s(?:\w+ly\s)?not\s(?:false|wrong|incorrect|untrue)|(?:why|oh|well|um|hmm)\W+yes|absolutely|definitely|certainly|undoubtedly|of\scourse|{_SO}\s(?:\w+ly\s)?(?:true|correct|right|(?:very\s|most\s)?likely)"
    rf"|(?:no|without\sa)\sdoubt(?:\sabout\sit)?)"
    rf"|(?:n|nah|never|hardly|i\s(?:\w+ly\s)?disagree\swith\sth(?:e|is)\s(?:statement|claim)|i\s(?:really\s)?doubt\s(?:it|that)|it\s{_IS}(?:\snot|n't)|no\sway|not\squite|not\s(?:really|at\sall|likely|true|correct)|(?:highly\s|very\s|most\s)?unlikely|{_SURELY}\snot|by\sno\smeans"
    rf"|{_SO}\s(?:\w+ly\s)?(?:not\s(?:true|correct|right|the\scase|so|likely)|false|incorrect|wrong|untrue|(?:very\s|highly\s)?unlikely)"
    rf"|(?:that|this|it)\sisn't\s(?:true|correct|right|the\scase)|i\s(?:do\snot|don't)\s(?:really\s)?(?:think|believe)\sso))[\W_]*"
)
_NOT = phrase(r"(?:not|isn't|never|n't)\s+")
_NOT_ALONE = phrase(
    r"(?:(?:probably|likely|definitely|certainly|absolutely|of course)\s)?not\W*$|(?:\w+\s)?unlikely\b(?!\sto\sbe)"
)
_ANOTHER = phrase(
    r"\W{0,3}(?:\s?(?:and|or|nor|/|but\salso|maybe|perhaps|possibly)\s?(?:also\s|possibly\s|not\s)?)[\"']?(?:yes|no|true|false)(?=\W*$|[\"',.;:)]|\s(?:if|for|when|in|depending)\b)"
)
_BUT_ANOTHER = phrase(r"but\s(?:also\s)?(?:yes|no)\s(?:for|in|to|if|when|on|by|at|as)\b")
_EACH_IF = phrase(
    r"\W*(?:\w+ly|in\s\w+),?\s(?:yes|no)\b[^.]{0,40}\b(?:\w+ly|in\s\w+),?\s(?:yes|no)\b|\W*(?:yes|no)\b[^.]{0,80}\bif\b[^.]{0,80}\b(?:yes|no)\b[^.]{0,80}\bif\b"
)
_BUT_ALONE = phrase(r"but\W+(yes|no|true|false)\W*")
_MIGHT_ALSO = phrase(r"\b(?:could|might|may)\s(?:also|equally|just\sas\swell)\sbe\s(?:yes|no|true|false)\b")
_STATEMENT = phrase(
    r"(?:\bstatement|\bclaim|\bassertion|\bpremise|\bproposition|\bhypothesis|\bit|\bthis|^\W*(?:\w+,?\s){0,2}that)"
    r"(?:(?:'s|\s(?:\S+\s){0,8}?(?:is|was|would\sbe|must\sbe|are))(?P<not>\s(?:\w+ly\s)?not|n't)?\s(?:therefore\s|thus\s|also\s|indeed\s|an?\s|\w+ly\s)?"
    r"(?P<word>true|false|correct|incorrect|untrue|wrong|the\scase|supported|refuted|unfounded|unsupported|(?:in)?accurate|(?:in)?valid)|\s(?P<fails>does\snot|doesn't)?\s?(?P<holds>holds?)(?:\s(?:up|true))?(?=\W*$))\b(?!\s(?:that|to|if|when|for))"
)
_LAST_CLEAR = phrase(r"(?P<not>\bnot\s|n't\s)?(?<![\w-])(?P<word>yes|no(?=[\s\"')\]]*(?:[.,;!:]|$)))(?![\w-])")
_OWN_AGAIN = phrase(r",?\s(?:and|but|so)\s(?=(?:my|our|the)\s(?:\w+\s)?answer\b)")
"""Where a clause that refuses what others say goes on with what its writer says."""
_STEP = phrase(r"\bstep\s?\d")
_BOTH = phrase(
    r"\b(?:yes\s?(?:and|or|/)\s?no|true\s?(?:and|or|/)\s?false|neither\s(?:yes|true)|both\s(?:yes|true)"
    r"|(?:maybe|perhaps|possibly)\s(?:yes|no),?\s(?:or\s|and\s)?(?:maybe|perhaps|possibly)\s(?:yes|no))\b"
)
_NO_ANSWER = phrase(
    r"\W*(?:based on|contingent|moot|the same (?:for|in) both|a matter of|open to|up to|complicated"
    r"|it'?s? (?:is )?possible)\b"
)
_THEN = phrase(r"\W*(?:but|however|yet|in\s(?:fact|reality)|still|nevertheless)\b,?\s")
_FINAL = phrase(r"\W*(?:the\s)?final\sanswer\s?:")
LONGEST_SAID = 300
SHORT_TEXT = 200


def normal_boolean(text: str) -> str | None:
    """Returns "yes" or "no" for a word that says so alone, None for anything else."""
    return _VALUES.get(text.strip().strip(".!'\"()").lower())


def read_boolean(text: str, question: str = "") -> Reading:
    """Returns the final yes or no of a text: what it says of the answer, how it opens, or the last clear one.

    Args:
        text: A reply.
        question: What was asked: a conclusion that says it again as a statement is an answer, too.
    """
    text = _WRAPPED.sub(r"\1", _COMPARED.sub("", text))
    if alone := normal_boolean(text) or _alone(text):
        return Reading(alone, Rule.BARE)
    text = _LETTER.sub("Answer: ", _ECHO.sub(" ", _LONG.sub(r"\g<short>", text)))
    asked, question = question, question if can_be_restated(question) else ""
    reading, _ = decide(text, partial(_said, question=question))
    if reading and reading.rule not in (Rule.NOTHING, Rule.ABSTAINS):
        return reading
    restated = _restated(text, asked)
    if restated or (reading and reading.rule is Rule.ABSTAINS):
        return restated or reading or NOTHING
    first = _alone(next(iter(sentences(text)), ""))
    return Reading(first, Rule.OPENING) if first else _unmarked(text, question)


def _alone(text: str) -> str | None:
    """Returns the yes or no that a text says in other words, and says nothing else: "I think so", "not really"."""
    match = _ALONE.fullmatch(text)
    return ("yes" if match["yes"] else "no") if match else None


def _restated(text: str, question: str) -> Reading | None:
    """Returns what the last clause says where it says the question again as a statement."""
    last = [clause for sentence in sentences(text)[-1:] for clause in clauses(sentence)][-1:]
    stands = last and not last[0].supposed and not last[0].quoted
    refused = refuses(last[0].text) if stands else None
    text = last[0].text[refused.end() :] if refused else _THEN.sub("", last[0].text) if stands else ""
    said = read_restated(text, question) if stands else None
    return Reading(_flip(said, negated=refused is not None), Rule.RESTATED) if said else None


def _said(clause: Clause, question: str) -> Iterator[Found]:
    """Yields what a clause says of the answer."""
    text = clause.text
    behind = [
        *((tail, rule, 2) for tail, rule in explicit(text)),
        *((predicate, Rule.MARKER, 1 if MIGHT.search(subject) else 2) for subject, predicate in marked(text)),
    ]
    if refused := refuses(text):
        own = _OWN_AGAIN.search(text, refused.end())
        if own:
            yield from _said(clause._replace(text=text[own.end() :]), question)
        elif held := _held(text[refused.end() :]):
            yield Found(_flip(held, negated=True), Rule.CONCLUSION)
        return
    if named := next((found for tail, rule, weight in behind if (found := _named(tail, rule, weight))), None):
        yield named
        return
    claim = _CLAIM.search(text)
    if claim and (value := read_restated(claim["held"], question)):
        right = claim["value"].lower() in ("true", "correct", "right")
        yield Found(_flip(value, negated=not right), Rule.RESTATED, 1)
        return
    if front := _IN_FRONT.match(text):
        yield Found(_VALUES[front["word"].lower()], Rule.CONCLUSION)
        return
    if _MIGHT_ALSO.search(text):
        yield Found(None, Rule.UNDECIDED, 1)
    yield from _answered(text, question)
    for tail in chosen(text):
        if found := _named(tail, Rule.CONCLUSION, 1):
            yield found
        elif alone := _alone(tail):
            yield Found(alone, Rule.CONCLUSION, 1)
    another = bool(clause.replies_to and not (question and asks_the_same(clause.replies_to, question)))
    if not (question and another):
        yield from _opened(clause, question, weight=not another)


def _held(said: str) -> str | None:
    """Returns the yes or no that what somebody says comes to: "that the answer is yes", "it is true", "no"."""
    found = [_named(tail, Rule.MARKER) for tail in [said, *(predicate for _, predicate in marked(said))]]
    if answer := next((each.answer for each in found if each), None):
        return answer
    stated = _STATEMENT.search(said)
    return _value(stated) if stated else None


def _answered(text: str, question: str) -> Iterator[Found]:
    """Reads "the answer is ..." where neither yes nor no follows: none is given, or the question is said again."""
    predicate = next((predicate for _, predicate in marked(text)), None)
    if predicate is not None and _FINAL.match(text):
        value = read_restated(predicate, question)
        yield Found(value, Rule.RESTATED if value else Rule.NOTHING, 1)
    if predicate is not None and speaks_of_answer(text) and (_NO_ANSWER.match(predicate) or abstains(predicate)):
        yield Found(None, Rule.ABSTAINS)


def _opened(clause: Clause, question: str, weight: int) -> Iterator[Found]:
    """Reads "Yes, ..." at a sentence's start, "so no", and "the statement is false"."""
    end = concluded(clause.text)
    hedge = _HEDGE.match(clause.text if end is None else end)
    opening = _OPENING.match(hedge.string, hedge.end()) if hedge else None
    if _BUT_ANOTHER.match(clause.text):
        yield Found(None, Rule.UNDECIDED)
    elif but := _BUT_ALONE.fullmatch(clause.text):
        yield Found(_VALUES[but[1].lower()], Rule.OPENING, weight)
    elif _EACH_IF.match(clause.text):
        yield Found(None, Rule.UNDECIDED, 1)
    elif (
        opening
        and (clause.opens or end is not None)
        and not (question and _OF_WHAT.match(opening.string, opening.end()))
    ):
        value = _VALUES[opening["word"].lower()]
        stated = _STATEMENT.search(opening.string, opening.end())
        both = _ANOTHER.match(opening.string, opening.end()) or (stated and _value(stated) != value)
        yield Found(None, Rule.UNDECIDED, 1) if both else Found(value, Rule.OPENING, weight)
    elif stated := _STATEMENT.search(clause.text):
        yield Found(_value(stated), Rule.CONCLUSION, 1 if clause.last else 0)
    elif clause.last and abstains(clause.text):
        yield Found(None, Rule.ABSTAINS, 0)


def _named(said: str, rule: Rule, weight: int = 2) -> Found | None:
    """Returns the yes or no that a text begins with, or that it says both; None where it begins with neither."""
    said = said[:LONGEST_SAID]
    if _BOTH.match(said.lstrip(" \"'*:")):
        return Found(None, Rule.UNDECIDED, weight)
    negated = False
    while True:
        if _NOT_ALONE.match(said):
            return Found("no", rule, weight)
        word = _WORD.match(said)
        if word and not (word["word"].lower() == "no" and re.match(r"\s+\w", said[2:]) and not _OPENING.match(said)):
            both = _ANOTHER.match(said, word.end())
            return (
                Found(None, Rule.UNDECIDED, weight)
                if both
                else Found(_flip(_VALUES[word["word"].lower()], negated), rule, weight)
            )
        if negation := _NOT.match(said):
            negated, said = not negated, said[negation.end() :]
        elif filler := _FILLER.match(said):
            said = said[filler.end() :]
        else:
            return None


def _unmarked(text: str, question: str) -> Reading:
    """Returns the last clear yes or no of a text that says nothing of the answer as such."""
    if abstains(text):
        return Reading(None, Rule.ABSTAINS)
    if _BOTH.search(text[-160:]):
        return Reading(None, Rule.UNDECIDED)
    lines = sentences(text)
    if question and len(lines) > 1 and lines[-2].endswith("?") and not asks_the_same(lines[-2], question):
        return NOTHING
    last = [line for line in (lines if len(text) <= SHORT_TEXT else lines[-1:]) if not _STEP.search(line)]
    stated = [
        clause.text
        for sentence in last
        for clause in clauses(sentence)
        if not (clause.supposed or clause.quoted or refuses(clause.text))
    ]
    clear = list(_LAST_CLEAR.finditer(" ".join(stated)))
    return Reading(_value(clear[-1]), Rule.LAST) if clear else NOTHING


def _value(match: re.Match[str]) -> str:
    said = match.groupdict()
    word = (said.get("word") or "true").lower()  # "holds"
    return _flip(_VALUES.get(word, "yes"), bool(said.get("not") or said.get("fails")))


def _flip(value: str, negated: bool) -> str:
    return {"yes": "no", "no": "yes"}[value] if negated else value
