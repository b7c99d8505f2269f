"""`magdi evaluate`: accuracy of models on a task's held-out questions, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.cli import place
from magdi.core.distill.prompt import PromptStyle
from magdi.core.errors import ConfigError
from magdi.plugins.suites.executors.resources import On, Resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from magdi.core.config.models import Limits
    from magdi.core.run.progress import Progress
    from magdi.plugins.evaluating.candidates import Candidate
    from magdi.plugins.evaluating.evaluate import EvaluationPlan

SAMPLING = "Sampling"
PREDICTIONS = Path("predictions")


EngineName = Literal["auto", "transformers", "openai", "vllm", "offline"]

Models = Annotated[
    list[str] | None,
    typer.Argument(
        help="Runs, models (folder or hub id), adapters, openai:MODEL@URL, or files of predictions to grade anew.",
        show_default="the newest run in ./runs that has a student",
        autocompletion=propose.runs,
    ),
]
Split = Annotated[
    Literal["validation", "test"] | None, typer.Option(help="Questions to ask.", show_default="the run's, or test")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Ask the first N questions only.")]
Base = Annotated[bool, typer.Option("--base", help="Evaluate the first run's student before distillation as well.")]
Engine = Annotated[
    EngineName,
    typer.Option(help="What makes a model answer; openai is any server, offline vLLM where it is installed."),
]
Preset = Annotated[
    Literal["greedy", "paper", "malt"] | None,
    typer.Option(
        "--sampling",
        help="greedy, or a paper's: MAGDi's (temperature 0.7, top-p 0.9, top-k 50) or MALT's (0.3).",
        show_default=False,
    ),
]
Samples = Annotated[
    int | None, typer.Option(min=1, help="Answers a question; their vote counts.", rich_help_panel=SAMPLING)
]
Temperature = Annotated[float | None, typer.Option(min=0, help="0 is greedy.", rich_help_panel=SAMPLING)]
TopP = Annotated[float | None, typer.Option(min=0, max=1, help="Nucleus sampling.", rich_help_panel=SAMPLING)]
TopK = Annotated[int | None, typer.Option(min=0, help="Likeliest tokens; 0 for all.", rich_help_panel=SAMPLING)]
MaxNewTokens = Annotated[int | None, typer.Option(min=1, help="Longest answer.", rich_help_panel=SAMPLING)]
TEAM = "Teams"
Roles = Annotated[
    str | None,
    typer.Option(
        "--roles", help="Roles that take part, e.g. generator,refiner.", rich_help_panel=TEAM, show_default="all"
    ),
]
Untrained = Annotated[
    str | None,
    typer.Option(help="Roles in which the model before training speaks.", rich_help_panel=TEAM, show_default="none"),
]
AfterStage = Annotated[
    str | None,
    typer.Option(
        "--stage", help="Stage of training after which roles speak: sft.", rich_help_panel=TEAM, show_default="last"
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask anew: throw away the answers that are kept.")]
Prompt = Annotated[PromptStyle, typer.Option(help="Form of the prompt, for what comes from no run.")]
Folder = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where predictions are kept.", show_default=str(PREDICTIONS))
]


@opt.grouped
def evaluate(
    models: Models = None,
    *,
    task: opt.Task = None,
    task_arg: opt.TaskArg = None,
    data: opt.Data = None,
    split: Split = None,
    limit: Limit = None,
    shard: opt.Shard = None,
    shards: opt.Shards = 1,
    base: Base = False,
    engine: Engine = "auto",
    sampling: Preset = None,
    samples: Samples = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    top_k: TopK = None,
    max_new_tokens: MaxNewTokens = None,
    roles: Roles = None,
    untrained: Untrained = None,
    stage: AfterStage = None,
    prompt: Prompt = "auto",
    seed: opt.Seed = None,
    bounds: opt.Bounds,
    out: Folder = None,
    fresh: Fresh = False,
    dry_run: opt.DryRun = False,
    where: place.Place,
    jobs: place.Jobs = None,
    plugins: opt.RunPlugins,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Measure accuracy on held-out questions; several models are compared on the same ones.

    Every answer is kept, and the same command goes on where it was stopped. Of a run, task and settings are the run's.

    A file of predictions in the place of a model is graded anew; nothing is generated.

    With --shards, in several jobs that share the questions, and the limits.
    """
    from magdi.cli import output
    from magdi.cli.newest import newest
    from magdi.cli.outcome import evaluation_table
    from magdi.cli.plan_table import evaluation_plan_table
    from magdi.plugins.evaluating.candidates import find_candidates
    from magdi.plugins.evaluating.costs import plan_evaluation
    from magdi.plugins.evaluating.evaluate import evaluate as run
    from magdi.plugins.evaluating.request import make_plan
    from magdi.plugins.suites.executors.plan import planned_answers

    models = models or [str(newest("student"))]
    components, limits = plugins.components(models, models=True), bounds.limits()
    candidates = find_candidates(
        models,
        components,
        base=base,
        engine=engine,
        prompt_style=prompt,
        seed=seed,
        limits=limits,
    )
    given = {
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "max_new_tokens": max_new_tokens,
        "roles": roles and roles.split(","),
        "untrained": untrained and untrained.split(","),
        "stage": stage,
    }
    plan = make_plan(
        candidates,
        components,
        folder=out or PREDICTIONS,
        task=task,
        task_settings=opt.component("task", task_arg, data=data),
        settings={**given, "samples": samples, "questions": limit, "base": base, "split": split},
        sampling=sampling,
        seed=seed,
        fresh=fresh,
        shard=shard,
    )
    resources = where.resources(jobs or (shards if where.on == "local" else None))
    in_jobs = shards > 1 or where.on != "local"
    if in_jobs and (plan.fresh or plan.shard):
        raise ConfigError(
            "--shards goes on with what is kept, and is no shard itself", hint="name a new folder with -o"
        )
    if dry_run:
        planned = plan_evaluation(candidates, plan, limits)
        if in_jobs:
            planned["jobs"] = planned_answers(where.on, resources, plan.folder, shards, planned["questions"], limits)
        output.show(planned, as_json=json, render=lambda: evaluation_plan_table(planned))
        return
    progress = output.TerminalProgress(quiet=quiet)
    try:
        if in_jobs:
            _in_shards(candidates, plan, shards, where.on, resources, progress, limits)
        document = run(candidates, plan, progress)
    finally:
        progress.close()
    output.show(document, as_json=json, render=lambda: evaluation_table(document))


def _in_shards(
    candidates: Sequence[Candidate],
    plan: EvaluationPlan,
    shards: int,
    on: On,
    resources: Resources,
    progress: Progress,
    limits: Limits,
) -> None:
    """Has the same command done in jobs; what is left for this one is to take over what they kept."""
    from magdi.plugins.suites.executors.command import answered_in_shards, shares_of

    shares = [f"--{name.replace('_', '-')}={share}" for name, share in shares_of(limits, shards).items()]
    arguments = [*place.without(place.SHARDED, ("--json",)), *shares]
    files = [plan.file(each) for each in candidates if not each.kept]
    answers = len(files) * len(plan.questions) * plan.settings.samples
    answered_in_shards(on, resources, plan.folder, arguments, shards, files, answers, progress)
