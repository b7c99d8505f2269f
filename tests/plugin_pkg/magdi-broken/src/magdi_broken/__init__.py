"""Installs well and does nearly everything wrong; the one thing that is right has to go on working."""

from collections.abc import Iterator

from magdi.plugins import Component, hookimpl


@hookimpl
def magdi_encoders() -> Iterator[Component]:
    """Yields an encoder under a name that is taken, and then fails."""
    yield Component("gcn", "magdi_broken:Nothing", "Wants magdi's own name.")
    raise RuntimeError("no licence file")


@hookimpl
def magdi_protocols() -> Iterator[Component]:
    """Yields a protocol that is not there, and one that is no protocol."""
    yield Component("lost", "magdi_broken.gone:Gone", "Its module was left out of the wheel.")
    yield Component("odd", "magdi_broken:Odd", "Its class is no protocol.", requires="magdi-broken[odd]")


@hookimpl
def magdi_task() -> Iterator[Component]:
    """Is misspelt."""
    yield Component("never", "magdi_broken:Never", "Never seen.")


@hookimpl
def magdi_teachers() -> Iterator[Component]:
    """Is right."""
    yield Component("parrot", "magdi_broken.parrot:Parrot", "Says what it was told.")


class Odd:
    """No protocol at all."""
