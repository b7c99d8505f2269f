"""DRIFTEval (Becker et al., EACL 2026): the two turns of a MALLM debate between which it drifts off, with why.

Three agents speak in the order of their personas; the six messages are the turn before the drift and the one after. All
are taken to have read what came before. Why it drifted stands in the metadata: ``error_types``, ``explanation``, and
by how much (``drift_strength``, the change of the task's measure).
"""

from __future__ import annotations

import json
import re
from typing import Any

from magdi.core.decision import vote
from magdi.core.mag import Decision, Mag, Seen, Turn
from magdi.plugins.formats.importer import Importer, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader, scalar

_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[ntr\"'\\])")
_KEPT = {
    "driftTurn": "drift_turn",
    "driftStrength": "drift_strength",
    "errorTypes": "error_types",
    "errorTypesExplanation": "explanation",
    "solutionBefore": "solution_before",
    "sampleId": "sample",
}


class DriftEval(Importer):
    """DRIFTEval's debates."""

    example = {
        "input": "What is 2 + 3?",
        "reference": "5",
        "personas": "Ann, Bob",
        "driftTurn": 2,
        "extractedMessages": {"1": "The answer is 5.", "2": "The answer is 6."},
        "solutionAfter": "6",
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a debate that drifted."""
        return has(value, "extractedMessages", "driftTurn")

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one debate's end."""
        row = item.value
        asked = "\n".join(plain(str(part)) for part in (row.get("context"), row["input"]) if part)
        question = reader.question(asked, plain(scalar(row.get("reference"))), dataset=row.get("dataset"))
        personas = [name.strip() for name in str(row.get("personas") or "").split(",") if name.strip()] or ["agent"]
        turns: list[Turn] = []
        for number in sorted(row["extractedMessages"], key=int):
            agent = personas[len(turns) % len(personas)]
            seen = [Seen(step=turn.step, kind="self" if turn.agent == agent else "content") for turn in turns]
            text = plain(scalar(row["extractedMessages"][number]))
            turns.append(reader.turn(question, len(turns), agent, text, round=len(turns), seen=seen))
        answer = reader.task.extract(plain(scalar(row.get("solutionAfter"))), question)
        decision = Decision(answer=answer, rule="mallm") if answer else vote(turns[-1:])
        told = {name: row[key] for key, name in _KEPT.items() if row.get(key) is not None}
        return reader.mag(item, question, "mallm-memory", turns, decision=decision, format="drift-eval", **told)


def plain(text: str) -> str:
    r"""Returns a text in which ``\n``, ``\xd7`` and ``\u2265`` were written out, as it was said."""
    return _ESCAPE.sub(lambda found: json.loads(f'"{_as_json(found[0])}"'), text)


def _as_json(escape: str) -> str:
    return f"\\u00{escape[2:]}" if escape[1] == "x" else "'" if escape == "\\'" else escape
