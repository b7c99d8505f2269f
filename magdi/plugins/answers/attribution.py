"""Whose word a clause is: the writer's own, somebody else's, or what the writer said before."""

from __future__ import annotations

import re
from functools import lru_cache

from magdi.plugins.answers.phrase import phrase, words

_AGENT = r"(?:agents?|assistants?|solvers?|debaters?)"
_ROLE = (
    rf"(?:{_AGENT}|participants?|models?|experts?|bots?|students?|solutions?|responses?|opponents?|colleagues?|peers?|friends?"
    r"|teammates?|sides?)"
)
_WHICH_ONE = r"(?:[ _]?\#?\d+|\s(?-i:[A-Z])\b)"
_GROUP = (
    r"(?:an?other|others?|previous|first|second|third|both|all|two|three|someone|some|many|most|people|one|every(?:one|body)"
    r"|(?:the\s)?majority)"
)
_NAME = (
    r"(?-i:(?!(?:My|Our|Its?|Let|That|Here|What|There|This|Today|The|To|I|We|He|She|They|You|Who|Both|So|But|And|If|As)\b)"
    r"[A-Z]\w+)"
)
_SAYS = (
    r"(?:say(?:s|ing)?|said|claim\w*|thinks?|thought|believ\w+|argu\w+|suggest\w*|states?|stated|answer(?:s|ed)|wrote|writes?"
    r"|propos\w+|conclud\w+|maintains?|insists?)"
)
_CHOOSES = r"(?:cho[os]\w*|gave|gives?|gets|got|pick\w*|select\w*|went|arrived?s?|voted?s?)"
_ANSWER = r"(?:answers?|choice|vote|pick|solution|result|claim|suggestion)"
_MIGHT = r"(?:\w+ly\s|all\s|both\s|also\s|who\s|might\s|may\s|would\s|could\s|else\s){0,2}"
_WHO = rf"(?:{_ROLE}|{_GROUP})(?:(?:\s(?:of\sthe|two|three|and|other|{_ROLE})\b|{_WHICH_ONE})){{0,4}}"
_PERSON = rf"(?:{_NAME}|the\suser|they|he|she)"
THEY_SAY = rf"\b(?:{_WHO}|they|he|she),?\s{_MIGHT}(?:{_SAYS}|{_CHOOSES})\b"
_TOLD = (
    rf"according\sto\s(?:{_WHO}|the\sothers?|{_NAME}(?!'))|their\s(?:\w+\s)?{_ANSWER}\b|{_ANSWER}\s(?:of|by|from)\s(?:the\s)?(?:(?:an)?others?|{_ROLE})\b|{_NAME}'s\s(?:\w+\s)?{_ANSWER}\b"
    rf"|your\s(?:\w+\s)?{_ANSWER}\b(?!\s?:)|(?:majority|popular|common|consensus)\s(?:answer|choice|vote|view)\b"
    rf"|(?:you|one|people|some|many|most)\s(?:might|could|may|would)\s(?:\w+\s)?(?:{_SAYS}|say|think|argue|expect|guess|answer|assume)\b"
)
_AS_TOLD = rf"^\W*as\s{_NAME}\s(?:{_SAYS}|points)\b"
_TELLS_OF_ANSWERS = phrase(
    words(
        _TOLD,
        THEY_SAY,
        rf"(?:{_AGENT}|solutions?|sides?|others){_WHICH_ONE}?\sha(?:s|ve|d)\b",
        rf"(?:{_ROLE}|{_GROUP}|he|she|they){_WHICH_ONE}?'s?\s",
        rf"(?:{_NAME}|agent\s\d+)\s(?:{_SAYS}|{_CHOOSES})\s(?:that\s)?(?:the\s|it\s|\(?[A-Z]\b)",
        otherwise=rf"{_AS_TOLD}|[\"'][^\"']{{0,60}}\banswer\s(?:is|was)\b[^\"']{{0,60}}[\"']",
    )
)
_TELLS_OF_VALUES = phrase(
    words(
        _TOLD,
        rf"{_AGENT}{_WHICH_ONE}|(?:an?other|others?|previous|both)\s(?:of\sthe\s)?(?:other\s)?{_AGENT}\b",
        rf"(?!{_GROUP}\s(?:wrote|writes?)\s\W?\d){_WHO}\s{_MIGHT}{_SAYS}\b",
        rf"(?:others?|both|all|most|everyone|everybody|majority|{_ROLE}{_WHICH_ONE})\s(?:also\s)?(?:gives|gave|gets|got)\b",
        rf"{_PERSON}\s{_SAYS}\s(?:that\s)?(?:the|its?|it's)\b[^.\n]{{0,40}}?\b(?:answer|is)\b",
        r"(?:initially|at\sfirst|previously|originally|earlier),?\sI\s(?:had|got|thought|said|chose|answered|believed)\b",
        r"I\s(?:had\s)?(?:initially|first|previously|originally|earlier)\s(?:had|got|thought|\w+ed|said|chose)\b",
        r"(?:my|our)\s(?:earlier|previous|former|first|initial|old|original)\s(?:\w+\s)?(?:was|is|had|did|didn't|only|of|forgot|\W?\d)",
        rf"(?:one|another|(?:the\s)?other)\s{_AGENT}'s\s",
        otherwise=_AS_TOLD,
    )
)
"""A choice is told of by whoever chooses; an amount that somebody gave or picked may be the question's own."""
CARRIES = phrase(r"\W*(?:(?:and|but)\s)?(?:according\sto|as)\b[^,]{0,60},?\s*$")
"""What makes the clause behind it somebody else's: "According to Agent 2, the answer is B"."""
EARLIER = phrase(
    r"\b(?:first|previous|initial|earlier|original|old)\s(?:\w+\s)?(?:answer|choice|vote|guess|pick)\b|\b(?:my|our)\s(?:answer|choice|vote|guess|pick)\swas\b|\b(?:initially|at\sfirst|previously|originally)\b"
)
_OWN_VOICE = re.compile(
    r"\bI\s(?:now|still|would|will|therefore|have|\w+ly)\s(?:choose|chose\w*|pick|select|conclude|go with)\b"
)
_ENDORSED = phrase(r"\b(?:I|we)\b[^.]{0,20}\b(?:agree|concur|confirm|support)|\b(?:correctly|rightly)\b")
DISSENT = phrase(r"\b(?:dis|not |n't )agree|\bunconvinc|(?:\bnot|n't) (?:convinced?|persuaded?|accept|buy)\b|\bdoubt\b")

