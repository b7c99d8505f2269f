"""The library's front door: everything that the command line does, as calls with the same names.

A run, and how well its student answers:

    import magdi

    outcome = magdi.run(protocol="reconcile", encoder="gcn", limit=200)
    print(outcome.student.accuracy)
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from magdi.core.config.models import ComponentChoice, RunConfig
from magdi.core.errors import ConfigError
from magdi.core.files import portable
from magdi.core.mag import Question
from magdi.core.run.directory import deciding
from magdi.core.run.progress import Progress
from magdi.core.seals import fingerprint
from magdi.notebook import Mag
from magdi.plugins.given import Given, long_form
from magdi.plugins.hooks import Observed
from magdi.plugins.registry import Registry
from magdi.plugins.runs.finding import RUNS
from magdi.plugins.runs.result import RunResult, document
from magdi.plugins.setup import Setup, going_on, plugins_for, set_up
from magdi.plugins.trust import Code, Trust, always, remember

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Unpack

    from magdi.core.decision import DecisionRule
    from magdi.core.encoder import Encoder
    from magdi.core.objective import Objective
    from magdi.core.protocol import Protocol
    from magdi.core.run.state import StageName
    from magdi.core.task import Task
    from magdi.core.teacher import Teacher
    from magdi.plugins.evaluating.asking import Asked
    from magdi.plugins.evaluating.result import EvaluationResult
    from magdi.plugins.runs.plan import PlanDocument
    from magdi.plugins.suite_setup import SuiteSetup
    from magdi.plugins.suites.document import SuiteDocument
    from magdi.plugins.suites.executors.resources import On, Resources
    from magdi.plugins.suites.file import Equal
    from magdi.plugins.suites.outcome import SuiteResult
    from magdi.plugins.traces.collection import Counts

    Section = Mapping[str, Any]
    AnyQuestion = Question | Section | tuple[str, object]
    Questions = Sequence[AnyQuestion] | Mapping[str, Sequence[AnyQuestion]]
    AnyTask = str | type[Task] | Task | Section | Questions
    AnyTeacher = str | type[Teacher] | Teacher | Section
    AnyObjective = str | type[Objective] | Objective | Section

Files = Path | str | Sequence[Path | str]
Place = str | os.PathLike[str]
"""A path, or what came out of a run, which stands for its directory."""


class Settings(TypedDict, total=False):
    """Settings of a run by keyword: components, the command line's options, and the sections of a configuration.

    A component is named, is a class or an instance of one, or is a mapping of its name (or class) and settings.
    Questions are ``Question``s, dictionaries, or pairs of a text and its answer; a list of objectives is all that is
    trained by, a mapping changes or adds to those of the level; a teacher may be a pair of the agent's name and it.
    """

    task: AnyTask
    protocol: str | type[Protocol] | Protocol | Section
    encoder: str | type[Encoder] | Encoder | Section
    objectives: Sequence[AnyObjective] | Mapping[str, AnyObjective]
    teachers: Sequence[AnyTeacher | tuple[str, AnyTeacher]]
    teacher: AnyTeacher | Sequence[AnyTeacher | tuple[str, AnyTeacher]]
    preset: str
    seed: int
    data: Place
    student: str | Section
    level: str | Sequence[str]
    method: str
    edges: str
    refresh: int
    limit: int | None
    mags: Place | Sequence[Place]
    skip_bad: bool
    decision: str | type[DecisionRule] | DecisionRule | Section
    cache: Place
    max_cost: float
    max_calls: int
    max_tokens: int
    max_time: float
    price: str | Section
    estimate_usage: bool | str
    report_to: Sequence[str]
    discussion: Section
    training: Section
    evaluation: Section
    plugin: Place | Sequence[Place]
    plugins: Place | Sequence[Place]


def default_directory(config: RunConfig) -> Path:
    """Returns where a run goes when no directory is named: the same configuration always finds the same one."""
    digest = fingerprint(deciding(config))
    chosen = (config.task.name, config.protocol.name, config.encoder.name)
    names = (name.removeprefix("local/").partition("@")[0] for name in chosen)
    return RUNS / portable("-".join([*names, digest[:8]]))


def go(
    setup: Setup,
    *,
    out: Path | str | None = None,
    fresh: bool = False,
    until: StageName = "evaluation",
    rounds: int = 1,
    goes_on: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Does what was set up and returns its outcome; see `magdi.core.run.run.run` for what it raises."""
    from magdi.core.run.run import run as hold
    from magdi.plugins.trackers.tracking import Tracked

    setup.plugins.demand()
    if setup.config.student.trust_remote_code and not always(os.environ):  # what is made of it here is evaluated, too
        remember([Code.model(setup.config.student)])
    target, components = Path(out) if out else default_directory(setup.config), setup.plugins.registry
    warn = None if progress else warnings.warn
    tracked = Tracked(progress or Observed(setup.plugins.observers.tell), components, warn)
    if rounds > 1:
        from magdi.plugins.teams.rounds import run_rounds

        last = run_rounds(setup.config, target, components, rounds, fresh=fresh, progress=tracked)
        return RunResult(document(last))
    directory = hold(setup.config, target, components, fresh=fresh, until=until, goes_on=goes_on, progress=tracked)
    return RunResult(document(directory))


