"""`unlikelihood` against plain loops over stock logits."""

from __future__ import annotations

import math

import pytest

from magdi.plugins.objectives.unlikelihood import Unlikelihood
from magdi.plugins.testing import LossBench


@pytest.mark.parametrize("direct", [True, False])
def test_it_is_the_log_of_what_is_left(direct: bool) -> None:
    bench = LossBench(Unlikelihood())
    expected = -sum(
        math.log(1 - math.exp(each))
        for lesson in bench.lessons()
        for chain in lesson.columns["wrong"]
        for each in lesson.logprobs[chain].tolist()
    )
    assert bench.loss(direct=direct) == pytest.approx(expected, rel=1e-5)
