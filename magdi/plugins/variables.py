"""The environment as a layer of configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from magdi.core.config.problems import Problem
from magdi.plugins.source import Layer, from_text

PREFIX = "MAGDI_"

CONTROLS = (
    *("CACHE", "DATA", "PRICES", "API_KEY", "TRUST"),
    *("LOAD_PLUGINS", "DISABLE_PLUGINS", "STRICT_PLUGINS", "TRACE_PLUGINS"),
)
"""How variables begin that steer the program and are no part of a configuration."""


def read_environment(environ: Mapping[str, str], sections: Iterable[str]) -> Layer:
    """Returns the layer in the environment: ``MAGDI_TRAINING__STEPS=10`` sets ``training.steps``.

    Two underscores stand for the dot; values are read as YAML. Variables without them count when they name a key of
    the top (``MAGDI_SEED``); a near miss of one is a problem, anything else is somebody else's.

    Args:
        environ: The environment.
        sections: The keys of the top.
    """
    known = set(sections)
    pairs, problems = [], []
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if not variable.startswith(PREFIX) or name.startswith(CONTROLS):
            continue
        path = tuple(name.lower().split("__"))
        if path[0] in known:
            pairs.append((f"environment {variable}", path, environ[variable]))
        elif meant := get_close_matches(path[0], known, n=1, cutoff=0.6 if len(path) > 1 else 0.75):
            better = PREFIX + "__".join((meant[0], *path[1:])).upper()
            problems.append(Problem((), f"{variable} sets nothing; did you mean {better!r}? (environment)"))
        elif len(path) > 1:
            there = ", ".join(sorted(known))
            problems.append(Problem((), f"{variable} sets nothing; there is: {there} (environment)"))
    return from_text(pairs, problems)
