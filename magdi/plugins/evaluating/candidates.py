"""What is evaluated, found from what it is called: a run, a model, an adapter, a served model, or kept predictions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from magdi.core.components import Components
from magdi.core.config.models import Evaluation, Limits, RunConfig, TeacherChoice
from magdi.core.distill.prompt import PromptStyle
from magdi.core.errors import ConfigError, DataError
from magdi.core.evaluation.engine import Engine
from magdi.core.files import portable
from magdi.core.inside import check_inside
from magdi.core.mag import Question
from magdi.core.redact import redact
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import learned_mags
from magdi.core.run.seats import priced
from magdi.plugins.generation.engine import OnText, TransformersEngine
from magdi.plugins.objectives.levels import with_prefix
from magdi.plugins.runs.finding import RUNS, nearest_runs, open_trained

EngineName = Literal["auto", "transformers", "openai", "vllm", "offline"]

HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")  # NAME or OWNER/NAME
HUB_PATIENCE = 10.0  # seconds
SERVED = re.compile(r"[a-z][a-z0-9-]*:")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to evaluate.

    Attributes:
        name: What it was called.
        model: Folder, hub id, engine, or file of predictions.
        prompt_style: The prompt's form.
        run: The configuration of the run that it came from, where it did.
        trained: Whether it is the run's student, and not the base that it was made from.
        learned: The file of MAGs that it has learned from, where that is known.
    """

    name: str
    model: str | Engine
    prompt_style: PromptStyle = "auto"
    run: RunConfig | None = None
    trained: bool = True
    learned: Path | None = None

    @property
    def kept(self) -> Path | None:
        """The file of predictions that it is, where it is one."""
        return Path(self.model) if isinstance(self.model, str) and self.model.endswith(".jsonl") else None

    def engine(self, on_text: OnText | None = None) -> Engine:
        """Returns what makes it answer; ``on_text`` is called with what one answer has come to while it grows."""
        if isinstance(self.model, Engine):
            return self.model
        remote = self.run is not None and self.run.student.trust_remote_code  # looked at as the run was opened
        return TransformersEngine(self.model, prompt_style=self.prompt_style, on_text=on_text, trust_remote_code=remote)

    def asked(self, questions: Sequence[Question]) -> list[Question]:
        """Returns questions as it is to be asked them; what level it was trained on may make a difference."""
        if self.run is None or not self.trained:
            return list(questions)
        return [with_prefix(question, self.run) for question in questions]

    def file(self, folder: Path, task: str, split: str, settings: Evaluation, seed: int) -> Path:
        """Returns where its predictions are kept: the same evaluation always finds the same file."""
        decides = [str(self.model if isinstance(self.model, str) else self.model.identity), seed, self.prompt_style]
        text = json.dumps([*decides, settings.deciding()])
        short = re.sub(r"[^\w.-]+", "-", f"{self.name} {task} {split}").strip("-")[-80:]
        return folder / portable(f"{short}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.jsonl")


def find_candidate(
    name: str,
    components: Components,
    *,
    engine: EngineName = "auto",
    prompt_style: PromptStyle = "auto",
    seed: int = 0,
    limits: Limits | None = None,
) -> Candidate:
    """Returns what a name stands for.

    Args:
        name: A run directory, a model's folder or hub id, an adapter, a file of predictions (``.jsonl``), or
            ``kind:target`` of a teacher, e.g. ``openai:MODEL@URL``.
        components: Makes teachers.
        engine: ``openai`` and ``vllm`` read the name as such a teacher's target; ``auto`` goes by the name; ``offline``
            is vLLM in this process for what it can load, where it is installed, and else ours.
        prompt_style: The prompt's form, for what comes from no run.
        seed: Seed of teachers that take one.
        limits: What served models may take.

    Raises:
        ConfigError: A file, folder, run or model that was named is not there, or has no student yet. What can only be
            a path is not looked for on the hub.
    """
    path = Path(name)
    engine = _offline(path) if engine == "offline" else engine
    if engine in ("openai", "vllm"):
        return Candidate(redact(name), _served(f"{engine}:{name}", components, seed, limits))
    if name.endswith(".jsonl"):
        if not path.is_file():
            raise ConfigError(f"there is no file {name}")
        return Candidate(name, name)
    if RunDirectory(path).is_run():
        run = open_trained(path)
        config, model = run.config(), components.team(path) or str(run.student)
        return Candidate(name, model, config.student.prompt, config, learned=learned_mags(run))
    if not path.is_dir() and engine == "auto" and SERVED.match(name):
        return Candidate(redact(name), _served(name, components, seed, limits))
    if not path.is_dir() and (not HUB_ID.fullmatch(name) or path.parts[0] == RUNS.name):
        raise ConfigError(f"{name}: there is no such run or folder", hint=nearest_runs(name))
    if not path.is_dir():
        _check_on_hub(name)
    return Candidate(name, name, prompt_style)


