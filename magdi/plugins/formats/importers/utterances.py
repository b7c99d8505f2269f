"""Who said what, in which order, wherever it stands in a value of no known format.

An utterance is an object with a speaker and a text, each under one of its usual names. A transcript is a list of them,
or of lists of them (rounds), texts by speaker, or whatever in an object holds the most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from magdi.plugins.formats.importers.otel.messages import ROLES, Said, joined, messages_in

_NAMES = (
    *(
        "agent",
        "agent_name",
        "agentName",
        "agentId",
        "current_agent_name",
        "speaker",
        "name",
        "source",
        "sender",
        "role_name",
        "agent_role",
        "author",
        "author_name",
    ),
    *("who", "persona", "participant", "player", "debater", "agent_id", "agent_index", "agent_idx", "speaker_id"),
    *("role", "from", "model", "model_name", "generator", "sent_from"),
)
_SPEAKS = ("agent", "agent_name", "agentName", "agentId", "current_agent_name", "speaker", "sender")
_TEXTS = (
    *(
        "content",
        "contents",
        "text",
        "message",
        "value",
        "response",
        "output",
        "reply",
        "utterance",
        "raw",
        "evaluation",
    ),
    *("says", "said", "statement", "argument", "completion", "generation", "parts", "items", "blocks", "reasoning"),
    *("explanation", "answer"),
)
_NOBODY = {"input", "generate", "environment", "tool_result", "none", "null"}
"""Where a message comes from may stand where others say who sent it."""
_WEAK = ("name", "source", "from", "model", "generator")
"""What other things than speakers have as well: beside one of them an answer may be that of a whole discussion."""
_PROMPTS = ("prompt", "messages", "input_messages", "history", "context")
ROUNDS = ("round", "round_number", "round_id", "round_idx", "round_index", "iteration", "turn")
_SEVERAL = re.compile(
    r"(?:\w+_)?(?:round|turn|iteration|response|answer|repl(?:y|ie)|output|solution|opinion|candidate|reference|proposal"
    r"|sample|completion|generation)s?_?\d*",
    re.IGNORECASE,
)
"""Under such a name stand texts by speaker, or in a list."""
_APART = re.compile(
    r"responses?|answers|candidates|references|proposals|samples|solutions|outputs|opinions|completions|generations",
    re.IGNORECASE,
)
"""Under such a name stands what agents have said without hearing one another, unless one of them is there twice."""
_OTHER = {*_NAMES, *_TEXTS, "question", "problem", "task", "gold", "id", "timestamp"}
TALK = re.compile(r"history|transcript|dialog|conversation|messages|turns|debate|chat|discussion|log", re.IGNORECASE)
"""Under such a name may stand ``"ann: ..."``."""
_LONGEST_NAME = 40
_PREFIX = re.compile(r"\s*\**(?P<name>[^\W\d][\w .'()-]{0,39}?)\**\s*:\**\s+(?P<text>\S.*)", re.DOTALL)
_AGENT = re.compile(r"(?:agent|model|expert|debater|player|assistant|solver)[_ -]?\d+", re.IGNORECASE)
_AT_ROUND = re.compile(
    r"(?P<agent>\w*?)[ _.-]*(?:round|turn|r)[ _.-]?(?P<round>\d{1,9})(?:[ _.-]+(?P<after>\w+))?", re.IGNORECASE
)
"""Under such a name stands what somebody has said in a round: ``ada_round_1``, ``r1_ada``."""
_NAME = re.compile(r"[^\W\d][^\W\d]{1,30}(?:[_ -][^\W\d]+)*")
_NUMBERED = re.compile(r"(?:[a-z]+_?)?\d+", re.IGNORECASE)
_OF_DOTNET = ("Role", "AuthorName", "Author", "Speaker", "Sender")
_BELOW = ("replies", "children", "comments")
"""Under such a name of a message stands what goes on from it."""
_SPOKEN = ("bot_message", "thread_broadcast", "file_share", "me_message", "None")
"""Slack's kinds of messages that somebody has written."""
_ASKS = re.compile(r"user|human|environment|customer|user_?proxy(?:_?agent)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that was said.

    Attributes:
        agent: Who said it.
        text: The words.
        calls: Tools that were called with it, one a line.
        kind: assistant (whoever answers), user, system or tool.
        round: The round that it belongs to; None where that is not told.
        row: The object that it was found in; empty where it was found as a mere text.
    """

    agent: str
    text: str
    calls: str = ""
    kind: str = "assistant"
    round: int | None = None
    row: Mapping[str, Any] = field(default_factory=dict)


def first_of(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Returns the first of several fields that says anything; None where none does."""
    return next((row[name] for name in names if row.get(name) not in (None, "", [], {})), None)


def transcript(value: Any, lost: list[Utterance] | None = None) -> list[Utterance]:
    """Returns what was said in a value, the pieces of a stream as one; nothing where it holds no utterance.

    Args:
        value: Any value.
        lost: Is given what was said elsewhere in the value, and not here.
    """
    beside: list[Utterance] = []
    said = _whole(_heard(_utterances(value, "", None, beside)))
    texts = {each.text for each in said}
    if lost is not None:
        lost += [each for each in beside if each.kind == "assistant" and each.text not in texts]
    return said


def _heard(said: Sequence[Utterance]) -> list[Utterance]:
    """Returns utterances of which an agent's prompts, kept under the name under which it answers, are questions."""
    roles = [(each.agent, ROLES.get(str(each.row.get("role")).lower())) for each in said]
    own = {agent for agent, role in roles if role == "assistant"}
    given = [role == "user" and agent in own for agent, role in roles]
    return [replace(each, kind="user") if asks else each for each, asks in zip(said, given, strict=True)]


def is_utterance(value: Any) -> bool:
    """Returns whether a value is one utterance, and no transcript that has a name."""
    return isinstance(value, dict) and _utterance(value, None) is not None and len(transcript(value)) == 1


def _utterances(value: Any, named: str, round: int | None, lost: list[Utterance]) -> list[Utterance]:
    if isinstance(value, list):
        return [said for place, each in enumerate(value) for said in _of_element(each, named, place, round, lost)]
    if not isinstance(value, dict):
        return []
    value = _of_columns(value)
    beside: list[Utterance] = []
    held = {str(name): each for name, each in value.items() if name not in ROUNDS}
    inner = {
        name: _utterances(each, name, _round(value, round), beside)
        for name, each in held.items()
        if isinstance(each, list | dict)
    }
    more = any(len(each) > 1 for name, each in inner.items() if name not in _PROMPTS)
    said = _utterance(value, round)
    if said is not None and (below := first_of(inner, _BELOW)):
        name = first_of(said.row, ("id", "message_id"))
        return [said, *(replace(each, row={"parent_id": name, **each.row}) for each in below)]
    if said is not None and (not more or said.kind == "tool"):
        return [said]
    if {"chosen", "rejected"} <= held.keys():
        held, named = {name: _last(held[name], inner.get(name, [])) for name in ("chosen", "rejected")}, "answers"
    of_round = len(held) < len(value) and _OTHER.isdisjoint(held)
    if (of_round or _SEVERAL.fullmatch(named)) and (several := _by_speaker(held, _round(value, round))):
        return several
    numbered = {name: each for name, each in held.items() if _AGENT.fullmatch(name) and isinstance(each, str)}
    found = [*inner.values(), *_together(inner), _by_speaker(numbered, _round(value, round)), _at_rounds(held)]
    talks = [said for name, said in inner.items() if TALK.fullmatch(name)]
    best = max(found, key=lambda said: _worth(said, said in talks), default=[])
    lost += [*beside, *(each for one in inner.values() if one is not best for each in one)]
    return best if said is None or first_of(value, _SPEAKS) is None else [said, *best]  # whose helpers stand in it


def _lowered(value: Any) -> Any:
    """Returns a message of .NET's, or of a table, with names as others write them: ``AuthorName`` is author_name."""
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).lower(): _lowered(each) for name, each in value.items()}


