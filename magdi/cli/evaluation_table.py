"""What an evaluation came to, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from magdi.cli.outcome import by_task, interval, percent


def evaluation_table(document: Mapping[str, Any]) -> RenderableType:
    """Returns accuracies, comparisons with the first model, and where the predictions are."""
    parts: list[RenderableType] = [_scores(document)]
    if any(model["by_task"] for model in document["models"]):
        parts.append(by_task({model["name"]: model["by_task"] for model in document["models"]}))
    if document["comparisons"]:
        parts.append(_comparisons(document))
    parts += [
        Text(f"{model['name']} has learned from {model['trained_on']:,} of these questions: not held out for it")
        for model in document["models"]
        if model["trained_on"]
    ]
    parts.append(Text("predictions: " + ", ".join(model["predictions"] for model in document["models"])))
    return Group(*parts)


def _scores(document: Mapping[str, Any]) -> Table:
    several = any(model["samples"] > 1 for model in document["models"])
    title = f"{document['task']}, {document['split']} questions"
    table = Table(title=title, title_justify="left")
    table.add_column("model", overflow="fold")
    headings = ["questions", "accuracy", "95 % interval", "answered", "cut off", "tokens a question"]
    headings += ["one answer", "any answer", "weighted by own score"] if several else []
    for heading in headings:
        table.add_column(heading, justify="right")
    for model in document["models"]:
        table.add_row(model["name"], *_cells(model, several))
    return table


def _cells(model: Mapping[str, Any], several: bool) -> Iterator[str]:
    yield f"{model['count']:,}"
    yield percent(model["accuracy"])
    yield interval(model["interval"])
    yield percent(model["answered"])
    yield percent(model["cut_off"])
    yield f"{model['output_tokens_mean']:.1f}"
    if several:
        weighted = model["score_weighted"]
        yield percent(model["single"])
        yield percent(model["oracle"])
        yield percent(weighted["accuracy"] if weighted else None)


def _comparisons(document: Mapping[str, Any]) -> Table:
    table = Table(title=f"against {document['comparisons'][0]['first']}, same questions", title_justify="left")
    for heading in ("model", "points", "95 % interval", "only first right", "only this right", "p (McNemar)", ""):
        table.add_column(heading, justify="left" if heading in ("model", "") else "right")
    for found in document["comparisons"]:
        table.add_row(
            found["second"],
            f"{100 * found['difference']:+.1f}",
            interval(found["interval"]),
            str(found["only_first"]),
            str(found["only_second"]),
            f"{found['p']:.2g}",
            found["verdict"],
        )
    return table
