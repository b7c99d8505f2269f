"""`magdi mags merge`, `filter`, `sample`, `split`: files of discussions from files of discussions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.cli.mags_sources import sources, target, tell_skipped
from magdi.core.errors import ConfigError, DataError, MagFileError
from magdi.core.run.locations import expanded

if TYPE_CHECKING:
    from magdi.core.mag import Mag

OF_FILES = "MAG files (JSONL, Parquet), run directories, patterns ('mags/*.jsonl') or URLs (s3://, gs://, hf://)."

Files = Annotated[
    list[str] | None,
    typer.Argument(help=OF_FILES, show_default="the newest run in ./runs", autocompletion=propose.runs),
]
Several = Annotated[list[str], typer.Argument(help=OF_FILES, autocompletion=propose.runs)]
Out = Annotated[str, typer.Option("--out", "-o", help="The MAG file to write: NAME.jsonl, NAME.parquet, or a URL.")]
Folder = Annotated[Path, typer.Option("--out", "-o", help="The folder to write into.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Pass over what cannot be read, and say what.")]
Seed = Annotated[int, typer.Option(help="What is drawn depends on it.")]
Once = Annotated[Literal["discussion", "question", "none"], typer.Option(help="Keep one of each; none keeps all.")]
Names = list[str] | None


class Labelled(StrEnum):
    """What labels a discussion's turns have."""

    RIGHT, WRONG, MIXED, NONE = "right", "wrong", "mixed", "none"


def merge(
    files: Several, out: Out, once: Once = "discussion", skip_bad: SkipBad = False, json: opt.Json = False
) -> None:
    """Write several files as one, one discussion of each in turn; what is there twice is written once.

    Where they are shards of a run it is said which are missing, not done, torn, or of another configuration.
    """
    from magdi.cli.output import warn
    from magdi.plugins.corpus import subsets
    from magdi.plugins.corpus.shards import doubts

    _written(files, out, lambda mags: subsets.once(mags, once), skip_bad=skip_bad, json=json, in_turn=True)
    named = [each for name in files for each in expanded(name)]
    for doubt in doubts([each if each.is_dir() else each.parent for each in named if isinstance(each, Path)]):
        warn(f"warning: {doubt}")


def filter_(
    out: Out,
    files: Files = None,
    protocol: Annotated[Names, typer.Option(help="Of this protocol; may be given again, as all of these.")] = None,
    structure: Annotated[Names, typer.Option(help="Of this graph type: G0, G1, ...")] = None,
    label: Annotated[
        list[Labelled] | None,
        typer.Option(help="Whose turns are all right, all wrong, both, or not labelled."),
    ] = None,
    agent: Annotated[Names, typer.Option(help="In which this agent speaks.")] = None,
    question: Annotated[Names, typer.Option(help="Pattern of question ids: train-*.")] = None,
    task: Annotated[Names, typer.Option(help="Of this task.")] = None,
    metadata: Annotated[
        Names, typer.Option(help="KEY=PATTERN of the question's metadata: level=[1-3], subject=Algebra.")
    ] = None,
    turns: Annotated[str, typer.Option(help="MIN:MAX turns; either may be left out.")] = ":",
    length: Annotated[str, typer.Option(help="MIN:MAX characters said in all.")] = ":",
    invert: Annotated[bool, typer.Option("--invert", help="Keep the others.")] = False,
    skip_bad: SkipBad = False,
    json: opt.Json = False,
) -> None:
    """Write the discussions that fit: by protocol, structure, labels, agent, question, task, metadata, length."""
    from magdi.plugins.corpus.subsets import Filter

    kept = Filter(
        protocol or (),
        structure or (),
        [each.value for each in label or ()],
        agent or (),
        question or (),
        task or (),
        metadata or (),
        _range("--turns", turns),
        _range("--length", length),
        invert,
    )
    _written(files, out, lambda mags: filter(kept, mags), skip_bad=skip_bad, json=json)


def sample(
    out: Out,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Discussions to draw.")],
    files: Files = None,
    per: Annotated[
        Literal["protocol", "structure", "task", "labels"] | None,
        typer.Option(help="Draw so many of each.", show_default=False),
    ] = None,
    seed: Seed = 0,
    skip_bad: SkipBad = False,
    json: opt.Json = False,
) -> None:
    """Write some discussions, drawn by lot; of each group so many, where there are groups."""
    from magdi.plugins.corpus import subsets

    _written(files, out, lambda mags: subsets.sample(mags, count, seed, per), skip_bad=skip_bad, json=json)


def split(
    out: Folder,
    files: Files = None,
    share: Annotated[list[str], typer.Option(help="NAME=SHARE of a side; one each.")] = ["train=0.9", "test=0.1"],  # noqa: B006
    seed: Seed = 0,
    skip_bad: SkipBad = False,
    json: opt.Json = False,
) -> None:
    """Write NAME.jsonl for every share; a question stands on one side alone, with all of its discussions."""
    from magdi.cli.mags_tables import table
    from magdi.cli.output import check_out, show
    from magdi.plugins.corpus import subsets
    from magdi.plugins.corpus.files import read_all

    check_out(out, folder=True)
    shares: dict[str, float] = {}
    for each in share:
        name, _, number = each.partition("=")
        try:
            shares[name] = float(number)
        except ValueError:
            raise ConfigError(f"--share {each!r} is no NAME=NUMBER", hint="e.g. --share train=0.9") from None
        if not name or Path(name).name != name or name.startswith("."):
            raise ConfigError(f"--share {each!r}: NAME becomes a file's name")
    bad: list[MagFileError] = []
    counts = subsets.split(read_all(sources(files), bad if skip_bad else None), out, shares, seed)
    tell_skipped(bad)
    document = {"out": str(out), "mags": counts, "skipped": len(bad)}
    show(document, as_json=json, render=lambda: table(f"written to {out}", ["side", "MAGs"], list(counts.items())))


def _written(
    files: list[str] | None,
    out: str,
    chosen: Callable[[Iterator[Mag]], Iterable[Mag]],
    *,
    skip_bad: bool,
    json: bool,
    in_turn: bool = False,
) -> None:
    """Writes what is chosen of some files, and says how many of how many."""
    from magdi.cli.output import show
    from magdi.plugins.corpus.files import read_all, read_in_turn, write

    file = target(out)
    read, bad = 0, list[MagFileError]()

    def counted() -> Iterator[Mag]:
        nonlocal read
        for read, mag in enumerate(reading(sources(files), bad if skip_bad else None), start=1):  # noqa: B007
            yield mag

    reading = read_in_turn if in_turn else read_all
    found = iter(chosen(counted()))
    first = next(found, None)
    if first is None:
        raise DataError(f"none of {read:,} discussions fits", hint="nothing was written")
    kept = write(file, chain([first], found))
    tell_skipped(bad)
    document = {"out": out, "mags": kept, "of": read, "skipped": len(bad)}
    show(document, as_json=json, render=lambda: f"{kept:,} of {read:,} discussions written to {out}")


def _range(option: str, text: str) -> range:
    least, _, most = text.partition(":") if ":" in text else (text, "", text)
    try:
        return range(int(least or 0), int(most) + 1 if most else 1 << 62)
    except ValueError:
        raise ConfigError(f"{option} {text!r} is no MIN:MAX", hint="e.g. 3:12, 3: or :12") from None
