"""A protocol and an encoder, as somebody else would bring them."""

from collections.abc import Iterator

from magdi.plugins import Component, hookimpl


@hookimpl
def magdi_protocols() -> Iterator[Component]:
    """Yields the star."""
    yield Component("star", "magdi_star.star:Star", "A hub hears everybody; everybody hears the hub.")


@hookimpl
def magdi_encoders() -> Iterator[Component]:
    """Yields the encoder, which is not imported before it is chosen: it needs torch."""
    yield Component("loudest", "magdi_star.loudest:Loudest", "Own state and the maximum over what was shown.")
