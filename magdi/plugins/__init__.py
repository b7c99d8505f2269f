"""The plugin system, and the shipped teachers and tasks.

A plugin needs two names from here: `hookimpl` marks its hooks, `Component` is what they yield.
"""

from magdi.plugins.component import Component
from magdi.plugins.hookspecs import hookimpl

__all__ = ["Component", "hookimpl"]
