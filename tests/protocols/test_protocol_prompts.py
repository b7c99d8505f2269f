"""Golden prompts: what every protocol really says to its agents, in golden/*.txt.

After a change that is meant, write them anew with MAGDI_WRITE_GOLDEN=1 and read the difference.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from magdi.core.mag import Choice, Mag, Question
from magdi.core.protocol import Agent, Ask
from magdi.core.reply import JsonAnswer
from magdi.plugins.target import resolve
from magdi.protocols.forms import ModeratorVerdict
from magdi.protocols.single import Single
from magdi.protocols.templates import Templates
from tests.protocols.scripted_talk import RULES, as_json, hold, prompt_of
from tests.protocols.test_protocols_conform import COMPONENTS, SETTINGS

GOLDEN = Path(__file__).parent / "golden"
QUESTION = Question(
    id="q", text="Which is even?", choices=(Choice(label="A", text="7"), Choice(label="B", text="8")),
    answer_type="number", gold="8",
)  # fmt: skip
AGENTS = [Agent("Ada", "You are careful."), Agent("Bob"), Agent("Cyd")]
CASES = [(name, place) for name in COMPONENTS for place in range(len(SETTINGS.get(name, [{}])))]
SAMPLES = {"Bob": [{"question": "1 + 1?", "explanation": "Count on.", "answer": "2"}]}


def script(ask: Ask, step: int) -> str:
    if isinstance(ask.reply, JsonAnswer):
        return as_json(10 + step, reasoning=f"Reasoning {step}.")
    if isinstance(ask.reply, ModeratorVerdict):
        return '{"reasoning": "Both have a point.", "decided": false, "answer": ""}'
    if ask.role == "selector":
        return '{"reasoning": "Why not.", "name": "Cyd"}'
    return f"Reasoning {step}. The answer is {10 + step}."


def rendered(mag: Mag) -> str:
    lines, told = [], set()
    for turn in mag.turns:
        heading = f"=== {turn.role}, round {turn.round}, agent {turn.agent}"
        if (turn.role, turn.round, turn.prompt) in told:
            continue
        told.add((turn.role, turn.round, turn.prompt))
        lines += [heading, *(f"[{message.role}]\n{message.content}" for message in turn.prompt or ())]
    return "\n".join(lines) + "\n"


def compare(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("MAGDI_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "place"), CASES)
def test_protocol_prompts(name: str, place: int) -> None:
    target = resolve(COMPONENTS[name].target)
    settings = dict(SETTINGS.get(name, [{}])[place])
    settings |= {"convincing": SAMPLES, "rounds": 1} if name == "reconcile" else {}
    settings |= {"samples": 1} if name == "malt" else {}
    compare(
        f"{name}-{place}", rendered(hold(target(target.Config(**settings)), script, agents=AGENTS, question=QUESTION))
    )


@pytest.mark.parametrize("name", ["simple-voting", "approval", "ranked", "cumulative", "judge"])
def test_rule_prompts(name: str) -> None:
    rule = RULES[name](RULES[name].Config(**({} if name == "judge" else {"attempts": 1})))
    mag = hold(Single(), script, agents=AGENTS, question=QUESTION, decide=rule)
    compare(f"decision-{name}", rendered(mag.model_copy(update={"turns": mag.turns[3:]})))


def templates() -> Iterator[tuple[str, Any]]:
    for name, component in COMPONENTS.items():
        yield name, resolve(component.target).Config
    for name, rule in RULES.items():
        if "prompts" in rule.Config.model_fields:
            yield name, rule.Config


@pytest.mark.parametrize(("name", "config"), list(templates()))
def test_every_template_can_be_replaced_and_is_used(name: str, config: Any) -> None:
    prompts = config.model_fields["prompts"].default
    assert isinstance(prompts, Templates)
    for field, value in prompts:
        changed = config(prompts={field: f"Changed. {value}"}).prompts
        assert getattr(changed, field) == f"Changed. {value}"
        with pytest.raises(ValidationError):
            config(prompts={field: "{no_such_name}"})


@pytest.mark.parametrize("template", ["{question.text}", "{question!r}", "{question:>9}", "{", "{}", "{0}"])
def test_templates_take_plain_names_only(template: str) -> None:
    with pytest.raises(ValidationError):
        Single.Config(prompts={"solve": template + "{question}{form}"})


def test_braces_in_what_is_quoted_stay() -> None:
    question = QUESTION.model_copy(update={"text": "What is {x} in {{y}}?", "choices": ()})
    protocol = Single(Single.Config(prompts={"solve": "{{{question}}} {form}"}))
    mag = hold(protocol, script, agents=1, question=question)
    assert prompt_of(mag.turns[0])[0].content.startswith("{What is {x} in {{y}}?}")
