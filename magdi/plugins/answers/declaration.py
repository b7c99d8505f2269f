"""Ways to declare an answer one's own: "I'm staying with B", "Decision: B", "in my view it is B"."""

from __future__ import annotations

from magdi.plugins.answers.values import END, HOLD, I_DO, IT_IS, NAMED, STOP, VALUE, rules

_IN_SPITE = (
    r"(?:,?\s(?:even\s(?:if|though)|although|though|whatever|despite|in\sspite\sof|regardless|no\smatter|rather\sthan"
    r"|instead\sof|over|against|not|and\s(?:am\s|do\s|will\s)?(?:not|won't|don't))\b(?:[^.;\n]|\.(?=\d))*)?"
)
_HOLDS = (
    "hold",
    "keep",
    "vot",
    "cling",
    "stick",
    "stay",
    "stand",
    "settl",
    "opt",
    "remain",
    "second",
    "maintain",
    "go",
)
_HEADING = (
    r"(?:my\s)?(?:final\s)?(?:response|select(?:ed|ion)?|assessment|final|decision|judge?ment|ruling|determination|pick|call"
    r"|take|prediction)"
)
_HEADS = (
    *("select", "respon", "assess", "final", "decision", "ment", "ruling", "determin", "pick", "call", "take"),
    "predict",
)
_JUDGES = ("mark", "label", "classify", "rate", "judge", "call", "deem", "consider", "regard")
DECLARATIONS = rules(
    (
        (
            ("in my ",),
            rf"\bin\smy\s(?:view|opinion|judge?ment|estimation|eyes|book)[\s,:]+{IT_IS}{NAMED}{STOP}",
        ),
        (
            ("seems", ", i ", "my mind", "in my ", "ask me"),
            rf"(?:(?<=[,;:.]\s)|(?<=\bbut\s)|(?<=\byet\s)|(?<=\bso\s)){NAMED},\s(?:it\sseems(?:\sto\sme)?"
            r"|I\s(?:think|believe|suppose|guess|would\ssay)\b|in\smy\s(?:view|opinion)|to\smy\smind|if\syou\sask\sme)",
        ),
        (
            _HOLDS,
            rf"{I_DO}(?:'m|\sam|'ll|\swill|'d|\swould|\smust)?(?:\shave\sto)?\s(?:\w+ly\s|\w+\sand\s|still\s|now\s)?{HOLD}\s"
            rf"(?:my\s(?:\w+\s)?(?:answer|choice)\s(?:of\s)?|agent\s\w+'s\s(?:answer\sof\s)?)?{NAMED}"
            r"(?:\s(?:on|in|for)\sthis(?:\s(?:one|question|point|case|matter))?)?"
            rf"(?:{END}|(?=[,;]\s)|(?=\s(?:and|even|over|against|rather|instead|despite)\b)){_IN_SPITE}",
        ),
        (
            ("points to ", "point to ", "speaks for ", "speak for ", "favo"),
            r"\b(?:evidence|facts?|data|text|passage|reasoning)\s(?:\w+\s)?(?:points?\sto|speaks?\sfor|favou?rs?)"
            rf"\s{NAMED}{END}",
        ),
        (
            ("oops", "scratch that", "my mistake", "my bad"),
            rf"\b(?:oops|scratch\sthat|my\s(?:mistake|bad))\b(?:\s{VALUE})?[\s,.:;—–-]+{IT_IS}{NAMED}{END}",
        ),
        ((" my mind",), rf"\bchang\w+\smy\smind[:;,.—–]\s{IT_IS}{NAMED}(?:,\snot\s{VALUE})?{END}"),
        (
            _HEADS,
            r"(?:^|(?<=[.!?]\s)|(?<=[{,]\s)|(?<=\{))[\W_]{0,4}"
            rf"{_HEADING}\b\W{{1,4}}(?!\W{{0,2}}\d){NAMED}(?=[.,;\"'}}*]|\s?\(|\s*\n|\s*\Z)",
        ),
        (
            (" remains", " stays", " is still", "is my "),
            rf"{NAMED}\s(?:remains|stays|is(?:\sstill)?)\s(?:my|our)\s(?:\w+\s)?(?:answer|choice|vote|pick)\b",
        ),
        (
            _JUDGES,
            rf"{I_DO}(?:'d|\swould|\swill|'ll)?\s(?:{'|'.join(_JUDGES)})\s(?:it|this|that|the\s\w+)\s(?:as\s|to\sbe\s)?"
            rf"(?!\W{{0,2}}\d){NAMED}{STOP}",
        ),
        (("so do i",), rf"{NAMED},?\s(?:and\s)?so\sdo\sI\b"),
        (
            ("other than", "but ", "except "),
            r"\b(?:nothing|no(?:body|\sone)?|not|never)\b[^.;\n]{0,60}\banything\s(?:other\sthan|but|except)"
            rf"\s{NAMED}{END}",
        ),
        (
            ("confirm", "accept", "share", "endorse"),
            rf"{I_DO}\s(?:can\s)?(?:confirm|accept|share|endorse)\s(?:\w+\s)?\w+'s\s(?:answer\s(?:of\s)?)?{NAMED}{STOP}",
        ),
        (
            (" join",),
            rf"{I_DO}(?:'m|\sam|'ll|\swill)?\s(?:now\s)?join(?:ing)?(?:\s\w+){{1,3}}(?::|\swith|\sat|\sin\ssaying)\s{NAMED}{STOP}",
        ),
        (
            ("question",),
            rf"\b(?:my|the)\sanswer\sto\sth(?:e|is|at)\squestion\b[^.;\n]{{0,80}}?\s(?:is|remains|stays)\s(?:still\s|thus\s)?{NAMED}{STOP}",
        ),
        (
            ("to the question", "to this question", "to that question"),
            rf"\bto\sth(?:e|is|at)\squestion\b[^.;\n]{{0,80}}?,\s(?:my|the)\sanswer\s(?:is|remains|stays)\s{NAMED}{STOP}",
        ),
        (
            ("agree with", "concur with", "side with"),
            rf"{I_DO}\s(?:\w+ly\s)?(?:agree|concur|side)\swith\s[^.;,\n]{{1,40}}?\s(?:that|on|in\ssaying)\s{IT_IS}{NAMED}{STOP}",
        ),
        (
            ("converge", "agree", "settle"),
            r"\b(?:we|all\sof\sus)\s(?:have\s|all\s|now\s){0,2}(?:converged?|agreed?|settled?)\son"
            rf"\s{NAMED}{STOP}",
        ),
        (
            (" it's ", " it is ", "answer is "),
            r"\b(?:means|implies|suggests|shows|indicates|tells\s(?:me|us))\s(?:that\s)?(?:it(?:'s|\sis)|the\sanswer\sis)"
            rf"\s(?!\W{{0,2}}[\d\\$]){NAMED}{END}",
        ),
        (
            ("candidate", "contender", "option", "choice"),
            r"\bthe\s(?:strongest|best|likeliest|most\s\w+)\s(?:candidate|contender|option|choice)\s(?:is|seems|would\sbe)"
            rf"\s{NAMED}{STOP}",
        ),
        (("facts", "evidence"), rf"\b(?:facts|evidence)\ssays?\s{NAMED}{END}"),
        (("i'm ", "i am "), rf"{I_DO}(?:'m|\sam)\s(?:now|still|back)\s(?:at|with|for|on)\s{NAMED}{STOP}"),
        (
            ("disagree with",),
            rf"{I_DO}\s(?:do\snot|don't)\sdisagree\swith\s(?:the\s)?\w+(?:\s\w+)?'s\s(?:answer\s(?:of\s)?)?{NAMED}{STOP}",
        ),
        (
            ("in favo",),
            r"\b(?:settles?|decides?|tips?|weighs?|speaks?|speaking)\b[^.;\n]{0,40}\sin\sfavou?r\sof"
            rf"\s{NAMED}{END}",
        ),
    )
)
