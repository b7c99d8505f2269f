"""Where in a reply its writer's answer may stand: not in thoughts, in quotations, or in turns that a model makes up."""

from __future__ import annotations

import re

from magdi.core.quotation import own_words
from magdi.plugins.answers.phrase import phrase

_THOUGHT = phrase(
    r"(?P<open><(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis)>|<\|channel\|>\s?(?:analysis|commentary)|◁think▷)"
    r"|(?P<close></(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis)>|<\|channel\|>\s?final<\|message\|>|◁/think▷)"
    r"|(?P<answer><answer>)"
)
_USER = (
    r"<\|im_start\|>\s*(?:user|human)|<start_of_turn>\s*user|<\|start_header_id\|>\s*user|<\|(?:user|User)\|>|\[INST\]"
    r"|^[ \t]*(?:\#+[ ]*)?(?:Human|User|Instruction)[ ]?:"
)
_ASSISTANT = re.compile(
    r"<\|im_start\|>\s*assistant|<start_of_turn>\s*model|<\|start_header_id\|>\s*assistant<\|end_header_id\|>"
    r"|<\|(?:assistant|Assistant)\|>|\[/INST\]|^[ \t]*(?:\#+[ ]*)?(?:Assistant|Response)[ ]?:",
    re.MULTILINE,
)
_ECHO = re.compile(rf"(?:<s>|<bos>|<\|begin_of_text\|>|\s)*+(?:{_USER})")
_TURN_ENDS = re.compile(
    rf"<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text)\|>|<end_of_turn>|</s>|<eos>|<\|end.of.sentence\|>|{_USER}",
    re.MULTILINE,
)
_TURN_MARKS = ("<|", "</s>", "_turn>", "<eos>", "INST]", "Human", "User", "Instruction", "Assistant", "Response")
_BLOCK_QUOTE = re.compile(r"(?:^[ \t]*>(?!>).*\n?)+", re.MULTILINE)
_HEADER = phrase(
    r"^(?P<gap>(?:[ \t]{0,40}\n|[-*_=]{3,40}[ \t]{0,40}\n){1,4})?[ \t]{0,40}(?P<heading>\#+[ ]*"
    r"|\*\*)?(?:(?P<next>next|new|another|follow-up)[ ])?"
    r"(?P<what>Q|Questions?|Problem|Exercise|Example|Task|Input|Passage|Context)\b"
    r"[ ]?\#?(?P<number>\d{1,4})?[ ]?(?:[:.)*]|(?(heading)$|(?!)))",
    re.MULTILINE,
)
_GIVEN = phrase(
    r"(?P<sure>\#{4}|\\boxed|<answer>|\banswer(?:[ ][\w'()/-]{1,20}){0,8}?[ ](?:is|are|was|would\ be"
    r"|must\ be)\b(?!\s(?:not|found|derived|obtained|calculated|reached|based|that|to)\b))"
    r"|\banswer\W{0,4}[:=]|(?:^[ \t]*|(?<=[.!?]\s))A:",
    re.MULTILINE,
)
_BARE = phrase(r"\W*(?:yes|no|true|false|[A-J]|[$€£]?-?\d[\d.,/]{0,12}%?)\W*")
_JSON_ANSWER = phrase(
    r"[\"'](?:\w{1,12}[ _])?(?:answer|choice|result|verdict|output)[\"']\s*:\s*"
    r"(?:\"(?P<double>(?:[^\"\\\n]|\\.){0,2000})\"|'(?P<single>(?:[^'\\\n]|\\.){0,2000})'|(?P<bare>[\w.+-]{1,40})(?=\s*[,}\n]))"
)
_JSON_ENDS = re.compile(r"\s*\}[ \t]*(?:\n|\Z)")
_FENCE = re.compile(r"```\w*|</?(?:tool_call|function_call|function)s?>")
_FENCED = phrase(
    r"```(?:python|py|javascript|js|java|cpp|c|bash|sql)[ ]*\n"
    r"(?=(?:(?!```).)*\b(?:print|def|return|import|for|while)\b)(?:(?!```).)*(?:```|\Z)",
    re.DOTALL,
)
_SAYS_RESULT = phrase(r"\banswer\b|\\boxed|####|\b(?:result|output)s?\s?:")
_CELL = re.compile(r"(?<!\\)\|")
_ANSWER_CELL = phrase(r"\W*(?:\w+\s)?answer\W*")
SHORT_REPLY = 40
"""Characters of a reply that may be an answer and nothing else, though nothing says so."""