def run(
    config: Files = (),
    *,
    out: Path | str | None = None,
    fresh: bool = False,
    until: StageName = "evaluation",
    rounds_of_training: int = 1,
    progress: Progress | None = None,
    trust: bool = False,
    **settings: Unpack[Settings],
) -> RunResult:
    """Discusses, distills and evaluates, as `magdi run` does; the same call again resumes.

    Args:
        config: YAML files.
        out: The run's directory; a folder of ``runs/`` named after the configuration when left out.
        fresh: Start over.
        until: The last stage to do.
        rounds_of_training: Do it so often, each time with the roles of the last round's team as teachers; see
            `magdi.plugins.teams.rounds`.
        progress: Who is told how it goes.
        trust: Run the plugins that the files name; else only those that you have trusted before.
        **settings: Components (``protocol=MyProtocol``), the command line's options (``limit=200``, ``level="2"``) and
            the sections of a configuration (``training={"steps": 100}``); see `Settings`.

    Returns:
        What came out of it, with attributes; its ``to_dict()`` is what ``magdi run --json`` prints.

    Raises:
        ConfigError: Lists everything that is wrong with the settings.
        RunDirectoryError: ``out`` holds a run of another configuration. A class whose source has changed since is
            another one.
        MagdiError: What else ends a run; see `magdi.core.run.run.run`.
    """
    given = Given(None if until == "evaluation" else "train")
    flags = long_form(given.plain(settings))
    setup = set_up(_files(config), flags=flags, trust=Trust(trust), given=given)
    for note in setup.notes:
        warnings.warn(note, stacklevel=2)
    if not fresh:
        setup = going_on(setup, Path(out) if out else default_directory(setup.config))
    return go(setup, out=out, fresh=fresh, until=until, rounds=rounds_of_training, progress=progress)


def _files(config: Files) -> Sequence[Path | str]:
    return [config] if isinstance(config, str | Path) else config


def discuss(
    config: Files = (),
    *,
    out: Path | str | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    trust: bool = False,
    **settings: Unpack[Settings],
) -> RunResult:
    """Holds the discussions of a run and no more, as `magdi discuss` does; arguments are those of `run`.

    A list of questions is discussed whole; `run` keeps a fifth of it for the test.
    """
    return run(config, out=out, fresh=fresh, until="discussion", progress=progress, trust=trust, **settings)


def distill(
    mags: Place | Sequence[Place] | None = None,
    /,
    config: Files = (),
    *,
    out: Path | str | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    trust: bool = False,
    **settings: Unpack[Settings],
) -> RunResult:
    """Trains a student on MAG files or runs (or on the discussions of the run), as `magdi distill` does."""
    if mags is not None:
        settings["mags"] = mags
    return run(config, out=out, fresh=fresh, until="distillation", progress=progress, trust=trust, **settings)


