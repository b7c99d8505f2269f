"""From a name and settings to a component of any kind.

A component is imported when it is chosen and never before, so that a listing loads no torch and a plugin that is
broken breaks nothing but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, SecretStr

from magdi.core.config.problems import Problem, validate
from magdi.core.errors import ComponentError, ConfigError, MagdiError, did_you_mean
from magdi.core.redact import KEPT, STARS
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.discovery import uninstalled
from magdi.plugins.guard import guarded
from magdi.plugins.objectives.levels import objectives_of, with_prefix
from magdi.plugins.registration import LOCAL, SHIPPED, Fault, Registration, named, shipped
from magdi.plugins.target import cause, is_theirs, load_class, load_settings

if TYPE_CHECKING:
    from magdi.core.config.models import ComponentChoice, Evaluation, RunConfig, Student, TeacherChoice, TinyBase
    from magdi.core.decision import DecisionRule
    from magdi.core.distill.lessons import OwnPrompts
    from magdi.core.distill.renewal import AskStudent
    from magdi.core.encoder import Encoder
    from magdi.core.errors import MagFileError
    from magdi.core.evaluation.engine import Engine
    from magdi.core.mag import Mag, Question
    from magdi.core.objective import Objective
    from magdi.core.protocol import Protocol
    from magdi.core.run.stages import Stages
    from magdi.core.run.state import Stage
    from magdi.core.task import Task
    from magdi.core.teacher import Teacher
    from magdi.plugins.formats.exporter import Exporter
    from magdi.plugins.formats.importer import Importer


class Registry:
    """All components that can be chosen; implements `magdi.core.components.Components`.

    A component is chosen as ``name``, or as ``plugin/name`` where two plugins have one of that name. Names of shipped
    components are reserved: another plugin's component of that name answers to ``plugin/name`` only.

    Args:
        registrations: The components, shipped ones included.
        faults: What went wrong when plugins were loaded; told to whoever asks for a component that is not there.

    Attributes:
        instances: By address, components that are used as they are, and not made from their settings.
    """

    def __init__(self, registrations: Iterable[Registration] = (), faults: Iterable[Fault] = ()) -> None:
        self.faults: list[Fault] = list(faults)
        self.instances: dict[str, object] = {}
        self._found: dict[Kind, dict[str, list[Registration]]] = {kind: {} for kind in KINDS}
        for registration in registrations:
            self.register(registration)

    def register(self, registration: Registration) -> None:
        """Adds a component; one that is already there, by plugin and name, is a fault of the plugin."""
        rivals = self._found[registration.kind].setdefault(registration.component.name, [])
        if any(rival.plugin == registration.plugin for rival in rivals):
            twice = registration.fault("is registered twice; the first one is used")
            self.faults += [twice] if twice not in self.faults else []
            return
        if any(rival.plugin == SHIPPED for rival in rivals):
            only = f"is reserved for magdi's own; this one answers to {registration.address!r} only"
            self.faults.append(registration.fault(only))
        elif rivals:
            both = f"is also registered by {rivals[0].plugin}; say {registration.address!r} or {rivals[0].address!r}"
            self.faults.append(registration.fault(both))
        rivals.append(registration)

    def add(self, kind: Kind, name: str, target: type | str, summary: str = "", *, plugin: str = "local") -> None:
        """Adds a component from Python, e.g. from a notebook."""
        self.register(Registration(kind, Component(name, target, summary), plugin))

    def listing(self, kind: Kind | None = None) -> Iterator[Registration]:
        """Yields what is registered, of one kind or of all, in the order of kinds and names."""
        for each in KINDS if kind is None else (kind,):
            for name in sorted(self._found[each]):
                yield from self._found[each][name]

    def find(self, kind: Kind, name: str) -> Registration:
        """Returns the component of a name or of ``plugin/name``.

        Raises:
            ComponentError: There is none, or there are several.
        """
        plugin, slash, bare = name.rpartition("/")
        rivals = self._found[kind].get(bare, [])
        fitting = [rival for rival in rivals if not slash or rival.plugin == plugin]
        own = [rival for rival in fitting if rival.plugin == SHIPPED]
        if len(fitting) == 1 or own:
            return (own or fitting)[0]
        if fitting:
            addresses = ", ".join(repr(rival.address) for rival in fitting)
            raise ComponentError(f"{len(fitting)} plugins have a {kind} {name!r}", hint=f"say one of {addresses}")
        if plugin == LOCAL:
            raise ComponentError(
                f"the {kind} {bare!r} was a class or an object of Python, and is not there now, or not as it was",
                hint=f"give it again ({kind}=... of magdi.run, magdi.evaluate, ...), or put it into a plugin file",
            )
        known = [*self._found[kind], *(each.address for each in self.listing(kind) if slash)]
        hint = uninstalled(name) or self.broken()
        raise ComponentError(f"there is no {kind} {name!r}; {did_you_mean(name, known)}", hint=hint)

    def is_plain(self, registration: Registration) -> bool:
        """Returns whether a component answers to its bare name."""
        rivals = self._found[registration.kind].get(registration.component.name, [])
        return registration in rivals and (len(rivals) == 1 or registration.shipped)

    def broken(self) -> str:
        """Returns a hint that names the plugins that could not be loaded: the component may be in one of them."""
        broken = [str(fault) for fault in self.faults if fault.fatal]
        return "plugins that could not be loaded: " + "; ".join(broken) if broken else ""

    def load(self, kind: Kind, name: str) -> type:
        """Returns a component's class.

        Raises:
            ComponentError: There is none, its module cannot be imported, or it is no class of this kind.
        """
        return load_class(self.find(kind, name))

    def config_of(self, kind: Kind, name: str) -> type[BaseModel]:
        """Returns the model of a component's settings, without its class where that can be; raises as `load`."""
        return load_settings(self.find(kind, name))

    def settings(self, kind: Kind, name: str, given: Mapping[str, object], seed: int | None = None) -> BaseModel:
        """Returns a component's validated settings.

        Args:
            kind: Kind of the component.
            name: Its name.
            given: What the configuration says.
            seed: Goes into a setting named ``seed`` where the component has one and none is given.

        Raises:
            ComponentError: As `load`.
            ConfigError: The component's ``Config`` refuses them; lists all that is wrong.
        """
        model = self.config_of(kind, name)
        seeded = seed is not None and "seed" in model.model_fields and "seed" not in given
        with self._blamed(kind, name, "has a Config that failed"):
            config, problems = _validated(model, {**given, "seed": seed} if seeded else given, (kind,))
        if config is None:
            raise ConfigError(f"settings of {kind} {name!r} that cannot be used:", problems=map(str, problems))
        return config

    def problems(self, kind: Kind, choice: ComponentChoice | TeacherChoice) -> list[Problem]:
        """Returns all that is wrong with a choice, without making the component."""
        try:
            name, given = self._given(kind, choice)
            model = self.config_of(kind, name)
            prefix = ("settings",) if kind == "teacher" else ()
            with self._blamed(kind, name, "has a Config that failed"):
                return _validated(model, given, prefix)[1]
        except (ComponentError, ConfigError) as error:
            return [Problem((), f"{error.message} ({error.hint})" if error.hint else error.message)]

    def chosen_settings(
        self, kind: Kind, choice: ComponentChoice | TeacherChoice, seed: int | None = None
    ) -> BaseModel:
        """Returns the validated settings of a choice, defaults filled in; raises as `settings`."""
        name, given = self._given(kind, choice)
        return self.settings(kind, name, given, seed)

    def _given(self, kind: Kind, choice: ComponentChoice | TeacherChoice) -> tuple[str, dict[str, object]]:
        """Returns a component's name and settings: those that ``name:target`` stands for, overridden by those given.

        Raises:
            ComponentError: There is no such component, or it takes no target.
        """
        name, colon, target = _said(choice).partition(":")
        if not colon and kind != "teacher":
            return name, dict(choice.settings)
        from_target = getattr(self.load(kind, name), "from_target", None)
        if from_target is None and colon:
            raise ComponentError(f"{kind} {name!r} takes nothing after a colon, and is given {target!r}")
        with self._blamed(kind, name, f"cannot read {target!r}"):
            read = from_target(target) if from_target is not None else {}
            return name, {**read, **choice.settings}

    def _made(self, kind: Kind, choice: ComponentChoice | TeacherChoice, seed: int | None, *first: Any) -> Any:
        name = _said(choice).partition(":")[0]
        if name in self.instances:
            return self.instances[name]
        made, settings = self.load(kind, name), self.chosen_settings(kind, choice, seed)
        with self._blamed(kind, name, "cannot be made"), guarded():
            component = made(*first, settings)
            if not _told(component, settings):
                first_ones = "dim, " if kind == "encoder" else ""
                raise TypeError(f"{made.__name__}.__init__ has to call super().__init__({first_ones}config)")
            return component

    @contextmanager
    def _blamed(self, kind: Kind, name: str, what: str) -> Iterator[None]:
        """Makes whatever a component raises, where it is not magdi's own error, a ComponentError with file and line."""
        try:
            yield
        except MagdiError:
            raise
        except (Exception, SystemExit) as error:
            found = self.find(kind, name)
            who = named(found.plugin, found.version)
            raise ComponentError(f"{kind} {found.component.name!r} of {who} {what}: {cause(error)}") from error

    def protocol(self, choice: ComponentChoice) -> Protocol:
        """Makes a protocol; see `magdi.core.components.Components` for this and the next five."""
        return cast("Protocol", self._made("protocol", choice, None))

    def encoder(self, choice: ComponentChoice, dim: int) -> Encoder:
        """Makes an encoder for a student of hidden size ``dim``."""
        return cast("Encoder", self._made("encoder", choice, None, dim))

    def objective(self, choice: ComponentChoice) -> Objective:
        """Makes an objective."""
        return cast("Objective", self._made("objective", choice, None))

    def decision(self, choice: ComponentChoice) -> DecisionRule:
        """Makes a decision rule."""
        return cast("DecisionRule", self._made("decision", choice, None))

    def teacher(self, choice: TeacherChoice, seed: int) -> Teacher:
        """Makes a teacher from ``kind:target``."""
        made = cast("Teacher", self._made("teacher", choice, seed))
        if not is_theirs(made):
            return made
        name = _said(choice).partition(":")[0]
        with self._blamed("teacher", name, "has no identity"):
            first, again = made.identity, made.identity
            if not (isinstance(first, str) and first and first.splitlines() == [first] and first == again):
                both = f"{first!r:.60}, then {again!r:.60}"
                raise TypeError(
                    f"it has to be one line of text, the same each time, for replies are kept by it: {both}"
                )
        return made

    def task(self, choice: ComponentChoice, seed: int) -> Task:
        """Makes a task from ``name`` or ``name:target``; one that is made of others is told who makes those."""
        made = cast("Task", self._made("task", choice, seed))
        if (attach := getattr(made, "attach", None)) is not None:
            attach(self)
        return made

    def mags(self, names: Sequence[str], on_bad_line: list[MagFileError] | None) -> Iterator[Mag]:
        """Returns the MAGs of files, run directories, URLs and patterns; see `magdi.plugins.corpus.files`."""
        from magdi.plugins.corpus.files import at_least_one, read_in_turn

        return at_least_one(read_in_turn(names, on_bad_line), names, () if on_bad_line is None else on_bad_line)

    def own_prompts(self, config: RunConfig) -> OwnPrompts:
        """Returns where the prompts of a run's MAGs are found; see `magdi.plugins.corpus.replay`."""
        from magdi.plugins.corpus.replay import own_prompts

        return own_prompts(config, self)

    def tiny_base(
        self,
        task: Task,
        settings: TinyBase,
        cache: Path,
        texts: Iterable[str],
        on_progress: Callable[[int, int], None],
    ) -> Path:
        """Returns the folder of a tiny student; see `magdi.plugins.tiny.base`."""
        from magdi.plugins.tiny.base import tiny_base

        return tiny_base(task, settings, cache, texts, on_progress)

    def engine(self, model: str | Path | tuple[Any, Any], student: Student) -> Engine:
        """Returns what makes a model of transformers answer; see `magdi.plugins.generation.engine`."""
        from magdi.plugins.generation.engine import TransformersEngine

        return TransformersEngine(model, prompt_style=student.prompt, trust_remote_code=student.trust_remote_code)

    def own_answers(self, task: Task, settings: Evaluation, seed: int) -> AskStudent:
        """Returns what asks a student between passes; see `magdi.plugins.generation.on_policy`."""
        from magdi.plugins.generation.on_policy import OnPolicy

        return OnPolicy(task, settings, seed)

    def try_out(self, config: RunConfig, task: Task, *, trains: bool) -> Iterator[str]:
        """Tries what trains, and rehearses discussions; see `magdi.plugins.trial` and `magdi.plugins.rehearsal`."""
        from magdi.plugins.rehearsal import rehearse

        if trains:
            from magdi.core.threads import threads
            from magdi.plugins.trial import try_training

            with threads(1):
                try_training(config, self)
        yield from rehearse(config, self, task)

    def chosen_objectives(self, config: RunConfig, stage: str = "") -> Mapping[str, ComponentChoice]:
        """Returns what a run's level and settings choose; see `magdi.plugins.objectives.levels`."""
        return objectives_of(config, stage)

    def asked_so(self, question: Question, config: RunConfig) -> Question:
        """Returns a question as a run's student is to be asked it; see `magdi.plugins.objectives.levels`."""
        return with_prefix(question, config)

    def train_team(self, run: Stages, mags: Path) -> Stage | None:
        """Trains one adapter a role, by method malt; see `magdi.plugins.teams.training`."""
        if run.config.training.method != "malt":
            return None
        from magdi.plugins.teams.training import train_roles

        return train_roles(run, mags)

    def team(self, run: Path, *, untrained: bool = False) -> Engine | None:
        """Returns the team of a run; None where it has one student."""
        from magdi.core.run.directory import RunDirectory
        from magdi.plugins.teams.engine import TeamEngine
        from magdi.plugins.teams.team import read_team

        directory = RunDirectory(run)
        team = read_team(directory.student)
        if team is None:
            return None
        engine = TeamEngine(run, team, self, untrained=untrained)
        engine.prompt_style = directory.config().student.prompt
        return engine

    def importer(self, choice: ComponentChoice) -> Importer:
        """Makes an importer."""
        return cast("Importer", self._made("importer", choice, None))

    def exporter(self, choice: ComponentChoice) -> Exporter:
        """Makes an exporter."""
        return cast("Exporter", self._made("exporter", choice, None))


