"""Pictures of discussions: SVG, a page for the browser, and what a terminal draws."""

from magdi.core.corpus.drawing.page import page
from magdi.core.corpus.drawing.svg import svg

__all__ = ["page", "svg"]
