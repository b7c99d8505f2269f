"""How a simulated teacher words its reply: JSON, a solution, a comment on others, a summary."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from magdi.plugins.tasks.word_problems import Line, verified
from magdi.plugins.teachers.simulated.mind import Opinion
from magdi.plugins.teachers.simulated.profiles import SimulatedConfig, Style
from magdi.plugins.teachers.simulated.understanding import Heard, Shown

APPROVAL = re.compile(r"\b(APPROVED?|TERMINATE|ACCEPT(?:ED)?|DONE)\b")
"""Words that prompts ask for when there is nothing left to say."""

STEPWISE = "for each step whether it holds"
"""What prompts say that want a verification."""


def reply_text(heard: Heard, opinion: Opinion, config: SimulatedConfig, rng: random.Random) -> str:
    """Returns the reply in the form that the prompt asks for."""
    if heard.schema is not None:
        text = json.dumps(_fields(heard, heard.schema, opinion, config, rng))
        return f"Here is my reply.\n```json\n{text}\n```" if rng.random() < config.untidy else text
    if heard.wants_answer:
        said = f"{reasoning(heard, opinion, config, rng)} The answer is {opinion.solution.answer}."
        return f"{said}\n{hand_over(heard, opinion)}".strip()
    if "summar" in heard.question.lower() and heard.others:
        return _summary(heard)
    return _comment(heard, opinion)


def reasoning(heard: Heard, opinion: Opinion, config: SimulatedConfig, rng: random.Random) -> str:
    """Returns a solution in the teacher's own style, at times with a word on whom it agrees with."""
    remark = _remark(heard, opinion) if rng.random() < config.remarks else ""
    style: Style = "equations" if heard.verdicts else config.style  # what holds is kept as it stands
    steps = written(opinion.solution.lines, style) or "I cannot work this out."
    return f"{remark} {steps}".strip()


def _remark(heard: Heard, opinion: Opinion) -> str:
    """Returns a word on the others' answers, true as it stands; empty without any, and beside a verification."""
    answers = [turn.answer for turn in heard.others if turn.answer is not None]
    if not answers or heard.verdicts:
        return ""
    if opinion.solution.answer not in answers:
        return f"I disagree with the answer {answers[0]}."
    return "I agree." if len(set(answers)) > 1 else "I agree with the others."


def _fields(
    heard: Heard,
    schema: Mapping[str, Mapping[str, Any]],
    opinion: Opinion,
    config: SimulatedConfig,
    rng: random.Random,
) -> dict[str, Any]:
    return {key: _field(key.lower(), kind, heard, opinion, config, rng) for key, kind in schema.items()}


def _field(
    key: str,
    kind: Mapping[str, Any],
    heard: Heard,
    opinion: Opinion,
    config: SimulatedConfig,
    rng: random.Random,
) -> Any:
    """Returns the value for a key of a JSON reply, by what the key is called and what type it has."""
    agreed = bool(heard.others) and all(turn.answer == opinion.solution.answer for turn in heard.others)
    if "confidence" in key:
        return opinion.confidence
    if kind.get("type") == "boolean":
        return agreed
    if options := [option for option in kind.get("enum", ()) if option is not None]:
        return _option(options, heard, opinion, agreed)
    if kind.get("type") == "array" and (options := list(kind.get("items", {}).get("enum", ()))):
        best = _option(options, heard, opinion, agreed)
        return [best, *(option for option in options if option != best)] if "rank" in key else [best]
    if kind.get("type") == "object" and (options := list(kind.get("properties", ()))):
        return dict.fromkeys(options, 0) | {_option(options, heard, opinion, agreed): 10}
    if kind.get("type") in ("number", "integer"):
        return 1 if agreed else 0
    if "answer" in key:
        return opinion.solution.answer
    return reasoning(heard, opinion, config, rng)


