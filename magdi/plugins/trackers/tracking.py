"""Trackers told of runs: of what stages measure as it comes, and in the end of what came out of it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.errors import first_line
from magdi.core.run.directory import RunDirectory, shown
from magdi.core.run.progress import Figures, Progress
from magdi.core.run.state import STAGES
from magdi.plugins.runs.finding import RUNS
from magdi.plugins.trackers.kept import Kept
from magdi.plugins.trackers.names import chosen

if TYPE_CHECKING:
    from magdi.plugins.trackers.services import Service

Warn = Callable[[str], None]


class Tracked(Progress):
    """Progress of which trackers hear, too, as each run's configuration has it (``training.report_to``).

    Args:
        progress: Who is told.
        components: Those of the runs.
        warn: Told of a tracker that fails, in a line; ``progress`` when left out.
    """

    def __init__(self, progress: Progress, components: Components, warn: Warn | None = None) -> None:
        self._progress, self._components = progress, components
        self._warn = warn or (lambda text: progress.note(f"warning: {text}"))
        self._run: Tracking | None = None

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """Passes it on."""
        self._progress.stage(name, total, unit)

    def advance(self, done: int, figures: Figures) -> None:
        """Passes it on."""
        self._progress.advance(done, figures)

    def finish(self, seconds: float) -> None:
        """Passes it on."""
        self._progress.finish(seconds)

    def note(self, text: str) -> None:
        """Passes it on."""
        self._progress.note(text)

    def event(self, hook: str, **facts: Any) -> None:
        """Passes it on, and tells trackers."""
        self._progress.event(hook, **facts)
        if hook == "run_start":
            self._run = Tracking(RunDirectory(facts["directory"]), facts["config"], self._components, self._warn)
            for line in self._run.begin():
                self.note(line)
        elif hook == "metrics" and self._run:
            self._run.log(facts["stage"], facts["step"], facts["metrics"])
        elif hook == "run_end" and self._run:
            self._run.end(facts["status"])
            self._run = None


class Tracking:
    """The trackers of one run. One that fails is told of no more, in a line of warning; the run goes on.

    Args:
        directory: The run's.
        config: Its configuration.
        components: Its components.
        warn: Told of what goes wrong.

    Raises:
        ConfigError: A tracker is asked for that there is not, or that is not installed.
    """

    def __init__(self, directory: RunDirectory, config: RunConfig, components: Components, warn: Warn) -> None:
        self._directory, self._config, self._components, self._warn = directory, config, components, warn
        self._names = chosen(config.training.report_to)
        self._services: dict[str, Service] = {}
        self._is_open = False
        self._held: list[tuple[str, int, Mapping[str, float]]] = []  # until they are open
        self._heard: dict[str, int] = {}  # up to which step of the discussions, by tracker
        self._scores: Mapping[str, float] = {}
        self._doubts: list[str] = []

    def begin(self) -> list[str]:
        """Opens the trackers that were asked for, unless nothing is left to do; returns where each is found."""
        if self._config.training.report_to and not all(self._directory.stage(stage).get("done") for stage in STAGES):
            self._open()
        found = {name: service.where for name, service in self._services.items()}
        return [f"{name}: {where}" for name, where in found.items() if where]

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Tells what was measured. TensorBoard that nobody asked for loads no torch: it waits until something does."""
        named = {f"{stage}/{name}": value for name, value in metrics.items() if name != "step"}
        self._held.append((stage, step, named))
        if stage == "evaluation":
            self._scores = named
        if not self._is_open and "torch" in sys.modules:
            self._open()
        if self._is_open:
            for line in self._held:
                self._tell(*line)
            self._held.clear()

    def _tell(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Tells what was measured, discussions only those who have not heard of them before the run was held up."""
        again = {name for name in self._services if stage == "discussion" and step <= self._heard.get(name, 0)}
        self._each(methodcaller("log", stage, step, metrics), but=again)
        lasting = {name for name, service in self._services.items() if service.identity} - again
        if stage == "discussion" and lasting:
            up_to = step - bool(metrics.get("discussion/failed"))  # what failed is tried again, and told then
            self._heard |= dict.fromkeys(lasting, up_to)
            self._directory.update(heard=self._heard)

    def end(self, status: str) -> None:
        """Hands over what is kept of a run that is done, and closes the trackers."""
        if not self._services:
            return
        with TemporaryDirectory() as folder:
            kept = Kept(self._directory, Path(folder), self._components)
            if status == "done":
                self._each(methodcaller("keep", kept))
            self._each(methodcaller("finish", status, self._scores))

    def _open(self) -> None:
        self._is_open = True
        known = self._directory.state().get("trackers", {})
        for name in self._names:
            self._guarded(name, partial(self._begin, name, known.get(name, "")))
        identities = {name: service.identity for name, service in self._services.items() if service.identity}
        if identities.items() - known.items():
            self._directory.update(trackers=known | identities)
        heard = self._directory.state().get("heard", {})
        self._heard = {name: step for name, step in heard.items() if known.get(name) == identities.get(name)}

    def _begin(self, name: str, known: str) -> None:
        from magdi.plugins.trackers.services import SERVICES, Followed

        path, config = self._directory.path.resolve(), shown(self._config)
        from_the_first = not self._directory.stage("discussion").get("done")
        run = Followed(run_name(path), path, config, self._doubts.append, known, from_the_first)
        self._services[name] = SERVICES[name](run)

    def _each(self, tell: Callable[[Service], None], but: Collection[str] = ()) -> None:
        for name, service in list(self._services.items()):
            if name not in but:
                self._guarded(name, partial(tell, service))

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        """Does something with a tracker, which may print nothing meanwhile; one that fails is left out from then on."""
        try:
            with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
                work()
        except (Exception, SystemExit) as error:
            self._services.pop(name, None)
            self._doubts.append(f"{first_line(error)}; the run goes on without it")
        for doubt in self._doubts:
            self._warn(f"{name}: {doubt}")
        self._doubts.clear()


def run_name(path: Path) -> str:
    """Returns what trackers call a run: its place in ``runs/``, else the name of its directory."""
    runs = RUNS.resolve()
    return path.relative_to(runs).as_posix() if runs in path.parents else path.name
