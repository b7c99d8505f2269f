"""Whose word a clause is: the writer's own, somebody else's, or what the writer said before."""

from __future__ import annotations

import re

_OTHERS = (
    r"(?:agents?|participants?|debaters?|assistants?|experts?|opponents?|students?|colleagues?|people|others?|peers?"
    r"|solvers?|solutions?|sides?|they|he|she|someone|some|many|most|one)"
)
_SAYS = (
    r"(?:say|says|said|saying|claim\w*|thinks?|thought|believ\w+|argu\w+|suggest\w*|states?|stated|answer(?:s|ed)|cho[os]\w*"
    r"|wrote|writes?|propos\w+|conclud\w+|gave|gives?|pick\w*|select\w*|went|maintains?|insists?|arrived)"
)
THEY_SAY = (
    rf"\b{_OTHERS}(?:\s(?:\d+|[A-Z]|one|two|three|and|agents?)){{0,4}},?\s(?:\w+ly\s|all\s|both\s|also\s|who\s|might\s|may\s|would\s){{0,2}}"
    rf"{_SAYS}\b"
)
_QUOTED = re.compile(
    rf"{THEY_SAY}|\b(?:agents?|solvers?|solutions?|sides?|others)(?:\s\d+|\s[A-Z])?\sha(?:s|ve|d)\b|\b{_OTHERS}(?:\s\d+|\s[A-Z])?'s?\s|\baccording\sto\s{_OTHERS}\b|\btheir\s(?:\w+\s)?(?:answer|choice)\b"
    rf"|[\"'][^\"']{{0,60}}\banswer\s(?:is|was)\b[^\"']{{0,60}}[\"']"
    rf"|\b(?:(?-i:(?!To\b|I\b|We\b)[A-Z]\w*)|agent\s\d+)\s{_SAYS}\s(?:that\s)?(?:the\s|it\s|\(?[A-Z]\b)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:majority|popular|common|consensus)\s(?:answer|choice|vote|view)\b|\b(?!(?:My|Our|Its?|Let|That|Here|What|There|This|Today|He|She|Who)\b)[A-Z]\w+'s\s(?:\w+\s)?(?:answer|choice|vote|pick|solution)\b"
)
CARRIES = re.compile(r"\W*(?:(?:and|but)\s)?(?:according\sto|as)\b[^,]{0,60},?\s*$", re.IGNORECASE)
"""What makes the clause behind it somebody else's: "According to Agent 2, the answer is B"."""
EARLIER = re.compile(
    r"\b(?:first|previous|initial|earlier|original|old)\s(?:\w+\s)?(?:answer|choice|vote|guess|pick)\b|\b(?:my|our)\s(?:answer|choice|vote|guess|pick)\swas\b|\b(?:initially|at\sfirst|previously|originally)\b",
    re.IGNORECASE,
)
_OWN_VOICE = re.compile(
    r"\bI\s(?:now|still|would|will|therefore|have|\w+ly)\s(?:choose|chose\w*|pick|select|conclude|go with)\b"
)
_ENDORSED = re.compile(
    r"\b(?:I|we)\b[^.]{0,20}\b(?:agree|concur|confirm|support)|\b(?:correctly|rightly)\b", re.IGNORECASE
)
DISSENT = re.compile(r"\b(?:dis|not |n't )agree|\bunconvinc|\b(?:not|n't) (?:convinced|persuaded)\b", re.IGNORECASE)

_WHO = (
    r"(?:agent|assistant|solver|solution|participant|student|expert)\s?\w{1,12}"
    r"|(?-i:(?!That|This|They|Neither|None|The|Which|What|Answer|Option|She|Yes)[A-Z])[a-z]{2,20}"
)
_AGREES = re.compile(
    rf"(?:\bI\s(?:\w+ly\s|also\s|now\s)?(?:agree|concur|side|go|stick)\swith\s(?P<who>{_WHO})(?:'s(?:\s\w+){{1,2}})?"
    rf"|(?:^|[.!,;\n]\s*|\b(?:that|think|believe|say|so)\s)(?P<right>{_WHO})(?:'s\s\w+)?\sis\s(?:right|correct)"
    r"|(?:^|[.!;\n]\s*|\b(?:that|think|believe|but|so)\s)(?P<none>neither|none)(?:\sof\s\w+)?\s(?:is|are)\s(?:right|correct))[\s.!*]*$",
    re.IGNORECASE,
)
_CHANGE = r"\b(?:chang|switch|revis|updat|correct|adjust|amend|mov)(?:es?|ed|ing)?\s"
_MINE = r"(?:my|our)\s(?:\w+\s)?(?:answer|choice|vote|response|mind|opinion|position|guess|estimate)\s"
_CHANGED = re.compile(
    rf"(?:\b(?P<how>(?:I|we)\b[^.,;\n]{{0,30}}?){_CHANGE}(?:{_MINE})?|{_CHANGE}{_MINE})"
    r"(?:from\s(?P<before>(?:option\s)?\S{1,40}?),?\sto\s(?P<after>(?:option\s)?\S{1,40})"
    r"|to\s(?P<now>(?:option\s)?\S{1,40}?),?\sfrom\s\S+)",
    re.IGNORECASE,
)
_NOT_CHANGED = re.compile(r"\b(?:not|never|no|without|refuse|instead)\b|n't\b", re.IGNORECASE)
_NEXT_SPEAKER = re.compile(r",?\s(?:and|but|while|whereas)\s|,\s(?=[A-Z])")


def decided(text: str) -> str:
    """Returns a text that says only to what its writer changed their answer, not from what: "from A to B" is "B"."""

    def now(change: re.Match[str]) -> str:
        if _NOT_CHANGED.search(change["how"] or ""):
            return f"my answer is {change['before']}." if change["before"] else change[0]
        return f"my answer is {change['after'] or change['now']}"

    return _CHANGED.sub(now, text)


def endorses(sentence: str) -> bool:
    """Returns whether a sentence agrees with what somebody else says."""
    return _ENDORSED.search(sentence) is not None and DISSENT.search(sentence) is None


def told(clause: str) -> bool:
    """Returns whether a clause tells what somebody else says, and nothing of the writer's own."""
    theirs = _QUOTED.search(clause) or _NAMED.search(clause)
    return theirs is not None and _OWN_VOICE.search(clause) is None


def endorsed(text: str) -> list[str] | None:
    """Returns what a text tells of the one whom it ends by agreeing with, last first; None for no such end."""
    agreed = _AGREES.search(text)
    if agreed is None or agreed["none"]:
        return agreed and []
    named = re.compile(
        rf"\b{re.escape(agreed['who'] or agreed['right'])}\b(?:[^.;\n]|\.(?=\d)){{0,160}}", re.IGNORECASE
    )
    found = reversed(list(named.finditer(text, 0, agreed.start())))
    said = [_NEXT_SPEAKER.split(said[0])[0] for said in found]
    return said if said or agreed["who"] else None
