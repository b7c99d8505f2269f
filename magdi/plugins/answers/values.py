"""Answers as they stand in prose, and how a sentence leads to one and ends behind it, whatever was asked."""

from __future__ import annotations

import re

from magdi.plugins.answers.phrase import phrase

VALUE = (
    r"(?:(?:option|choice|answer)\s)?[\"'(\[]{0,2}"
    r"(?:(?-i:[A-J])(?![\w'])|(?:yes|no|true|false)\b|[$€£]?-?\d[\d.,/]*(?<![.,/])%?(?!\w)|\$[^$\n]{1,60}\$|\\\([^\n]{1,60}?\\\))"
    r"[\"')\]]{0,2}"
)
"""A label, a yes or no, a number, a formula: what can be told from prose without knowing what was asked."""
NAMED = f"(?P<v>{VALUE})"
"""The answer that is meant, of those in a pattern."""
END = r"(?=\W*(?:\Z|\n)|[.!?](?:\s|\Z))"
"""Where an answer ends a sentence."""
GOES_ON = r"(?:and|but|because|since|as|even|not|over|rather|although|though|despite|instead|while|whereas)"
"""What a sentence goes on with behind an answer."""
STOP = rf"(?:{END}|(?=[,;:]|\s{GOES_ON}\b|\s\())"
IT_IS = r"(?:that\s)?(?:(?:it(?:'s|\sis|\sshould\sbe|\smust\sbe)|the\sanswer\sis)\s)?"
SAYS = (
    r"(?:says?|said|thinks?|claims?|argues?(?:\sfor)?|answer(?:s|ed)|chose|chooses?|picks?|picked|votes?(?:\sfor)?"
    r"|voted(?:\sfor)?|believes?)"
)
I_DO = r"\bI" + "".join(
    rf"(?<!\b{before}\sI)" for before in ("if", "should", "would", "when", "could", "can", "do", "did", "unless")
)
"""The writer, who neither asks nor supposes: no "should I", no "if I"."""
RIGHT = r"(?:right|correct|true|the\s(?:right\s|correct\s)?answer)"
WRONG = r"(?:wrong|incorrect|false|mistaken|not)"
HOLD = (
    r"(?:hold(?:ing)?\s(?:on\s|fast\s)?to|cling(?:ing)?\sto|stick(?:ing)?\s(?:with|to|by)|stay(?:ing)?\s(?:with|at|by)"
    r"|stand(?:ing)?\s(?:by|with)|keep(?:ing)?(?=\s\W{0,2}[a-zA-Z])|vot(?:e|ing)(?:\sfor)?|settl(?:e|ed|ing)\s(?:for|on)"
    r"|opt(?:ed|ing)?\sfor|remain(?:ing)?\s(?:with|at)|go(?:ing)?\swith|second|maintain)"
)
"""Verbs by which a writer makes an answer, or keeps it, their own; "I keep 5" is a matter of apples."""
CHOOSE = (
    rf"(?:{HOLD}|choose|chose|pick(?:ed)?|prefer|select(?:ed)?|(?:go|went)\s(?:with|for)|take|decided?\s(?:for|on))"
)
REFUSE = (
    r"(?:won't|will\snot|do\snot|don't|cannot|can't|wouldn't|would\snot|refuse\sto|see\sno\sreason\sto|have\sno\sreason\sto"
    r"|am\snot\sgoing\sto)\s(?:switch|change|move|go|convert)\s(?:my\s\w+\s)?"
)

Rule = tuple[tuple[str, ...], re.Pattern[str]]
"""What a text has to have one of for a pattern to be looked for, and the pattern."""


def rules(listed: tuple[tuple[tuple[str, ...], str], ...]) -> tuple[Rule, ...]:
    """Compiles patterns; each has a group "v" for the answer that is meant."""
    return tuple((signs, phrase(pattern, re.MULTILINE)) for signs, pattern in listed)
