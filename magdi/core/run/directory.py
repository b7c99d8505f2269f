"""The run directory: everything that a run was told and made, in one place, so that the same command resumes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError

from magdi.core.config.models import RunConfig
from magdi.core.config.servers import deciding_teacher, with_known_servers
from magdi.core.config.shortcuts import flatten
from magdi.core.config.yaml_text import read_document
from magdi.core.discussion.journal import Journal
from magdi.core.errors import DataError, RunDirectoryError
from magdi.core.files import PARTIAL, read_text, write_whole, writing
from magdi.core.inside import check_inside
from magdi.core.redact import redact
from magdi.core.run.inputs import comparable, contents
from magdi.core.run.locations import FILE as MAGS
from magdi.core.run.lock import held, is_held
from magdi.core.run.own_files import DAMAGED, KEPT, LOCK, MARK, check_places, remove_written
from magdi.core.run.state import Stage, State, read_state
from magdi.core.seals import fingerprint, is_as, write_sealed
from magdi.core.teacher import Price

MOST_NAMED = 5  # files that are not magdi's
SCHEMA = "magdi.run/1"

# What may be changed when a run is resumed: it decides how far and how fast a run goes, not what comes out.
CHANGEABLE = frozenset(
    {f"discussion.max_{limit}" for limit in ("cost", "calls", "tokens", "time", "failed")}
    | {
        "discussion.in_flight",
        "discussion.tries",
        "discussion.patience",
        "discussion.price",
        *(f"discussion.price.{kind}" for kind in Price.model_fields),
        "discussion.estimate_usage",
        "discussion.cache",
        "training.report_to",
        "training.save_every",
        "plugins",
    }
)


def shown(config: RunConfig) -> dict[str, Any]:
    """Returns a configuration as it may be written down: without the credentials of URLs."""
    return dict(json.loads(redact(json.dumps(config.model_dump(mode="json")))))


def deciding(config: RunConfig, files: Mapping[str, str] | None = None) -> dict[str, object]:
    """Returns what decides a run's results, by dotted path: settings, and what is in the files that they name.

    Args:
        config: The configuration.
        files: Digests of its files, by the setting that names them; of what is in them now when left out.
    """
    told = shown(config)
    flat = flatten(told) | {"teachers": [deciding_teacher(choice) for choice in told["teachers"]]}
    digests = contents(config) if files is None else files
    settings = {path: value for path, value in flat.items() if path not in CHANGEABLE}
    return settings | {f"{path} (the file)": digest for path, digest in digests.items()}


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Returns a line for each path at which two flat configurations differ."""
    missing = object()
    return [
        f"{path}: {_shown(old.get(path, missing), missing)} -> {_shown(new.get(path, missing), missing)}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path, missing) != new.get(path, missing)
    ]


def _shown(value: object, missing: object) -> str:
    return "(absent)" if value is missing else json.dumps(value, default=str)


