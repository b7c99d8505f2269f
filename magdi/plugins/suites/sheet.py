"""A suite's document as a table of texts, which every format then sets in its own way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from magdi.plugins import sheet
from magdi.plugins.sheet import Column, Number, Sheet, p_value, points, span
from magdi.plugins.suites.document import PairedDocument, PaperDocument, Row, SuiteDocument, label


def count(value: Number) -> str:
    """Returns a number of things, in thousands from ten thousand on."""
    if value is None:
        return "-"
    return f"{value / 1000:,.0f}k" if value >= 10_000 else f"{value:,.0f}"


def decimal(value: Number) -> str:
    """Returns a number with one decimal."""
    return "-" if value is None else f"{value:,.1f}"


def fraction(value: Number) -> str:
    """Returns a number with two decimals."""
    return "-" if value is None else f"{value:.2f}"


def percent(value: Number) -> str:
    """Returns a share in per cent, without the sign, which its heading has."""
    return sheet.percent(value, "")


FIGURES: dict[str, tuple[str, Callable[[Number], str]]] = {
    "steps": ("steps", count),
    "trained_tokens": ("tokens learned", count),
    "read_tokens": ("tokens read", count),
    "calls": ("teacher calls", count),
    "mags": ("MAGs", count),
    "output_tokens": ("tokens an answer", decimal),
    "teacher_tokens": ("teacher tokens", count),
    "training_seconds": ("seconds", decimal),
    "answered": ("answered %", percent),
    "procedure": ("right procedure %", percent),
    "faithful": ("faithful %", percent),
    "single": ("one draw %", percent),
    "oracle": ("any draw %", percent),
    "score_weighted": ("by score %", percent),
    "team_accuracy": ("team %", percent),
    "gained": ("wrong to right %", percent),
    "lost": ("right to wrong %", percent),
    "questions_test": ("test questions", count),
    "turns_per_mag": ("turns a MAG", fraction),
    "pairs_train": ("pairs, train %", percent),
    "pairs_held_out": ("pairs, held out %", percent),
    "nodes_train": ("nodes, train %", percent),
    "nodes_held_out": ("nodes, held out %", percent),
    "auc_nodes_train": ("AUC, nodes, train", fraction),
    "auc_nodes_held_out": ("AUC, nodes, held out", fraction),
    "auc": ("AUC", fraction),
    "auc_within": ("AUC, within", fraction),
    "auc_train": ("AUC, train", fraction),
    "nodes_most": ("most frequent label %", percent),
    "auc_own": ("AUC, own answers", fraction),
    "grad_norm_positive": ("|g+|", fraction),
    "grad_norm_margin": ("|g-|", fraction),
    "grad_norm_node": ("|g_I|", fraction),
}
"""Headings of figures; others are headed by their name."""

OF_FIGURES = tuple(f", {title.removesuffix(' %')}" for title, _ in FIGURES.values())
"""How columns of a paper are called that have no accuracies (``MATH, wrong to right``)."""

COUNTED = re.compile(r"(G|round_)\d+$|agent_")
"""Figures that count something, whatever it is called."""

CONFOUNDS = ("steps", "trained_tokens", "calls")
"""What may explain a difference, and so is always shown."""

DIFFICULTY = "difficulty"


def sheets(document: SuiteDocument) -> list[Sheet]:
    """Returns the tables of a suite: what came out, what may explain it, and the paper's own; those that there are."""
    return [results_sheet(document), *filter(None, (figures_sheet(document), paper_sheet(document)))]


def results_sheet(document: SuiteDocument) -> Sheet:
    """Returns accuracies, differences, what may confound them, and the paper's numbers beside them."""
    repeats = f" ({document['repeats']})" if document["repeats"] else ""
    fields = [
        *_labels(document),
        *_measured(document),
        *_figures(document, CONFOUNDS),
        *_of_paper(document, figures=False),
    ]
    return _sheet(f"{document['title']}{repeats}", fields, document, notes(document))


