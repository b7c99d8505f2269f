"""An instrument: bugs of three kinds, each of which another teacher is now and then without."""

from __future__ import annotations

import random
from typing import ClassVar

from pydantic import Field

from magdi.plugins.tasks.arithmetic import MOST
from magdi.plugins.tasks.order import Order, OrderConfig, drawn
from magdi.plugins.tasks.word_problems import Problem


class Bugs(Order):
    """Yes-or-no questions about stories of three steps, in each of which one bug shows.

    A third of the questions are about forgetting the ten in adding, a third about borrowing nothing in taking away, a
    third about the order of the steps. Two of the three teachers have each bug always, the third on three problems in
    five, and each teacher is the third for another bug: nobody is a better teacher than another, and who is right
    depends on the question. All else is as in `order`.
    """

    class Config(OrderConfig):
        """As those of `order`; there are fewer calculations in which one bug shows and no other."""

        validation: int = Field(300, ge=1, le=MOST, description="Validation questions.")
        test: int = Field(450, ge=1, le=MOST, description="Test questions.")

    teachers = ("ann=simulated:bugs-carry", "ben=simulated:bugs-borrow", "cleo=simulated:bugs-order")
    name: ClassVar[str] = "bugs"
    bugs: ClassVar[tuple[str, ...]] = ("carry", "borrow", "order")

    @staticmethod
    def draw(rng: random.Random, bug: str) -> Problem:
        """Draws a story of three steps, whatever the values; in bugs of calculating the order is right."""
        return Order.draw(rng, bug) if bug == "order" else drawn(rng, "*+-")
