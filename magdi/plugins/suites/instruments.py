"""Instruments: embedded tasks with what suites set beside them when they run on one (docs/instruments.md)."""

from __future__ import annotations

from collections.abc import Mapping

INSTRUMENTS: Mapping[str, Mapping[str, object]] = {
    "arithmetic": {"discussion.questions": 300},
    "order": {"task": "order", "discussion.questions": 300, "training.steps": 200},
    "bugs": {"task": "bugs", "discussion.questions": 300, "training.steps": 200},
}
"""By name, settings that lie below all files; the embedded default's 1,000 questions bring nearly every student of
`arithmetic` to 99 %, where nothing can be told from anything."""

EMBEDDED = "arithmetic"
"""What is run on where a suite or a configuration names another task or MAGs of its own."""
