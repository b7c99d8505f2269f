"""`magdi export`: a student as a folder that loads anywhere."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.core.errors import ComponentError

if TYPE_CHECKING:
    from magdi.core.mag import Question
    from magdi.plugins.exporting.export import Exported
    from magdi.plugins.registry import Registry

Run = Annotated[
    Path | None,
    typer.Argument(
        help="The run's directory.", show_default="the newest in ./runs that has a student", autocompletion=propose.runs
    ),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="An empty or new folder.", show_default="RUN/export")]
Merge = Annotated[bool, typer.Option("--merge", help="Merge an adapter into its base: a model that stands alone.")]
Questions = Annotated[
    bool, typer.Option("--task-file/--no-task-file", help="Write the test questions as a task of lm-eval.")
]


def export(
    run: Run = None,
    out: Out = None,
    merge: Merge = False,
    task_file: Questions = True,
    plugin: opt.Plugin = None,
    plugins_dir: opt.PluginsDir = None,
    no_plugins: opt.NoPlugins = False,
    trust: opt.Trusted = False,
    json: opt.Json = False,
) -> None:
    """Write a run's student as a plain model or adapter, with a model card and a line for lm-eval."""
    from magdi.cli import loading, output
    from magdi.cli.newest import newest
    from magdi.plugins.exporting.export import export as write
    from magdi.plugins.runs.finding import open_run

    run = run or newest("student")
    config = open_run(run).config()
    registry = loading.load(plugin, plugins_dir, enabled=not no_plugins, runs=[run], trusted=trust).registry
    licences = _licences(registry, config.task.name)
    questions: list[Question] = []
    if task_file:
        task = registry.task(config.evaluation.task or config.task, config.seed)
        questions = list(task.first(config.evaluation.split, config.evaluation.questions))
    exported = write(run, out or run / "export", merge=merge, questions=questions, licences=licences)
    output.show(exported.to_dict(), as_json=json, render=lambda: _said(exported, merge=merge))


def _licences(registry: Registry, name: str) -> dict[str, str]:
    """Returns the licences of a task's data, as far as they are known; a mixture has its parts'."""
    kind, _, target = name.partition(":")
    names = [part.strip() for part in target.split("+")] if kind == "mix" else [kind]
    known = {}
    for each in names:
        with suppress(ComponentError):  # a plugin that is not there: its licence is not known, and the student is whole
            known[each] = getattr(getattr(registry.load("task", each), "source", None), "licence", "")
    return {each: licence for each, licence in known.items() if licence}


def _said(exported: Exported, *, merge: bool) -> str:
    kind = "adapter" if exported.adapter else "model"
    lines = [f"{kind} of {len(exported.files)} files in {exported.path}"]
    if merge and not exported.merged:
        lines.append("there was nothing to merge: all of its weights were trained, and it stands alone as it is")
    there = f"cd {shlex.quote(str(exported.path))} && "
    if exported.serve:
        return "\n".join([*lines, "to serve its roles with vLLM:", there + exported.serve])
    lines += ["to measure it with lm-eval:", there + exported.lm_eval]
    return "\n".join(lines)
