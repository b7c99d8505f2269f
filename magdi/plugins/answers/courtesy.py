"""What a reply says to its reader around its answer: courtesies, how sure its writer is, who speaks."""

from __future__ import annotations

import re

from magdi.plugins.answers.phrase import phrase

_FRONT = phrase(
    r"\A\W*(?:(?:(?:(?:certainly|sure(?:\sthing)?|of\scourse|absolutely|okay|ok|alright)\W+)?"
    r"(?:here(?:'s|\sis|\s(?:you|we)\sgo)\b(?:\s(?:my|the)\s(?:\w+\s)?(?:answer|solution|response|reasoning))?"
    r"|let(?:'s|\sme|\sus)\s(?:work|think|break|go|solve|look|take|start|analy[sz]e)\b[^.!?:\n\d]*)[.:!]"
    r"|(?:what\sa\s)?(?:great|good|interesting|nice)\squestion[.!]|(?:hello|hi)(?:\sthere)?[.!,]"
    r"|(?:certainly|sure|of\scourse|absolutely|okay|ok|alright)[.!,]"
    r"(?=\s+(?:A|ans(?:wer)?|final|result|\#{4}|the\s(?:\w+\s)?answer)\b)"
    r"|thank(?:s|\syou)\b(?!\sto\b)[^.!?:\n\d]*[.!])\s+)+"
)
_BEHIND = phrase(
    r"(?:(?<=[^\w\s,;])\s+|(?<=\S)\s*\n\s*|(?<=\w)\s+(?=(?-i:[A-Z])))(?:(?:thank(?:s|\syou)\b(?!\sto\b)"
    r"|(?:please\s)?(?:let\sme\sknow|feel\sfree)|please\s(?:double[ -]?check|note|verify|ask)\b"
    r"|(?:I\s)?hope\s(?:this|that|it)\b|have\san?\s(?:nice|great|good|lovely|wonderful)\b"
    r"|(?:best|kind|warm)\s(?:regards|wishes)\b|you(?:'re|\sare)\swelcome\b|happy\sto\shelp\b"
    r"|if\syou\s(?:have|need|want|would|'d)\b|is\sthere\sanything|would\syou\slike|does\s(?:that|this)\smake\ssense)[^.!?:=\n\d]*[.!?]?"
    r"|(?:and\s)?I(?:'m|\sam)\s(?:(?!not\b)[\w%]+\s){0,2}(?:confident|sure|certain)(?:\s(?:in|about|of)\s(?:this|that|it|my\s\w+))?[.!]?"
    r"|(?:my\s)?confidence(?:\s(?:level|score))?\s?(?:[:=]|is)\s?(?:[\d.]+\s?%?(?:\s?/\s?\d+)?|(?:very\s)?(?:high|medium|moderate|low))[.!]?"
    r"|[-—–]{1,2}\s?(?-i:[A-Z])[a-z]+(?:\s\w+)?|\[(?:end|done|eos)\]|\(\d\sof\s\d\))\s*\Z"
)
"""A remark to the reader, whose signature, or how sure somebody is; a capital begins it where no sign stands before."""
_SPEAKER = phrase(
    r"(?:^[ \t*]{0,9}|(?<=[.!?;,]\s))((?:agent|solver|expert|debater|participant|player)[ _]?\w{0,8}[ ]?:[\s*]{0,9})",
    re.MULTILINE,
)
_AT_START = re.compile(r"[ \t*]*")


def without_courtesies(text: str) -> str:
    """Returns a reply without the courtesies at its ends and its only speaker's name; whole where nothing is left."""
    kept = text
    while (behind := _BEHIND.search(kept, max(0, len(kept) - 300))) and re.search(r"\w", kept[: behind.start()]):
        kept = kept[: behind.start()]
    speakers = [speaker.span(1) for speaker in _SPEAKER.finditer(kept)]
    if len(speakers) == 1 and _AT_START.fullmatch(kept, 0, speakers[0][0]):
        kept = kept[speakers[0][1] :]
    kept = _FRONT.sub("", kept, count=1)
    return kept if re.search(r"\w", kept) else text
