"""What a reply says of its writer's answer in many words, said in few: "my answer is B"."""

from __future__ import annotations

import re
from functools import lru_cache

from magdi.core.mag import Choice
from magdi.plugins.answers.contrast import CONTRASTS
from magdi.plugins.answers.declaration import DECLARATIONS
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.values import END, I_DO, IT_IS, NAMED, REFUSE, RIGHT, SAYS, VALUE

_ONLY_OTHERS = phrase(
    rf"\s?\((?:(?:it\s)?was|were|previously|formerly|originally|earlier|not|instead\sof|rather\sthan"
    rf"|agents?\s\w+\s{SAYS}|(?:the\s)?others?\s{SAYS})\W{{1,2}}{IT_IS}{VALUE}[^()\n]{{0,40}}\)"
    rf"|~~{VALUE}~~|{I_DO}\s{REFUSE}to\s{VALUE}\s?(?:[;,.]|\Z)"
    rf"|\b(?:giv(?:e|ing)\sup|abandon(?:ing)?|dropp?(?:ing)?|withdraw(?:ing)?|retract(?:ing)?)\s(?:my\s(?:\w+\s)?(?:answer\s(?:of\s)?)?)?{VALUE}"
    r"(?=\s?(?:[.;,]|\Z|and\b))"
    r"|\bI\s(?:had\s)?(?:previously|first|initially|originally|earlier)\s(?:said|thought|answered|claimed|believed)\s"
    rf"(?:that\s)?the\sanswer\s(?:is|was)\s{VALUE}(?=[.;,])"
)
"""What is only said of another answer."""
_OF_OTHERS = (" (", "~~", " to ", " up ", "ing ", "withdraw", "retract", "abandon", "drop", "the answer ")
_OF_ERRORS = ("mistaken", "wrong", "incorrect", "in error", "misled")
_ERR = "(?:{})".format("|".join(_OF_ERRORS).replace(" ", r"\s"))
_THEY_ERR = phrase(
    r"\b(?P<who>(?:they|he|she|this|that|these|those|both|all|agents?\s\w+|the\sothers)\s?(?:is|are|was|were|'re|'s)\s"
    rf"(?:all\s|both\s|\w+ly\s)?{_ERR})\s?[:;—–]\s?{IT_IS}{NAMED}{END}"
)
_THEY_SAY_BUT = phrase(
    rf"(?P<they>\b{SAYS}\s{IT_IS}{VALUE},?\s(?:but|(?:and\s)?yet)\s){NAMED}(?:(?=[,.;!])|{END}|\sis\s{RIGHT}{END})"
)
_NOT_OTHER = phrase(rf"{NAMED},\s(?:and\s)?not\s{VALUE}(?:,?\s(?:or|nor|and)\s{VALUE})*(?:\s(?:as|like)\b[^.;\n]*)?")
_IN_THE_AFFIRMATIVE = phrase(
    rf"{I_DO}(?:'d|\swould|\swill|\smust|\shave\sto)?\s(?:answer|respond|reply)(?:\s(?:this|it|that|the\squestion))?"
    r"\s(?:\w+ly\s)?in\sthe\s(?:(?P<yes>affirmative)|negative)\b"
)
_RULES = (*CONTRASTS, *DECLARATIONS)
_NUMERIC = re.compile(r"\W*\d|\W*\\")
_DIGIT = re.compile(r"\d")
_ARTICLE = phrase(r"^(?:the|an?)\s")
_ALONE = phrase(VALUE)
LONGEST_OPTION = 40
"""Characters of an option's text that may stand for its label here."""
LONGEST = 1000
"""Characters at a text's end in which answers are set against others."""


def plainly(text: str, options: tuple[Choice, ...] = ()) -> str:
    """Returns a text in which an answer that is set against others is said alone, as "my answer is".

    Args:
        text: A text.
        options: The question's options, which may be named by their texts.
    """
    start = max(0, len(text) - LONGEST)
    said = _labelled(text[start:], options)
    plain = _mine(said)
    lowered = plain.lower()
    plain = (
        _THEY_ERR.sub(r"\g<who>. my answer is \g<v>", plain) if any(sign in lowered for sign in _OF_ERRORS) else plain
    )
    plain = _THEY_SAY_BUT.sub(r"\g<they>my answer is \g<v>", plain) if "but " in lowered or "yet " in lowered else plain
    plain = _ONLY_OTHERS.sub("", plain) if any(sign in lowered for sign in _OF_OTHERS) else plain
    return text if plain == said else text[:start] + plain


def _mine(text: str) -> str:
    lowered = text.lower()
    text = _NOT_OTHER.sub(r"\g<v>", text) if " not " in lowered else text
    if "in the " in lowered:
        text = _IN_THE_AFFIRMATIVE.sub(lambda said: f"my answer is {'yes' if said['yes'] else 'no'}", text)
    for words, rule in _RULES:
        if any(word in lowered for word in words):
            text = rule.sub(_declared, text)
    return text


def _declared(said: re.Match[str]) -> str:
    """Returns an answer as its writer's; a number or formula that more numbers follow is one of a calculation."""
    if _NUMERIC.match(said["v"]) and _DIGIT.search(said.string, said.end()):
        return said[0]
    return f"my answer is {said['v']}"


def _labelled(text: str, options: tuple[Choice, ...]) -> str:
    """Returns a text with the labels of options for their texts, where these are short."""
    labels, pattern = _texts(options)
    return pattern.sub(lambda said: f"option {labels[said[1].lower()]}", text) if labels else text


@lru_cache(maxsize=64)
def _texts(options: tuple[Choice, ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    bare = {_ARTICLE.sub("", choice.text.strip()).lower(): choice.label for choice in options}
    labels = {
        text: label for text, label in bare.items() if 1 < len(text) <= LONGEST_OPTION and not _ALONE.fullmatch(text)
    }
    longest_first = sorted(labels, key=len, reverse=True)
    return labels, phrase(rf"(?<!\w)(?:the\s|an?\s)?({'|'.join(map(re.escape, longest_first))})(?!\w)")
