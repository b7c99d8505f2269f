"""Exports a run's student: a folder that loads anywhere, with a model card and a task file for lm-eval."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from magdi.core.config.models import name_and_revision
from magdi.core.errors import ConfigError
from magdi.core.files import PARTIAL, read_json, write_whole
from magdi.core.mag import Question
from magdi.core.quiet import quiet
from magdi.core.run.directory import RunDirectory
from magdi.plugins.exporting.lm_eval import lm_eval_command, write_lm_eval_task
from magdi.plugins.exporting.model_card import model_card
from magdi.plugins.exporting.whole_folder import whole_folder
from magdi.plugins.generation.loading import base_of
from magdi.plugins.runs.finding import open_trained
from magdi.plugins.runs.result import document, learned_tasks
from magdi.plugins.tasks.dataset import Source
from magdi.plugins.teams.team import Team, read_team, write_team

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
"""Endings of files that run code when they are loaded; none is ever exported."""

VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks of adapters that vLLM can be told to make room for."""

LEFT_OUT = ("README.md", "heads.safetensors", "trained.json")
"""Files of a student's folder that are not exported: a card that is not ours, and what only training needs."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        path: The folder.
        files: What is in it.
        adapter: Whether it is an adapter, which needs its base to load.
        merged: Whether an adapter was merged into its base.
        lm_eval: What to type in the folder to evaluate it with lm-eval; empty for a team, which takes several calls.
        serve: Of a team, what to type in the folder to serve its roles with vLLM.
    """

    path: Path
    files: tuple[str, ...]
    adapter: bool
    merged: bool
    lm_eval: str
    serve: str = ""

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for JSON."""
        return {**asdict(self), "path": str(self.path), "files": list(self.files)}


def export(
    run: Path,
    out: Path,
    *,
    merge: bool = False,
    questions: Sequence[Question] = (),
    sources: Mapping[str, Source] = {},
    licence: str = "",
) -> Exported:
    """Writes a run's student to a folder that transformers, vLLM and lm-eval load with no magdi installed.

    Args:
        run: The run's directory.
        out: The folder; made, and must be empty.
        merge: Merge an adapter into its base, for a model that stands alone; one that does already stays as it is.
        questions: Test questions, for a task file with which lm-eval measures what `magdi evaluate` does.
        sources: Where the data is from, by task, as far as that is known.
        licence: The student's licence, as the hub names it; found out where it can be when empty.

    Raises:
        ConfigError: It has no student, or the folder is not empty.
        DataError: There is no such run, or its student is not as its training left it.
    """
    directory = open_trained(run)
    if merge and read_team(directory.student) is not None:
        raise ConfigError(f"{run} has a team: its adapters share one base", hint="leave --merge out")
    if out.exists() and (not out.is_dir() or any(each.name != PARTIAL for each in out.iterdir())):
        raise ConfigError(f"{out} is no empty folder", hint="name another folder with -o")
    team = read_team(directory.student)
    with whole_folder(out) as folder:
        if team is not None:
            made = _export_team(directory, team, folder, sources, licence)
        else:
            made = _export_student(directory, folder, merge, questions, sources, licence)
        open_trained(run)  # another process may have made another one meanwhile
    return replace(made, path=out)


def _export_student(
    directory: RunDirectory,
    out: Path,
    merge: bool,
    questions: Sequence[Question],
    sources: Mapping[str, Source],
    licence: str,
) -> Exported:
    config = directory.config()
    base = _absolute(base_of(directory.student))
    merged = merge and base is not None
    if merged:
        _merge(directory.student, out, directory.config().student.trust_remote_code)
    else:
        _copy(directory.student, out)
        _name_base(out, base)
    task_file = write_lm_eval_task(out, config, questions) if questions else None
    named = task_file or config.evaluation.task or learned_tasks(config, document(directory))
    command = lm_eval_command(None if merged else base, config, task_file) if named else ""
    card = model_card(directory, base=base, merged=merged, sources=sources, licence=licence, lm_eval=command)
    write_whole(out / "README.md", card)
    return Exported(out, _files(out), adapter=base is not None and not merged, merged=merged, lm_eval=command)


def _export_team(
    directory: RunDirectory, team: Team, out: Path, sources: Mapping[str, Source], licence: str
) -> Exported:
    """Writes a team's adapters, a folder each, named as the roles are: the layout of PEFT and of vLLM's multi-LoRA."""
    base = _absolute(team.base) or team.base
    trained = {role: folder for role, folder in team.roles.items() if folder is not None}
    for role, folder in trained.items():
        base_of(directory.student / folder)  # whether it asks for code to be imported
        _copy(directory.student / folder, out / role)
        _name_base(out / role, base)
    own = {role: role if role in trained else None for role in team.roles}
    write_team(out, team.model_copy(update={"base": base, "roles": own}))
    serve = serving(out, base, trained)
    card = model_card(
        directory,
        base=base,
        merged=False,
        sources=sources,
        licence=licence,
        serve=serve,
        roles=tuple(trained),
    )
    write_whole(out / "README.md", card)
    return Exported(out, _files(out), adapter=True, merged=False, lm_eval="", serve=serve)


def serving(out: Path, base: str, roles: Iterable[str]) -> str:
    """Returns the line that serves roles with vLLM, to be typed in the folder that has an adapter for each."""
    names = list(roles)
    rank = max(read_json(out / role / "adapter_config.json").get("r", 0) for role in names)
    fitting = next((each for each in VLLM_RANKS if each >= rank), rank)
    modules = [f"{role}={role}" for role in names]
    limits = ["--max-loras", str(len(names)), "--max-lora-rank", str(fitting)]
    name, revision = name_and_revision(base)
    served = ["vllm", "serve", name, *(["--revision", revision] if revision else [])]
    return shlex.join([*served, "--enable-lora", *limits, "--lora-modules", *modules])


def _files(out: Path) -> tuple[str, ...]:
    return tuple(sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()))


def _absolute(base: str | None) -> str | None:
    """Returns a base's name; of one in a folder of this machine, the path that is right from everywhere."""
    return str(Path(base).resolve()) if base is not None and Path(base).is_dir() else base


def _copy(student: Path, out: Path) -> None:
    for path in sorted(student.rglob("*")):
        if path.is_file() and path.suffix not in PICKLES and path.name not in LEFT_OUT:
            target = out / path.relative_to(student)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _name_base(out: Path, base: str | None) -> None:
    """Writes the base's name into an adapter's configuration."""
    file = out / "adapter_config.json"
    if base is not None:
        settings = {**read_json(file), "base_model_name_or_path": name_and_revision(base)[0]}
        write_whole(file, json.dumps(settings, indent=2) + "\n")


@quiet()
def _merge(student: Path, out: Path, trust_remote_code: bool) -> None:
    from magdi.core.distill.student import use_cache
    from magdi.plugins.generation.loading import load

    model, tokenizer = load(student, device="cpu", trust_remote_code=trust_remote_code)
    use_cache(model)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
