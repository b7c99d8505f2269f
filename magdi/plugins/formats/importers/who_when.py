"""Who&When (Zhang et al., ICML 2025): failed runs of agent teams, with the guilty agent and its decisive step.

The label is of another kind: the step that annotators hold responsible is wrong (``label_source`` judge), of the others
nothing is said. An answer is looked for in the last message alone. Everybody is taken to have read all that was said
before, but the thoughts of others; the logs do not tell more.
"""

from __future__ import annotations

from typing import Any

from magdi.core.decision import vote
from magdi.core.mag import Mag, Seen, Turn
from magdi.plugins.formats.importer import Importer, content_of, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader

_ASKS = ("human", "user")
_KEPT = ("mistake_agent", "mistake_reason", "level", "question_ID")


class WhoWhen(Importer):
    """Who&When's annotated runs."""

    example = {
        "question": "What is 2 + 3?",
        "ground_truth": "5",
        "history": [{"role": "user", "content": "2 + 3?"}, {"role": "Coder", "content": "The answer is 6."}],
        "mistake_agent": "Coder",
        "mistake_step": "1",
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is an annotated run."""
        return has(value, "history", "mistake_agent", "mistake_step")

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one run."""
        row = item.value
        question = reader.question(row["question"], row.get("ground_truth", row.get("groundtruth")))
        spoken = [(place, *_speaker(message), message) for place, message in enumerate(row["history"])]
        spoken = [each for each in spoken if each[1].lower() not in _ASKS]
        turns: list[Turn] = []
        thoughts: set[int] = set()
        for place, agent, aside, message in spoken:
            seen = [turn for turn in turns if turn.step not in thoughts or turn.agent == agent]
            turn = reader.turn(
                question,
                len(turns),
                agent,
                content_of(message.get("content")),
                round=1 + max((turn.round for turn in seen), default=-1),
                seen=[Seen(step=turn.step, kind="self" if turn.agent == agent else "content") for turn in seen],
                role="solver" if place == spoken[-1][0] else "actor",
            )
            guilty = {"label": False, "label_source": "judge"} if place == int(row["mistake_step"]) else {}
            turns.append(turn.model_copy(update=guilty))
            thoughts |= {turn.step} if aside == "thought" else set()
        told = {name: row[name] for name in _KEPT if row.get(name) is not None}
        steps = [turn.step for turn in turns if turn.label_source == "judge"]
        told |= {"mistake_turn": steps[0]} if steps else {"mistake_step": row["mistake_step"]}
        return reader.mag(
            item, question, "who-when", turns, decision=vote(turns[-1:], rule="last"), format="who-when", **told
        )


def _speaker(message: Any) -> tuple[str, str]:
    """Returns who speaks and, of Magentic-One's orchestrator, how: ``Orchestrator (thought)``."""
    agent, _, aside = str(message.get("name") or message["role"]).partition(" (")
    return agent, aside.rstrip(")")