def figures_sheet(document: SuiteDocument) -> Sheet | None:
    """Returns the further figures that the suite asks for; None where there are none."""
    fields = list(_figures(document, [name for name in document["columns"] if name not in CONFOUNDS]))
    fields += _of_paper(document, figures=True)
    return _sheet("Further figures", [*_labels(document), *fields], document) if fields else None


Field = tuple[Column, Callable[[Row], str]]


def _sheet(title: str, fields: Sequence[Field], document: SuiteDocument, said: Iterable[str] = ()) -> Sheet:
    rows = tuple(tuple(read(row) for _, read in fields) for row in document["rows"])
    return Sheet(title, tuple(column for column, _ in fields), rows, tuple(said), labels=len(document["axes"]))


def _labels(document: SuiteDocument) -> Iterator[Field]:
    for axis in document["axes"]:
        yield Column(axis, right=False), lambda row, axis=axis: label(row, axis)  # type: ignore[misc]


def _measured(document: SuiteDocument) -> Iterator[Field]:
    yield Column("accuracy %"), lambda row: percent(row["mean"])
    yield Column("95 % interval"), lambda row: span(row["interval"])
    others = {row["paired"]["to"] for row in document["rows"] if row["paired"]}
    if len(others) == 1:
        yield Column(f"against {others.pop()}"), lambda row: _points(row["paired"])
    elif others:
        yield Column("against", right=False), lambda row: row["paired"]["to"] if row["paired"] else "-"
        yield Column("points"), lambda row: _points(row["paired"])
    if any(row["paired"] for row in document["rows"]):
        yield Column("95 % interval"), lambda row: span(row["paired"]["interval"] if row["paired"] else None, "+")
        yield Column("p (Holm)"), lambda row: p_value(row["paired"]["p_holm"] if row["paired"] else None)


def _points(found: PairedDocument | None) -> str:
    return points(None if found is None else found["difference"])


def _figures(document: SuiteDocument, names: Sequence[str]) -> Iterator[Field]:
    """Yields the figures of these names that any row has; a name that ends in ``*`` stands for all that begin so."""
    known = dict.fromkeys(name for row in document["rows"] for name in row["figures"])
    for name in (found for each in names for found in (_like(each, known) if each.endswith("*") else [each])):
        if name == DIFFICULTY:
            yield from _difficulty(document)
            continue
        if name not in known:
            continue
        if name in document.get("tasks", ()):
            yield Column(f"{name} %"), lambda row, name=name: percent(row["figures"].get(name))  # type: ignore[misc]
            continue
        title, written = FIGURES.get(name, (name.replace("_", " "), count if COUNTED.match(name) else decimal))
        yield Column(title), lambda row, name=name, written=written: written(row["figures"].get(name))  # type: ignore[misc]


def _like(pattern: str, known: Iterable[str]) -> list[str]:
    return sorted(name for name in known if name.startswith(pattern[:-1]))


def _difficulty(document: SuiteDocument) -> Iterator[Field]:
    for name in dict.fromkeys(name for row in document["rows"] for name in row["difficulty"]):
        yield Column(f"{name} %"), lambda row, name=name: percent(row["difficulty"].get(name))  # type: ignore[misc]


def _of_paper(document: SuiteDocument, *, figures: bool) -> Iterator[Field]:
    """Yields the paper's numbers beside ours, where there are some: accuracies, or figures that we head alike."""
    paper = document["paper"]
    if paper is None or not any(row["paper"] for row in document["rows"]):
        return
    for name in paper["columns"] if "tasks" in document else paper["beside"]:
        if name.endswith(OF_FIGURES) != figures:
            continue
        digits = _digits(paper, name)
        yield (
            Column(f"paper: {name}", paper=True),
            lambda row, name=name, digits=digits: _as_printed((row["paper"] or {}).get(name), digits),  # type: ignore[misc]
        )


