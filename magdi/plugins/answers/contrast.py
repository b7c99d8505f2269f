"""Answers that are set against others: of "theirs is A, mine is B" it is B that its writer means."""

from __future__ import annotations

from magdi.plugins.answers.values import CHOOSE, END, I_DO, IT_IS, NAMED, REFUSE, RIGHT, STOP, VALUE, WRONG, rules

_SEEMING = r"(?:obvious|naive|tempting|intuitive|wrong|apparent|popular|usual|superficial|expected|first|common)"
_TRUE = r"(?:right|correct|true|real|actual|proper)"
CONTRASTS = rules(
    (
        (
            ("mine ",),
            rf"\bmine\s(?:is|would\sbe|remains|stays)\s{NAMED}{STOP}(?:,\s(?:and\s)?theirs(?:\sis)?\s{VALUE})?",
        ),
        (
            (" one is ", " answer is ", " choice is ", " option is "),
            rf"\bthe\s{_SEEMING}\s(?:answer|choice|option|guess)\b(?:[^.;\n]|\.(?=\d)){{0,60}}?,?\s(?:but|yet|however|while|whereas)\s"
            rf"(?:the\s)?{_TRUE}\s(?:one|answer|choice|option)\sis\s{NAMED}{STOP}",
        ),
        (
            ("answer was ",),
            rf"(?:the|my|our)\s(?:\w+\s)?answer\swas\s{VALUE}(?:[^.;\n]|\.(?=\d)){{0,40}}[.;,]\s(?:but\s)?(?:it|this|that)\s"
            rf"(?:is\snow|has\s(?:now\s)?become|becomes|now\sis|(?:has\s)?changed\sto)\s{NAMED}{STOP}",
        ),
        (
            ("between ", "among ", "weighing ", "comparing ", "of ", "given "),
            rf"\b(?:between|among|of|given|weighing|comparing)\s{VALUE}(?:\s(?:and|or|against|versus|vs\.?)\s|,\s){VALUE},?\s"
            rf"(?:(?:and|but|I|we|I'd|would|will|finally|then|so|have)\s){{0,4}}{CHOOSE}\s{NAMED}{END}",
        ),
        (
            ("closer to ",),
            rf"\b(?:it(?:'s|\sis)|the\sanswer\sis)\scloser\sto\s(?!\W{{0,2}}\d){NAMED}\sthan\s(?:to\s)?{VALUE}",
        ),
        (
            (" wrong", "incorrect", "false", "mistaken", " not"),
            rf"{NAMED}\sis\s{RIGHT}(?:,|,?\s(?:and|while|whereas|but))\s{VALUE}\s(?:is\s)?{WRONG}\b",
        ),
        (("is not ", "isn't "), rf"{VALUE}\s(?:is\snot|isn't)\s{RIGHT}[;,.]\s(?:but\s)?{NAMED}\sis{END}"),
        (
            (" answer (",),
            rf"(?:revis|chang|updat|correct|amend)\w*\s(?:my|our)\s(?:\w+\s)?answer\s\({VALUE}\)\sto\s{NAMED}{STOP}",
        ),
        ((" from ",), rf"{I_DO}\s{REFUSE}from\s{NAMED}\sto\s{VALUE}"),
        (
            ("initially", "first", "before", "originally", "previously"),
            rf"\b(?:initially|at\sfirst(?:\s(?:glance|sight))?|before|originally|previously)[,:]?\s(?:it(?:'s|\sis|\swas)\s"
            rf"|I\s(?:thought|said|chose)\s)?{VALUE}[.,;]\s(?:but\s|and\s)?(?:now|(?:up)?on\s(?:closer|second|further|deeper)\s\w+)"
            rf"[,:]?\s(?:I\s(?:say|choose|think)\s)?{IT_IS}{NAMED}{END}",
        ),
        (
            ("wrong", "mistaken", "withdraw", "retract", "take back", "drop", "abandon", "give up"),
            r"\bI\s(?:(?:was|am)\s(?:wrong|mistaken)\s(?:to\s\w+|in\s\w+ing|about|with)|(?:hereby\s)?(?:withdraw|retract|take\sback|drop"
            rf"|abandon|give\sup))\s(?:my\s(?:\w+\s)?answer\s(?:of\s)?)?{VALUE}(?:[:;,.]|\sand)\s(?:(?:now\s)?(?:I\s)?(?:say|choose|answer)\s)?"
            rf"{IT_IS}{NAMED}(?:\sis\s{RIGHT})?{END}",
        ),
        (
            ("in truth", "in fact", "in reality"),
            rf"{VALUE}[;,.]\s(?:but\s|yet\s)?in\s(?:truth|fact|reality)[,:]?\s{IT_IS}{NAMED}{END}",
        ),
        (
            ("don't ", "do not ", "instead of "),
            rf"(?:\b(?:don't|do\snot)\s(?:say|answer|choose|pick)|instead\sof)\s{VALUE}[,.;:]\s(?:but\s)?(?:say|answer|choose|pick|it\sshould\sbe"
            rf"|I(?:'d|\swould)?\s(?:say|answer|choose|pick)|take)\s{NAMED}{END}",
        ),
        (
            ("chang",),
            rf"{I_DO}(?:(?:\swould|\swill|'d|'ll)\schange|(?:'m|\sam)\s(?:now\s)?changing|\snow\schange)\s(?:my\s)?{VALUE}"
            rf"\s(?:in)?to\s{NAMED}{STOP}",
        ),
        (
            (" in favo",),
            rf"{VALUE}\sin\sfavou?r\sof\s{NAMED}{STOP}",
        ),
        (
            ("was wrong", "was mistaken"),
            rf"\b(?:I|that)\swas\s(?:wrong|mistaken)[.;,:]\s(?:it(?:'s|\sis)|the\sanswer\sis)\s(?:actually\s|really\s)?{NAMED}{END}",
        ),
        (
            ("because ", "since ", "as ", "ruled out"),
            rf"\b(?:because|since|as)\s{VALUE}\s(?:was|is|can\sbe|has\sbeen)\s(?:ruled\sout|impossible|excluded|eliminated|refuted|wrong)"
            rf",\s{IT_IS}{NAMED}{END}",
        ),
        (
            ("... no", "? no", "… no"),
            rf"{VALUE}\s?(?:\.\.\.|…|\?)\sno(?:pe)?[,:.]\s{IT_IS}{NAMED}{END}",
        ),
        ((" is correct", " is right"), rf"{VALUE},?\sis\s{WRONG}[.;,]\s(?:but\s|and\s)?{NAMED}\sis\s{RIGHT}{END}"),
    )
)
