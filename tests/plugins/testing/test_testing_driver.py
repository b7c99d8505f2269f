"""What the kit checks with the stepper holds when the driver holds the discussion with real calls to teachers."""

from collections.abc import Sequence

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import hold_discussions
from magdi.core.discussion.seat import Seat
from magdi.core.mag import Question
from magdi.core.protocol import Agent
from magdi.core.task import Split, Task
from magdi.core.teacher import Request, Sampling
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.sketch import sketch
from magdi.plugins.target import resolve
from magdi.plugins.testing import ScriptedTeacher
from magdi.plugins.testing.discussions import read_answer
from magdi.plugins.testing.scripted import unique_word
from tests.plugins.testing.mutant_protocols import AsksForPointed

QUESTIONS = [
    Question(id=str(number), text=f"What is {number} + 3?", gold="7", answer_type="number") for number in (4, 5)
]


class Sums(Task):
    def questions(self, split: Split) -> Sequence[Question]:
        return QUESTIONS

    def extract(self, text: str, question: Question) -> str | None:
        return read_answer(text)


def disagree(request: Request) -> str:
    """A reply that holds the request's word, and an answer that depends on it: hardly two agree."""
    word = unique_word(request)
    answer = int(word[2:6], 16) % 5
    return f'{{"reasoning": "Because {word}.", "answer": "{answer}", "confidence": 0.8}}'


@pytest.mark.parametrize("name", ["reconcile", "debate", "self-consistency", "self-refine"])
def test_prompts_of_the_driver_quote_what_the_graph_says(name: str) -> None:
    target = next(component.target for component in BUILTINS["protocol"] if component.name == name)
    teacher = ScriptedTeacher(disagree)
    seats = [Seat(Agent(agent), teacher, Sampling()) for agent in ("ann", "bob", "cid")]
    settings = Discussion(keep_prompts=True, in_flight=2)
    mags = list(
        hold_discussions(
            QUESTIONS, protocol=resolve(target)(), protocol_name=name, seats=seats, task=Sums(), settings=settings
        )
    )
    assert [mag.id for mag in mags] == ["4", "5"]
    said = {word(turn.text): (mag.id, turn.step) for mag in mags for turn in mag.turns}
    assert len(said) == sum(len(mag.turns) for mag in mags)
    for mag in mags:
        for turn in mag.turns:
            prompt = "\n".join(message.content for message in turn.prompt)
            assert {place for each, place in said.items() if each in prompt} == {(mag.id, u) for u in turn.sources}


def word(text: str) -> str:
    return text[text.index("zq") : text.index("qz") + 2]


def test_a_drawing_speaks_in_the_form_that_is_asked_for() -> None:
    """Else every reply of it is one that cannot be read, and a graph in which nobody is shown on."""
    assert {turn.status for turn in sketch(AsksForPointed(), "pointed").turns} == {"ok"}