def without_thoughts(text: str) -> str:
    """Returns a reply without the thoughts before it: "<think>...</think>", opened or not, finished or not."""
    if "<" not in text and "◁" not in text:
        return text
    kept: list[str] = []
    start, open_ = 0, False
    for tag in _THOUGHT.finditer(text):
        if tag["open"] and not open_:
            kept.append(text[start : tag.start()])
            open_ = True
        elif tag["close"]:
            kept = kept if open_ else []
            start, open_ = tag.end(), False
        elif tag["answer"] and open_:
            start, open_ = tag.start(), False
    return "".join(kept if open_ else [*kept, text[start:]])


def without_programs(text: str) -> str:
    """Returns a reply without the programs in it, which nobody has run; those that say what they give stay."""
    return (
        _FENCED.sub(lambda block: block[0] if _SAYS_RESULT.search(block[0]) else "\n", text) if "```" in text else text
    )


def answering_part(text: str) -> str:
    """Returns the part of a reply (from `magdi.plugins.answers.cleaning.clean`) in which its writer may answer."""
    text = _before_next_question(_own_turn(_unquoted(own_words(text))))
    return _json_answer(text) or _table_answer(text) or text


def _own_turn(text: str) -> str:
    """Returns a reply without the prompt before it, and without the turns that a model has made up behind it."""
    if not any(mark in text for mark in _TURN_MARKS):
        return text
    echo = _ECHO.match(text)
    begins = _ASSISTANT.search(text, echo.end() if echo else 0)
    if begins and (echo or not re.search(r"\w", text[: begins.start()])):
        text = text[begins.end() :]
    ends = next((end for end in _TURN_ENDS.finditer(text) if re.search(r"\w", text[: end.start()])), None)
    return text[: ends.start()] if ends else text


def _unquoted(text: str) -> str:
    """Returns a reply without the lines behind ">" that it goes on to speak of; a last one may be its own answer."""
    if ">" not in text:
        return text
    last = next((place for place in range(len(text) - 1, -1, -1) if text[place].isalnum()), 0)
    return _BLOCK_QUOTE.sub(lambda quote: "\n" if quote.end() <= last else quote[0], text)


def _before_next_question(text: str) -> str:
    """Returns a reply up to where a base model goes on with a question of its own, once it has answered this one."""
    headers = list(_HEADER.finditer(text))
    given = list(_GIVEN.finditer(text)) if headers else []
    first = given[0].end() if given else len(text)
    sure = next((each.end() for each in given if each["sure"]), len(text))
    asked = numbered = False
    for header in headers:
        start = header.start()
        apart = header["gap"] or header["heading"] or header["next"] or header["number"]
        asks = header["what"].lower() not in ("example", "task", "input")
        bare = asks and _BARE.fullmatch(text[:start])
        short = asks and start <= SHORT_REPLY and "?" not in text[:start] and re.search(r"\w", text[:start])
        follows = numbered and header["number"] and not header["next"]
        announced = text[max(0, start - 8) : start].rstrip("* \n").endswith(":")
        answered = sure <= start or (first <= start and (apart or not asked)) or (short and apart) or bare
        if answered and not follows and not announced:
            return text[:start]
        asked, numbered = True, numbered or bool(header["number"])
    return text


def _table_answer(text: str) -> str | None:
    """Returns what a table that a reply ends with has in its last row, in the column (or row) that is the answer's."""
    lines = text.rstrip().split("\n")
    rows = [_CELL.split(line.strip().strip("|")) for line in lines if line.strip().startswith("|")]
    if not rows or not lines[-1].strip().startswith("|"):
        return None
    named = [place for place, cell in enumerate(rows[0]) if _ANSWER_CELL.fullmatch(cell)]
    if len(named) == 1 and len(rows) > 1 and len(rows[-1]) > named[0]:
        return f"The answer is {rows[-1][named[0]].strip()}"
    return (
        f"The answer is {rows[-1][1].strip()}" if len(rows[-1]) == 2 and _ANSWER_CELL.fullmatch(rows[-1][0]) else None
    )


def _json_answer(text: str) -> str | None:
    """Returns the answer in a reply that is a JSON object, whole or not, with LaTeX in it or not; and what follows."""
    bare = _FENCE.sub("", text).strip()
    found = list(_JSON_ANSWER.finditer(bare)) if "{" in bare and "\\boxed" not in text else []
    ends = _JSON_ENDS.match(bare, found[-1].end()) if found else None
    if not found or not (ends or bare.startswith("{") or bare.endswith("}")):
        return None
    said = found[-1]["double"] or found[-1]["single"] or found[-1]["bare"] or ""
    said = said.replace("\\\\", "\\").replace('\\"', '"')
    behind = bare[ends.end() :].strip() if ends else ""
    return f"The answer is {said}.\n\n{behind}" if behind else said
