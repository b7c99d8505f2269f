"""`magdi evaluate`: accuracy of models on a task's held-out questions, side by side."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from magdi.cli import options as opt

if TYPE_CHECKING:
    from magdi.core.config.models import ComponentChoice, Evaluation, RunConfig

SAMPLING = "Sampling"
PREDICTIONS = Path("predictions")


class EngineName(enum.StrEnum):
    """What makes a model answer."""

    auto = "auto"
    transformers = "transformers"
    openai = "openai"
    vllm = "vllm"


class Sampling(enum.StrEnum):
    """Named settings of sampling."""

    greedy = "greedy"
    paper = "paper"


class PromptForm(enum.StrEnum):
    """The prompt's form."""

    auto = "auto"
    chat = "chat"
    paper = "paper"


class SplitName(enum.StrEnum):
    """What may be evaluated on."""

    validation = "validation"
    test = "test"


PAPERS: dict[str, Any] = {"temperature": 0.7, "top_p": 0.9, "top_k": 50}
"""The authors' code samples so, with 300 new tokens, 700 for MATH; the paper evaluates one answer a question."""

Models = Annotated[
    list[str],
    typer.Argument(
        help="Runs, models (folder or hub id), adapters, openai:MODEL@URL, or files of predictions to grade anew.",
        show_default=False,
    ),
]
Split = Annotated[SplitName | None, typer.Option(help="Questions to ask.", show_default="the run's, or test")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Ask the first N questions only.")]
Base = Annotated[bool, typer.Option("--base", help="Evaluate the first run's student before distillation as well.")]
Engine = Annotated[EngineName, typer.Option(help="What makes the models answer; openai is any server.")]
Preset = Annotated[
    Sampling | None,
    typer.Option(
        "--sampling", help="greedy, or the paper's: temperature 0.7, top-p 0.9, top-k 50.", show_default=False
    ),
]
Samples = Annotated[
    int | None, typer.Option(min=1, help="Answers a question; their vote counts.", rich_help_panel=SAMPLING)
]
Temperature = Annotated[float | None, typer.Option(min=0, help="0 is greedy.", rich_help_panel=SAMPLING)]
TopP = Annotated[float | None, typer.Option(min=0, max=1, help="Nucleus sampling.", rich_help_panel=SAMPLING)]
TopK = Annotated[int | None, typer.Option(min=0, help="Likeliest tokens; 0 for all.", rich_help_panel=SAMPLING)]
MaxNewTokens = Annotated[int | None, typer.Option(min=1, help="Longest answer.", rich_help_panel=SAMPLING)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask anew: throw away the answers that are kept.")]
Prompt = Annotated[PromptForm, typer.Option(help="Form of the prompt, for what comes from no run.")]
Folder = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where predictions are kept.", show_default=str(PREDICTIONS))
]


def evaluate(
    models: Models,
    task: opt.Task = None,
    task_arg: opt.TaskArg = None,
    data: opt.Data = None,
    split: Split = None,
    limit: Limit = None,
    base: Base = False,
    engine: Engine = EngineName.auto,
    sampling: Preset = None,
    samples: Samples = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    top_k: TopK = None,
    max_new_tokens: MaxNewTokens = None,
    prompt: Prompt = PromptForm.auto,
    seed: opt.Seed = None,
    out: Folder = None,
    fresh: Fresh = False,
    plugin: opt.Plugin = None,
    plugins_dir: opt.PluginsDir = None,
    no_plugins: opt.NoPlugins = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Measure accuracy on held-out questions; several models are compared on the same ones.

    Every answer is kept, and the same command goes on where it was stopped. Of a run, task and settings are the run's.

    A file of predictions in the place of a model is graded anew; nothing is generated.
    """
    from magdi.cli import loading, output
    from magdi.cli.evaluation_table import evaluation_table
    from magdi.core.evaluation.contenders import base_of_run, common_run, find_contender
    from magdi.core.evaluation.evaluate import Plan
    from magdi.core.evaluation.evaluate import evaluate as run

    components = loading.load(plugin, plugins_dir, enabled=not no_plugins).registry
    contenders = [
        find_contender(name, components, engine=engine.value, prompt_style=prompt.value, seed=seed or 0)
        for name in models
    ]
    if base:
        contenders.insert(0, base_of_run(models[0], components))
    origin = common_run(contenders)
    given = {"temperature": temperature, "top_p": top_p, "top_k": top_k, "max_new_tokens": max_new_tokens}
    settings = chosen_settings(
        origin, sampling, {**given, "samples": samples, "questions": limit, "split": split and split.value}
    )
    drawn_with = seed if seed is not None else (origin.seed if origin else 0)
    choice = chosen_task(origin, task, opt.arguments("task", task_arg), data)
    made = components.task(choice, drawn_with)
    plan = Plan(
        task=made,
        task_name=choice.name,
        questions=made.questions(settings.split)[: settings.questions],
        settings=settings,
        seed=drawn_with,
        folder=out or PREDICTIONS,
        fresh=fresh,
    )
    progress = output.TerminalProgress(quiet=quiet)
    try:
        document = run(contenders, plan, progress)
    finally:
        progress.close()
    output.show(document, as_json=json, render=lambda: evaluation_table(document))


def chosen_settings(origin: RunConfig | None, sampling: Sampling | None, given: dict[str, Any]) -> Evaluation:
    """Returns a run's settings (the defaults without a run), under a preset, under what was given."""
    from magdi.core.config.models import Evaluation

    settings = (origin.evaluation if origin else Evaluation()).model_dump()
    if sampling is Sampling.greedy:
        settings |= {"temperature": 0.0, "top_p": 1.0, "top_k": 0}
    elif sampling is Sampling.paper:
        settings |= PAPERS
    settings |= {key: value for key, value in given.items() if value is not None}
    if settings["samples"] > 1 and settings["temperature"] == 0:
        settings |= PAPERS  # greedy answers would all be the same
    return Evaluation.model_validate(settings)


def chosen_task(
    origin: RunConfig | None, name: str | None, arguments: dict[str, Any], data: str | None
) -> ComponentChoice:
    """Returns the task that was named, or the run's.

    Raises:
        ConfigError: Neither is there.
    """
    from magdi.core.config.models import ComponentChoice
    from magdi.core.errors import ConfigError

    settings = {key.removeprefix("task."): value for key, value in arguments.items()}
    if data is not None:
        settings["data"] = data
    if name is not None:
        return ComponentChoice(name=name, **settings)
    if origin is None:
        raise ConfigError("no task was named", hint="--task gsm8k; a run brings its own")
    own = origin.evaluation.task or origin.task
    return ComponentChoice(name=own.name, **{**own.settings, **settings})
