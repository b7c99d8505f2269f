"""Which of very many calls may belong together: what has no words in common is not compared, so that time grows evenly.

A trace may be the log of a whole day. Calls of one discussion are given the same first message, or share a sentence of
what was asked or replied that few others have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from magdi.plugins.formats.importers.otel.dialects import Call
from magdi.plugins.formats.importers.otel.threads import sentences
from magdi.plugins.formats.importers.otel.words import plain_words

MANY = 200
"""So few calls are compared all with all; a sentence that more of them share is an instruction."""
_LONG = 8
"""A sentence of a reply that has fewer words may be anybody's."""


def apart(calls: Sequence[Call]) -> list[list[Call]]:
    """Returns calls by what may belong together, in the order of the first of each; few calls are all together."""
    if len(calls) <= MANY:
        return [list(calls)]
    having: dict[str, list[int]] = defaultdict(list)
    for number, call in enumerate(calls):
        for mark in set(_marks(call)):
            having[mark].append(number)
    parents = list(range(len(calls)))
    for mark, numbers in having.items():
        if mark.startswith("=") or len(numbers) <= MANY:
            roots = {_root(parents, number) for number in numbers}
            for root in roots:
                parents[root] = min(roots)
    groups: dict[int, list[Call]] = defaultdict(list)
    for number, call in enumerate(calls):
        groups[_root(parents, number)].append(call)
    return list(groups.values())


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = number = parents[parents[number]]
    return number


def _marks(call: Call) -> Iterator[str]:
    asked = [said.text for said in call.prompt if said.role != "system"]
    yield from (f"={plain_words(text)}" for text in asked[:1])
    for text in asked:
        yield from sentences(text)
    yield from (words for words in sentences(call.reply.text) if words.count(" ") > _LONG)
