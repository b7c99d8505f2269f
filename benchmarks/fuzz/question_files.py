"""Files of questions: JSONL, JSON, CSV, parquet."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz.mutation import Lot, as_json, changed


class Tasks:
    """Rows in all spellings, of which one is changed."""

    ROWS = (
        {"question": "Is it?", "answer": "yes", "id": "a"},
        {"question": "2 + 2?", "answer": 4},
        {"question": "Which?", "choices": ["one", "two"], "answer": "B"},
        {"question": "Which?", "choices": {"label": ["A", "B"], "text": ["x", "y"]}, "answer": 1},
        {"question": "Which of these?", "choices": [{"label": "A", "text": "x"}], "answer": "A"},
    )

    def __init__(self, folder: Path) -> None:
        from magdi.plugins.manager import load_plugins

        self.folder, self.registry = folder, load_plugins().registry

    def __call__(self, lot: Lot) -> object:
        from magdi.core.config.models import ComponentChoice

        rows = list(self.ROWS)
        rows[lot.randrange(5)] = changed(lot.choice(self.ROWS), lot, lot.choice((1, 2)))
        kind = lot.choice(("jsonl", "jsonl", "json", "csv", "parquet"))
        file = self.folder / f"q.{kind}"
        self.said = (kind, rows)
        if kind == "jsonl":
            file.write_bytes(b"\n".join(as_json(row, lot) for row in rows))
        elif kind == "json":
            file.write_bytes(as_json(rows, lot))
        else:
            import pandas

            try:
                frame = pandas.DataFrame([row for row in rows if isinstance(row, dict)])
                write = frame.to_csv if kind == "csv" else frame.to_parquet
                write(file, index=False)
            except Exception:  # cannot be written so
                return None
            if lot.random() < 0.2:
                data = bytearray(file.read_bytes())
                data[lot.randrange(len(data))] ^= 255
                file.write_bytes(bytes(data))
        columns = {} if lot.random() < 0.6 else {"columns": changed({"answer_type": "auto", "id": "id"}, lot)}
        settings = {"data": str(file), **columns}
        choice = ComponentChoice.model_validate({"name": "jsonl", **settings})
        problems = list(self.registry.problems("task", choice))
        if problems:
            return None
        task = self.registry.task(choice, 0)
        for split in ("train", "validation", "test"):
            for question in task.first(split, lot.choice((None, 1, 3))):
                for text in ("The answer is 4.", "(B)", "yes", str(question.gold)):
                    task.grade(task.extract(text, question), question.gold or "")
        return None
