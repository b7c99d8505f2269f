"""Discussions that failed: how many, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from magdi.core.errors import DataError, LimitReached
from magdi.core.files import read_json_lines

MOST_REASONS = 3
LONGEST = 160  # characters of a reason
AGAIN = "the same command tries them again"


def told_last(failed: int, path: Path) -> str:
    """Returns the last line of a command that came to its end although discussions failed."""
    return f"warning: {told(failed, path)}; {AGAIN}"


def failures(path: Path) -> Iterator[tuple[str, str]]:
    """Yields question and reason of each discussion that failed; nothing where there is no such file."""
    with suppress(DataError):
        for record in read_json_lines(path):
            yield str(record.get("question", "")), str(record.get("error", ""))


def told(failed: int, path: Path) -> str:
    """Returns a line that says how many discussions failed, and the most common reasons."""
    reasons = Counter(" ".join(error.split())[:LONGEST] for _, error in failures(path))
    listed = "".join(f", {count:,}: {reason}" for reason, count in reasons.most_common(MOST_REASONS))
    return f"{failed:,} {'discussion' if failed == 1 else 'discussions'} failed (see {path}{listed})"


def check_not_too_many(failed: int, held: int, share: float, path: Path) -> None:
    """Raises LimitReached where so many discussions failed that the run is not to go on."""
    if failed <= share * (failed + held):
        return
    raise LimitReached(
        f"stopped before training, as {failed:,} of {failed + held:,} discussions failed, more than "
        f"discussion.max_failed allows ({100 * share:g} %): {told(failed, path)}",
        hint=f"what was done is kept, and {AGAIN}; --set discussion.max_failed=SHARE goes on without them",
    )