class RunDirectory:
    """A run's directory.

    Attributes:
        path: Where it is.
        notes: What whoever resumes the run should be told: what was found damaged, what was left as it is.
    """

    CONFIG: ClassVar[str] = "config.yaml"
    STATE: ClassVar[str] = "run.json"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []

    @property
    def mags(self) -> Path:
        """The discussions, one MAG a line."""
        return self.path / MAGS

    @property
    def failures(self) -> Path:
        """Questions whose discussion failed, and why."""
        return self.path / "failures.jsonl"

    @property
    def journal(self) -> Path:
        """Every reply that was ever given to this run."""
        return self.path / "journal.sqlite"

    @property
    def metrics(self) -> Path:
        """What was measured during training, one step a line."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Where training goes on from; taken away once the student is there."""
        return self.path / "checkpoints"

    @property
    def student(self) -> Path:
        """The trained student: an adapter or a model, its tokenizer, its heads."""
        return self.path / "student"

    def predictions(self, who: str) -> Path:
        """The answers that ``base`` or ``student`` gave, one question a line."""
        return self.path / "evaluation" / f"{who}.jsonl"

    @contextmanager
    def claimed(self, config: RunConfig, *, fresh: bool = False) -> Iterator[None]:
        """Makes the directory, or finds it again, and keeps others out of it for as long as the context lasts.

        Raises:
            RunDirectoryError: It holds a run of another configuration, something that is no run, or a link that leads
                out of it, or a folder in a file's place; or another process is at work in it.
            StorageError: It cannot be made.
        """
        holds_run = self._check_free(fresh)
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with self.lock():
            self._set_aside_torn_state()
            if fresh:
                self._clear()
                check_inside(self.path)
            elif holds_run:
                self._check_same(config)
            write_whole(self.path / MARK, f"{SCHEMA}\n")
            write_whole(self.path / self.CONFIG, yaml.safe_dump(shown(config), sort_keys=False, allow_unicode=True))
            yield

    def check(self, config: RunConfig, *, fresh: bool = False) -> None:
        """Raises what `claimed` would, but for another process at work, and writes nothing."""
        if self._check_free(fresh) and not fresh:
            with suppress(DataError):  # a torn run.json, which would be set aside
                self._check_same(config)

    def _check_free(self, fresh: bool) -> bool:
        """Returns whether there is a run in it, where all of magdi's files have their places."""
        holds_run = self._check_ours(fresh)
        check_places(self.path)
        if holds_run and not fresh:
            check_inside(self.path)
        return holds_run

    def forget(self) -> None:
        """Deletes what magdi wrote in it, and keeps others out of it meanwhile.

        Raises:
            RunDirectoryError: It is not certain that there is a run in it, or another process is at work in it.
        """
        self._check_ours(fresh=True)
        with self.lock():
            self._clear()

    def _check_ours(self, fresh: bool) -> bool:
        """Returns whether there is a run in it.

        Raises:
            RunDirectoryError: Nothing may be written to it, or nothing be deleted in it.
        """
        elsewhere = "name another directory with -o"
        if not self.path.is_dir():
            if self.path.exists() or self.path.is_symlink():
                raise RunDirectoryError(f"{self.path} is no directory", hint=elsewhere)
            return False
        try:
            names = {file.name for file in self.path.iterdir()}
        except OSError as error:
            raise RunDirectoryError(f"{self.path} cannot be read: {error.strerror}", hint=elsewhere) from error
        begun = names <= {LOCK, MARK, MARK + PARTIAL, self.CONFIG + PARTIAL}  # a run that was killed as it began
        if not begun and not self.is_run():
            raise RunDirectoryError(f"{self.path} is not empty and holds no run of magdi", hint=elsewhere)
        if fresh and not begun and not self._is_marked():
            what = f"{self.path} does not carry the mark of a run of magdi, so nothing is deleted in it"
            raise RunDirectoryError(what, hint=f"{elsewhere}, or take this one away by hand")
        return not begun

    def _clear(self) -> None:
        """Deletes what magdi wrote in it."""
        stays = remove_written(self.path)
        if stays:
            more = f" and {len(stays) - MOST_NAMED} more" if len(stays) > MOST_NAMED else ""
            self.notes.append(f"not magdi's, and left as it is: {', '.join(stays[:MOST_NAMED])}{more}")

    def discard_if_empty(self) -> None:
        """Takes the directory away where nothing has come of the run, not even a reply."""
        bare = {self.CONFIG, self.STATE, LOCK, MARK, self.journal.name, self.mags.name, "tensorboard"}
        nothing = {file.name for file in self.path.iterdir()} <= bare and not self.replies()
        empty = not self.mags.exists() or not self.mags.stat().st_size
        if nothing and empty and not any("done" in each for each in self.stages().values()):
            remove_written(self.path, *KEPT)
            if not Path.cwd().is_relative_to(self.path.resolve()):
                self.path.rmdir()

    def replies(self) -> int:
        """Returns how many replies of teachers are kept."""
        if not self.journal.is_file():
            return 0
        with closing(Journal(self.journal)) as journal:
            return len(journal)

    def is_run(self) -> bool:
        """Returns whether there is a run in it, readable or not."""
        beside = (self.path / self.STATE, self.mags, self.journal)
        told = (self.path / self.CONFIG).is_file() and any(file.is_file() for file in beside)
        return told or _says(self.path / MARK)

    def _is_marked(self) -> bool:
        """Returns whether it is certain that magdi made it; runs from before there were marks say so in run.json."""
        with suppress(DataError):
            return _says(self.path / MARK) or "magdi" in self.state().get("versions", {})
        return False

    def config(self) -> RunConfig:
        """Returns the configuration that the run was started with.

        Raises:
            DataError: It cannot be read, or not by this version of magdi, or holds nothing.
        """
        file = self.path / self.CONFIG
        try:
            document = read_document(read_text(file))
            if not document:
                raise DataError(f"{file} holds no configuration", hint="the run's own command writes it anew")
            return RunConfig.model_validate(document)
        except ValidationError as error:
            first, where = error.errors(include_url=False)[0], f"{file} cannot be read by this version of magdi"
            raise DataError(f"{where}: {'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from None
        except ValueError as error:
            raise DataError(f"{file} cannot be read: {error}") from None

    def records(self) -> dict[str, str]:
        """Returns what run.json says that the files are known by which tell of the run; nothing where it is torn."""
        with suppress(DataError):
            return self.state().get("records", {})
        return {}

    def deciding(self) -> dict[str, object]:
        """Returns what decided the run's results, files as they were when it was started; see `deciding`.

        Raises:
            DataError: As `config`.
        """
        return deciding(self.config(), self._files())

    def _files(self) -> dict[str, str] | None:
        return self.state().get("files")

    def note_inputs(self, config: RunConfig) -> None:
        """Keeps digests of what decides the results: of all of it, and of each file that the configuration names.

        Those of files that are there no longer stay.
        """
        files = (self._files() or {}) | contents(config)
        self.update(files=files, config=fingerprint(deciding(config, files)))

    def state(self) -> State:
        """Returns what run.json says: status, versions, and per finished stage its result and seconds.

        Raises:
            DataError: It is torn.
        """
        return read_state(self.path / self.STATE)

    def stages(self) -> dict[str, Stage]:
        """Returns what run.json says of the stages, by their names."""
        return self.state().get("stages", {})

    def stage(self, name: str) -> Stage:
        """Returns what run.json says of a stage; nothing of one that was not begun, or where it is torn."""
        with suppress(DataError):
            return self.stages().get(name, {})
        return {}

    def update(self, **fields: Any) -> None:
        """Writes fields into run.json, whole or not at all."""
        write_sealed(self.path / self.STATE, {**self.state(), **fields})

    def set_aside(self, file: Path, why: str, name: str = "") -> None:
        """Gives a file that is not as magdi left it another name, and notes why."""
        aside = file.with_name(name or file.name + DAMAGED)
        with writing(file):
            shutil.rmtree(aside, ignore_errors=True)  # an earlier checkpoint
            file.replace(aside)
        self.notes.append(f"{why}; as it was it is kept as {aside.name}")

    def _set_aside_torn_state(self) -> None:
        try:
            self.state()
        except DataError as error:
            self.set_aside(self.path / self.STATE, error.message)

    @property
    def status(self) -> str:
        """What run.json says of the run; ``stopped`` where it says ``running`` and no process is at work any more."""
        status = self.state().get("status", "not started")
        return "stopped" if status == "running" and not is_held(self.path) else status

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes out of the directory for as long as the context lasts; a kill lets go of it.

        Raises:
            RunDirectoryError: Another process is at work in it.
            StorageError: It cannot be written to.
        """
        with held(self.path, self._at_work()):
            yield

    def _at_work(self) -> str:
        """Returns which process wrote down last that it is at work, for a message; empty where none did."""
        with suppress(DataError):
            state = self.state()
            if state.get("status") == "running" and "process" in state:
                return f" (process {state['process']} on {state.get('host', 'an unknown host')})"
        return ""

    def _check_same(self, config: RunConfig) -> None:
        files = self._files()
        try:
            earlier = self.config()
            then = contents(earlier) if files is None else files  # killed before it kept them
            before, known = deciding(earlier, then), shown(earlier)["teachers"]
        except DataError as error:
            self._check_known(deciding(config, comparable(files or {}, contents(config))), error)
            return
        now = deciding(config, comparable(then, contents(config)))
        now["teachers"] = [deciding_teacher(each) for each in with_known_servers(shown(config)["teachers"], known)]
        changed = differences(before, now)
        file = self.path / self.CONFIG
        if changed and not is_as(file, self.records().get(file.name, "")):
            self._check_known(
                deciding(config, comparable(then, contents(config))), DataError(f"{file} has been changed")
            )
        elif changed:
            listed = "\n".join(f"  {line}" for line in changed)
            raise RunDirectoryError(
                f"{self.path} holds a run of another configuration:\n{listed}",
                hint=f"-o OTHER --set discussion.cache={self.path} takes over its replies; --fresh throws them away",
            )

    def _check_known(self, now: Mapping[str, object], problem: DataError) -> None:
        """Goes on without the configuration's file where run.json knows that this one is the same."""
        if self.state().get("config") != fingerprint(now):
            raise RunDirectoryError(
                f"{problem.message}, so it is not known whether this is the same run",
                hint=f"put the file back, or name another directory with -o; --set discussion.cache={self.path} takes "
                "over the replies that teachers have given to this one",
            ) from problem
        self.notes.append(f"{problem.message}; this is the same configuration, and is written anew")


def forget(directories: Iterable[Path], note: Callable[[str], None] = lambda said: None) -> None:
    """Takes away what magdi wrote in directories that hold runs; tells what was left as it is."""
    for directory in map(RunDirectory, directories):
        if directory.is_run():
            directory.forget()
            for each in directory.notes:
                note(f"{directory.path}: {each}")


def _says(mark: Path) -> bool:
    """Returns whether a file is the mark of a run, of whatever version."""
    with suppress(DataError):
        return mark.is_file() and read_text(mark).startswith(SCHEMA.partition("/")[0] + "/")
    return False
