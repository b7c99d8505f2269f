"""`magdi plugins`: what can be chosen, what it does, whether it keeps the rules, and the start of a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from magdi.cli import options as opt
from magdi.cli.output import result, show
from magdi.core.errors import ConfigError, MagdiError
from magdi.plugins.component import Kind

if TYPE_CHECKING:
    from rich.console import RenderableType

    from magdi.plugins.manager import Plugins
    from magdi.plugins.registration import Registration
    from magdi.plugins.testing.runner import CheckResult

app = typer.Typer(help="Look at plugins and components, check them, start a new one.", no_args_is_help=True)

KindOption = Annotated[
    Kind | None, typer.Option(help="Where several kinds have a component of that name.", show_default=False)
]
Settings = Annotated[
    list[str] | None, typer.Option("--arg", "-A", help="KEY=VALUE of the component.", show_default=False)
]


@app.command("list")
@opt.grouped
def list_(
    *,
    kind: Annotated[Kind | None, typer.Option(help="Only these.", show_default=False)] = None,
    json: opt.Json = False,
    plugins: opt.Plugins,
) -> None:
    """List all components, shipped and third-party, and what is broken and why."""
    from magdi.cli.commands import shadowed
    from magdi.cli.component_tables import overview_table
    from magdi.plugins.describe import fault_entry, overview

    loaded = plugins.load(warn=False, lenient=True)
    document = overview(loaded)
    document["faults"] += map(fault_entry, shadowed(loaded))
    if kind:
        document["components"] = [each for each in document["components"] if each["kind"] == kind]
        document["commands"] = []
    show(document, as_json=json, render=lambda: overview_table(document))


@app.command("show")
@opt.grouped
def show_(
    name: Annotated[str, typer.Argument(help="A component's name or plugin/name.")],
    *,
    kind: KindOption = None,
    arg: Settings = None,
    json: opt.Json = False,
    plugins: opt.Plugins,
) -> None:
    """Show where a component comes from, its settings and, for a protocol, its graph for 3 agents."""
    from magdi.cli.component_tables import description_table
    from magdi.plugins.describe import candidates, description

    registry = plugins.load().registry
    found = candidates(registry, name, kind)
    documents = [description(registry, each, _settings(arg)) for each in found]
    whole = documents[0] if len(documents) == 1 else {"components": documents}
    show(whole, as_json=json, render=lambda: _group(map(description_table, documents)))


@app.command()
@opt.grouped
def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Components; all third-party ones when left out.", show_default=False)
    ] = None,
    *,
    kind: KindOption = None,
    arg: Settings = None,
    json: opt.Json = False,
    plugins: opt.Plugins,
) -> None:
    """Run the conformance kit on components; the exit code is 1 where one fails."""
    from rich.text import Text

    loaded = plugins.load(lenient=True)
    chosen = list(_chosen(loaded, names, kind))
    reports = [_report(loaded, each, _settings(arg), quiet=json) for each in chosen]
    passed = all(report["passed"] for report in reports) and not loaded.faults
    faults = [str(fault) for fault in loaded.faults]
    document = {"passed": passed, "components": reports, "faults": faults}
    brought = [each.plugin for each in loaded.loaded]
    show(document, as_json=json, render=lambda: Text(_verdict(reports, faults, brought)))
    raise typer.Exit(0 if passed else 1)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The component's name, in kebab-case.")],
    kind: Annotated[Kind, typer.Option(help="What it is to be.", show_default=False)],
    into: Annotated[Path, typer.Option(help="Folder in which the distribution's folder is made.")] = Path(),
    json: opt.Json = False,
) -> None:
    """Start a plugin: a complete little distribution with a component, its tests and a README."""
    from rich.text import Text

    from magdi.plugins.scaffold import scaffold

    made = scaffold(name, kind, into)
    document = {"directory": str(made.directory), "files": [str(file) for file in made.files], "next": made.next_steps}
    show(document, as_json=json, render=lambda: Text("\n".join([f"made {made.directory}", "", *made.next_steps])))


def _settings(pairs: Sequence[str] | None) -> dict[str, object]:
    """Returns ``--arg key=value`` pairs as settings."""
    from magdi.plugins.source import read_sets

    layer = read_sets(pairs or ())
    if layer.problems:
        raise ConfigError(str(layer.problems[0]).replace("--set", "--arg").replace("training.steps=10", "rounds=2"))
    return dict(layer.tree)


def _chosen(plugins: Plugins, names: Sequence[str] | None, kind: Kind | None) -> Iterator[Registration]:
    from magdi.plugins.describe import candidates

    if not names:
        yield from (each for each in plugins.registry.listing(kind) if not each.shipped)
    for name in names or ():
        yield from candidates(plugins.registry, name, kind)


class ComponentReport(TypedDict):
    """How the checks of a component went; ``problem`` is why none could be made, ``causes`` what failed."""

    kind: str
    name: str
    passed: bool
    problem: str
    causes: list[str]
    checks: list[dict[str, str | bool | float]]


def _report(plugins: Plugins, each: Registration, settings: Mapping[str, object], *, quiet: bool) -> ComponentReport:
    """Runs the checks of one component, printing each as it comes."""
    from magdi.plugins.testing.runner import failures, run_checks

    def say(line: str) -> None:
        if not quiet:
            result().print(line, markup=False, soft_wrap=True)

    say(f"{each.kind} {each.address}")
    results: list[CheckResult] = []
    try:
        target = plugins.registry.load(each.kind, each.address)
        config = plugins.registry.settings(each.kind, each.address, settings)
        for outcome in run_checks(each.kind, target, config, component=each.component):
            results.append(outcome)
            if outcome.passed:
                say(_line(outcome))
        problem, wrong = "", failures(results)
    except MagdiError as error:
        problem, wrong = error.message, [error.message]
    for cause in wrong:
        say(f"  FAIL {cause}")
    return {
        "kind": each.kind,
        "name": each.address,
        "passed": not wrong,
        "problem": problem,
        "causes": wrong,
        "checks": [
            {
                "name": one.name,
                "passed": one.passed,
                "applies": one.applies,
                "made": one.made,
                "message": one.message,
                "seconds": round(one.seconds, 3),
            }
            for one in results
        ],
    }


def _line(outcome: CheckResult) -> str:
    """Returns how a check that did not fail went, as a line."""
    if not outcome.applies:
        return f"  -    {outcome.name}: not applicable, {outcome.message}"
    remark = f": {outcome.message}" if outcome.message else ""
    return f"  ok   {outcome.name} ({outcome.seconds:.2f} s){remark}"


def _verdict(reports: Sequence[ComponentReport], faults: Sequence[str], brought: Sequence[str]) -> str:
    """Returns the last line; "passed" alone stands there only where nothing failed, and where something was checked."""
    failed = [*(report["name"] for report in reports if not report["passed"]), *(f"plugin {fault}" for fault in faults)]
    passed = sum(report["passed"] for report in reports)
    if failed:
        return f"failed: {', '.join(failed)}" + (f" ({passed} passed)" if passed else "")
    if not reports and brought:
        return f"nothing to check: {', '.join(brought)} can be loaded, and brings no component (see magdi plugins list)"
    if not reports:
        return "nothing to check: no third-party component is installed; name a component, or use --plugin FILE"
    return f"{passed} passed"


def _group(parts: Iterator[RenderableType]) -> RenderableType:
    from rich.console import Group

    return Group(*parts)