def _validated(
    model: type[BaseModel], given: Mapping[str, object], prefix: tuple[str, ...]
) -> tuple[BaseModel | None, list[Problem]]:
    """Validates settings; what is secret of those given is from now on in nothing that is written or shown."""
    config, problems = validate(model, given, prefix)
    for name in config.model_fields_set if config is not None else ():
        secrets = list(_secrets(getattr(config, name)))
        KEPT.update(each for each in secrets if "://" not in each)  # what is secret of an address is left out as it is
        if STARS in secrets:
            hidden = f"is secret, and was left out where this was written: give it again, or have {model.__qualname__}"
            problems = [*problems, Problem((*prefix, name), f"{hidden} read it from the environment")]
    return (None if problems else config), problems


def _secrets(value: object) -> Iterator[str]:
    """Yields the secrets in a setting, those of nested models, lists and mappings too."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        value = vars(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _secrets(each)


def _said(choice: ComponentChoice | TeacherChoice) -> str:
    """Returns ``name`` or ``name:target`` of a choice."""
    from magdi.core.config.models import TeacherChoice

    return choice.teacher if isinstance(choice, TeacherChoice) else choice.name


def _told(component: Any, settings: BaseModel) -> bool:
    """Returns whether a component has got its settings, and not the defaults in place of others."""
    has = getattr(component, "config", None)
    return has is not None and (has == settings or has != type(settings)())


def default_registry(extra: Iterable[Registration] = (), faults: Iterable[Fault] = ()) -> Registry:
    """Returns a registry of the shipped components and those given; plugins are loaded by `magdi.plugins.manager`."""
    own = [shipped(kind, component) for kind, components in BUILTINS.items() for component in components]
    return Registry([*own, *extra], faults)
