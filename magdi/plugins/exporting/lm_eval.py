"""A task file with which lm-eval measures an exported student on the questions that magdi measured it on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

from magdi.core.config.models import RunConfig, name_and_revision
from magdi.core.mag import AnswerType, Question

PATTERNS: dict[AnswerType, str] = {
    "number": r"answer is:? \$?(-?[\d,]*\.?\d+(?:/\d+)?)",
    "letter": r"answer is:? \(?([A-Z])\b",
    "boolean": r"answer is:? (?i:(yes|no))\b",
    "expression": r"answer is:? (.+?)\.?\s*$",
    "text": r"answer is:? (.+?)\.?\s*$",
}
"""How lm-eval finds answers in what students are trained to write; magdi's own extraction accepts more."""


THEIRS = ("gsm8k", "arc-challenge", "commonsense-qa", "boolq")
"""Tasks that lm-eval has under the same names, but for hyphens."""

FOLDER = "lm_eval"
"""Where the task file goes in an exported student's folder."""


def write_lm_eval_task(out: Path, config: RunConfig, questions: Sequence[Question]) -> Path:
    """Writes questions and a task file for lm-eval into an exported student's folder; returns the task file.

    The task file names the questions as they are found from the exported folder, so that the folder can be moved and
    lm-eval is started in it.
    """
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    data = Path(FOLDER) / "questions.jsonl"
    lines = (json.dumps({"question": each.prompt, "answer": each.gold}, ensure_ascii=False) for each in questions)
    (out / data).write_text("\n".join(lines) + "\n", encoding="utf-8")
    name = task_name(config)
    asked = {each.answer_type for each in questions}  # questions of somebody's own may have answers of several forms
    pattern = "|".join(pattern for form, pattern in PATTERNS.items() if form in asked)
    regex = {"function": "regex", "regex_pattern": pattern}
    task = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": data.as_posix()}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {
            "until": ["\n\nQ:"],
            "do_sample": False,
            "max_gen_toks": config.evaluation.max_new_tokens,
        },
        "filter_list": [{"name": "answer", "filter": [regex, {"function": "take_first"}]}],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    file = out / FOLDER / f"{name}.yaml"
    file.write_text(yaml.safe_dump(task, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def task_name(config: RunConfig) -> str:
    """Returns what lm-eval is to call the task."""
    return "magdi_" + "".join(sign if sign.isalnum() else "_" for sign in config.task.name)


def lm_eval_command(base: str | None, config: RunConfig, task_file: Path | None) -> str:
    """Returns the line that evaluates an exported student with lm-eval, to be typed in its folder.

    Args:
        base: An adapter's base; None for a model that stands alone.
        config: The run's configuration.
        task_file: The task file; without one lm-eval's own task of the name is taken.

    Returns:
        The line; empty without a task file where lm-eval has no such task.
    """
    if task_file is None and config.task.name not in THEIRS:
        return ""
    model = "pretrained=."
    if base:
        name, revision = name_and_revision(base)
        model = f"pretrained={name},peft=." + (f",revision={revision}" if revision else "")
    words = ["lm_eval", "--model", "hf", "--model_args", model]
    if task_file is not None:
        words += ["--include_path", FOLDER, "--tasks", task_file.stem]
    else:
        words += ["--tasks", config.task.name.replace("-", "_"), "--num_fewshot", "0"]
    if config.student.prompt != "paper":
        words.append("--apply_chat_template")
    return shlex.join(words)
