"""The decision rules by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from magdi.core.decisions.ballots import ApprovalVoting, CumulativeVoting, RankedVoting, SimpleVoting
from magdi.core.decisions.judge import Judge
from magdi.core.decisions.votes import (
    FirstRound,
    LastWord,
    Majority,
    Plurality,
    Rule,
    Supermajority,
    Unanimity,
    Weighted,
)
from magdi.core.errors import ComponentError, ConfigError, did_you_mean

if TYPE_CHECKING:
    from magdi.core.config.models import ComponentChoice

RULES: dict[str, type[Rule]] = {
    "plurality": Plurality,
    "weighted": Weighted,
    "last-word": LastWord,
    "first-round": FirstRound,
    "majority": Majority,
    "supermajority": Supermajority,
    "unanimity": Unanimity,
    "simple-voting": SimpleVoting,
    "approval": ApprovalVoting,
    "ranked": RankedVoting,
    "cumulative": CumulativeVoting,
    "judge": Judge,
}


def make_rule(choice: ComponentChoice) -> Rule:
    """Makes a decision rule from its name and settings.

    Raises:
        ComponentError: There is no rule of that name.
        ConfigError: Its ``Config`` refuses the settings.
    """
    if choice.name not in RULES:
        raise ComponentError(f"no decision rule {choice.name!r}", hint=did_you_mean(choice.name, RULES))
    rule = RULES[choice.name]
    try:
        return rule(rule.Config(**choice.settings))
    except ValidationError as error:
        problems = [
            f"discussion.decision.{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_url=False)
        ]
        raise ConfigError(f"the settings of decision rule {choice.name!r} cannot be used", problems=problems) from None
