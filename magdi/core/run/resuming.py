"""Where a run goes on from: what there is already of one that has not come to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from magdi.core.errors import DataError, RunDirectoryError
from magdi.core.files import lines_of, read_json
from magdi.core.run.directory import RunDirectory
from magdi.core.run.locations import FILE as MAGS
from magdi.core.run.own_files import remove_written
from magdi.core.run.state import STAGES, Stage
from magdi.core.seals import is_as, is_sealed, sealed

CONFIGURED = (RunDirectory.CONFIG,)
RECORDS = (*CONFIGURED, "metrics.jsonl", "failures.jsonl")


def standing(directory: RunDirectory, questions: Callable[[], int]) -> str:
    """Returns how far a run has come by itself, e.g. "24 of 24 questions discussed, training from step 4 of 6".

    Args:
        directory: The run's directory.
        questions: Counts the questions that are to be discussed; called where the discussions are not done.

    Returns:
        One line; empty where nothing is there yet. What was taken over from another run is left out.
    """
    talk, training = (directory.stage(stage) for stage in ("discussion", "distillation"))
    parts = [*_discussed(directory, talk, questions), *_trained(directory, training)]
    return ", ".join(parts)


def _discussed(directory: RunDirectory, record: Stage, questions: Callable[[], int]) -> Iterator[str]:
    if "taken_from" in record:
        return
    if record.get("done") and "mags" in record:
        count = record["mags"]["count"]
        yield f"{count:,} of {count + record.get('failed', 0):,} questions discussed"
    elif directory.mags.is_file() or directory.journal.is_file():
        yield f"{_lines(directory):,} of {questions():,} discussions written, {directory.replies():,} replies kept"


def _lines(directory: RunDirectory) -> int:
    if not directory.mags.is_file():
        return 0
    with directory.mags.open("rb") as file:
        return sum(line.endswith(b"\n") for line in lines_of(file, directory.mags))


def _trained(directory: RunDirectory, record: Stage) -> Iterator[str]:
    if "taken_from" in record:
        return
    if record.get("done"):
        yield "student trained"
    elif directory.checkpoints.is_dir():
        from magdi.core.distill.checkpoints import newest

        for folder in (directory.checkpoints, *sorted(directory.checkpoints.iterdir())):
            checkpoint = newest(folder)
            if checkpoint is None:
                continue
            of = "" if folder == directory.checkpoints else f" of {folder.name}"
            with suppress(DataError, KeyError, TypeError, ValueError):  # the trainer says what is wrong with it
                state = read_json(checkpoint / "trainer_state.json")
                yield f"training{of} from step {state['global_step']:,} of {state['max_steps']:,}"


def left_by(directory: RunDirectory, stage: str) -> dict[str, str]:
    """Returns what a stage has left in the directory: by file what it is known by."""
    return {name: sealed(file) for name, file in _files_of(directory, stage)}


def _files_of(directory: RunDirectory, stage: str) -> Iterator[tuple[str, Path]]:
    """Yields the files of a stage, each after its path within the directory."""
    if stage == "discussion":
        files = [directory.mags]
    elif stage == "distillation":
        files = sorted(directory.student.rglob("*"))
    else:
        files = [directory.predictions(who) for who in ("base", "student")]
    yield from ((file.relative_to(directory.path).as_posix(), file) for file in files if file.is_file())


def recorded(directory: RunDirectory, names: Sequence[str] = RECORDS) -> dict[str, str]:
    """Returns what is known of the files that tell of a run, and of which nothing else is made."""
    files = (directory.path / name for name in names)
    return {file.name: sealed(file) for file in files if file.is_file()}


def take_back(directory: RunDirectory) -> None:
    """Takes back the stages whose files are not as they left them, so that they are done again.

    Discussions are made again out of the journal, which asks nobody. Of a checkpoint or a record it is told.

    Raises:
        RunDirectoryError: There is nothing that discussions could be made out of again.
    """
    for name, record in directory.stages().items():
        torn = torn_files(directory, name, record)
        if not torn:
            continue
        if name == "discussion":
            _check_source(directory, record, torn[0])
        for file in torn:
            why = f"{file} is gone or not as the run left it, and is made again"
            if (directory.path / file).is_file() and file.endswith(".jsonl"):
                directory.set_aside(directory.path / file, why)
            else:
                directory.notes.append(why)
        directory.update(stages={**directory.stages(), name: {**record, "done": False}})
    records = (name for name in _other_records(directory) if name not in CONFIGURED)  # which has been written by now
    for name in records:
        directory.notes.append(f"{name} is gone or not as the run left it, and cannot be made again")
    for path in _other_checkpoints(directory):
        why = f"{path.relative_to(directory.path)} is not as it was written, and not gone on from"
        directory.set_aside(path, why, f"damaged-{path.name}")  # the trainer clears away all that begins like its own


def _other_records(directory: RunDirectory) -> list[str]:
    known = directory.records()
    return [name for name in RECORDS if name in known and not is_as(directory.path / name, known[name])]


def _other_checkpoints(directory: RunDirectory) -> list[Path]:
    if not directory.checkpoints.is_dir():
        return []
    from magdi.core.distill.checkpoints import COMPLETE, complete

    folders = (directory.checkpoints, *directory.checkpoints.iterdir())
    return [path for folder in folders for path in complete(folder) if not is_sealed(path, COMPLETE)]


def torn_files(directory: RunDirectory, name: str, record: Stage) -> list[str]:
    """Returns the files that a finished stage has left and that are others now."""
    if not record.get("done"):
        return []
    if "files" in record:
        now = dict(_files_of(directory, name))
        return [file for file, seal in record["files"].items() if file not in now or not is_as(now[file], seal)]
    talk = record.get("mags") if name == "discussion" else None  # of an earlier version of magdi
    return [directory.mags.name] if talk and _lines(directory) != talk["count"] else []


def changed(directory: RunDirectory, *stages: str) -> list[str]:
    """Returns the files of a run, by their paths, that are gone or not as finished stages have left them.

    Args:
        directory: The run's directory.
        *stages: Whose files are looked at; where none is named all are, and what is recorded of the run.
    """
    torn = [file for name in stages or STAGES for file in torn_files(directory, name, directory.stage(name))]
    return [str(directory.path / file) for file in (*torn, *([] if stages else _other_records(directory)))]


def told_changed(mags: Path) -> str:
    """Returns what is to be said of a run's MAG file that is not as the run left it; empty of any other."""
    files = changed(RunDirectory(mags.parent), "discussion") if mags.name == MAGS else []
    return f"warning: {mags} is not as the run left it; the run's own command makes it again" if files else ""


def _check_source(directory: RunDirectory, record: Stage, file: str) -> None:
    what = f"{directory.path / file} is gone or not as the run left it"
    if "taken_from" in record:
        raise RunDirectoryError(what, hint=f"repeat the command that made it: it is taken from {record['taken_from']}")
    if not directory.config().discussion.mag_files and not directory.replies():
        raise RunDirectoryError(
            f"{what}, and there is no reply in {directory.journal} that it could be made out of again",
            hint="put the file or the journal back; --fresh asks the teachers anew",
        )


def begin_anew(directory: RunDirectory, later: Sequence[str], note: Callable[[str], None]) -> None:
    """Takes back what later stages have made of something else than there is now."""
    anew: Stage = {"done": False}
    done = [name for name in later if directory.stages().get(name, anew) != anew]
    if not done:
        return
    note(f"not what there was before: {' and '.join(done)} are done anew")
    remove_written(directory.path, under="checkpoints")
    tiny = directory.config().student.model == "tiny"  # made of the discussions' texts, where its task has no primer
    for who in ("base", "student") if tiny else ("student",):
        directory.predictions(who).unlink(missing_ok=True)
    directory.update(stages=directory.stages() | dict.fromkeys(done, anew))