def _offline(path: Path) -> EngineName:
    """Returns which engine runs a model in this process: runs, teams and adapters are ours to load."""
    ours = path.suffix == ".jsonl" or RunDirectory(path).is_run() or (path / "adapter_config.json").is_file()
    return "transformers" if ours or find_spec("vllm") is None else "vllm"


def _check_on_hub(name: str) -> None:
    """Looks for a model in the hub's cache, else asks the hub once; loading would try for a minute.

    Raises:
        ConfigError: It is in neither, or the hub cannot be reached.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import RepositoryNotFoundError

    if any(isinstance(try_to_load_from_cache(name, file), str) for file in ("config.json", "adapter_config.json")):
        return
    try:
        HfApi().model_info(name, timeout=HUB_PATIENCE)
    except RepositoryNotFoundError:
        what = "nor is there such a model on the hub"
    except Exception as error:  # of a network that is down every library says something else
        what = f"nor is such a model in the hub's cache, and the hub cannot be asked ({type(error).__name__})"
    else:
        return
    raise ConfigError(f"{name}: there is no such run or folder, {what}", hint=nearest_runs(name))


def find_candidates(
    names: Sequence[str],
    components: Components,
    *,
    base: bool = False,
    engine: EngineName = "auto",
    prompt_style: PromptStyle = "auto",
    seed: int | None = None,
    limits: Limits | None = None,
) -> list[Candidate]:
    """Returns the models of these names; with ``base`` the first one's as it was before distillation goes before them.

    Raises:
        ConfigError: See `find_candidate` and `base_of_run`.
    """
    found = [
        find_candidate(name, components, engine=engine, prompt_style=prompt_style, seed=seed or 0, limits=limits)
        for name in names
    ]
    return [base_of_run(names[0], components), *found] if base else found


def base_of_run(name: str, components: Components) -> Candidate:
    """Returns the student of a run as it was before distillation.

    Raises:
        ConfigError: It is no run.
    """
    from magdi.core.run.progress import Progress
    from magdi.core.run.stages import Stages

    directory = RunDirectory(Path(name))
    check_inside(directory.path)
    if not directory.is_run():
        raise ConfigError(f"{name} is no run, so its base is not known", hint="name the base itself beside it")
    config = directory.config()
    stages = Stages(config, directory, components, Progress())
    base = components.team(directory.path, untrained=True) or str(stages.base)
    return Candidate(f"{name} before distillation", base, config.student.prompt, config, trained=False)


def _served(specification: str, components: Components, seed: int, limits: Limits | None) -> Engine:
    from magdi.plugins.evaluating.teacher_engine import TeacherEngine

    teacher = components.teacher(TeacherChoice.model_validate(specification), seed)
    return TeacherEngine(priced(teacher, limits or Limits()), limits=limits)


def common_run(candidates: Sequence[Candidate]) -> RunConfig | None:
    """Returns the configuration that settings are taken from where none are given: the first run's."""
    return next((candidate.run for candidate in candidates if candidate.run is not None), None)


def require_questions(questions: Sequence[Question], split: str) -> None:
    """Raises DataError where there is nothing to ask."""
    if not questions:
        raise DataError(
            f"the task has no questions in its {split} split",
            hint="a file of few questions may have none: a folder with a file for each split says which is what",
        )
