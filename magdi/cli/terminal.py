"""What a terminal is sent: text, and the styles that are ours. Control characters in it are shown, not sent.

Replies of models and files of other people may hold sequences that set a terminal's title, clear it, write to its
clipboard, or turn the direction of writing round.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.control import Control
from rich.segment import Segment
from rich.text import Text

from magdi.cli.visible import visible


class SafeConsole(Console):
    """A console that sends no control character of what it is given, however that is wrapped up."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, **options)
        self.push_render_hook(_Shown())

    def render_str(self, text: str, **options: Any) -> Text:
        """Shows even those control characters that rich drops."""
        return super().render_str(visible(text), **options)


class _Shown(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [each if isinstance(each, Control) else _Visible(each) for each in renderables]


class _Visible:
    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._segments(console, options)

    def _segments(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for text, style, control in console.render(self._inner, options):
            yield Segment(text, style, control) if control else Segment(visible(text), style)
