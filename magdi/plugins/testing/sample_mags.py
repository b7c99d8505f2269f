"""MAGs made up for checks: round tables with every sort of label."""

from __future__ import annotations

from collections.abc import Sequence

from magdi.core.mag import Mag, Question, Seen, Turn


def sample_mag(name: str, labels: Sequence[bool | None], agents: int = 3) -> Mag:
    """Returns a round table of several rounds whose turns have these labels; a turn without one has no answer."""
    turns = tuple(_turn(name, step, label, agents) for step, label in enumerate(labels))
    return Mag(id=name, question=Question(id=name, text=f"What of {name}?", gold="0"), protocol="test", turns=turns)


def _turn(name: str, step: int, label: bool | None, agents: int) -> Turn:
    own = range(step % agents, step, agents)
    return Turn(
        step=step,
        agent=f"agent-{step % agents}",
        role="critic" if label is None else "solver",
        round=step // agents,
        branch=(step % 2,),
        seen=tuple(
            Seen(step=before, kind="self" if before in own else "content") for before in range(step // agents * agents)
        ),
        text=f"said {name} {step}",
        reasoning=f"Because of {name} it is {step}.",
        answer=None if label is None else str(step),
        confidence=None if label is None else (step % 9 + 1) / 10,
        correct=label,
        label=label,
        label_source="none" if label is None else "gold",
        value=None if label is None else (step % 3 + label) / 3,
        model=f"test:{step % agents}",
    )


def sample_mags(roles: Sequence[str] = ()) -> list[Mag]:
    """Returns MAGs with right and wrong turns, with right ones alone, with wrong ones alone, and without any label.

    Args:
        roles: Before these come MAGs of turns of these roles, one role after the other.
    """
    mixed = [sample_mag("ab", [True, False, True, False, None, True]), sample_mag("cde", [True, True, False, False])]
    usual = [*mixed, sample_mag("f", [True] * 3), sample_mag("gh", [False] * 3), sample_mag("i", [None] * 3)]
    return [*_by_role(roles), *usual] if roles else usual


def _by_role(roles: Sequence[str]) -> list[Mag]:
    """Returns MAGs in which every role has a round, and then another: with answers, and with reasoning alone."""
    labels = [True, False, True, False, True, False] * len(roles)
    first, second = sample_mag("jk", labels), sample_mag("l", [*labels[1:], True])
    spoken = [
        [turn.model_copy(update={"role": roles[turn.round % len(roles)]}) for turn in mag.turns]
        for mag in (first, second)
    ]
    bare = {"answer": None, "correct": None, "label_source": "value"}
    return [
        first.model_copy(update={"turns": tuple(spoken[0])}),
        second.model_copy(update={"turns": tuple(turn.model_copy(update=bare) for turn in spoken[1])}),
    ]
