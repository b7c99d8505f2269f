"""What somebody else's protocol, rule or task does wrong in a discussion is found before anybody is asked."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

from magdi.core.errors import ComponentError
from magdi.plugins.manager import load_plugins
from magdi.plugins.rehearsal import rehearse
from magdi.plugins.setup import set_up

HEAD = """import os
from magdi.core.decision import DecisionRule, vote
from magdi.core.mag import Decision, Question
from magdi.core.protocol import Protocol, chat
from magdi.core.reply import Parsed, ReplyFormat
from magdi.core.task import Task
from magdi.plugins import Component, hookimpl


class Form(ReplyFormat):
    def instructions(self, question):
        return "Say: The answer is."

    def parse(self, text, extract):
        return Parsed(text, extract(text.split("Q:")[1]))


"""
ALL = "def discuss(self, question, agents):\n    said = yield [self.ask(agent) for agent in agents]\n"
PROTOCOLS = {
    "has not ended after 300 turns": "def discuss(self, question, agents):\n    while True:\n"
    "        yield [self.ask(agents[0])]\n",
    "characters of prompts": "def discuss(self, question, agents):\n    said = []\n    while True:\n"
    "        said += yield [self.ask(agents[0], seen=said)]\n",
    "raised RuntimeError: they differ (x.py:22, of x)": ALL
    + "    if len({turn.answer for turn in said}) > 1:\n        raise RuntimeError('they differ')\n",
    "decided None, which is no Decision (x.py:21, of x)": ALL + "def decide(self, question, turns):\n    vote(turns)\n",
    "has a label() that raised ValueError: one": ALL + "def label(self, turns):\n"
    "    if sum(bool(turn.correct) for turn in turns) == 1:\n        raise ValueError('one')\n    return turns\n",
    "labels what cannot be: label 'good'": ALL + "def label(self, turns):\n"
    "    return [turn.model_copy(update={'label': 'good'}) for turn in turns]\n",
    "IndexError: list index out of range (x.py:15, of x)": "def discuss(self, question, agents):\n"
    "    yield [self.ask(agent, reply=Form()) for agent in agents]\n",
    "that is not the one said in this discussion": ALL + "    kept = self.__dict__.setdefault('kept', said)\n"
    "    yield [self.ask(agents[0], round=1, seen=kept)]\n",
    "changes the working directory": ALL + "    os.chdir('/')\n",
    "1 validation error for Question text Instance is frozen": "def discuss(self, question, agents):\n"
    "    question.text = 'another'\n    yield [self.ask(agents[0])]\n",
}  # fmt: skip


@dataclass
class Rehearsed:
    """Rehearses what a file brings."""

    folder: Path

    def __call__(self, kind: str, base: str, body: str, **flags: object) -> list[str]:
        file = self.folder / "x.py"
        hook = f"\n\n@hookimpl\ndef magdi_{kind}s():\n    yield Component('x', X, 'An X.')\n"
        file.write_text(f"{HEAD}class X({base}):\n{indent(body, '    ')}{hook}")
        made = set_up(flags={"plugins": [str(file)], **flags})
        registry = made.plugins.registry
        return list(rehearse(made.config, registry, registry.task(made.config.task, 0)))


@pytest.fixture
def rehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsed:
    monkeypatch.chdir(tmp_path)
    return Rehearsed(tmp_path)


@pytest.mark.parametrize("told", PROTOCOLS)
def test_what_a_protocol_does_wrong_is_told(told: str, rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magdi.plugins.rehearsal.MOST_CHARACTERS", 1_000_000)
    monkeypatch.setattr("magdi.plugins.rehearsal.MOST_TURNS", 300)
    with pytest.raises(ComponentError) as caught:
        rehearsed("protocol", "Protocol", PROTOCOLS[told], **{"protocol.name": "x"})
    assert told in caught.value.message
    assert "nobody was asked" in caught.value.message
    assert caught.value.exit_code == 2


def test_what_is_unwise_is_noted(rehearsed: Rehearsed) -> None:
    use = {"protocol.name": "x"}
    assert rehearsed("protocol", "Protocol", ALL, **use) == []
    (silent,) = rehearsed("protocol", "Protocol", f"{ALL}def label(self, turns):\n    return turns\n", **use)
    assert "protocol 'x' labels no turn" in silent
    counting = f"{ALL}    os.heard = getattr(os, 'heard', 0) + 1\n    yield [self.ask(agents[os.heard % 3], round=1)]\n"
    (restless,) = rehearsed("protocol", "Protocol", counting, **use)
    assert "protocol 'x' goes another way each time" in restless


def test_what_fails_with_unreadable_replies_alone_is_noted(rehearsed: Rehearsed) -> None:
    """Such a reply is asked for again, and one discussion that fails is not all of them."""
    use = {"protocol.name": "x"}
    counts = f"{ALL}    [turn.answer for turn in said if turn.answer is not None][0]\n"
    (failing,) = rehearsed("protocol", "Protocol", counts, **use)
    assert "raised IndexError" in failing
    assert "rehearsed with empty replies: discussions with such will fail" in failing
    (failing,) = rehearsed("protocol", "Protocol", f"{ALL}    max(turn.confidence for turn in said)\n", **use)
    assert "raised TypeError" in failing
    endless = f"{ALL}    while all(turn.answer is None for turn in said):\n        yield [self.ask(agents[0])]\n"
    with pytest.raises(ComponentError, match="has not ended"):
        rehearsed("protocol", "Protocol", endless, **use)


TASK = """
def questions(self, split):
    return [Question(id=split, text="Capital of Spain?", gold="Madrid", answer_type="text")]

