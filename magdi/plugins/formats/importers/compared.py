"""Data sets of chats whose rows are no lists of messages: answers side by side, and texts in turn.

An arena's two conversations, preferred and refused answers with what led to them, CAMEL's problems and solutions,
UltraChat's texts. Of answers side by side nobody has heard the other, and each has heard himself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from magdi.plugins.formats.importers.asking import PROMPTS, QUESTIONS
from magdi.plugins.formats.importers.matching import asks_anew
from magdi.plugins.formats.importers.otel.messages import Said, messages_in
from magdi.plugins.formats.importers.utterances import first_of

_SIDE = re.compile(
    r"(?P<what>conversation|messages|response|answer|completion|output|reply|generation)_?(?P<side>[a-h]|\d)",
    re.IGNORECASE,
)
_PREFERRED = ("chosen", "rejected")
_DIALOGUE = re.compile(r"\s*(?:Human|User): ")
_KEPT = ("gold", "gold_answer", "ground_truth", "target", "reference")


def compared_in(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns a row for each question, with what each side has answered; none where a row compares nothing."""
    texts = row.get("data")
    if isinstance(texts, list) and len(texts) > 1 and all(isinstance(each, str) for each in texts):
        return [{"messages": [{"role": ("user", "assistant")[k % 2], "content": each} for k, each in enumerate(texts)]}]
    if "role_1" in row and isinstance(row.get("message_1"), str) and isinstance(row.get("message_2"), str):
        name = str(row["role_1"]).partition("_RoleType")[0]
        said = {"role": "assistant", "name": name, "content": row["message_2"]}
        return [{"messages": [{"role": "user", "content": row["message_1"]}, said]}]
    return list(_rows(row, {name: list(_exchanges(row, each)) for name, each in _sides(row).items()}))


def _sides(row: Mapping[str, Any]) -> dict[str, list[Said]]:
    """Returns what was said on each side, by who did."""
    if all(row.get(name) for name in _PREFERRED):
        chats = {name: _chat(row[name]) for name in _PREFERRED}
        whole = all(any(said.role == "user" for said in chat) for chat in chats.values())
        return chats if whole else {}
    found: dict[str, dict[str, list[Said]]] = {}
    for name in row:
        side = _SIDE.fullmatch(str(name))
        if side and (said := str(row.get(f"model_{side['side']}") or "")):
            found.setdefault(side["what"].lower(), {})[said] = _chat(row[name])
    return next((each for each in found.values() if len(each) > 1), {})


def _chat(value: Any) -> list[Said]:
    dialogue = isinstance(value, str) and _DIALOGUE.match(value)
    return messages_in(value.strip(), "user") if dialogue else messages_in(value, "assistant")


def _exchanges(row: Mapping[str, Any], chat: list[Said]) -> Iterator[tuple[str, str]]:
    """Yields questions and replies; what is asked stands in the chat, or beside it."""
    asked = [said.text for said in messages_in(first_of(row, (*QUESTIONS, *PROMPTS)), "user")]
    beside = iter(asked if all(said.role == "assistant" for said in chat) else [])
    question = ""
    for said in chat:
        if said.role == "user":
            question = said.text
        elif said.role == "assistant":
            question = next(beside, "") or question
            yield question, said.text


def _rows(row: Mapping[str, Any], sides: Mapping[str, list[tuple[str, str]]]) -> Iterator[dict[str, Any]]:
    if not sides or len({told[0][0] if told else "" for told in sides.values()}) > 1:
        return  # they answer different questions
    questions = [question for question, _ in max(sides.values(), key=len)]
    starts = [k for k, text in enumerate(questions) if k == 0 or asks_anew(text, questions[:k])]
    for start, stop in zip(starts, [*starts[1:], len(questions)], strict=True):
        said = [
            {"agent": name, "text": told[k][1], "round": k - start, "id": f"{name}~{k}"}
            | {"seen": [f"{name}~{before}" for before in range(start, k)]}
            for k in range(start, stop)
            for name, told in sides.items()
            if k < len(told)
        ]
        yield {**{name: row.get(name) for name in _KEPT}, "question": questions[start], "responses": said} | _won(row)


def _won(row: Mapping[str, Any]) -> dict[str, str]:
    """Returns whose answer was preferred, or that neither was, where somebody has voted."""
    voted = next((name for name in row if str(name).startswith("winner_") and row[name] in (1, "1", True)), "")
    told = str(row.get("winner") or voted.removeprefix("winner_"))
    return {"winner": str(row.get(told) or told)} if told else {}
