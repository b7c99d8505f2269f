"""Credit: values against hand-worked trees and brute force, labels from them, and which pairs there are."""

from __future__ import annotations

import itertools
import random
from statistics import fmean
from typing import Any

import pytest

from magdi.core.credit import Credit, credited, of_own_answer
from magdi.core.distill.lessons import Lessons, OwnPrompts
from magdi.core.mag import Decision, Mag, Message, Seen, Turn
from magdi.core.objective import Selecting
from magdi.protocols.malt import backed_up
from tests.core.corpus.mag_samples import mag, turn


def test_a_tree_worked_by_hand() -> None:
    leaves: dict[tuple[int, ...], float] = {
        (0, 0, 0): 1.0,
        (0, 0, 1): 0.0,
        (0, 1, 0): 1.0,
        (0, 1, 1): 1.0,
        (1, 0, 0): 0.0,
    }
    assert backed_up(leaves) == leaves | {(0, 0): 0.5, (0, 1): 1.0, (1, 0): 0.0, (0,): 0.75, (1,): 0.0}


@pytest.mark.parametrize("seed", range(5))
def test_random_trees_against_brute_force(seed: int) -> None:
    draw = random.Random(seed)
    width = draw.randint(2, 4)
    leaves = {
        branch: float(draw.random() < 0.5)
        for branch in itertools.product(range(width), repeat=3)
        if draw.random() < 0.7
    }

    def value(branch: tuple[int, ...]) -> float | None:
        if len(branch) == 3:
            return leaves.get(branch)
        below = [found for each in range(width) if (found := value((*branch, each))) is not None]
        return fmean(below) if below else None

    everywhere = [branch for depth in (1, 2, 3) for branch in itertools.product(range(width), repeat=depth)]
    assert backed_up(leaves) == {branch: found for branch in everywhere if (found := value(branch)) is not None}


@pytest.mark.parametrize(
    ("credit", "labels"),
    [
        (Credit(labels="threshold"), [False, False, True, True]),
        (Credit(labels="threshold", theta=0.8), [False, False, False, True]),
        (Credit(labels="interval", gap=0.5), [False, None, True, True]),
        (Credit(labels="interval", gap=1.0), [False, None, None, True]),
    ],
)
def test_labels_of_values(credit: Credit, labels: list[bool | None]) -> None:
    values = [0.0, 0.5, 0.7, 1.0]
    assert [credit.label(value, values) for value in values] == labels


def said(step: int, role: str, text: str, seen: tuple[int, ...] = (), **fields: object) -> Turn:
    return turn(step, "A", None).model_copy(
        update={"role": role, "text": text, "seen": tuple(Seen(step=each) for each in seen), "prompt": PROMPTS[seen]}
        | {"label": None, "correct": None, "answer": None, "label_source": "none", "status": "ok"}
        | fields
    )


PROMPTS = {seen: (Message(role="user", content=f"asked, shown {seen}"),) for seen in [(), (0,), (1,), (0, 2)]}


def test_a_critique_is_worth_what_came_of_it() -> None:
    talk = mag(
        said(0, "solver", "It is 7.", answer="7", correct=False, label=False, label_source="gold"),
        said(1, "critic", "Step 2 is wrong.", (0,)),
        said(2, "critic", "All is well.", (0,)),
        said(3, "solver", "It is 51.", (1,), answer="51", correct=True, label=True, label_source="gold"),
        said(4, "judge", "The second one.", (0, 2)),
        decision=Decision(answer="51", correct=True),
    )
    found = credited(talk, (0, 1, 1, 2, 3), Credit())
    assert [each.value for each in found.turns] == [None, 1.0, 1.0, None, 1.0]
    assert [each.label for each in found.turns] == [False, True, True, True, True]
    assert [each.label_source for each in found.turns] == ["gold", "value", "value", "gold", "value"]
    unknown = credited(talk.model_copy(update={"decision": Decision()}), (0, 1, 1, 2, 3), Credit())
    assert [each.label for each in unknown.turns] == [False, True, None, True, None]


def test_a_value_says_nothing_of_the_own_answer() -> None:
    """A right answer that was spoilt afterwards is a right answer; a verification has none."""
    valued: dict[str, Any] = {"value": 0.0, "label": False, "label_source": "value"}
    talk = mag(
        said(0, "generator", "It is 51.", answer="51", correct=True, **valued),
        said(1, "verifier", "Wrong.", (0,), **valued),
    )
    assert [each.label for each in of_own_answer(talk).turns] == [True, None]
    given, prompts = Lessons().of(talk)
    assert ([each.step for each in given.written], prompts) == ([0], ())
    assert of_own_answer(mag(turn(0, "A", "7"))) == mag(turn(0, "A", "7"))


@pytest.fixture
def tree() -> Mag:
    """Verifications of two solutions, with what they were worth: one said twice, one said both well and badly."""
    worth = [("good", 1.0), ("bad", 0.0), ("bad", 0.0), ("torn", 1.0), ("torn", 0.0), ("fair", 0.5)]
    return mag(
        said(0, "generator", "It is 51.", value=0.4, label=False, label_source="value"),
        said(1, "generator", "It is 7.", value=0.6, label=True, label_source="value"),
        *(
            said(2 + number, "verifier", text, (0,), value=value, label=value > 0.5, label_source="value")
            for number, (text, value) in enumerate(worth)
        ),
        said(8, "verifier", "good", (1,), value=1.0, label=True, label_source="value"),
    )


def pairs(given: Selecting) -> list[tuple[int, int]]:
    return [(plus.step, minus.step) for plus, minus in given.preferences]


def test_pairs_are_after_the_same_prompt_and_each_once(tree: Mag) -> None:
    given, prompts = Lessons(prompts=OwnPrompts()).of(tree)
    assert given.prompts == (0, 0, 1, 1, 1, 1, 1, 1, 2)
    assert prompts[8] == PROMPTS[1,]
    assert [each.step for each in given.written] == [0, 1, 2, 3, 7, 8]
    assert pairs(given) == [(1, 0), (2, 3), (2, 7)]
    verifier, _ = Lessons("verifier", OwnPrompts()).of(tree)
    assert pairs(verifier) == [(2, 3), (2, 7)]
    apart, _ = Lessons("verifier", OwnPrompts(), Credit(labels="interval", gap=1.0)).of(tree)
    assert pairs(apart) == [(2, 3)]


def test_pairs_against_brute_force() -> None:
    draw = random.Random(7)
    turns = [
        said(step, "verifier", f"text {draw.randrange(6)}", draw.choice([(), (0,), (1,)]) if step > 1 else ())
        for step in range(40)
    ]
    talk = mag(*(each.model_copy(update={"label": draw.random() < 0.5, "label_source": "value"}) for each in turns))
    given, _ = Lessons(prompts=OwnPrompts()).of(talk)
    labels: dict[tuple[object, str], set[bool | None]] = {}
    for each in talk.turns:
        labels.setdefault((each.prompt, each.text), set()).add(each.label)
    sure = {key: label.pop() for key, label in labels.items() if len(label) == 1}
    wanted = {(a, b) for a in sure for b in sure if a[0] == b[0] and sure[a] and not sure[b]}
    found = [((plus.prompt, plus.text), (minus.prompt, minus.text)) for plus, minus in given.preferences]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)
