"""What cards say to machines: base, data, licence and scores, in the form that the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.config.models import RunConfig
from magdi.plugins.suites.file import INSTRUMENTS
from magdi.plugins.tasks.dataset import Source

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

    from magdi.plugins.runs.result import RunDocument

OWN = "mit"
"""Licence of what magdi's own programs make up."""


def model_card_data(
    config: RunConfig,
    outcome: RunDocument,
    *,
    base: str | None,
    adapter: bool,
    name: str,
    sources: Mapping[str, Source],
    protocols: Collection[str],
    licence: str = "",
) -> ModelCardData:
    """Returns the head of a student's card.

    Args:
        config: The run's configuration.
        outcome: What came of it; see `magdi.plugins.runs.result.document`.
        base: An adapter's base, or what was merged; None where the whole model was trained.
        adapter: Whether it is an adapter.
        name: What the model is called.
        sources: Where the data of its tasks is from, as far as that is known.
        protocols: Of the discussions.
        licence: As the hub names it; found out where it can be when empty.
    """
    from huggingface_hub import ModelCardData

    simulated = outcome.get("mags", {}).get("simulated")
    origin = base or (config.student.model if config.student.model != "tiny" else None)
    data = [source.path for source in sources.values() if source.path]
    scores = list(eval_results(config, outcome, sources))
    return ModelCardData(
        model_name=name,
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["magdi", "distillation", "multi-agent", *protocols, *(["simulated-teachers"] if simulated else [])],
        base_model=origin if origin and not Path(origin).exists() else None,  # a folder here is no name there
        datasets=data or None,
        metrics=["accuracy"] if scores else None,
        eval_results=scores or None,
        **licensed(licence or _licence(config, outcome, origin, sources)),
    )


def eval_results(config: RunConfig, outcome: RunDocument, sources: Mapping[str, Source]) -> Iterator[EvalResult]:
    """Yields the student's accuracy in each task, with its interval; nothing where it was not evaluated."""
    from huggingface_hub import EvalResult

    student = outcome.get("student")
    if student is None:
        return
    for task, found in (student["by_task"] or {asked(config): student}).items():
        source = sources.get(kind(task), Source(""))
        low, high = (round(bound, 4) for bound in found["interval"])
        yield EvalResult(
            task_type="text-generation",
            dataset_type=source.path or task,
            dataset_name=task,
            dataset_config=source.config,
            dataset_split=config.evaluation.split,
            metric_type="accuracy",
            metric_name="accuracy, zero-shot",
            metric_value=round(found["accuracy"], 4),
            metric_args={"questions": found["count"], "interval_95": [low, high]},
        )


def asked(config: RunConfig) -> str:
    """Returns the task whose questions a run's evaluation asks."""
    return (config.evaluation.task or config.task).name


def kind(task: str) -> str:
    """Returns a task's name without what it is of: ``hf`` of ``hf:DATASET``."""
    return task.partition(":")[0]


def licensed(licence: str) -> dict[str, Any]:
    """Returns a card's fields of a licence; of one that is not known, where it is read what there is to respect."""
    if licence:
        return {"license": licence.lower().replace(" ", "-")}
    return {"license": "other", "license_name": "those-of-its-sources", "license_link": "README.md"}


def _licence(config: RunConfig, outcome: RunDocument, origin: str | None, sources: Mapping[str, Source]) -> str:
    """Returns the one licence of all that went in; empty where there are several, or one is not known."""
    if origin is not None or not outcome.get("simulated"):
        return ""
    tasks = {*outcome.get("mags", {}).get("tasks", {}), config.task.name}
    return common({sources.get(kind(task), Source("")).licence or own(task) for task in tasks})


def own(task: str) -> str:
    """Returns the licence of a task's questions where magdi makes them up, else nothing."""
    return OWN if kind(task) in INSTRUMENTS else ""


def common(licences: Collection[str]) -> str:
    """Returns the one licence that there is, else nothing."""
    return next(iter(licences)) if len(licences) == 1 else ""
