"""Answers of models to a benchmark's questions, as harnesses write them: lm-eval's samples, HELM's states, promptfoo's.

Each is one question, asked once or several times; nobody has heard another. Likelihoods alone are no answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from magdi.plugins.formats.importers.asking import PROMPTS, QUESTIONS
from magdi.plugins.formats.importers.compared import compared_in
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.otel.messages import messages_in
from magdi.plugins.formats.importers.utterances import first_of

_LETTERS = "ABCDEFGHIJ"
_STATED = ("equals", "icontains", "contains")
_GOLDS = ("expected", "answer", "gold", "target", "ground_truth")


def rows_of(value: Any) -> list[dict[str, Any]]:
    """Returns a row for each question, with its right answer and the responses; none where a value is no harness's."""
    if not isinstance(value, dict):
        return []
    if rows := compared_in(value):
        return rows
    held = value.get("results")
    lists = (value.get("request_states"), held, held.get("results") if isinstance(held, dict) else None)
    listed = next((each for each in lists if isinstance(each, list)), [value])
    return [row for each in listed if isinstance(each, dict) and (row := _row(each))]


def _row(each: Mapping[str, Any]) -> dict[str, Any]:
    if {"doc", "resps"} <= each.keys():
        return _sample(each)
    if {"instance", "result"} <= each.keys():
        return _state(each)
    return _result(each) if {"prompt", "response", "vars"} <= each.keys() else {}


def _answered(question: Any, gold: Any, said: list[Any], model: Any, **more: Any) -> dict[str, Any]:
    """Returns a row; nothing where nothing was said, as where likelihoods alone were asked for."""
    texts = [text for text in said if isinstance(text, str) and text.strip()]
    name = str(model or "model")
    names = [name] if len(texts) == 1 else [f"{name}-{place}" for place, _ in enumerate(texts, start=1)]
    responses = [{"agent": agent, "text": text} for agent, text in zip(names, texts, strict=True)]
    return {"question": question, "gold": gold, "responses": responses, **more} if texts and question else {}


def _sample(each: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the row of one of lm-eval's samples, which are told once for each way of reading their answers."""
    doc = each["doc"] if isinstance(each["doc"], dict) else {}
    asked = first_of(doc, QUESTIONS) or next(_strings(each.get("arguments")), "")
    gold, options = each.get("target"), doc.get("choices") or doc.get("options")
    if isinstance(gold, int) and isinstance(options, list | dict) and gold < len(_LETTERS):
        gold = _LETTERS[gold]
    return _answered(asked, gold, list(_strings(each["resps"])), None, choices=options, sample=str(each.get("doc_id")))


def once(items: Iterable[Item]) -> Iterator[Item]:
    """Yields items, samples that are told again left out."""
    told = set[tuple[str, str]]()
    for item in items:
        sample = item.value.get("sample") if isinstance(item.value, dict) else None
        if sample is not None:
            mark = str(sample), str(item.value.get("responses"))
            if mark in told:
                continue
            told.add(mark)
        yield item


def _state(each: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the row of one of HELM's request states; of several options the right one is told by its letter."""
    instance, request = each["instance"], each.get("request") or {}
    right = [one["output"]["text"] for one in instance.get("references") or [] if "correct" in (one.get("tags") or [])]
    options = [str(option) for option in (each.get("output_mapping") or {}).values()]
    gold = right[0] if right else None
    letter = _LETTERS[options.index(gold)] if gold in options[: len(_LETTERS)] else gold
    said = [one.get("text") for one in each["result"].get("completions") or []]
    return _answered(instance["input"]["text"], letter, said, request.get("model"), choices=options or None)


def _result(each: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the row of one of promptfoo's results."""
    given, prompt = each["vars"] or {}, each["prompt"]
    asked = first_of(given, (*QUESTIONS, *PROMPTS))
    if asked is None:
        users = [said.text for said in messages_in(prompt.get("raw"), "user") if said.role == "user"]
        asked = users[-1] if users else None
    stated = [one for one in (each.get("testCase") or {}).get("assert") or [] if one.get("type") in _STATED]
    gold = first_of(given, _GOLDS) or next((one.get("value") for one in stated), None)
    provider = each.get("provider")
    name = provider.get("label") or provider.get("id") if isinstance(provider, dict) else provider
    output = (each["response"] or {}).get("output")
    return _answered(asked, gold, [output], name)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
