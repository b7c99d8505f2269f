"""Data sets of chats: answers side by side have not heard each other, nor has one that tries again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files

ASKED, NEXT = "A shop sells 48 clips in April and half as many in May. How many is that?", "What is 2 + 3?"
ADA, BEN = "In May it is 24, so 48 + 24 = 72. The answer is 72.", "I get twice 48. The answer is 96."
SURE = "Half of 48 is 24. The answer is 72."


def read(path: Path, value: Any) -> list[Mag]:
    text = value if isinstance(value, str) else json.dumps(value)
    path.write_text(text, encoding="utf-8")
    return list(import_files([path], Reader()))


def said(mag: Mag) -> list[tuple[str, str, list[int]]]:
    return [(turn.agent, turn.text, [edge.step for edge in turn.seen]) for turn in mag.turns]


def chat(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[k % 2], "content": text} for k, text in enumerate(texts)]


MODELS = {"model_a": "ada", "model_b": "ben"}
SIDES: dict[str, dict[str, Any]] = {
    "conversations": {**MODELS, "conversation_a": chat(ASKED, ADA), "conversation_b": chat(ASKED, BEN), "turn": 1},
    "lists of texts": {**MODELS, "prompt": [ASKED], "response_a": [ADA], "response_b": [BEN]},
    "lists as texts": {
        **MODELS, "prompt": json.dumps([ASKED]), "response_a": json.dumps([ADA]), "response_b": json.dumps([BEN])
    },
    "texts": {"model_1": "ada", "model_2": "ben", "question": ASKED, "answer_1": ADA, "answer_2": BEN},
    "completions": {
        "instruction": ASKED, "completions": [{"model": "ada", "response": ADA}, {"model": "ben", "response": BEN}]
    },
}  # fmt: skip


@pytest.mark.parametrize("form", SIDES)
def test_answers_side_by_side(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.jsonl", SIDES[form])
    assert mag.question.text == ASKED
    assert said(mag) == [("ada", ADA, []), ("ben", BEN, [])]
    swapped = json.loads(json.dumps(SIDES[form]).replace('"ben"', '"cyd"'))
    assert [turn.agent for turn in read(tmp_path / "again.jsonl", swapped)[0].turns] == ["ada", "cyd"]


@pytest.mark.parametrize(
    ("vote", "winner"),
    [({"winner": "model_b"}, "ben"), ({"winner_model_a": 1, "winner_tie": 0}, "ada"), ({"winner": "tie"}, "tie")],
)
def test_who_was_preferred_is_kept(vote: dict[str, Any], winner: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.jsonl", {**SIDES["conversations"], **vote})
    assert mag.metadata["winner"] == winner


def test_later_questions_are_discussions_and_remarks_are_rounds(tmp_path: Path) -> None:
    def sides(*texts: str) -> dict[str, Any]:
        return {**MODELS, "conversation_a": chat(ASKED, ADA, *texts), "conversation_b": chat(ASKED, BEN, *texts)}

    first, second = read(tmp_path / "log.jsonl", sides(NEXT, "The answer is 5."))
    assert (first.question.text, second.question.text) == (ASKED, NEXT)
    assert said(second) == [("ada", "The answer is 5.", []), ("ben", "The answer is 5.", [])]
    (mag,) = read(tmp_path / "log.jsonl", sides("Are you sure?", SURE))
    assert said(mag)[2:] == [("ada", SURE, [0]), ("ben", SURE, [1])]


def test_preferred_dialogues_of_plain_text(tmp_path: Path) -> None:
    row = {name: f"\n\nHuman: {ASKED}\n\nAssistant: {text}" for name, text in {"chosen": ADA, "rejected": BEN}.items()}
    (mag,) = read(tmp_path / "log.jsonl", row)
    assert mag.question.text == ASKED
    assert said(mag) == [("chosen", ADA, []), ("rejected", BEN, [])]


def node(name: str, parent: str | None, role: str, text: str) -> dict[str, Any]:
    message = {"id": name, "author": {"role": role}, "content": {"content_type": "text", "parts": [text]}}
    return {"id": name, "parent": parent, "message": message if text else None}


TOLD = [("u1", "root", "user", ASKED), ("a1", "u1", "assistant", BEN), ("a2", "u1", "assistant", ADA)]
TOLD += [("none", "a2", "assistant", ""), ("u2", "none", "user", "Are you sure?"), ("a3", "u2", "assistant", SURE)]
TREES: dict[str, Any] = {
    "by id": {"mapping": {"root": node("root", None, "", ""), **{each[0]: node(*each) for each in TOLD}}},
    "nested": {"prompt": {"message_id": "u1", "text": ASKED, "role": "prompter", "replies": [
        {"message_id": "a1", "parent_id": "u1", "text": BEN, "role": "assistant"},
        {"message_id": "a2", "parent_id": "u1", "text": ADA, "role": "assistant", "replies": [
            {"message_id": "u2", "parent_id": "a2", "text": "Are you sure?", "role": "user", "replies": [
                {"message_id": "a3", "text": SURE, "role": "assistant"}]}]}]}},
}  # fmt: skip


@pytest.mark.parametrize("form", TREES)
def test_what_was_tried_again_was_not_heard(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", [TREES[form]])
    assert [(text, seen) for _, text, seen in said(mag)] == [(BEN, []), (ADA, []), (SURE, [1])]


@pytest.mark.parametrize(
    "row", [{"data": [ASKED, ADA]}, {"role_1": "Ada_RoleType.ASSISTANT", "message_1": ASKED, "message_2": ADA}]
)
def test_texts_in_turn(row: dict[str, Any], tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.jsonl", row)
    assert (mag.question.text, [text for _, text, _ in said(mag)]) == (ASKED, [ADA])


WHO = [("quinn", ASKED), ("ada", ADA), ("ben", BEN)]
GROUPS: dict[str, Any] = {
    "Slack": [
        {"type": "message", "subtype": "channel_join", "user": "U0", "text": "<@U0> has joined", "ts": "1.0"},
        *({"type": "message", "user": f"U{k}", "text": t, "ts": f"{k + 2}.0", "user_profile": {"name": a}}
          for k, (a, t) in enumerate(WHO)),
    ],
    "Discord": {"messages": [{"id": str(k), "author": {"name": a}, "content": t} for k, (a, t) in enumerate(WHO)]},
    "Discord's table": [{"AuthorID": str(k), "Author": a, "Content": t} for k, (a, t) in enumerate(WHO)],
    "Telegram": {"messages": [
        {"id": k, "type": "message", "from": a, "text": [t[:9], {"type": "bold", "text": t[9:]}]}
        for k, (a, t) in enumerate(WHO)]},
    "by name": {"results": {
        a: {"result": {"message": {"role": "assistant", "content": [{"text": t}]}}} for a, t in WHO}},
}  # fmt: skip


@pytest.mark.parametrize("form", GROUPS)
def test_group_chats(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", GROUPS[form])
    turns = [("ada", ADA), ("ben", BEN)]
    assert [(turn.agent, turn.text) for turn in mag.turns][-2:] == turns
    assert mag.turns[-1].seen[-1].step == len(mag.turns) - 2


def test_a_response_beside_its_input(tmp_path: Path) -> None:
    text = {"type": "output_text", "text": ADA, "annotations": []}
    output = [{"id": "m", "type": "message", "role": "assistant", "content": [text]}]
    (mag,) = read(
        tmp_path / "log.json", {"id": "r", "object": "response", "model": "m", "input": ASKED, "output": output}
    )
    assert (mag.question.text, [text for _, text, _ in said(mag)]) == (ASKED, [ADA])
