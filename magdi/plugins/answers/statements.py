"""What a text says of the answer, sentence by sentence, and which of it counts in the end.

A letter or a yes is a common word, so that the last one in a text says little. What says much is a sentence about
the answer ("the answer is B", "B is correct", "so yes"), in the writer's own voice, that is not taken back later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from magdi.core.verdict import Reading, Rule
from magdi.plugins.answers.attribution import DISSENT, EARLIER, THEY_SAY, faults
from magdi.plugins.answers.clauses import CONCEDES, EXPLICIT, Clause, clauses, sentences
from magdi.plugins.answers.phrase import phrase

MOST_TAILS = 8
"""Places in a clause behind which an answer is looked for."""

_SECOND_THOUGHT = phrase(
    r"(?:\W|oh|hmm+|but|and|ah|okay|no)*\b(?:wait|actually|on (?:second|further) thought|correction|scratch that|sorry"
    r"|let me (?:re|correct)|I mean|I meant|or rather|no(?=,\s\W{0,2}(?:option\s)?[A-J]\b)"
    r"|my mistake|i was wrong|i made a mistake|upon re\w+|on reflection|hold on)\b"
)

_NOUN = (
    r"(?:answer|ans|(?<=my\s)own|option|choice|response|(?<!\bin\s)conclusion|solution|selection|verdict|vote|guess|bet|pick|decision"
    r"|judge?ment|(?<!\ba\s)result)"
)
_VERB = (
    r"(?:is|was|are|be|been|being|remains?|stays|becomes?|seems|appears\sto\sbe|seems\sto\sbe|has\sto\sbe|as"
    r"|(?<!instead\s)of|:|=|-+>|→)"
)
_MARKED = phrase(
    rf"\b(?=\w)(?<!second\s)(?<!next\s)(?<!alternative\s)(?<!each\s)(?<!every\s)(?<!each\sanswer\s){_NOUN}\b(?!\s+(?:choices|options))(?P<between>[^\n]{{0,200}}?)(?:(?<=\s)|(?=[:=→-])){_VERB}(?![\w-])(?!\s+not\s+(?:just|only)\b)"
)
_FURTHER = phrase(rf"(?:(?<=\s)|(?=[:=→])){_VERB}(?![\w-])")
_CHOSEN = phrase(
    r"\b(?:I|we)(?:'d|'ll|'m|'ve|\s(?:would|will|am|are|have|can|must|should|still|also|therefore|thus|now|\w+ly))*\s"
    r"(?:choose|chose|chosen|choosing|pick|picked|select|selected|go(?:ing)?\swith|went\swith|opt\sfor|settle\son|vote(?:\sfor)?|say"
    r"|answer|guess|believe|think|claim|maintain|insist|suspect|suggest|propose|see|reali[sz]e|conclude|lean(?:ing)?\stowards?|favou?r|agree\swith|stick\swith|stay\swith|remain\swith|left\swith|prefer|stand\sby|inclined\sto\ssay|convinced|confident|certain|sure|positive)"
    r"(?:\s(?:that|with))?(?:\s(?:it|this)(?:'s|\sis|\sshould\sbe|\smust\sbe|\swould\sbe))?(?=[\s:])"
)
_TOLD = phrase(
    rf"\b(?=\w)(?:{THEY_SAY}(?:\sthat)?(?=\s)|(?:settl|decid)ed\son(?=\s)"
    r"|(?:chang|switch|revis|updat)\w*\s(?:(?:my|our|the)\s(?:answer|choice|vote|response|mind|opinion|position)\s)?(?:from\s(?:option\s)?\W?\w+\W?\s)?to(?=\s))"
)
_CUE = phrase(
    r"(?:\W|and\s|but\s)*\b(?:so|wait|hmm|actually|sorry|correction|scratch\sthat|i\smeant?|or\srather|no(?=,\s\W{0,2}(?:option\s)?(?-i:[A-J])\b)|(?:on|upon|after)\s(?:second\s|further\s)?(?:thought|reflection)|after\s[^,.]{3,60}(?=,)|therefore|thus|hence|consequently|accordingly|finally|overall|ultimately|in\s(?:conclusion|summary|short|the\send|a\sword)|(?:there\sis\s)?(?:no|without\s(?:a|any))\s(?:doubt|question)(?:\sabout\s(?:it|that))?"
    r"|to\s(?:sum\sup|conclude|summari[sz]e)|as\sa\sresult|in\sthat\scase|by\s(?:the\s)?(?:process\sof\s)?elimination|now|no(?=\W{1,2}(?:sorry|actually|wait|i\smean)\b)|tl;?dr|bottom\sline|based\son\s(?:this|that|these|the\s\w+(?:\s\w+)?)"
    r"|(?:that|this|which|and)?\s?(?:leaves|leaving)(?:\s(?:us|only|with|just))*|only|just|it\s(?:is|must\sbe|has\sto\sbe|should\sbe|would\sbe)"
    r"|it's|must\sbe|i\.e\.|answer|the\s(?!(?:\w+\s)?(?:wrong|worst|incorrect|least|other|second|first|false)\b)(?:\w+\s){0,2}one\s(?:(?:that|which)\s(?:\w+\s){1,3})?(?:is|would\sbe|must\sbe)|final\sanswer|it\sturns\sout(?:\sto\sbe)?|which\s(?:is|means)|this\s(?:is|means))(?!\w)(?:[^\w-]|-(?!\d)|(?:it|this|that)(?:'s|\s(?:is|must\sbe|has\sto\sbe|should\sbe|would\sbe))|that|then)*"
)


_STEP = phrase(r"\W*(?:step|question|q)\s?\d")
_REFUSED = phrase(
    r"\b(?:I|we)\s(?:really\s)?(?:(?:do|did|can|could|would)(?:\snot|n't|not)|no\slonger)\s(?:think|believe|accept|agree|conclude|say|buy)\b"
    r"|\bI\s(?:really\s)?(?:doubt|disagree)\b"
    r"|\bit(?:'s|\sis|\swas|\swould\sbe)?\s?(?:(?:not|n't)\s(?:true|the\scase|right|correct|so)|(?:clearly\s|simply\s)?(?:false|wrong|incorrect|untrue|an?\s(?:\w+\s)?(?:mistake|error|misconception|myth|fallacy)))"
    r"(?:\s(?:that|to\s(?:say|claim|think|conclude|assume|answer|choose|pick|state|believe)))\b"
)
MIGHT = phrase(r"\b(?:could|might|may)\W*$")
_DENYING = phrase(
    r"(?:\b(?:cannot|not|never|unlikely|neither|nor)|n't)(?:\sto)?(?:\sbe)?(?:\s\w+ly)?(?:\s(?:confirmed|considered|taken|seen))?"
    r"[\s$\\(\[*]*$"
)


class Found(NamedTuple):
    """Something that a sentence says of the answer.

    Attributes:
        answer: The answer; None where the sentence leaves it open.
        rule: How it was found, or `Rule.UNDECIDED` and `Rule.ABSTAINS` where it is left open.
        weight: What says less does not replace what said more, unless the writer thinks better of it.
        denied: Answers that it says are wrong; it says nothing else then.
    """

    answer: str | None
    rule: Rule
    weight: int = 2
    denied: tuple[str, ...] = ()


def speaks_of_answer(clause: str) -> bool:
    """Returns whether a clause names the answer, so that what it leaves open is the answer itself."""
    return re.search(r"\banswer\b", clause, re.IGNORECASE) is not None


def refuses(clause: str) -> re.Match[str] | None:
    """Returns where a clause says that what follows is not so ("I do not think that B is the answer"), or None."""
    return _REFUSED.search(clause)


def explicit(clause: str) -> Iterator[tuple[str, Rule]]:
    """Yields what stands behind or within the marks that are made for a program to read."""
    for match in list(EXPLICIT.finditer(clause))[-2:]:
        rule = Rule.HASHES if match["hashes"] else Rule.BOXED if match["boxed"] else Rule.MARKER
        yield (
            ("not " if _DENYING.search(clause[: match.start()]) else "") + clause[match.end() :].partition("</")[0],
            rule,
        )


def marked(clause: str) -> Iterator[tuple[str, str]]:
    """Yields subject and predicate of "the answer ... is ...", once for each verb that may be the right one."""
    for match in list(_MARKED.finditer(clause))[-2:]:
        if _STEP.match(clause, match.end()):
            continue
        for verb in [match, *list(_FURTHER.finditer(clause, match.end()))[:MOST_TAILS]]:
            start = match.end("between") if verb is match else verb.start()
            subject = clause[match.start("between") : start]
            yield subject, ("not " if _DENYING.search(subject) else "") + clause[verb.end() :]


def chosen(clause: str) -> Iterator[str]:
    """Yields what stands behind "I choose", "they say" and the like."""
    return (clause[match.end() :] for pattern in (_TOLD, _CHOSEN) for match in pattern.finditer(clause))


def concluded(clause: str) -> str | None:
    """Returns what stands behind "therefore", "it must be" and the like; None where the clause has no such start."""
    said = clause
    while found := _CUE.match(said):
        said = said[found.end() :]
    return said if len(said) < len(clause) else None


class Verdict(NamedTuple):
    """What a text says in the end, and which answers it says are wrong."""

    reading: Reading | None
    denied: frozenset[str]


def decide(text: str, said: Callable[[Clause], Iterable[Found]]) -> Verdict:
    """Returns what a text says in the end, in the writer's own voice where there is one.

    Args:
        text: Text from `magdi.plugins.answers.cleaning.clean`.
        said: Finds what a clause says of the answer.
    """
    own: Found | None = None
    quoted: set[str | None] = set()
    denied: set[str] = set()
    replied = False
    for clause, thought_better in _spoken(text):
        if clause.supposed:
            if replied and clause.text.endswith("?") and not clause.last:
                own = None  # the answer to a question on the way to this one
            continue
        for found in said(clause):
            found = found._replace(weight=min(found.weight, 1)) if EARLIER.search(clause.text) else found
            replied = found.weight < 2 and bool(clause.replies_to)
            if clause.quoted and found.rule is not Rule.OPENING:
                denied |= {found.answer} if found.answer and faults(clause.text) else set()
                quoted |= set() if found.denied or CONCEDES.match(clause.text + ", ") else {found.answer} - denied
            elif found.denied:
                denied |= set(found.denied)
                own = None if own and own.answer in found.denied and found.weight >= own.weight else own
            elif own is None or found.weight >= own.weight or thought_better or (own.answer is None and found.answer):
                own = found
                denied -= {found.answer}
        if quoted and DISSENT.search(clause.text):
            denied |= {answer for answer in quoted if answer}
            quoted = set()
    if own is not None:
        return Verdict(Reading(own.answer, own.rule), frozenset(denied))
    if not quoted:
        return Verdict(None, frozenset(denied))
    return Verdict(
        Reading(quoted.pop(), Rule.LAST) if len(quoted) == 1 else Reading(None, Rule.UNDECIDED), frozenset(denied)
    )


def _spoken(text: str) -> Iterator[tuple[Clause, bool]]:
    """Yields a text's clauses, and whether the writer thinks better of what came before."""
    lines = sentences(text)
    for place, sentence in enumerate(lines):
        before = lines[place - 1] if place else ""
        better = False
        for clause in clauses(sentence, last=place == len(lines) - 1):
            better = better or bool(_SECOND_THOUGHT.match(clause.text))
            yield clause._replace(replies_to=before if before.endswith("?") and clause.opens else ""), better
