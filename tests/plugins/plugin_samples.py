"""Plugins that several tests load."""

RING = """
from magdi.core.protocol import Protocol
from magdi.plugins import Component, hookimpl


class Ring(Protocol):
    def discuss(self, question, agents):
        yield [self.ask(agent) for agent in agents]


@hookimpl
def magdi_protocols():
    yield Component("ring", Ring, "Everybody once.")
"""
