"""Prompts of agents that keep their whole chat: own replies as the assistant's, what others said as the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal

from magdi.core.mag import Message, Turn
from magdi.core.protocol import Ask

Reaction = Callable[[Sequence[Turn], int, bool], str]
"""From newly shown turns, the count of own replies so far, and whether the reply is asked for now, to a message."""

Line = tuple[Literal["user", "assistant"], str]


def conversation(ask: Ask, opening: str, reaction: Reaction) -> list[Message]:
    """Returns an agent's chat as it really went, as far as it is shown in ``ask``.

    What others said stands before the first own reply that had been shown it, or at the end. Neighbouring messages
    of one role are joined, for many chat templates refuse them.

    Args:
        ask: The turn to be said; shown turns of kind ``self`` are the agent's own replies.
        opening: The first message.
        reaction: Words what others said; "" for no message.
    """
    own = [turn for turn, kind in zip(ask.shown, ask.kinds, strict=True) if kind == "self"]
    left = [turn for turn, kind in zip(ask.shown, ask.kinds, strict=True) if kind != "self"]
    lines: list[Line] = [("user", opening)]
    for said, turn in enumerate(own):
        known = set(turn.sources)
        new = [other for other in left if other.step in known]
        left = [other for other in left if other.step not in known]
        if new or said:
            lines.append(("user", reaction(new, said, False)))
        lines.append(("assistant", turn.text))
    if own or left:
        lines.append(("user", reaction(left, len(own), True)))
    return _joined(ask.agent.persona, lines)


def _joined(persona: str, lines: Sequence[Line]) -> list[Message]:
    messages = [Message(role="system", content=persona)] if persona else []
    for role, group in groupby((line for line in lines if line[1]), key=lambda line: line[0]):
        messages.append(Message(role=role, content="\n\n".join(text for _, text in group)))
    return messages
