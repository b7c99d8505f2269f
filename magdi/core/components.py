"""What the core asks of whoever makes components: the plugin system above it, or a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from typing import Protocol as Interface

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


class Components(Interface):
    """Makes components from what a configuration says of them.

    Every method raises `ComponentError` for a component that does not exist or cannot be loaded, and `ConfigError`
    for settings that its ``Config`` refuses.
    """

    def protocol(self, choice: ComponentChoice) -> Protocol:
        """Makes a protocol."""
        ...

    def encoder(self, choice: ComponentChoice, dim: int) -> Encoder:
        """Makes an encoder for a student of hidden size ``dim``."""
        ...

    def objective(self, choice: ComponentChoice) -> Objective:
        """Makes an objective."""
        ...

    def chosen_objectives(self, config: RunConfig, stage: str = "") -> Mapping[str, ComponentChoice]:
        """Returns what a run's level and settings choose, by name in the run; of one stage of the training, or of all.

        Raises:
            ConfigError: There is no such level.
        """
        ...

    def asked_so(self, question: Question, config: RunConfig) -> Question:
        """Returns a question as a student that a run has trained is to be asked it."""
        ...

    def decision(self, choice: ComponentChoice) -> DecisionRule:
        """Makes a decision rule."""
        ...

    def teacher(self, choice: TeacherChoice, seed: int) -> Teacher:
        """Makes a teacher from ``kind:target``; ``seed`` goes to those that have a setting of that name."""
        ...

    def task(self, choice: ComponentChoice, seed: int) -> Task:
        """Makes a task; ``seed`` goes to tasks that draw their questions."""
        ...

    def mags(self, names: Sequence[str], on_bad_line: list[MagFileError] | None) -> Iterator[Mag]:
        """Returns the MAGs of files, run directories, URLs and patterns, one of each in turn.

        Args:
            names: Where they lie.
            on_bad_line: Where to put the errors of lines that are no MAGs, which are then skipped.

        Raises:
            DataError: There is none.
        """
        ...

    def own_prompts(self, config: RunConfig) -> OwnPrompts:
        """Returns where the prompts of a run's MAGs are found: kept ones, else what their protocols make of them."""
        ...

    def tiny_base(
        self,
        task: Task,
        settings: TinyBase,
        cache: Path,
        texts: Iterable[str],
        on_progress: Callable[[int, int], None],
    ) -> Path:
        """Returns the folder of the student that ``student.model: tiny`` names, which is made unless it is there."""
        ...

    def engine(self, model: str | Path | tuple[Any, Any], student: Student) -> Engine:
        """Returns what makes a model answer: a folder, a hub id, an adapter, or (model, tokenizer) as they are.

        Args:
            model: That.
            student: Whether code that comes with it is run, and the form of its prompts.
        """
        ...

    def own_answers(self, task: Task, settings: Evaluation, seed: int) -> AskStudent:
        """Returns what asks a student that is being trained, and adds its answers to MAGs (``training.refresh``)."""
        ...

    def try_out(self, config: RunConfig, task: Task, *, trains: bool) -> Iterable[str]:
        """Tries what a run is made of on something small, before anything is paid; yields what should be known.

        Raises:
            MagdiError: Something does not work.
        """
        ...

    def train_team(self, run: Stages, mags: Path) -> Stage | None:
        """Trains one adapter a role and returns the stage's outcome; None where ``training.method`` has one student."""
        ...

    def team(self, run: Path, *, untrained: bool = False) -> Engine | None:
        """Returns the team that a run has trained, or as it was before; None where it has one student."""
        ...
