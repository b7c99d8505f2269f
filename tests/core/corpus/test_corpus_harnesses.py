"""What harnesses have written down of models' answers is read as those: a question, its right answer, who said what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import MagFileError
from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files

ASKED = "What is 6 times 7?"
SAID = ["Six sevens are 42. The answer is 42.", "Six and seven are 13. The answer is 13."]


def sample(filtered: str, **fields: Any) -> dict[str, Any]:
    asked = {"gen_args_0": {"arg_0": f"Q: {ASKED}", "arg_1": {"until": ["Q:"]}}}
    doc = {"question": ASKED, "answer": "six sevens\n#### 42"}
    told = {"doc_id": 3, "doc": doc, "target": doc["answer"], "arguments": asked, "resps": [SAID]}
    return {**told, "filter": filtered, "filtered_resps": ["[invalid]"], **fields}


def state(**fields: Any) -> dict[str, Any]:
    references = [{"output": {"text": "42"}, "tags": ["correct"]}, {"output": {"text": "13"}, "tags": []}]
    instance = {"input": {"text": ASKED}, "references": references, "id": "id3"}
    said = {"completions": [{"text": text, "logprob": 0.0} for text in SAID], "success": True}
    return {"instance": instance, "request": {"model": "stub", "prompt": f"Q: {ASKED}\nA:"}, "result": said, **fields}


def result(text: str, provider: str) -> dict[str, Any]:
    case = {"vars": {"question": ASKED}, "assert": [{"type": "equals", "value": "42"}]}
    prompt = {"raw": json.dumps([{"role": "user", "content": ASKED}]), "label": "p"}
    return {"vars": case["vars"], "testCase": case, "prompt": prompt, "response": {"output": text}} | {
        "provider": {"id": provider, "label": ""}
    }


def read(path: Path, rows: list[Any]) -> list[Mag]:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return list(import_files([path], Reader()))


@pytest.mark.parametrize(
    ("rows", "agents"),
    [
        ([sample("strict-match"), sample("flexible-extract")], ["model-1", "model-2"]),
        ([{"adapter_spec": {"method": "generation"}, "request_states": [state()]}], ["stub-1", "stub-2"]),
    ],
)
def test_samples_of_one_question_have_not_heard_each_other(rows: list[Any], agents: list[str], tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "samples.jsonl", rows)
    assert (mag.question.text, mag.question.gold) == (ASKED, "42")
    assert [(turn.agent, turn.text, turn.correct) for turn in mag.turns] == [
        (agents[0], SAID[0], True),
        (agents[1], SAID[1], False),
    ]
    assert not any(turn.seen for turn in mag.turns)


def test_results_of_several_providers(tmp_path: Path) -> None:
    told = {"version": 3, "results": [result(SAID[0], "one:a"), result(SAID[1], "two:b")]}
    mags = read(tmp_path / "output.json", [{"evalId": "e", "results": told}])
    assert [(mag.question.gold, mag.turns[0].agent, mag.turns[0].correct) for mag in mags] == [
        ("42", "one:a", True),
        ("42", "two:b", False),
    ]


def test_options_are_told_by_their_letters(tmp_path: Path) -> None:
    state_of_options = state(output_mapping={"A": "13", "B": "42"}, result={"completions": [{"text": " B"}]})
    doc = {"question": ASKED, "choices": ["13", "42"]}
    chosen = [
        read(tmp_path / "samples.jsonl", [row])[0]
        for row in ({"request_states": [state_of_options]}, sample("none", doc=doc, target=1, resps=[["B"]]))
    ]
    assert [[(mag.question.gold, mag.turns[0].answer, mag.turns[0].correct)] for mag in chosen] == [
        [("B", "B", True)]
    ] * 2


def test_likelihoods_are_no_answers(tmp_path: Path) -> None:
    with pytest.raises(MagFileError, match="no format"):
        read(tmp_path / "samples.jsonl", [sample("none", resps=[[[-3.2, False]], [[-1.1, True]]])])
