"""Who sees what in a dialogue: a few words that pick earlier turns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from magdi.core.mag import Turn

WORDS = ("all", "last", "previous", "own", "others")


class Spoken(NamedTuple):
    """A turn and the member of the cast who said it."""

    name: str
    turn: Turn


def sight(words: Iterable[str], name: str, said: Sequence[Spoken]) -> list[Turn]:
    """Returns what a member is shown.

    ``all``: everything; ``last``: the newest turn of each member; ``previous``: the last wave; ``own`` and ``others``:
    what the member itself, or all others, have said; a name: what that member has said. ``own``, ``others`` and names
    stand for all turns, or the newest of each member with ``.last``.
    """
    picked = {spoken.turn.step: spoken.turn for word in words for spoken in _picked(word, name, said)}
    return [picked[step] for step in sorted(picked)]


def _picked(word: str, name: str, said: Sequence[Spoken]) -> list[Spoken]:
    who, _, which = word.partition(".")
    match who:
        case "all":
            return list(said)
        case "last":
            return _newest(said)
        case "previous":
            round = max((spoken.turn.round for spoken in said), default=0)
            return [spoken for spoken in said if spoken.turn.round == round]
        case "own":
            found = [spoken for spoken in said if spoken.name == name]
        case "others":
            found = [spoken for spoken in said if spoken.name != name]
        case _:
            found = [spoken for spoken in said if spoken.name == who]
    return _newest(found) if which == "last" else found


def _newest(said: Sequence[Spoken]) -> list[Spoken]:
    return list({spoken.name: spoken for spoken in said if spoken.turn.status != "invalid"}.values())


def check_sight(word: str, names: Collection[str]) -> None:
    """Raises ValueError for a word that picks nothing; any name goes where the cast is the agents."""
    who, dot, which = word.partition(".")
    if dot and which not in ("last", "all"):
        raise ValueError(f"{word!r}: only .last and .all may follow a name")
    if who not in WORDS and names and who not in names:
        raise ValueError(f"{word!r} is nobody and nothing that can be seen: {', '.join([*WORDS, *names])}")
