"""Texts that were cut at a length: how many, and which setting makes room, for a run's notes."""

from __future__ import annotations

from collections.abc import Mapping

MANY = 0.05
"""Share of answers from which on a setting is to blame, rather than a student that repeats itself now and then."""


def answers_cut_warning(who: str, share: float, length: int, setting: str) -> str:
    """Returns a warning where many answers were cut off; empty where it is few.

    Args:
        who: Whose answers.
        share: Share of them that reached the longest length.
        length: That length in tokens.
        setting: What to type to change it.
    """
    if share < MANY:
        return ""
    cut = f"{100 * share:.0f} % of the answers of {who} were cut off at {length} tokens"
    return f"warning: {cut}; {setting} lets them end"


def replies_cut_warning(cut: int, replies: int) -> str:
    """Returns a warning where many of the teachers' replies were cut off; empty where it is few."""
    if cut <= MANY * replies:
        return ""
    return (
        f"warning: {cut:,} of {replies:,} replies of the teachers were cut off at their greatest length, and most of "
        "those have no answer; a teacher's sampling: {max_tokens: N} lets them end"
    )


def chains_cut_warning(counts: Mapping[str, int], length: int) -> str:
    """Returns a warning where reasoning to learn from was cut, or MAGs were left out for their questions' length.

    Args:
        counts: What was met when MAGs were read; see `magdi.core.distill.reading.Reading.read`.
        length: Most tokens of question and reasoning.
    """
    cut, out = counts.get("cut_chains", 0), counts.get("prompt_too_long", 0)
    parts = [f"{cut:,} of {counts['chains']:,} texts to learn from were cut"] if cut else []
    parts += [f"{out:,} of {counts['mags']:,} MAGs were left out"] if out else []
    if not parts:
        return ""
    return (
        f"warning: {' and '.join(parts)} at {length} tokens of question and reasoning; --set student.max_length=N, up "
        "to the model's context, takes longer ones"
    )