def _digits(paper: PaperDocument, column: str) -> int:
    """Returns the digits behind the point that the paper prints in a column."""
    place = paper["columns"].index(column)
    numbers = [row[place] for row in paper["rows"].values() if row[place] is not None]
    return max((len(f"{number:g}".partition(".")[2]) for number in numbers), default=0)


def _as_printed(value: Number, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def paper_sheet(document: SuiteDocument, *, beside: bool = True) -> Sheet | None:
    """Returns the paper's own table; None where the suite repeats none.

    Args:
        document: The suite's outcome.
        beside: With the rows that stand beside ours already.
    """
    paper = document["paper"]
    if paper is None or not (beside or paper["not_repeated"]):
        return None
    columns = (Column("the paper's", right=False), *(Column(name, paper=True) for name in paper["columns"]))
    digits = [_digits(paper, name) for name in paper["columns"]]
    shown = paper["rows"] if beside else {name: paper["rows"][name] for name in paper["not_repeated"]}
    rows = tuple((name, *map(_as_printed, numbers, digits)) for name, numbers in shown.items())
    return Sheet(f"The paper's own numbers: {paper['source']}, {paper['what']}", columns, rows)


def notes(document: SuiteDocument) -> Iterator[str]:
    """Yields what must be read with the table."""
    seeds = sorted({int(seed) for row in document["rows"] for seed in row["seeds"]})
    teachers = "; simulated teachers, no language models" if document["simulated"] else ""
    if seeds:
        many = "seed" if len(seeds) == 1 else "seeds"
        of = f"{document['questions']:,} {document.get('unit', 'questions')}"
        yield f"{len(seeds)} {many} ({_seeds(seeds)}), {of}{teachers}"
    if "tasks" in document:
        yield f"accuracy is the mean over {', '.join(document['tasks'])}, each of which counts as much"
    if document.get("instrument"):
        yield f"on {document['instrument']}, an embedded task: an instrument, no benchmark"
    if document["quick"]:
        yield "made small with --quick: too small to conclude from"
    if document["equal"]:
        yield f"evened out by {document['equal']}"
    if document["regraded"]:
        yield "kept answers, read and graded anew"
    yield from (each["sentence"] for each in document["comparisons"])
    for each in document.get("changes", ()):
        paper = ", ".join(f"{name} {value:g}" for name, value in each["paper"].items())
        yield f"{each['name']}: {each['written']}" + (f" (the paper: {paper})" if paper else "")
    for row in document["rows"]:
        if row["control"]:
            yield f"control {row['name']}: {row['control']}"
    if document["paper"] and any(row["paper"] for row in document["rows"]):
        yield f"columns marked paper: {document['paper']['source']}, {document['paper']['what']}"
    for name, why in document["left_out"].items():
        yield f"left out: {name}: {why}"
    yield from document.get("warnings", ())
    yield from not_done(document)


def not_done(document: SuiteDocument) -> Iterator[str]:
    """Yields what failed, and what is missing for that or another reason."""
    for failure in document["failures"]:
        yield f"{failure['kind']}: {failure['cell']}, seed {failure['seed']}: {failure['error']}"
    if document["missing"]:
        yield f"not done: {'; '.join(_cells(document['missing']))}"


def _cells(missing: Sequence[str]) -> Iterator[str]:
    """Yields the cells of runs that are missing (``cell, seed 0``), each once, with its seeds."""
    seeds: dict[str, list[str]] = {}
    for run in missing:
        cell, _, seed = run.rpartition(", seed ")
        seeds.setdefault(cell, []).append(seed)
    yield from (f"{cell} (seed{'s' * (len(each) > 1)} {', '.join(each)})" for cell, each in seeds.items())


def _seeds(seeds: Sequence[int]) -> str:
    whole = len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]}-{seeds[-1]}" if whole else ", ".join(map(str, seeds))
