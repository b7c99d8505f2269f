"""Another interpreter, with other hash seeds: what importing a module loads there, and what a component is there."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, TypedDict

from pydantic import BaseModel

from magdi.plugins.testing.check_process import LIMIT, doing, told
from magdi.plugins.testing.clock import SLICE, Clock

HEAVY = ("torch", "transformers")
"""What no module but an encoder's may import when it is imported itself."""

EACH = 2.0
"""Seconds that another interpreter has for a component, besides those for all."""

Job = dict[str, str | None]


class Elsewhere(TypedDict):
    """What became of a job: which heavy modules were loaded, why it could not be done, and what the component is."""

    heavy: list[str]
    problem: str
    fingerprint: str


_known: dict[str, Elsewhere] = {}


def job_of(kind: str, target: type, config: BaseModel | None) -> Job:
    """Returns what another interpreter is told of a component."""
    module = target.__module__
    settings = None if config is None else config.model_dump_json()
    file = getattr(sys.modules.get(module), "__file__", None)
    return {"kind": kind, "module": module, "file": file, "name": target.__qualname__, "config": settings}


def elsewhere(jobs: Iterable[Job]) -> list[Elsewhere]:
    """Returns what became of each job in another interpreter.

    One interpreter does all that are not known yet; it imports their modules one after the other, so that only the
    first of several guilty ones is named.

    Raises:
        RuntimeError: The interpreter ended without having said anything.
    """
    jobs = list(jobs)
    unknown = [job for job in jobs if json.dumps(job) not in _known]
    if unknown:
        longest = 2 * LIMIT + EACH * len(unknown)
        doing("another interpreter", longest + LIMIT)
        seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        does = "import sys; from magdi.plugins.testing.other_interpreter import main; main()"
        code, said = _ended(
            [sys.executable, "-c", f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); {does}"]
            + [json.dumps(sys.path), json.dumps(unknown)],
            {**os.environ, "PYTHONHASHSEED": seed},
            longest,
        )
        lines = said.strip().splitlines()
        if code:
            raise RuntimeError(f"another interpreter ends with {code}: {lines[-1] if lines else ''}")
        remember(unknown, json.loads(lines[-1]))
    return [_known[json.dumps(job)] for job in jobs]


def _ended(command: list[str], environment: dict[str, str], longest: float) -> tuple[int, str]:
    """Returns a command's exit code, and what it wrote on stderr; one that does not end is killed."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, text=True, env=environment) as process:
        clock = Clock(process.pid)
        while clock.spent < longest:
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, said = process.communicate(timeout=SLICE)
                return process.returncode, said
        process.kill()
    raise RuntimeError(f"another interpreter has not ended after {longest:g} s")


def remember(jobs: Iterable[Job], found: Iterable[Elsewhere]) -> None:
    """Keeps what became of jobs, here or in a process beside this one: `elsewhere` asks nobody for it again."""
    _known.update(zip(map(json.dumps, jobs), found, strict=True))


def main() -> None:
    """Does the jobs named in the last argument; prints a line of JSON on stderr."""
    jobs = json.loads(sys.argv[-1])
    loaded = [_imported(job) for job in jobs]
    found: list[Elsewhere] = [
        {
            "heavy": heavy,
            "problem": problem,
            "fingerprint": _fingerprint(job, target) if isinstance(target, type) else "",
        }
        for job, (heavy, problem, target) in zip(jobs, loaded, strict=True)
    ]
    sys.stderr.write(f"\n{json.dumps(found)}\n")


def _imported(job: Job) -> tuple[list[str], str, object]:
    """Returns the heavy modules that came along, what went wrong, and what is under the component's name."""
    before = set(sys.modules)
    target: Any = None
    problem = ""
    try:
        target = _module(job)
        for name in str(job["name"]).split("."):
            target = getattr(target, name, None)
    except (Exception, SystemExit) as error:
        problem = told(error)
    heavy = [each for each in HEAVY if each in sys.modules and each not in before]
    return heavy, problem, target


def _module(job: Job) -> Any:
    """Imports a module; one that cannot be found by name, a plugin's file, is loaded from its file."""
    name, file = str(job["module"]), job["file"]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name or not file:
            raise
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _fingerprint(job: Job, target: Any) -> str:
    from magdi.plugins.testing.runner import checks_of
    from magdi.plugins.testing.specimen import Specimen

    fingerprint = getattr(checks_of(job["kind"]), "fingerprint", None)  # type: ignore[arg-type]
    if fingerprint is None:
        return ""
    try:
        config = None if job["config"] is None else target.Config.model_validate_json(job["config"])
    except ValueError as error:
        return f"raises {told(error)}"
    specimen = Specimen(job["kind"], target, config)  # type: ignore[arg-type]
    how, message = specimen.process.make(fingerprint, specimen)
    specimen.process.close()
    return message if how == "ok" else f"raises {message}"
