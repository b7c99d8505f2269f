"""`magdi mags`: import, look at, check and export files of MAGs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from magdi.cli import completing as propose
from magdi.cli import mags_subsets as subsets
from magdi.cli import options as opt
from magdi.cli.mags_convincing import convincing
from magdi.cli.mags_get import get
from magdi.cli.mags_reader import Recorded
from magdi.cli.mags_sources import is_place, runs_of, sources, tell_skipped
from magdi.cli.output import check_out, say, show, warn
from magdi.core.errors import ComponentError, ConfigError, DataError, did_you_mean
from magdi.core.files import write_whole, writing

if TYPE_CHECKING:
    from magdi.core.components import Components
    from magdi.core.errors import MagFileError
    from magdi.core.mag import Mag
    from magdi.core.run.locations import Location
    from magdi.plugins.corpus.check import ReplayRule
    from magdi.plugins.formats.imported import ImportFound

app = typer.Typer(help="Import, look at, check and export files of discussions (MAGs).", no_args_is_help=True)

app.command()(convincing)
app.command()(get)
for subset in (subsets.merge, subsets.split, subsets.sample):
    app.command()(subset)
app.command("filter")(subsets.filter_)

Files = subsets.Files
SkipBad = subsets.SkipBad
Out = Annotated[Path, typer.Option("--out", "-o", help="File or folder to write.")]
Arg = Annotated[list[str] | None, typer.Option("--arg", "-A", help="KEY=VALUE of the format.", show_default=False)]
View = Annotated[str, typer.Option(help="exact, adjacent, undirected, full or none.", autocompletion=propose.views)]


@app.command("import")
@opt.grouped
def import_(
    files: Annotated[list[Path], typer.Argument(help="JSON or JSONL files of other systems.")],
    *,
    out: Out,
    format: Annotated[
        str,
        typer.Option(
            help="One of plugins list --kind importer; found out when left out.",
            show_default=False,
            autocompletion=propose.components("importer"),
        ),
    ] = "",
    arg: Arg = None,
    recorded: Recorded,
    skip_bad: SkipBad = False,
    json: opt.Json = False,
    plugins: opt.Plugins,
) -> None:
    """Turn discussions that other systems have recorded into MAGs: answers read and graded, edges as prompts say."""
    from magdi.cli.mags_tables import import_table
    from magdi.core.config.models import ComponentChoice
    from magdi.core.mag import write_mags
    from magdi.plugins.corpus.files import at_least_one
    from magdi.plugins.formats.imported import Summary
    from magdi.plugins.formats.importing import all_importers, import_files

    check_out(out)
    bad: list[MagFileError] = []
    registry = plugins.load().registry
    reader = recorded.reader(registry)
    if format:
        importers = {format: registry.importer(ComponentChoice(name=format, **opt.component("importer", arg)))}
    else:
        importers = all_importers(registry, say)
    summary = Summary()
    mags = import_files(files, reader, importers, on_bad_item=bad.append if skip_bad else None)
    try:
        write_mags(out, summary.watch(at_least_one(mags, files, bad)))
    finally:
        tell_skipped(bad)
        for line in (told := reader.told()):
            warn(line)
    document: ImportFound = {"out": str(out), "skipped": len(bad), "missing": told, **summary.document()}
    show(document, as_json=json, render=lambda: import_table(document))


@app.command()
def stats(
    files: Files = None,
    skip_bad: SkipBad = False,
    json: opt.Json = False,
) -> None:
    """Count turns by round, agent, structure, label; who changed whose mind; what other rules would have answered."""
    from magdi.cli.mags_tables import statistics_tables
    from magdi.plugins.corpus.files import read_all
    from magdi.plugins.corpus.statistics import describe

    bad: list[MagFileError] = []
    document = describe(read_all(sources(files), bad if skip_bad else None))
    tell_skipped(bad)
    show({**document, "skipped": len(bad)}, as_json=json, render=lambda: statistics_tables(document))


@app.command("show")
def show_(
    names: Annotated[
        list[str], typer.Argument(help="Ids of MAGs (or what they end with, or #1 for the first), and their file.")
    ],
    html: Annotated[bool, typer.Option("--html", help="Draw for a browser: one page, no network.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="Draw as SVG.")] = False,
    view: View = "exact",
    text: Annotated[bool, typer.Option("--text", help="Print what was said, whole.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write there instead of to stdout.")] = None,
    skip_bad: SkipBad = False,
    json: opt.Json = False,
) -> None:
    """Draw discussions: by rounds, right and wrong, and who had been shown what.

    A file or run directory among the names is where to look; without one it is the newest run.
    """
    from magdi.cli.mags_drawing import discussion

    if html and svg:
        raise ConfigError("--html and --svg are two drawings", hint="ask for one at a time")
    mags, bad = _found(names, skip_bad=skip_bad)
    tell_skipped(bad)
    if html or svg:
        _emit(_drawn(mags, html=html, view=view), out, as_json=json)
    elif json:
        _emit("\n".join(mag.to_line() for mag in mags) if len(mags) == 1 else _as_list(mags), out, as_json=True)
    else:
        from rich.console import Group

        drawn = [discussion(mag, view=_view(view), whole=text) for mag in mags]
        show({}, as_json=False, render=lambda: Group(*drawn))


@app.command()
@opt.grouped
def export(
    files: Files = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File or folder to write.", show_default="none, to --push")
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            help="One of plugins list --kind exporter, e.g. graphml.", autocompletion=propose.components("exporter")
        ),
    ] = "dataset",
    arg: Arg = None,
    view: View = "exact",
    skip_bad: SkipBad = False,
    json: opt.Json = False,
    push: opt.Push = None,
    private: opt.Private = None,
    protocol: Annotated[
        str | None, typer.Option(help="How the discussions were held, where prompts are asked for.", show_default=False)
    ] = None,
    protocol_arg: opt.ProtocolArg = None,
    plugins: opt.RunPlugins,
) -> None:
    """Write MAGs for other tools: networkx, torch_geometric, the hub; or what they teach, for TRL's trainers."""
    from magdi.cli.mags_rules import prompted
    from magdi.core.config.models import ComponentChoice
    from magdi.plugins.corpus.files import at_least_one, read_all
    from magdi.plugins.exporting.hub import push as to_hub
    from magdi.plugins.formats.exporter import export as run_exporter

    if push and to != "dataset":
        raise ConfigError(f"--push takes a folder with a card, and {to} is none", hint="leave --to out")
    if not (out or push):
        raise ConfigError("nothing says where to", hint="-o FILE, or --push NAME")
    paths = sources(files)
    registry = plugins.components(runs_of(paths))
    exporter = registry.exporter(ComponentChoice(name=to, **opt.component("exporter", arg)))
    if out:
        check_out(out, folder=exporter.folder)
    bad: list[MagFileError] = []
    mags = at_least_one(read_all(paths, bad if skip_bad else None), paths, bad)
    if exporter.needs_prompts:
        mags = prompted(mags, paths, registry, protocol, opt.component("protocol", protocol_arg))
    with ExitStack() as kept:
        target = out or Path(kept.enter_context(TemporaryDirectory()), "mags")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        count = run_exporter(exporter, mags, target, _view(view))
        tell_skipped(bad)
        if not count:
            raise DataError(
                f"{target} holds no {exporter.unit}: none of the MAGs has what {to} takes",
                hint="magdi mags stats counts roles, labels and values",
            )
        pushed = {"pushed": to_hub(target, push, "dataset", private=private)} if push else {}
    place = {"out": str(out)} if out else {}
    document = {**place, "format": to, exporter.unit.lower(): count, "skipped": len(bad)} | pushed
    document |= {"counted": dict(exporter.counted)} if exporter.counted else {}
    kinds = "".join(f"\n{kind}: {number:,}" for kind, number in exporter.counted.items())
    where = " and ".join(str(each) for each in (out, pushed.get("pushed")) if each)
    show(document, as_json=json, render=lambda: f"{count:,} {exporter.unit} written to {where} ({to}){kinds}")