def ablate(
    suite: str,
    config: Files = (),
    *,
    out: Path | str | None = None,
    seeds: int | None = None,
    jobs: int | None = None,
    on: On = "local",
    resources: Mapping[str, object] | None = None,
    only: Sequence[str] = (),
    equal: Equal | None = None,
    instrument: str | None = None,
    quick: bool = False,
    rescore: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
    trust: bool = False,
    **settings: Unpack[Settings],
) -> SuiteResult:
    """Does a suite of runs, or what is left of it, as `magdi ablate` does, and returns its table.

    Args:
        suite: A shipped suite by name (``"encoders"``), or a YAML file.
        config: YAML files of configuration.
        out: The suite's directory; a folder of ``runs/`` when left out.
        seeds: How many seeds; 5 when left out.
        jobs: Runs at once; one unless more are asked for, and on a cluster as many as it has room for.
        on: Where runs are done: processes of this machine, ``slurm``, ``ray``.
        resources: What a run is given there: ``gpus``, ``cpus``, ``time``, ``partition``, ``address``.
        only: ``key=value`` pairs that choose cells.
        equal: Even cells out by ``steps``, ``tokens`` or ``calls``.
        instrument: The embedded task to run on: ``arithmetic``, ``order`` or ``bugs``; as the suite says when left out.
        quick: Make all of it small.
        rescore: Read and grade the kept answers anew, and do nothing else.
        fresh: Throw away the cells' runs; discussions and bases stay.
        progress: Who is told how it goes.
        trust: Run the plugins that the files name.
        **settings: As those of `run`.

    Returns:
        Its table, with attributes; its ``to_dict()`` is what ``magdi ablate --json`` prints. ``failures`` lists what
        failed; nothing is raised for it.

    Raises:
        ConfigError: Lists all that is wrong; or several processes are to use what only this one has.
    """
    from magdi.plugins.suite_setup import set_up_suite
    from magdi.plugins.suites.executors.resources import Resources
    from magdi.plugins.suites.outcome import SuiteResult

    given = Given()
    flags = long_form(given.plain(settings))
    if (on != "local" or (jobs or 1) > 1) and given.stays_here:
        raise ConfigError(
            "classes of a script or notebook, and objects, are there in this process only",
            hint="jobs=1, or put them into a plugin file",
        )
    made = set_up_suite(
        suite,
        _files(config),
        folder=RUNS,
        out=Path(out) if out else None,
        seeds=seeds,
        only=only,
        equal=equal,
        instrument=instrument,
        quick=quick,
        flags=flags,
        trust=Trust(trust),
        given=given,
    )
    again = made.suite.outcome(again=True) if rescore else None
    given_each = Resources(jobs=jobs, **(resources or {}))
    return SuiteResult(again or go_ablate(made, on=on, resources=given_each, fresh=fresh, progress=progress))


def go_ablate(
    setup: SuiteSetup, *, on: On = "local", resources: Resources, fresh: bool = False, progress: Progress | None = None
) -> SuiteDocument:
    """Does the suite that was set up, and returns its table."""
    setup.plugins.demand()
    return setup.suite.run(setup.worker_setup, on=on, resources=resources, progress=progress or Progress(), fresh=fresh)


def plan(setup: Setup, out: Path | str | None = None, *, until: StageName = "evaluation") -> PlanDocument:
    """Returns what a run would take, about and at most, by driving the protocol with made-up replies; asks nobody."""
    from magdi.plugins.runs.earlier import Earlier
    from magdi.plugins.runs.plan import plan_run

    setup.plugins.demand(plugins=False)
    directory = Path(out or default_directory(setup.config))
    folders = (RUNS, directory.parent) if directory.parent != Path() else (RUNS,)
    found = plan_run(setup.config, setup.plugins.registry, until, Earlier.find(*folders))
    found["run"] = str(directory)
    return found


def evaluate(
    *models: Place,
    task: AnyTask | None = None,
    limit: int | None = None,
    base: bool = False,
    out: Path | str = "predictions",
    fresh: bool = False,
    seed: int | None = None,
    progress: Progress | None = None,
    trust: bool = False,
    **settings: Any,
) -> EvaluationResult:
    """Measures accuracy on held-out questions, as `magdi evaluate` does; several models are compared on the same ones.

    Args:
        *models: Runs (or what came out of them), models (folder or hub id), adapters, ``openai:MODEL@URL``, or files of
            predictions.
        task: As that of `run`; the first run's when left out. A list of questions is asked whole.
        limit: Ask the first so many questions only.
        base: Evaluate the first run's student before distillation as well.
        out: Folder in which every answer is kept; answers that are there already are not asked for again.
        fresh: Throw away what is there.
        seed: Seed of sampled answers; the first run's when left out.
        progress: Who is told how it goes.
        trust: Run the plugins that the runs were made with; else only those that you have trusted before.
        **settings: Fields of `magdi.core.config.models.Evaluation`, e.g. ``split="validation"``, ``samples=10``.

    Returns:
        What came out of it, with attributes; its ``to_dict()`` is what ``magdi evaluate --json`` prints.

    Raises:
        ConfigError: No task is named and none of the models is a run, or a setting is wrong.
        ComponentError: The run's task was a class, and is not given again.
    """
    from magdi.plugins.evaluating.candidates import find_candidates
    from magdi.plugins.evaluating.evaluate import evaluate as measure
    from magdi.plugins.evaluating.request import make_plan
    from magdi.plugins.evaluating.result import EvaluationResult

    names = [os.fspath(model) for model in models]
    components, choice = _components(names, task, trust)
    candidates = find_candidates(names, components, base=base, seed=seed)
    plan = make_plan(
        candidates,
        components,
        folder=Path(out),
        task=choice.name if choice else None,
        task_settings=choice.settings if choice else None,
        settings={"questions": limit, **settings, "base": base},
        seed=seed,
        fresh=fresh,
    )
    return EvaluationResult(measure(candidates, plan, progress or Progress()))