def extract(self, text, question):
    return text.rpartition("answer is ")[2].strip(". ").lower() or None
"""


def test_a_rule_and_a_task_are_rehearsed_too(rehearsed: Rehearsed) -> None:
    rule = "def decide(self, question, turns):\n    return Decision(answer=turns[0].answer + '!', rule='x')[0]\n"
    with pytest.raises(ComponentError, match=r"decision rule X of x raised TypeError.*\(x.py:20, of x\)"):
        rehearsed("decision", "DecisionRule", rule, **{"discussion.decision.name": "x"})
    use: dict[str, object] = {"task.name": "x", "teachers": ["openai:m@http://localhost:1/v1"]}
    (unread,) = rehearsed("task", "Task", TASK, **use)
    assert "no right answer is taken for right in a reply that gives it ('Madrid')" in unread
    assert rehearsed("task", "Task", TASK.replace('gold="Madrid"', 'gold="madrid"'), **use) == []
    graded = f"{TASK}\ndef grade(self, answer, gold):\n    return 1 / 0\n"
    with pytest.raises(ComponentError, match=r"ZeroDivisionError: division by zero \(x.py:"):
        rehearsed("task", "Task", graded, **use)


def test_what_ships_is_not_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = load_plugins(environ={"MAGDI_LOAD_PLUGINS": ""}).registry
    config = set_up(flags={}).config
    monkeypatch.setattr("magdi.plugins.rehearsal.READABLE", None)
    assert list(rehearse(config, registry, registry.task(config.task, 0))) == []


def test_a_form_that_nobody_can_write_is_left_to_the_run(rehearsed: Rehearsed) -> None:
    body = ALL.replace("self.ask(agent)", "self.ask(agent, reply=Odd())") + (
        "\n\nclass Odd(ReplyFormat):\n    def instructions(self, question):\n        return 'In Klingon.'\n\n"
        "    def parse(self, text, extract):\n        from magdi.core.reply import UnreadableReply\n"
        "        raise UnreadableReply('this is no Klingon')\n"
    )
    head, odd = body.replace("Odd()", "self.Odd()").split("\n\nclass Odd")
    assert rehearsed("protocol", "Protocol", f"class Odd{odd}\n{head}", **{"protocol.name": "x"}) == []