@app.command()
@opt.grouped
def check(
    files: Files = None,
    *,
    protocol_arg: opt.ProtocolArg = None,
    protocol: Annotated[
        str | None, typer.Option(help="Hold the discussions again under this protocol.", show_default=False)
    ] = None,
    readings: Annotated[
        bool, typer.Option("--readings", help="List turns by the rule that reads their answer, least certain first.")
    ] = False,
    json: opt.Json = False,
    plugins: opt.RunPlugins,
) -> None:
    """Verify files: schema, order of time, grades, edges against kept prompts, and against the protocol's own rule.

    Discussions of a run directory are held again with its settings: the same replies must give the same graph.

    The exit code is 1 where something is wrong.
    """
    from magdi.cli.mags_tables import check_table
    from magdi.plugins.corpus import readings as reading
    from magdi.plugins.corpus.check import check_file
    from magdi.plugins.corpus.files import read

    found = sources(files)
    registry = plugins.components(runs_of(found))
    settings = opt.component("protocol", protocol_arg)
    rules = {file: _rule(file, registry, protocol, settings) for file in found}
    reports = {str(file): check_file(file, rule) for file, rule in rules.items()}
    sound = all(report.sound for report in reports.values())
    listed = [{"file": file, "sound": report.sound, **asdict(report)} for file, report in reports.items()]
    document: dict[str, object] = {"sound": sound, "files": listed}
    read_so = {str(file): reading.readings(read(file, []), rule.task) for file, rule in rules.items() if readings}
    if readings:
        document["readings"] = [{"file": file, **asdict(found)} for file, found in read_so.items()]
    show(document, as_json=json, render=lambda: check_table(reports, read_so))
    raise typer.Exit(0 if sound else 1)


