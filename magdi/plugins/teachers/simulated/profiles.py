"""Characters of simulated teachers: how they slip, talk, doubt and give in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from magdi.plugins.tasks.procedures import BUGS
from magdi.plugins.tasks.word_problems import PHRASES

Style = Literal["equations", "spoken", "ordered"]
Share = Annotated[float, Field(ge=0, le=1)]

BELIEVER: dict[str, object] = {"slip": 0.0, "keep": 1.0, "stubborn": 1.0, "remarks": 0.0}

PROFILES: dict[str, dict[str, object]] = {
    "careful": {
        "style": "equations",
        "slip": 0.025,
        "weak": {"trade": 0.2, "share": 0.17},
        "noise": 0.04,
        "doubt": 0.5,
    },
    "chatty": {
        "style": "spoken",
        "slip": 0.055,
        "weak": {"gift": 0.25, "sell": 0.2},
        "confidence_bias": -0.06,
        "doubt": 0.4,
        "untidy": 0.02,
    },
    "hasty": {
        "style": "ordered",
        "slip": 0.065,
        "weak": {"lose": 0.2, "copy": 0.35},
        "confidence_bias": 0.1,
        "doubt": 0.15,
    },
    "stubborn": {"style": "equations", "slip": 0.05, "keep": 1.0, "stubborn": 0.8},
    "follower": {"style": "spoken", "slip": 0.08, "keep": 0.8, "stubborn": 0.0, "recheck": 0.1},
    "right": BELIEVER,
    "signs": {**BELIEVER, "bugs": {"order": 1.0}},
    "insight": {**BELIEVER, "bugs": {"order": 0.6}},
    "bugs-carry": {**BELIEVER, "bugs": {"carry": 0.6, "borrow": 1.0, "order": 1.0}},
    "bugs-borrow": {**BELIEVER, "bugs": {"carry": 1.0, "borrow": 0.6, "order": 1.0}},
    "bugs-order": {**BELIEVER, "bugs": {"carry": 1.0, "borrow": 1.0, "order": 0.6}},
}
"""What each profile has other than the defaults; the first three are the default team.

Those from `right` on believe in what they do (docs/instruments.md): they never slip, and nobody talks them out of it.
"""


class SimulatedConfig(BaseModel):
    """Settings of a simulated teacher; those left out are the profile's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: str = Field("careful", description=f"Character that the other settings come from: {', '.join(PROFILES)}.")
    seed: int = Field(0, ge=0, description="Seed of all that it draws.")
    guess: bool = Field(False, description="Guess where a question is no word problem of ours, instead of refusing it.")
    style: Style = Field("equations", description="How it writes a solution down.")
    slip: Share = Field(0.05, description="Chance of a slip in a step, before hardness.")
    weak: dict[str, Share] = Field(
        default_factory=dict,
        description=f"Kinds of phrase with a slip chance of their own: {', '.join(PHRASES)}.",
    )
    bugs: dict[str, Share] = Field(
        default_factory=dict,
        exclude_if=lambda bugs: not bugs,  # they came later: who has none is who it was, and says what it said
        description=f"Wrong procedures that it believes in, and on what share of problems: {', '.join(BUGS)}.",
    )
    hardness: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (0.15, 0.4, 1.0, 2.6),
        min_length=1,
        description="What slip chances are multiplied by; a problem's hash picks one, the same for all teachers.",
    )
    misread: Share = Field(
        0.5, description="Share of slips that take one operation for another; the rest miscalculate."
    )
    confidence_bias: float = Field(0.0, ge=-1, le=1, description="By how much it states more than it feels.")
    noise: float = Field(0.06, ge=0, description="Standard deviation of the confidence it states.")
    doubt: Share = Field(0.3, description="Chance that a solution with a slip feels wrong to it.")
    keep: Share = Field(0.85, description="Chance to stand by an answer that leads; otherwise it solves again.")
    stubborn: Share = Field(
        0.12, description="Share of problems about which it insists on an answer that others doubt."
    )
    recheck: Share = Field(
        0.8,
        description="Chance to solve again when its answer does not lead; otherwise it takes over the leading "
        "solution, in its own words.",
    )
    care: float = Field(0.5, ge=0, description="What slip chances are multiplied by when it solves again.")
    remarks: Share = Field(0.5, description="Share of replies to others that say with whom it agrees or disagrees.")
    untidy: Share = Field(0.0, description="Share of JSON replies that are wrapped in prose.")

    @model_validator(mode="before")
    @classmethod
    def _from_profile(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        profile = value.get("profile", "careful")
        if profile not in PROFILES:
            raise ValueError(f"there is no profile {profile!r}; there is: {', '.join(PROFILES)}")
        return {**PROFILES[profile], **value}

    @model_validator(mode="after")
    def _makes_sense(self) -> SimulatedConfig:
        if unknown := sorted(set(self.weak) - set(PHRASES)):
            raise ValueError(f"weak: there is no kind of phrase {', '.join(unknown)}; there is: {', '.join(PHRASES)}")
        if unknown := sorted(set(self.bugs) - set(BUGS)):
            raise ValueError(f"bugs: there is no bug {', '.join(unknown)}; there is: {', '.join(BUGS)}")
        return self
