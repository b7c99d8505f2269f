"""Transcripts of plain text, as consoles and loggers print them: a heading for each message, under it what was said.

AutoGen's and AG2's consoles, loggers' lines with time, level and speaker (ChatDev's, HyperAgent's, MetaGPT's and
OpenManus'), AppWorld's headings, messages' fields a line each, DSPy's ``inspect_history``, and ``ann: ...``, a line or
more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent
from typing import Any, NamedTuple

_NAME = r"(?P<name>[^\W\d_][\w .'-]{0,39}?)"
_CALL = re.compile(r"^(?:(?P<name>System|User|Assistant|Developer|Tool) message|Response):[ \t]*$", re.MULTILINE)
_TIME = r"\[?\d{4}-\d\d-\d\d[ T][\d:.,]+\S*[ \]|-]*(?:[A-Z]+)?\]?[ \]|:-]*"
_LOGGED = rf"(?:{_TIME}|[\w.-]+ - [A-Z]+ - )(?:[\w.<>]+:[\w<>]+:\d+ - )?"
"""What a logger writes before a message: time, level, its own name, where in a program it is."""
_HANDED = r"(?:'s (?i:response|thoughts?|reply|message)|[ \t]*(?:->|→)[ \t]*(?P<to>[\w -]{1,40})):"
_ACTS = r"\w+[ \t]?\((?P<name>[\w ]{1,40})\): (?:to do|ready to) [^\n]*"
_APPWORLD = "Response from|Message to|Reply from|Entering|Exiting|Code Execution"


class _Form(NamedTuple):
    """A form of headings.

    Attributes:
        heading: One of them; it has a name where somebody speaks.
        of_agents: Whether none but agents speak under it.
        sure: Whether no other texts have such headings, so that two of them are enough, even of one speaker.
    """

    heading: re.Pattern[str]
    of_agents: bool = False
    sure: bool = True


def _form(heading: str, *, of_agents: bool = False, sure: bool = True) -> _Form:
    return _Form(re.compile(heading, re.MULTILINE), of_agents, sure)


_BARE = _form(rf"^[#*_ \t]*\[?{_NAME}\]?[*_]*:[*_]*(?=\s)", sure=False)
_FORMS = (
    _form(rf"^-{{4,}} (?:(?P<type>\w+) \()?{_NAME}\)? -{{4,}}(?:Enter your response:)?"),  # AutoGen 0.4's console
    _form(rf"^[ \t]*{_NAME} \(to (?P<to>[^)\n]{{1,40}})\):[ \t]*$"),  # that of AutoGen 0.2 and AG2
    _form(rf"^{_TIME}(?:FROM: |NEW MESSAGES:\s+){_NAME}(?: TO: (?P<to>[^\n]*)(?:\nACTION: [^\n]*)?\nCONTENT:|:)"),
    _form(rf"^[ \t]*{_LOGGED}(?:\W{{0,4}}{_NAME}{_HANDED})?", of_agents=True),
    _form(rf"^[ \t]*{_LOGGED}(?:{_ACTS})?", of_agents=True),  # MetaGPT's
    _form(rf"^[ \t]*(?:Response from {_NAME} Agent|(?:{_APPWORLD}) [^\n]*)[ \t]*$", of_agents=True),
    _form(rf"^{_TIME}(?:{_NAME}: )?", sure=False),
    _form(rf"^[*#_ ]*{_NAME}[*_]* said:[*_]*[ \t]*$", sure=False),
    _BARE,
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_STAMP = re.compile(r"\n\s*\[\d{4}-\d\d-\d\d[T ][^\]\n]*\]\s*\Z")
_RULE = re.compile(
    r"\s*^(?:[-=*_>]{4,}.*|={3} .* ={3}|\[Prompt tokens: .*|Next speaker: .*|>{8} .*|```)\s*\Z", re.MULTILINE
)
_FENCE = re.compile(r"\A\s*```\w*\n")
_PHASE = re.compile(r"\A\s*\*\*[^\n]*, turn \d+\*\*\s*(?:\[.*?\]\s*\n\s*\n)?", re.DOTALL)
"""What ChatDev writes before a reply: in which phase it is, and the system prompt in brackets."""
_TASKS = (
    re.compile(r"\*\*task_prompt\*\*: (?P<task>.+)"),
    re.compile(rf"^\*{{5,}} Task [^\n]*\*{{5,}}\n(?P<task>.+?)\n[ \t]*(?:{_APPWORLD})", re.MULTILINE | re.DOTALL),
    re.compile(r"^problem_statement:\s*\n(?P<task>.+?)^(?:other_data|trajectory):", re.MULTILINE | re.DOTALL),
    re.compile(r"^Enter your prompt: (?P<task>.+)", re.MULTILINE),
)
_FIELDS = re.compile(
    r"^[ \t-]*content:[ \t]*\n?(?P<content>.*?)^[ \t]*role:[ \t]*(?P<role>\w+)\s*^[ \t]*name:[ \t]*(?P<name>[^\n]+)$",
    re.MULTILINE | re.DOTALL,
)
"""A message whose fields stand in lines of their own."""
_NAMED = re.compile(r"[^\s{}'\"\[\],][^{}'\"\[\],]*")
_NOBODY = "debug info warning error critical note todo http https usage traceback summary"
_LEVELS = frozenset(_NOBODY.split())
"""What stands before a colon and is nobody's name."""
_FEWEST = 2
LOOKED_AT = 1 << 16
"""Characters in which the first messages stand."""


