"""`magdi export`: a student as a folder that loads anywhere."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.core.errors import ComponentError

if TYPE_CHECKING:
    from magdi.core.config.models import RunConfig
    from magdi.core.mag import Question
    from magdi.plugins.exporting.export import Exported
    from magdi.plugins.registry import Registry
    from magdi.plugins.tasks.dataset import Source

Run = Annotated[
    Path | None,
    typer.Argument(
        help="The run's directory.", show_default="the newest in ./runs that has a student", autocompletion=propose.runs
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="An empty or new folder.", show_default="RUN/export, or none to --push"),
]
Merge = Annotated[bool, typer.Option("--merge", help="Merge an adapter into its base: a model that stands alone.")]
Questions = Annotated[
    bool, typer.Option("--task-file/--no-task-file", help="Write the test questions as a task of lm-eval.")
]


@opt.grouped
def export(
    run: Run = None,
    *,
    out: Out = None,
    merge: Merge = False,
    task_file: Questions = True,
    licence: opt.Licence = "",
    push: opt.Push = None,
    private: opt.Private = None,
    plugins: opt.RunPlugins,
    json: opt.Json = False,
) -> None:
    """Write a run's student as a plain model or adapter, with a model card and a line for lm-eval."""
    from magdi.cli import output
    from magdi.cli.newest import newest
    from magdi.plugins.exporting.export import export as write
    from magdi.plugins.exporting.hub import push as to_hub
    from magdi.plugins.runs.finding import open_run
    from magdi.plugins.runs.result import document as result_of
    from magdi.plugins.runs.result import learned_tasks

    run = run or newest("student")
    directory = open_run(run)
    config = directory.config()
    registry = plugins.components([run], models=True)
    sources = _sources(registry, config)
    questions: list[Question] = []
    if task_file and (config.evaluation.task or config.task.name in learned_tasks(config, result_of(directory))):
        task = registry.task(config.evaluation.task or config.task, config.seed)
        questions = list(task.first(config.evaluation.split, config.evaluation.questions))
    with ExitStack() as kept:
        folder = out or (Path(kept.enter_context(TemporaryDirectory()), "student") if push else run / "export")
        exported = write(run, folder, merge=merge, questions=questions, sources=sources, licence=licence)
        url = to_hub(folder, push, "model", private=private) if push else ""
    document = exported.to_dict() | ({"pushed": url} if push else {})
    output.show(document, as_json=json, render=lambda: _said(exported, url, merge=merge, there=bool(out) or not push))


def _sources(registry: Registry, config: RunConfig) -> dict[str, Source]:
    """Returns where the data of a run's tasks is from, as far as that is known; a mixture has its parts'."""
    from magdi.plugins.tasks.dataset import Source

    chosen = [config.task, *([config.evaluation.task] if config.evaluation.task else [])]
    known: dict[str, Source] = {}
    for choice in chosen:
        kind, _, target = choice.name.partition(":")
        for name in [part.strip() for part in target.split("+")] if kind == "mix" else [kind]:
            with suppress(ComponentError):  # a plugin that is not there: nothing is known, and the student is whole
                source = getattr(registry.load("task", name), "source", Source(""))
                hub, _, part = target.partition(":") if name == "hf" else (source.path, "", source.config)
                known[name] = replace(source, path=hub, config=part or None)
    return known


def _said(exported: Exported, url: str, *, merge: bool, there: bool) -> str:
    kind = "adapter" if exported.adapter else "model"
    lines = [f"{kind} of {len(exported.files)} files in {exported.path if there else url}"]
    lines += [f"pushed to {url}"] if url and there else []
    if merge and not exported.merged:
        lines.append("there was nothing to merge: all of its weights were trained, and it stands alone as it is")
    inside = f"cd {shlex.quote(str(exported.path))} && " if there else ""
    if exported.serve:
        return "\n".join([*lines, "to serve its roles with vLLM:", inside + exported.serve])
    lines += ["to measure it with lm-eval:", inside + exported.lm_eval] if exported.lm_eval else []
    return "\n".join(lines)