def _option(options: list[Any], heard: Heard, opinion: Opinion, agreed: bool) -> Any:
    """Returns the option that fits: the answer, whom it agrees with, yes or no, or the first."""
    texts = {str(option).lower(): option for option in options}
    speakers = [turn.who for turn in heard.others if turn.answer == opinion.solution.answer]
    fitting = [
        option
        for text, option in texts.items()
        if text == opinion.solution.answer.lower() or any(text in who.lower() for who in speakers)
    ]
    verdict = texts.get("yes" if agreed else "no")
    return fitting[0] if fitting else verdict if verdict is not None else options[0]


def _comment(heard: Heard, opinion: Opinion) -> str:
    """Returns a word on the newest solution shown: approval, or where it goes wrong."""
    answered = [turn for turn in heard.others if turn.answer is not None]
    if not answered:
        return f"I get {opinion.solution.answer}."
    if STEPWISE in heard.question and opinion.solution.lines:
        return verified(answered[-1].lines, opinion.solution.lines)
    if answered[-1].answer == opinion.solution.answer:
        word = APPROVAL.search(heard.question)
        return word[0] if word else f"I agree. I checked it and get {opinion.solution.answer} too."
    return _fault(answered[-1], opinion)


def _fault(turn: Shown, opinion: Opinion) -> str:
    for place, (theirs, mine) in enumerate(zip(turn.lines, opinion.solution.lines, strict=False), start=1):
        if theirs != mine:
            right = f"{mine.left} {mine.operation} {mine.amount} = {mine.right}"
            return f"I disagree with step {place}. It should be {right}."
    return f"I disagree. I get {opinion.solution.answer}."


def _summary(heard: Heard) -> str:
    """Returns who said what: each answer, how often, and the calculations behind it."""
    by_answer: dict[str, list[Shown]] = {}
    for turn in [*heard.others, *([heard.own] if heard.own else [])]:
        if turn.answer is not None:
            by_answer.setdefault(turn.answer, []).append(turn)
    return "\n".join(
        f"{len(turns)} say {answer}: {written(turns[0].lines, 'equations')} The answer is {answer}."
        for answer, turns in by_answer.items()
    )


DOING = {"+": "Adding", "-": "Taking away", "*": "Multiplying by", "/": "Dividing by"}


def written(lines: Sequence[Line], style: Style) -> str:
    """Returns a solution in words, without its final answer."""
    if not lines:
        return ""
    if style == "equations":
        return " ".join(f"{_calculation(line)} = {line.right}." for line in lines)
    if style == "ordered":
        return " ".join(
            f"{'Then' if place else 'First'}, {_calculation(line)} = {line.right}." for place, line in enumerate(lines)
        )
    told = (f"{DOING[line.operation]} {line.amount}: {_calculation(line)} = {line.right}." for line in lines)
    return " ".join([f"We start with {lines[0].left}.", *told])


def _calculation(line: Line) -> str:
    return f"{line.left} {line.operation} {line.amount}"


WANTED = re.compile(r"of its own: (?P<word>[A-Z]+:) (?:and one of (?P<names>[^.\n]+)|name)\b")
MEMBERS = re.compile(r"\bYou are (?P<own>[^,\n]+), one of [^:\n]*: (?P<names>[^.\n]+)\.")


def hand_over(heard: Heard, opinion: Opinion) -> str:
    """Returns the line that hands over: to who has not spoken yet, else to who last said otherwise.

    Empty where nobody is to be named, and where all have spoken and agree with it.
    """
    wanted = WANTED.search(heard.question)
    if wanted is None:
        return ""
    group = MEMBERS.search(heard.question)
    listed = wanted["names"] or (group["names"] if group else "")
    own = group["own"] if group else ""
    spoken = {turn.who.lower(): turn for turn in heard.others}
    silent, contrary = [], []
    for name in (each.strip() for each in listed.split(",")):
        turn = next((spoken[who] for who in spoken if who.endswith(name.lower())), None)
        if turn is None and name != own:
            silent.append(name)
        elif turn is not None and turn.answer != opinion.solution.answer:
            contrary.append(name)
    chosen = (silent or contrary)[:1]
    return "".join(f"{wanted['word']} {name}" for name in chosen)