def is_talk(text: str) -> bool:
    """Returns whether a text begins as a printed transcript does."""
    text = _COLOUR.sub("", text[:LOOKED_AT])
    return bool(_are_calls(text) or _fields(text) or _headings(text)[1])


def talks_in(text: str) -> list[dict[str, Any]]:
    """Returns a printed transcript as an object with its messages, printed calls of a model as one each."""
    text = _COLOUR.sub("", text)
    return _calls(text) if _are_calls(text) else [_talk(text)]


def _are_calls(text: str) -> bool:
    return len({each[0].strip() for each in _CALL.finditer(text)} & {"User message:", "Response:"}) > 1


def _calls(text: str) -> list[dict[str, Any]]:
    calls, messages = list[dict[str, Any]](), list[dict[str, str]]()
    for heading, body in _under(list(_CALL.finditer(text)), text):
        if heading["name"]:
            messages.append({"role": heading["name"].lower(), "content": body.strip()})
        else:
            calls.append({"messages": messages, "response": _STAMP.sub("", body).strip()})
            messages = []
    return calls


def _under(found: Sequence[re.Match[str]], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yields each heading with what stands under it."""
    ends = [*(each.start() for each in found[1:]), len(text)]
    yield from ((each, text[each.end() : end]) for each, end in zip(found, ends, strict=True))


def _talk(text: str) -> dict[str, Any]:
    """Returns messages, and the task where the log tells one."""
    form, headings = _headings(text)
    said = [(each.groupdict(), body) for each, body in _under(headings, text)]
    own = {"role": "assistant"} if form and form.of_agents else {}
    messages = _fields(text) or [
        {"speaker": told["name"], "content": _said(body), **own, **_beside(told)}
        for told, body in said
        if told["name"] and told["name"].lower() not in _LEVELS
    ]
    task = next((found["task"] for each in _TASKS if (found := each.search(text))), "")
    return {"messages": messages} | ({"task_prompt": dedent(task).strip()} if task else {})


def _beside(told: Mapping[str, str | None]) -> dict[str, Any]:
    """Returns of what kind a message is, and whom it is for."""
    kind = {"type": told["type"]} if told.get("type") else {}
    return kind | ({"to": _NAMED.findall(told["to"] or "")} if told.get("to") else {})


def _fields(text: str) -> list[dict[str, Any]]:
    found = [each.groupdict() for each in _FIELDS.finditer(text)]
    return [each | {"content": dedent(each["content"]).strip()} for each in found] if len(found) >= _FEWEST else []


def _headings(text: str) -> tuple[_Form | None, Sequence[re.Match[str]]]:
    """Returns the first form whose headings a text has, and these; none where it is no transcript."""
    for form in _FORMS:
        found = list(form.heading.finditer(text))
        if form is _BARE:
            found = [each for each in found if each["name"].lower() not in _LEVELS]
            found = found if form.heading.match(text.lstrip()) else []
        names = Counter(each["name"] for each in found if each["name"])
        again = len(names) >= _FEWEST and max(names.values()) >= _FEWEST
        several = names.total() if form.sure else len(names)
        if again or several >= _FEWEST and form is not _BARE:
            return form, found
    return None, ()


def _said(body: str) -> str:
    body = _FENCE.sub("", _PHASE.sub("", body))
    while (shorter := _RULE.sub("", body)) != body:
        body = shorter
    return dedent(body).strip()
