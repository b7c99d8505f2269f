"""`magdi mags get`: fetch a corpus of discussions that anybody may have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magdi.cli import options as opt


def get(
    name: Annotated[str | None, typer.Argument(help="A corpus, or the manifest of one; without it, all names.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; the corpus's name by default.")] = None,
    json: opt.Json = False,
) -> None:
    """Fetch a corpus of discussions: checked by size and SHA-256; what was cut off goes on where it stopped."""
    from magdi.cli.mags_tables import table
    from magdi.cli.output import check_out, say, show
    from magdi.plugins.formats import download

    if name is None:
        known = [download.find_corpus(each) for each in download.shipped()]
        rows = [
            [each.name, each.licence, f"{sum(file.bytes for file in each.files) / 1e6:.0f} MB", each.summary]
            for each in known
        ]
        listed = {"corpora": [each.model_dump(include={"name", "licence", "summary", "home"}) for each in known]}
        show(listed, as_json=json, render=lambda: table("corpora", ["name", "licence", "size", "what it is"], rows))
        return
    corpus = download.find_corpus(name)
    folder = out or Path(corpus.name)
    check_out(folder, folder=True)
    say(f"{corpus.summary}\nlicence: {corpus.licence} {corpus.licence_url}")
    paths = download.download(corpus, folder, lambda file: say(file.path))
    then = " ".join(["magdi mags import", f"{folder}/*.json", *corpus.import_, "-o", f"{corpus.name}.jsonl"])
    document = {
        "name": corpus.name,
        "licence": corpus.licence,
        "out": str(folder),
        "files": [str(each) for each in paths],
    }
    show(document, as_json=json, render=lambda: f"{len(paths)} files in {folder}; next: {then}")