@app.command()
def calibrate(
    out: Out,
    files: Files = None,
    json: opt.Json = False,
) -> None:
    """Fit each agent's stated confidence to how often it is right (-P calibration=FILE, for reconcile)."""
    from magdi.cli.mags_tables import calibration_table
    from magdi.plugins.corpus.files import read_all
    from magdi.protocols.confidence import fit

    check_out(out)
    fitted = fit(read_all(sources(files)))
    write_whole(out, fitted.model_dump_json(indent=2) + "\n")
    document = {"out": str(out)} | fitted.model_dump(mode="json")
    show(document, as_json=json, render=lambda: calibration_table(fitted, str(out)))


def _found(names: Sequence[str], *, skip_bad: bool) -> tuple[list[Mag], list[MagFileError]]:
    from magdi.plugins.corpus.files import at_least_one, pick, read_all
    from magdi.plugins.runs.finding import nearest_runs

    def no_run(name: str) -> DataError | None:
        return DataError(f"{name}: there is no such file or run", hint=nearest_runs(name)) if "/" in name else None

    places = [name for name in names if is_place(name)]
    wanted = [name for name in names if name not in places]
    if not wanted:
        raise ConfigError("no MAG is named", hint="name one by its id, or #1 for the first")
    for name in wanted:
        if Path(name).suffix in (".json", ".jsonl"):
            raise DataError(f"{name}: there is no such file")
    bad: list[MagFileError] = []
    paths = sources(places)
    return pick(at_least_one(read_all(paths, bad if skip_bad else None), paths, bad), wanted, no_run), bad


def _drawn(mags: Sequence[Mag], *, html: bool, view: str) -> str:
    if html:
        from magdi.plugins.report.data import mags_page

        return "".join(mags_page(mags, _view(view)))
    if len(mags) > 1:
        raise ConfigError("an SVG holds one discussion", hint="--html draws several on one page")
    from magdi.plugins.report.drawing.svg import svg

    return svg(mags[0], _view(view)) + "\n"


def _view(name: str) -> Any:
    from magdi.core.views import VIEWS

    if name not in VIEWS:
        raise ConfigError(f"no edge view {name!r}", hint=did_you_mean(name, VIEWS))
    return name


def _as_list(mags: Sequence[Mag]) -> str:
    return "[" + ",\n".join(mag.to_line() for mag in mags) + "]"


def _emit(text: str, out: Path | None, *, as_json: bool) -> None:
    """Prints a text, or writes it to a file and prints where that is."""
    from magdi.cli.visible import visible

    text = text if text.endswith("\n") else text + "\n"
    if out is None:
        sys.stdout.write(visible(text) if as_json or sys.stdout.isatty() else text)
    else:
        check_out(out)
        write_whole(out, text)
        show({"out": str(out)}, as_json=as_json, render=lambda: str(out))


def _rule(file: Location, components: Components, name: str | None, settings: dict[str, object]) -> ReplayRule:
    """Returns how a file's discussions are held again; not at all where what the run was made with is missing."""
    from magdi.cli.mags_rules import rule_for
    from magdi.plugins.corpus.check import ReplayRule

    try:
        return rule_for(file, components, name, settings)
    except ComponentError as error:
        if name is not None:
            raise
        say(f"{file}: its discussions are not held again: {error.message}")
        return ReplayRule()