_FAULTS = phrase(
    r"\b(?:wrong|incorrect|mistaken|flawed|invalid|unsound|off\sby|overlook\w*|ignor(?:es?|ed|ing)|neglect\w*|miss(?:es|ed)|forg[eo]ts?|double[\s-]counts?"
    r"|leaves?\sout|left\sout|misread\w*|miscalculat\w*|fail(?:s|ed)?\sto)\b"
)
_RIGHT_ONE = (
    r"(?:agent|assistant|solver|solution|participant|student|expert)\s?\w{1,12}"
    r"|(?-i:(?!That|This|They|Neither|None|The|Which|What|Answer|Option|She|Yes)[A-Z])[a-z]{2,20}"
)
_AGREES = phrase(
    rf"(?:\bI\s(?:\w+ly\s|also\s|now\s)?(?:agree|concur|side|go|stick)\swith\s(?P<who>{_RIGHT_ONE})(?:'s(?:\s\w+){{1,2}})?"
    rf"|(?:^|[.!,;\n]\s{{0,2}}|\b(?:that|think|believe|say|so)\s)(?P<right>{_RIGHT_ONE})(?:'s\s\w+)?\s(?:is\s(?:right|correct)|(?:has|got)\sit\sright)"
    r"|(?:^|[.!;\n]\s{0,2}|\b(?:that|think|believe|but|so)\s)(?P<none>neither|none)(?:\sof\s\w+)?\s(?:is|are)\s(?:right|correct))"
    r"(?P<why>[\s.!*]*$|(?:\W{1,3}|\s(?:here|on\sthis))\s?(?:(?:because|since|as|for|that)\s)?[^\n]{0,200}$)"
)
_CHANGE = r"\b(?:chang|switch|revis|updat|correct|adjust|amend|mov)(?:es?|ed|ing)?\s"
_MINE = r"(?:my|our)\s(?:\w+\s)?(?:answer|choice|vote|response|mind|opinion|position|guess|estimate)\s"
_CHANGED = phrase(
    rf"\b(?=\w)(?:(?:(?P<how>(?:I|we)\b[^.,;\n]{{0,30}}?){_CHANGE}(?:{_MINE})?|{_CHANGE}{_MINE})"
    r"(?:from\s(?P<before>[^,;\n]{1,40}?),?\sto\s(?P<after>(?:option\s)?\S{1,40})"
    r"|to\s(?P<now>(?:option\s)?\S{1,40}?),?\sfrom\s\S+)"
    rf"|(?P<who>(?:I|we)\b[^.,;\n]{{0,30}}?){_CHANGE}{_MINE}(?:to|as)\s(?P<new>\W{{0,2}}(?:[$€£]?-?\d[\d.,/]*(?<![.,])|[A-J](?![\w'])|yes\b|no\b)))"
)
_ONLY_THOUGHT = phrase(
    r"\b(?:is|was|were|are)\s(?:\w+ly\s)?(?:thought|believed|assumed|said|supposed|expected|claimed)\sto\sbe\s(?:[^.;\n]|\.(?=\w|,?\s[a-z])){1,60}?"
    r",?\sbut\s(?:(?:it|that)\s)?(?:(?:in\sfact|actually|really)\s)?(?:is|was|turn(?:s|ed)\sout\sto\sbe)\s"
)
_NOT_CHANGED = phrase(r"\b(?:not|never|no|without|refuse|instead)\b|n't\b")
LONGEST_END = 400
"""Characters at a text's end in which it may agree with somebody."""
_NEXT_SPEAKER = re.compile(r",?\s(?:and|but|while|whereas)\s|,\s(?=[A-Z])")


