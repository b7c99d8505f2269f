"""What is asked of an exporter: that it writes all MAGs, whole or not at all, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from magdi.core.errors import ComponentError
from magdi.core.mag import Mag, Message
from magdi.core.views import View
from magdi.plugins.formats.exporter import Exporter, export
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, doing
from magdi.plugins.testing.sample_mags import sample_mag, sample_mags
from magdi.plugins.testing.specimen import Check, Specimen, require

HARD = 'tab\t, "quotes", \x00\x1b\x7f, \u2028, \ufffe, \U0001f600, <b>&amp;</b>, \n\n---\n'
"""Text that some formats cannot hold as it is."""


class Torn(Exception):
    """What goes wrong in the midst of MAGs."""


@contextmanager
def _written(specimen: Specimen, mags: Iterable[Mag], view: View = "exact") -> Iterator[tuple[int, Path, Path]]:
    """Yields the number that an exporter gives, what it has written, and the folder in which that lies."""
    doing(f"writing MAGs under the view {view}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mags.out"
        yield _write(specimen.exporter(), mags, path, view), path, Path(folder)


def _write(exporter: Exporter, mags: Iterable[Mag], path: Path, view: View = "exact") -> int:
    try:
        return export(exporter, _prompted(mags) if exporter.needs_prompts else iter(mags), path, view)
    except ComponentError as error:
        raise CheckFailed(error.message) from error


def _prompted(mags: Iterable[Mag]) -> Iterator[Mag]:
    """Yields MAGs whose turns have their prompts, two of each."""
    for mag in mags:
        prompts = [(Message(role="user", content=f"Question {step // 2}: {HARD}"),) for step in range(len(mag.turns))]
        turns = zip(mag.turns, prompts, strict=True)
        yield mag.model_copy(update={"turns": tuple(turn.model_copy(update={"prompt": own}) for turn, own in turns)})


def _check_count(specimen: Specimen, count: int, mags: int) -> None:
    if specimen.exporter().unit == "MAGs":
        require(count == mags, f"it says that it has written {count!r} MAGs, and was given {mags}")
    else:
        require(count >= 0, f"it says that it has written {count!r}")


def check_writes(specimen: Specimen) -> None:
    """Under every view it writes what it says, a file or a folder, of MAGs that come once; returns their number."""
    folder, mags = specimen.exporter().folder, sample_mags()
    for view in get_args(View):
        with _written(specimen, mags, view) as (count, path, _):
            require(path.exists(), "there is nothing where it was to write")
            require(
                path.is_dir() == folder, f"folder is {folder}, and it writes a {'folder' if path.is_dir() else 'file'}"
            )
            _check_count(specimen, count, len(mags))


def check_writes_each(specimen: Specimen) -> None:
    """With another first or last MAG it writes something else (not asked of folders, nor where parts are counted)."""
    if specimen.exporter().folder or specimen.exporter().unit != "MAGs":
        raise DoesNotApply("it writes a folder, or what some MAGs have and others have not")
    mags = sample_mags()
    whole = _bytes(specimen, mags)
    for which, others in (("first", [mags[1], *mags[1:]]), ("last", [*mags[:-1], mags[-2]])):
        require(_bytes(specimen, others) != whole, f"it leaves out the {which} MAG")


def _bytes(specimen: Specimen, mags: Iterable[Mag]) -> bytes:
    with _written(specimen, mags) as (_, path, _):
        return path.read_bytes()


def check_repeats(specimen: Specimen) -> None:
    """What it has written once it writes again, over what is there: as many, and a file of the same length."""
    exporter, mags = specimen.exporter(), sample_mags()
    with _written(specimen, mags) as (count, path, _):
        length = path.stat().st_size
        for _ in range(2):
            again = _write(exporter, mags, path)
            require(again == count, f"the same MAGs are {count}, and {again} when they are written again")
            same = exporter.folder or path.stat().st_size == length
            require(same, f"a file of {length:,} bytes has {path.stat().st_size:,} once it is written over")


def check_leaves_mags_alone(specimen: Specimen) -> None:
    """It changes nothing of the MAGs that it is given."""
    mags = sample_mags()
    before = [mag.to_line() for mag in mags]
    with _written(specimen, mags):
        require(before == [mag.to_line() for mag in mags], "it changes the MAGs that it is given")


def check_nothing_beside(specimen: Specimen) -> None:
    """It leaves nothing beside what it writes."""
    with _written(specimen, sample_mags()) as (_, path, folder):
        beside = sorted(each.name for each in folder.iterdir() if each != path)
        require(not beside, f"it leaves {', '.join(beside)} beside what it writes")


def check_hard_texts(specimen: Specimen) -> None:
    """It writes texts with quotes, lines, markup and control characters."""
    mag = sample_mag("hard", [True, False])
    turns = tuple(turn.model_copy(update={"text": HARD, "reasoning": HARD}) for turn in mag.turns)
    with _written(specimen, [mag.model_copy(update={"turns": turns})]) as (count, _, _):
        _check_count(specimen, count, 1)


def check_whole_or_not_at_all(specimen: Specimen) -> None:
    """Where reading MAGs goes wrong it says so, and there is no file, not half of one (folders may be)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mags.out"
        try:
            exporter = specimen.exporter()
            exporter.write(_prompted(_torn()) if exporter.needs_prompts else _torn(), path, "exact")
            raise CheckFailed("it goes on where the MAGs that it is given cannot be read any further")
        except Torn:
            require(specimen.exporter().folder or not path.exists(), "it leaves half a file: see magdi.core.files")


def _torn() -> Iterator[Mag]:
    yield from sample_mags()
    raise Torn


CHECKS: tuple[Check, ...] = (
    check_writes,
    check_writes_each,
    check_repeats,
    check_leaves_mags_alone,
    check_nothing_beside,
    check_hard_texts,
    check_whole_or_not_at_all,
)
