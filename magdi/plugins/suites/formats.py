"""A suite's table as Markdown, LaTeX (booktabs) and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping

from magdi.plugins.csv_cells import cell
from magdi.plugins.sheet import Sheet
from magdi.plugins.suites.document import Row, SuiteDocument, label
from magdi.plugins.suites.sheet import sheets

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}

SIGNED = re.compile(r"[-+][\d.,]+(?: to [-+]?[\d.,]+)?")


def markdown(document: SuiteDocument) -> str:
    """Returns a suite's tables as Markdown."""
    parts = []
    for sheet in sheets(document):
        parts += [f"### {_marked(sheet.title)}", _markdown_table(sheet)]
        if sheet.notes:
            parts.append("\n".join(f"- {_marked(note)}" for note in sheet.notes))
    return "\n\n".join(parts) + "\n"


def _markdown_table(sheet: Sheet) -> str:
    rule = ["---:" if column.right else "---" for column in sheet.columns]
    lines = [[column.title for column in sheet.columns], rule, *sheet.rows]
    return "\n".join("| " + " | ".join(map(_marked, line)) + " |" for line in lines)


def _marked(text: str) -> str:
    return re.sub(r"([|*_<\\`])", r"\\\1", text.replace("\n", " "))


def latex(document: SuiteDocument) -> str:
    """Returns a suite's tables for LaTeX; they need the package booktabs."""
    first, *others = sheets(document)
    label = re.sub(r"[^a-z0-9]+", "-", document["suite"].lower())
    tables = [_latex_table(first, ". ".join([first.title, *_caption(document)]), label)]
    tables += [_latex_table(sheet, sheet.title, f"{label}-{place}") for place, sheet in enumerate(others, start=2)]
    comments = (f"% {' '.join(note.split())}" for note in first.notes)  # one that is broken would be LaTeX
    return "\n".join([*comments, *tables]) + "\n"


def _latex_table(sheet: Sheet, caption: str, label: str) -> str:
    titles = [(escaped(column.title), column.paper) for column in sheet.columns]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(caption)}.}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in sheet.columns)}}}",
        r"\toprule",
        " & ".join(rf"\emph{{{title}}}" if paper else title for title, paper in titles) + r" \\",
        r"\midrule",
        *(" & ".join(map(_set, row)) + r" \\" for row in sheet.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _caption(document: SuiteDocument) -> list[str]:
    seeds = max((len(row["seeds"]) for row in document["rows"]), default=0)
    many = "1 seed" if seeds == 1 else f"{seeds} seeds"
    said = [f"Means over {many}, 95 % intervals, differences in points paired by seed and question"]
    if document["simulated"]:
        said.append("Teachers are simulated")
    if document["quick"]:
        said.append("Too small to conclude from")
    if document["paper"]:
        said.append(f"In italics the paper's own numbers ({document['paper']['source']})")
    return said


def _set(text: str) -> str:
    """Returns a cell's text; signed numbers get a real minus."""
    return escaped(text) if not SIGNED.fullmatch(text) else f"${text.replace(' to ', '$ to $')}$"


def escaped(text: str) -> str:
    """Returns text that LaTeX sets as it is."""
    return "".join(SPECIAL.get(char, char) for char in text)


def comma_separated(document: SuiteDocument) -> str:
    """Returns a suite's rows as CSV, numbers as they are: shares in [0, 1], the paper's as printed; see `cell`."""
    rows = [_flat(document, row) for row in document["rows"]]
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)  # by need, no carriage return is quoted
    writer.writerow(map(cell, names))
    writer.writerows([cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def _flat(document: SuiteDocument, row: Row) -> dict[str, object]:
    found: Mapping[str, object] = row["paired"] or {}
    low, high = row["paired"]["interval"] if row["paired"] else (None, None)
    return {
        "suite": document["suite"],
        **{axis: label(row, axis) for axis in document["axes"]},
        "accuracy": row["mean"],
        "accuracy low": row["interval"][0],
        "accuracy high": row["interval"][1],
        "sd over seeds": row["sd"],
        "seeds": len(row["seeds"]),
        "difference": found.get("difference"),
        "difference low": low,
        "difference high": high,
        **{name: found.get(name) for name in ("p", "p_seeds", "p_questions", "p_holm", "verdict")},
        **{name: value for name, value in row["figures"].items() if name != "accuracy"},
        **{f"accuracy, {name}": value for name, value in row["difficulty"].items()},
        **{f"accuracy, seed {seed}": value for seed, value in row["seeds"].items()},
        **{f"paper: {name}": value for name, value in (row["paper"] or {}).items()},
        "control": row["control"],
    }


FORMATS: dict[str, Callable[[SuiteDocument], str]] = {
    "csv": comma_separated,
    "markdown": markdown,
    "latex": latex,
}
"""What ``magdi ablate --FORMAT`` prints."""
