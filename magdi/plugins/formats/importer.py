"""What an importer is: how another system's files are recognised, and how one discussion of them becomes a MAG."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from magdi.core.configurable import Configurable
from magdi.core.mag import Mag, Message

if TYPE_CHECKING:
    from magdi.plugins.formats.importers.reader import Reader
    from magdi.plugins.formats.importers.source import Item, OnBad


class Importer(Configurable):
    """Base class of importers: `magdi mags import`, which finds them out by themselves, or takes ``--format NAME``.

    Attributes:
        example: What a file with one discussion holds, as read from JSON: the smallest that can be read.
        gathers: Whether parts of a discussion may stand in several files: `discussions` is given the items of all files
            together then, once the other files are read.
        general: Whether it reads what no other format knows: it is asked last, and may recognise what others do.
    """

    example: ClassVar[Any]
    gathers: ClassVar[bool] = False
    general: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, value: Any) -> bool:
        """Returns whether a value, of whatever form, is the first item of a file of this format."""

    @abstractmethod
    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one discussion; ``reader`` makes its question, turns and decision, read and graded.

        Raises:
            Exception: Whatever comes of a value that is not as it should be; it is told with file and line.
        """

    def discussions(self, items: Iterator[Item], reader: Reader, on_bad: OnBad | None = None) -> Iterator[Item]:
        """Yields one item a discussion, of those of a file: its lines, the elements of its list, or its one object.

        As they are, unless a format keeps several discussions in one object, or one in several lines.

        Raises:
            MagFileError: Part of an item cannot be read, and there is no ``on_bad`` to tell.
        """
        yield from items


def has(value: Any, *keys: str) -> bool:
    """Returns whether a value is an object with all these keys."""
    return isinstance(value, dict) and all(key in value for key in keys)


def messages_of(chat: Iterable[Mapping[str, object]]) -> list[Message]:
    """Returns a chat's messages, whatever else stands beside role and content; no content is an empty text.

    Raises:
        KeyError: A message has no role.
        ValueError: The role is no chat's.
    """
    return [Message(role=each["role"], content=content_of(each.get("content"))) for each in chat]


def content_of(value: Any) -> str:
    """Returns a message's text; one of several parts is those of text, one after another."""
    if isinstance(value, list):
        return "".join(content_of(part.get("text") if isinstance(part, dict) else part) for part in value)
    return "" if value is None else str(value)