def _worth(said: Sequence[Utterance], talk: bool) -> tuple[bool, bool, int]:
    """Returns how likely utterances are the discussion, of all that stand in an object: repeated ones count once."""
    answers = any(each.kind == "assistant" for each in said)
    different = {(each.agent, each.text, each.round, each.calls) for each in said}
    named = sum(ROLES.get(agent) is None for agent, *_ in different)
    return answers, talk and len(said) > 1, len(different) + named


def _of_columns(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the rows of an object of columns, a list each or by number, under the name of that of the texts."""
    listed = {name: [*each.values()] if isinstance(each, dict) else each for name, each in value.items()}
    columns = {str(name): each for name, each in listed.items() if isinstance(each, list) and len(each) > 1}
    names = {name: next((n for n in (name, name.removesuffix("s")) if n in _OTHER), name) for name in columns}
    plain = {name for name, each in columns.items() if all(isinstance(cell, str | int) for cell in each)}
    texts = [name for name in plain if names[name] in _TEXTS]
    if not texts or not any(names[name] in _NAMES for name in plain) or len({*map(len, columns.values())}) > 1:
        return value
    rows = [dict(zip(names.values(), row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {min(texts): rows}


def _at_rounds(texts: Mapping[str, Any]) -> list[Utterance]:
    """Returns what stands under the names of an agent and a round each."""
    found = [(_AT_ROUND.fullmatch(name), each) for name, each in texts.items() if isinstance(each, str)]
    told = [(at["agent"] or at["after"], int(at["round"]), each) for at, each in found if at]
    said = [_utterance({"agent": agent, "text": each}, number) for agent, number, each in told if agent]
    return sorted((each for each in said if each), key=lambda each: each.round or 0)


def _by_speaker(texts: Mapping[str, Any], round: int | None) -> list[Utterance]:
    """Returns texts, objects with one, or lists of texts by round, by who has said them; nothing where some are not."""
    if not texts.keys().isdisjoint(_TEXTS):
        return []  # the fields of one object
    listed = [(name, each if isinstance(each, list) else [each]) for name, each in texts.items()]
    first = 0 if round is None else round
    said = [
        _utterance({"agent": name, "text": each} if isinstance(each, str) else {"agent": name, **each}, place)
        for name, several in listed
        for place, each in enumerate(several, start=first)
        if isinstance(each, str) or isinstance(each, dict) and _utterance(each, None) is None
    ]
    whole = len(said) == sum(len(several) for _, several in listed)
    return sorted((each for each in said if each), key=lambda each: each.round or 0) if whole and all(said) else []


def _of_element(value: Any, named: str, place: int, round: int | None, lost: list[Utterance]) -> list[Utterance]:
    """Returns what an element of a list says: one that holds several is a round, a text that of a numbered agent."""
    if isinstance(value, str) and value and _APART.fullmatch(named):
        return _by_speaker({f"agent-{place + 1}": value}, round)
    if TALK.search(named) and (pair := _pair(value)):
        return _by_speaker(dict([pair]), round)
    alone = isinstance(value, dict) and _utterance(value, None) is not None
    own = place if not alone else 0 if _APART.fullmatch(named) else None
    return _utterances(value, named or "round", own if round is None else round, lost)


def _pair(value: Any) -> tuple[str, str] | None:
    """Returns who speaks and the words, of ``"ann: ..."`` or ``["ann", "..."]``."""
    found = _PREFIX.match(value) if isinstance(value, str) else None
    if found:
        return found["name"], found["text"]
    return (value[0], value[1]) if isinstance(value, list) and len(value) == 2 and _are_texts(value) else None


def _are_texts(value: list[Any]) -> bool:
    return all(isinstance(each, str) and each.strip() for each in value) and len(value[0]) < _LONGEST_NAME


def _together(inner: Mapping[str, list[Utterance]]) -> list[list[Utterance]]:
    """Returns what stands by number or id, ``message_1``, ``message_2``: of one utterance each, or a round each.

    What is nobody's is that of the agent under whose name it stands.
    """
    held = {name: each[0] for name, each in inner.items() if len(each) == 1}
    nobodys = len(held) > 1 and all(said.agent == said.kind == "assistant" for said in held.values())
    named = nobodys and all(_NAME.fullmatch(name) and name not in _OTHER for name in held)
    alone = [replace(said, agent=name) if named else said for name, said in held.items()]
    rounds = [each for name, each in inner.items() if each and _NUMBERED.fullmatch(name)]
    several = len(rounds) > 1 and any(len(each) > 1 for each in rounds)
    numbered = [replace(said, round=place) for place, each in enumerate(rounds) for said in each] if several else []
    return [alone, numbered]


def _last(value: Any, said: Sequence[Utterance]) -> str:
    return value if isinstance(value, str) else said[-1].text if said else ""


def _round(row: Mapping[str, Any], default: int | None) -> int | None:
    told = re.fullmatch(r"\D{0,8}(\d{1,9})", str(first_of(row, ROUNDS)))
    return int(told[1]) if told else default


def _utterance(value: Mapping[str, Any], round: int | None) -> Utterance | None:
    value = value if value.keys().isdisjoint(_OF_DOTNET) else _lowered(value)
    inner: dict[str, Any] = next(
        (
            value[name]
            for name in ("message", "kwargs", "data", "content", "raw_item", "payload")
            if isinstance(value.get(name), dict)
        ),
        {},
    )
    row = {**value, **inner}
    (agent, kind), said = speaker(row), _message(row)
    if said is None or not agent or not (said.text.strip() or said.calls):
        return None
    return Utterance(agent, said.text, said.calls, "tool" if said.role == "tool" else kind, _round(row, round), row)


def _message(row: Mapping[str, Any]) -> Said | None:
    """Returns the words and the tool calls of an utterance."""
    if str(row.get("type")).startswith("function_call"):
        return next(iter(messages_in(dict(row), "assistant")), None)
    name = next((name for name in _TEXTS if row.get(name) not in (None, "", [], {})), "")
    if name == "answer" and first_of(row, _WEAK):
        return None
    held = row.get(name)
    if isinstance(held, int | float) and all(row.get(each) in (None, "") for each in _NAMES if each not in _WEAK):
        return None
    if isinstance(held, dict):
        return next(iter(messages_in(held, "assistant")), None)
    calls = {each: row[each] for each in ("tool_calls", "function_call") if row.get(each)}
    content = str(held) if isinstance(held, int | float) else held
    return next(iter(messages_in({"content": content, **calls}, "assistant")), None)


def speaker(row: Mapping[str, Any]) -> tuple[str, str]:
    """Returns who speaks, "" where nobody is told, and as what: a name goes before a role, but for those who ask."""
    role = _name(row.get("role") or row.get("from"))
    path = row["id"] if isinstance(row.get("id"), list) else []
    posted = row.get("type") == "message" and "ts" in row  # Slack's
    if posted and str(row.get("subtype")) not in _SPOKEN:
        return "system", "system"
    names = ("user_profile", "username", "user") if posted else _NAMES
    named = [found for name in names if (found := _name(row.get(name)))]
    told = [row.get("type"), role, row.get("kind"), *path[-1:], *named]
    kinds = [ROLES[word] for each in told if (word := str(each or "").lower().rpartition(".")[2]) in ROLES]
    observed = {"observation", "cause"} <= row.keys()  # OpenHands', of what an agent has done
    backend = ROLES.get(str(row.get("role_at_backend")).lower())  # CAMEL's: whose side it is on is the reader's
    kind = (
        backend
        if backend in ("system", "tool")
        else "tool"
        if observed
        else _of_type(str(row.get("type") or "")) or next(iter(kinds), "")
    )
    if kind in ("system", "tool", "call"):
        return (_name(first_of(row, _SPEAKS)) or "assistant", "assistant") if kind == "call" else (kind, kind)
    name = next((each for each in named if each != role or each.lower() not in ROLES), "")
    if ROLES.get(name.lower()) == "user" or _ASKS.fullmatch(name) or kind == "user" and not name:
        return name or "user", "user"
    return name or kind, "assistant"


def _name(value: Any) -> str:
    """Returns what a speaker is called who is told by name, by number or as an object; "" where none is."""
    if isinstance(value, dict):
        return _name(first_of(value, ("name", "role", "label", "value", "id")))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"agent-{value}"
    name = value.strip() if isinstance(value, str) else ""
    return "" if name.lower() in _NOBODY else name


def _of_type(kind: str) -> str:
    """Returns what an item of OpenAI's responses is, or an event of AutoGen's, which is nothing that was said."""
    tool = kind.endswith(("_output", "Event", "ExecutionResultMessage"))
    return "tool" if tool else "call" if kind == "function_call" else ""


def _whole(said: Sequence[Utterance]) -> list[Utterance]:
    """Returns utterances of which those that follow one another under one id are one, without what is there twice."""
    found: list[Utterance] = []
    for each in said:
        name, last = each.row.get("id"), found[-1] if found else None
        if last is not None and last.agent == each.agent and _goes_on(last, each):
            found[-1] = each
            continue
        if not isinstance(name, str) or last is None or (last.row.get("id"), last.agent) != (name, each.agent):
            found.append(each)
        elif not _repeats(each.text, last.text) or each.calls not in last.calls:
            calls = "\n".join(dict.fromkeys(filter(None, (last.calls, each.calls))))
            text = last.text if _repeats(each.text, last.text) else joined([*filter(None, (last.text, each.text))])
            found[-1] = replace(each, text=text, calls=calls)
    return found


def _repeats(piece: str, text: str) -> bool:
    """Returns whether a piece has been told before: the words of a stream may well come again."""
    return piece == text or len(piece) > _LONGEST_NAME and piece in text


def _goes_on(last: Utterance, said: Utterance) -> bool:
    """Returns whether a message is the last one again: a stream's that tells all so far, or the end of a run's."""
    streamed = "delta" in last.row and said.text.startswith(last.text)
    again = len(said.text) > _LONGEST_NAME and said.text == last.text and "id" not in {*last.row, *said.row}
    return streamed or again
