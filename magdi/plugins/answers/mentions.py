"""The only option that a text names which says nothing of the answer as such."""

from __future__ import annotations

import re

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.clauses import clauses, sentences
from magdi.plugins.answers.options import Names, tokens
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.statements import concluded
from magdi.plugins.answers.unfinished import cut_off

SHORT_TEXT = 200
NOT_BEFORE = phrase(
    r"\b(?:not|never|neither|nor|none|no(?:body|where|\sone)|hardly|cannot|without|unlike|except|wrong|incorrect|avoid\w*)\b"
    r"|n't\b"
)
_RULED_OUT = phrase(
    r"\b(?:rul\w+ out|eliminat\w+|reject\w*|exclud\w+|discard\w*|disagree with)\W+(?:\w+\W+){0,4}?\(?[A-Z]\b"
)
_THE_OTHERS = phrase(
    r"(?:[;,.]|\s[-–—])\s(?:and\s|but\s|while\s|whereas\s)?(?:all\s|none\sof\s)?(?:the\s)?(?:others?|rest|(?:other|remaining)\s(?:options|choices|answers|ones))\b[^,;]*$"
)
_POINTED = re.compile(r"\b(?:is|be|are)\s(?:therefore\s|thus\s|option\s)*(\([A-Za-z0-9]\))")
_MIGHT_ALSO = phrase(r"\b(?:could|might|may)\s(?:also|equally|just as well|as well)\b")
_ALONE_IN_FRONT = re.compile(r"[\s*(\[]{0,4}[A-Z][)\]*]{0,3}\.\s+[A-Z]")
"""A label that a sentence begins behind: "B. It is quiet there"."""
_WHICH = re.compile(r",\swhich\b[^.;]*")


def only_mentioned(options: Names, text: str, denied: frozenset[str] = frozenset()) -> Reading:
    """Returns the option of a text that says nothing of the answer as such: the only one that it names."""
    left = set(options.labels) - denied
    if options.texts and len(left) == 1 and denied:
        return Reading(left.pop(), Rule.CONCLUSION)
    if cut_off(text):
        return NOTHING
    lines = [line for line in sentences(text) if not line.rstrip("\"')* ").endswith("?")]
    text = "\n".join(lines)
    standing = [
        options.labelled(match)
        for line in lines
        if (match := options.leading(line.strip(" *#>-")))
        and not tokens(options.behind(match.string[match.end() :], options.labelled(match)))
    ]
    if len(set(standing)) == 1 and not set(standing) & denied:
        return Reading(standing[0], Rule.LAST)
    if len(standing) == len(options.labels) + 1 and set(standing) == set(options.labels):
        return Reading(standing[-1], Rule.LAST)  # the options, and one of them again
    named = options.mentioned(text, clearly=True)
    if len(named) == 1 and not named & denied and not _RULED_OUT.search(text):
        return Reading(named.pop(), Rule.LAST)
    heads = [options.labelled(match) for line in lines if (match := options.leading(line.strip(" *#>-")))]
    first = _opening(options, lines[0], heads) if len(lines) > 1 and concluded(lines[-1]) is None else None
    if first is not None and first not in denied:
        return Reading(first, Rule.OPENING)
    gone_through = len(heads) == len(set(heads)) > 2 and options.leading(lines[-1].strip(" *#>-"))
    last = _last(options, lines[-1], short=len(text) <= SHORT_TEXT) - denied if lines and not gone_through else set()
    if len(last) == 1 and not last & set(standing):
        return Reading(last.pop(), Rule.LAST)
    if abstains(text):
        return Reading(None, Rule.ABSTAINS)
    return Reading(None, Rule.UNDECIDED) if len(named) > 1 else NOTHING


def _opening(options: Names, line: str, heads: list[str]) -> str | None:
    """Returns the option that a text begins with as a sentence of its own: "B. It is quiet there", "A museum. ..."."""
    if heads:
        return heads[0] if len(heads) == 1 and _ALONE_IN_FRONT.match(line) else None
    label = options.by_text(line)
    return label if label and not tokens(options.behind(line, label)) else None


def _last(options: Names, sentence: str, *, short: bool) -> set[str]:
    """Returns the options that a text's last sentence names: anywhere in a short text, else as its conclusion."""
    sentence = _THE_OTHERS.sub("", sentence)
    pointed = options.mentioned(" ".join(_POINTED.findall(sentence)), clearly=True)
    if len(pointed) == 1 and options.mentioned(sentence, clearly=True) == pointed:
        return pointed
    if any(against.search(sentence) for against in (NOT_BEFORE, _RULED_OUT, _MIGHT_ALSO)) or len(sentence) > SHORT_TEXT:
        return set()
    parts = [clause for clause in clauses(sentence) if not clause.supposed]
    own = " ".join(clause.text for clause in parts if not clause.quoted) or (sentence if parts else "")
    labels = options.mentioned(own, clearly=not short)
    if labels or short:
        return labels or set(options.by_mention(_WHICH.sub("", own)))
    if not re.search(r"[.!?][\s\"')*]*$", sentence):
        return set()  # cut off
    return options.ends(sentence) if concluded(sentence) is None else set(options.by_mention(sentence))
