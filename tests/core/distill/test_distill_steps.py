"""Which MAGs a step takes, and how they are dealt to processes and to forward passes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi.core.distill.encoded import Size
from magdi.core.distill.layouts import LAYOUTS, Layout
from magdi.core.distill.schedule import Schedule, forwards, shares
from magdi.core.distill.selection import select
from magdi.core.mag import Mag, Question, Turn
from magdi.plugins.objectives.margin import Margin

TREE, PADDED = LAYOUTS["tree"], LAYOUTS["padded"]
LENGTHS = st.lists(st.integers(1, 900), min_size=1, max_size=40)


def sized(*tokens: int) -> list[Size]:
    return [Size(tokens=count, rows=count, chains=1, longest=count) for count in tokens]


@given(LENGTHS, st.integers(1, 5))
def test_processes_have_about_as_many_tokens(tokens: list[int], processes: int) -> None:
    parts = shares(np.arange(len(tokens)), sized(*tokens), TREE, processes)
    assert sorted(place for part in parts for place in part) == list(range(len(tokens)))
    if len(tokens) >= processes:
        loads = [sum(tokens[place] for place in part) for part in parts]
        assert max(loads) - min(loads) <= max(tokens)


def test_the_lightest_process_is_given_the_next_mag() -> None:
    sizes = sized(8, 7, 6, 5, 4)
    parts = shares(np.arange(5), sizes, TREE, 2)
    assert [sum(sizes[place].tokens for place in part) for part in parts] == [17, 13]  # not in turn: 18 and 12


@pytest.mark.parametrize("layout", [TREE, PADDED])
@given(tokens=LENGTHS, budget=st.integers(1, 2000))
def test_forward_passes_keep_to_the_budget_and_are_as_full_as_it_allows(
    layout: Layout, tokens: list[int], budget: int
) -> None:
    sizes = sized(*tokens)
    groups = forwards(range(len(tokens)), sizes, layout, budget)
    assert sorted(place for group in groups for place in group) == list(range(len(tokens)))

    def cost(group: list[int]) -> int:
        return layout.cost([sizes[place] for place in group])

    assert all(cost(group) <= budget or len(group) == 1 for group in groups)
    assert all(cost([*group, following[0]]) > budget for group, following in pairwise(groups))


def test_a_pass_may_take_the_whole_budget() -> None:
    sizes = sized(5, 5, 5, 5)
    assert forwards(range(4), sizes, TREE, 10) == [[0, 1], [2, 3]]
    assert forwards(range(4), sizes, TREE, 9) == [[0], [1], [2], [3]]
    assert forwards(range(3), sized(3, 5, 4), PADDED, 10) == [[1, 2], [0]]  # a row is as long as the longest


def test_another_seed_is_another_order_and_a_pass_takes_every_mag_once() -> None:
    plans = [Schedule.plan(50, 8, steps=None, epochs=2, seed=seed) for seed in (0, 0, 1)]
    orders = [[plan.step(number).tolist() for number in range(plan.total)] for plan in plans]
    assert orders[0] == orders[1] != orders[2]
    first = [place for step in orders[0][: plans[0].per_epoch] for place in step]
    assert sorted(first) == list(range(50))
    assert orders[0][0] != orders[0][plans[0].per_epoch]


def mag(name: str) -> Mag:
    """Two right turns, nine wrong ones: seven partners are drawn."""
    turns = (Turn(step=step, agent=f"a{step}", text="said", answer="7", label=step < 2) for step in range(11))
    return Mag(id=name, question=Question(id=name, text="How many?"), protocol="test", turns=tuple(turns))


def test_sampled_pairs_are_drawn_from_the_seed_and_the_mag() -> None:
    objectives = {"margin": Margin(Margin.Config(pairs="sampled"))}

    def drawn(name: str, seed: int) -> list[list[int]]:
        found = select(mag(name), objectives, seed=seed)
        return [[found.chains[place].step for place in side] for side in found.columns["margin.pairs"].tolist()]

    assert drawn("m", 0) == drawn("m", 0)
    assert len({str(drawn("m", seed)) for seed in range(8)}) > 4
    assert len({str(drawn(f"m{place}", 0)) for place in range(8)}) > 4