def _components(models: Sequence[str], task: AnyTask | None, trust: bool) -> tuple[Registry, ComponentChoice | None]:
    """Returns components, those of the models' plugins among them, and the task that was given."""
    registry = plugins_for(models, Trust(trust)).registry
    given = Given("test")
    choice = None if task is None else ComponentChoice.model_validate(given.choice("task", task))
    given.into(registry)
    return registry, choice


def ask(
    model: Place,
    question: str | Question,
    *,
    task: AnyTask | None = None,
    samples: int | None = None,
    max_new_tokens: int | None = None,
    seed: int | None = None,
    trust: bool = False,
) -> Asked:
    """Asks a student a question of your own, as `magdi ask` does.

    Args:
        model: A run (or what came out of it), model, adapter, or ``openai:MODEL@URL``.
        question: What is asked.
        task: Reads the answer; the run's when left out.
        samples: Answers to draw; the answer that most of them give is taken. One when left out; of a team as it was
            trained for.
        max_new_tokens: Longest answer; as the run has it when left out.
        seed: Seed of sampled answers.
        trust: Run the plugins that the run was made with.

    Returns:
        ``answer``, ``votes``, ``predictions``; `to_dict()` is one of the answers that ``magdi ask --json`` prints.
    """
    from magdi.plugins.evaluating.asking import ask as put

    name = os.fspath(model)
    components, choice = _components([name], task, trust)
    (found,) = put(
        name,
        question,
        components,
        task=choice.name if choice else None,
        task_settings=choice.settings if choice else None,
        samples=samples,
        max_new_tokens=max_new_tokens,
        seed=seed,
    )
    return found


def load_mags(path: Place) -> list[Mag]:
    """Returns the MAGs of a file or run, URL or pattern; raises `MagFileError` for a line that cannot be read."""
    from magdi.plugins.corpus.files import read_all

    return list(read_all([os.fspath(path)]))


def record(
    out: Path | str,
    *,
    task: AnyTask | None = None,
    match: bool = True,
    gold: Place | Mapping[str, str] | None = None,
    keep_prompts: bool = False,
    trust: bool = False,
) -> AbstractContextManager[Counts]:
    """Records the discussions that instrumented clients hold in a block, as `magdi collect` does those of others.

        with magdi.record("mags.jsonl", task="gsm8k"):
            team.run("A shop sells 48 clips in April ...")

    Args:
        out: The MAG file, to which discussions are added when the block ends.
        task: Reads and grades the answers.
        match: Look questions up in the task's own, for their right answers.
        gold: Right answers by question, or a table of them.
        keep_prompts: Keep the prompts.
        trust: Run the plugins that are named by files.

    Returns:
        A context manager, which yields the counts of what was recorded.

    Raises:
        ConfigError: The ``otel`` extra is missing, or another process writes to the same file.
        DataError: The table cannot be read.
    """
    from magdi.plugins.formats.importers.golds import read_golds
    from magdi.plugins.formats.importers.reader import Reader
    from magdi.plugins.traces.recording import recording

    golds = gold if isinstance(gold, Mapping) else read_golds(Path(gold)) if gold is not None else {}
    components, choice = _components([], task, trust)
    if choice is None:
        return recording(Path(out), Reader(keep_prompts=keep_prompts, golds=golds))
    reads, name = components.task(choice, 0), choice.name.partition(":")[0]
    return recording(Path(out), Reader.of_task(reads, name, match=match, keep_prompts=keep_prompts, golds=golds))