def decided(text: str) -> str:
    """Returns a text that says only to what its writer changed their answer, not from what: "from A to B" is "B"."""

    def now(change: re.Match[str]) -> str:
        if _NOT_CHANGED.search(change["how"] or change["who"] or ""):
            return f"my answer is {change['before']}." if change["before"] else change[0]
        return f"my answer is {change['after'] or change['now'] or change['new']}"

    return _ONLY_THOUGHT.sub("is ", _CHANGED.sub(now, text))


@lru_cache(maxsize=256)
def endorses(sentence: str) -> bool:
    """Returns whether a sentence agrees with what somebody else says."""
    return _ENDORSED.search(sentence) is not None and DISSENT.search(sentence) is None


def faults(clause: str) -> bool:
    """Returns whether a clause finds what it tells of to be wrong."""
    return _FAULTS.search(clause) is not None or DISSENT.search(clause) is not None


@lru_cache(maxsize=256)
def told(clause: str) -> bool:
    """Returns whether a clause tells what somebody else says, and nothing of the writer's own."""
    return _TELLS_OF_ANSWERS.search(clause) is not None and _OWN_VOICE.search(clause) is None


@lru_cache(maxsize=256)
def tells_of_value(clause: str) -> re.Match[str] | None:
    """Returns where a clause with a value in it begins to tell what somebody else says; None where it does not."""
    return _TELLS_OF_VALUES.search(clause)


def endorsed(text: str) -> tuple[list[str], str] | None:
    """Returns what a text tells of the one whom it ends by agreeing with, last first, and why; None for no such end."""
    text = text.rstrip()
    agreed = _AGREES.search(text, max(0, len(text) - LONGEST_END))
    if agreed is None or agreed["none"]:
        return agreed and ([], "")
    named = phrase(rf"\b{re.escape(agreed['who'] or agreed['right'])}\b(?:[^.;\n]|\.(?=\d)){{0,160}}")
    found = reversed(list(named.finditer(text, 0, agreed.start())))
    said = [_NEXT_SPEAKER.split(said[0])[0] for said in found]
    return (said, agreed["why"]) if said or agreed["who"] else None
