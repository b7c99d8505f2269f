"""Replies that say that they have no answer."""

from __future__ import annotations

import re

from magdi.plugins.answers.phrase import phrase

_CANNOT = phrase(
    r"""
      \b(?:cannot|can\ not|could\ not|unable\ to|(?:impossible|not\ possible|difficult|hard)(?:\ for\ (?:me|us))?\ to)
        \ (?:be\ )?(?:\w+ly\ )?(?:determin|answer|solve|say|tell|know|conclude|calculate|compute|find|give|provide
        |decide|predict|confirm|help|assist|said|told|see|access)(?:e?d|en?|n)?\b
        (?!\ (?:any|an|a)\ (?:\w+\ )?(?:mistake|error|flaw|fault)s?\b)
    | \b(?:do|does|did)\ not\ (?:\w+ly\ )?(?:know|have\ (?:an\ answer|enough|access))\b
    | \b(?:would|will|'d|\bI)\ (?:also\ |first\ )?need\ (?:to\ (?:know|see)|more\ (?:information|details|data))\b
    | \b(?:no\ idea|insufficient\ (?:information|data)|no\ (?:\w+\ ){0,2}answer|no\ (?:\w+\ )?way\ to\ (?:know|tell|say)
        |nothing\ (?:is\ )?said\ about|timed\ out)\b
    | (?<!\bnot\ )(?<!\bnot\ generally\ )\b(?:unknown(?!\ \w+\ (?:is|was|equals|=)\ )|undetermined
        |indeterminate|unclear|undecided|ambiguous
        |uncertain|unanswerable|undefined|inconclusive|debatable|subjective)\b
    | \b(?:have|has)\ not\ (?:yet\ )?(?:formed|made\ up|reached|decided|settled|come\ to|arrived)\b
    | \b(?:it's|it\ is|basically|just)\ a\ (?:coin\ (?:flip|toss)|toss-?up)\b
    | \b(?:fifty-fifty|50[/-]50(?=\ (?:chance|call|guess|split)\b|[.!]*$))
    | \bn/a\b | ^\W*(?:internal\ )?(?:server\ )?error\b
    | \bnot\ (?:one\ of|among|in|any\ of)\ (?:the|these|those)\ (?:\w+\ ){0,3}(?:options|choices|answers)\b
    | \b(?:depends|dependent)\ (?:up)?on\b
    | \bnot\ (?:\w+ly\ |been\ |a\ |as\ |that\ |so\ |one\ |easily\ |yet\ |always\ |have\ ){0,2}
        (?:given|known|specified|clear(?:-cut)?|definitive|definite|certain|provided|stated|available|listed|simple|sure
          |straightforward|sufficient|possible\ to|enough\ (?:information|data|context|details))\b
    | \b(?:none|neither)\ of\ (?:the\ above|these|those|the\ (?:\w+\ ){0,2}(?:options|choices|answers|agents))\b
    | ^\W*(?:none|null|nan|inf|infinity|undefined|unclear|unsure|maybe|it\ depends)\W*$
    """,
    re.VERBOSE,
)
_LAST_SENTENCE = re.compile(r"(?<=[^\s.!?])(?:[.!?]+\s+|\n+)(?=\S)")
_AFTER_ALL = phrase(r",?\s\b(?:but|however|nevertheless|nonetheless|yet)\b,?")
_ASIDE = phrase(
    r"\([^()]*\)|[,;]?\s\b(?:although|though|even though|while|whereas|because|since|as|which|where|whose|unless"
    r"|even if|regardless|given(?=\s)|assuming)\b.*",
    re.DOTALL,
)
LAST_CHARACTERS = 400


def abstains(text: str) -> bool:
    """Returns whether a text's last statement is that it has no answer: "I do not know", "cannot be determined".

    Works on what stands behind a marker and on whole texts alike. What is said aside ("5, although the rate is
    unknown"), earlier, or taken back ("I am not sure, but it is 5") does not count.
    """
    last = _LAST_SENTENCE.split(text.strip()[-LAST_CHARACTERS:])[-1].replace("can't", "cannot").replace("n't", " not")
    return _CANNOT.search(_ASIDE.sub("", _AFTER_ALL.split(last)[-1])) is not None
