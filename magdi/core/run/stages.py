"""The stages of a run: each reads what the one before wrote into the run directory, and returns its outcome."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, redirect_stdout
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from magdi.core.components import Components
from magdi.core.config.models import RunConfig, Training
from magdi.core.discussion.events import Event, Totals
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.store import discuss_to_file
from magdi.core.distill.lessons import Lessons
from magdi.core.distill.processes import by_first, idle_devices
from magdi.core.distill.selection import check_teachable
from magdi.core.errors import DataError, MagFileError
from magdi.core.evaluation.truncation import answers_cut_warning, chains_cut_warning, replies_cut_warning
from magdi.core.files import cache_directory
from magdi.core.mag import Mag, Question, read_mags, write_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.failures import check_not_too_many, told
from magdi.core.run.figures import (
    discussion_figures,
    discussions_measured,
    measured,
    training_document,
    training_figures,
)
from magdi.core.run.learned import count_known, learned_from, learned_mags, warning
from magdi.core.run.metrics import MetricsFile
from magdi.core.run.progress import Progress, StageProgress
from magdi.core.run.resuming import told_changed
from magdi.core.run.seats import check_able, check_count, seats
from magdi.core.run.state import Gain, Scored, Stage
from magdi.core.run.summary import Summary
from magdi.core.shard import sharded
from magdi.core.task import Task
from magdi.core.threads import told as threads_told

if TYPE_CHECKING:
    from magdi.core.distill.renewal import AskStudent
    from magdi.core.distill.trainer import DistillReport
    from magdi.core.encoder import Encoder
    from magdi.core.evaluation.engine import Engine
    from magdi.core.evaluation.prediction import Prediction
    from magdi.core.objective import Objective

MOVED = 2e-4
"""Steps times learning rate, below which a student is all but what it was; the paper's come to 3e-3."""
MANY_PASSES = 30  # over the MAGs, after which a student rather knows them by heart
CURVE = 100  # points at which what discussions have come to is told
TOKENIZER_TEXTS = 5000  # MAGs whose texts a tiny student's tokenizer is trained on


@dataclass(frozen=True, slots=True)
class Adapter:
    """One of several adapters of a student that are trained one by one.

    Attributes:
        folder: Where it goes, within the student's folder.
        title: What it is called while it is trained.
        start: Folder of the adapter that it goes on from; None for a new one.
    """

    folder: str
    title: str
    start: str | None = None


class Stages:
    """What the stages of one run share.

    Args:
        config: What to do.
        directory: Where it goes.
        components: Makes protocol, encoder, teachers and task.
        progress: Who is told how it goes.
    """

    def __init__(self, config: RunConfig, directory: RunDirectory, components: Components, progress: Progress) -> None:
        self.config = config
        self.directory = directory
        self.components = components
        self.progress = progress
        self._failed = 0
        self._totals = Totals()

    @cached_property
    def task(self) -> Task:
        """The task."""
        return self.components.task(self.config.task, self.config.seed)

    @property
    def questions(self) -> Sequence[Question]:
        """The questions that are discussed."""
        given = self.config.discussion
        return sharded(self.task.first(given.split, given.questions), given.shard)

    @cached_property
    def examination(self) -> Task:
        """The task whose held-out questions are asked: the run's own, unless the evaluation names another."""
        own = self.config.evaluation.task
        return self.task if own is None else self.components.task(own, self.config.seed)

    def discussion(self) -> Stage:
        """Holds the discussions, or takes over those of a MAG file."""
        summary = Summary()
        simulated = self._take_over(summary) if self.config.discussion.mag_files else self._discuss(summary)
        check_not_too_many(self._failed, summary.count, self.config.discussion.max_failed, self.directory.failures)
        if not summary.count:
            raise DataError("no discussion was held to its end", hint=f"see {self.directory.failures} for the reasons")
        self._measured("discussion", summary.count + self._failed, discussions_measured(summary, self._totals))
        outcome: Stage = {"simulated": simulated, "mags": summary.document(), "tokens": summary.tokens()}
        if self.config.discussion.mag_files:
            outcome["imported"] = list(self.config.discussion.mag_files)
        outcome["failed"] = self._failed
        return outcome

    def _take_over(self, summary: Summary) -> bool:
        given = self.config.discussion
        bad: list[MagFileError] | None = [] if given.skip_bad else None
        found = self.components.mags(given.mag_files, bad)
        with StageProgress(self.progress, "MAGs", None, "MAGs") as clock:
            mags = islice(found, given.questions)
            write_mags(self.directory.mags, clock.counting(summary.watching(mags)))
        if next(found, None) is not None:
            self.progress.note(f"the first {summary.count:,} MAGs are learned from; --limit N takes more")
        for error in bad or ():
            self.progress.note(f"skipped {error.message}")
        for path in map(Path, given.mag_files):
            self._note(told_changed(path / self.directory.mags.name if path.is_dir() else path))
        self._note(self._foreign(summary))
        return summary.simulated

    def _foreign(self, summary: Summary) -> str:
        """Returns a warning where MAGs are of other tasks than those that the run asks; empty where none is."""
        asked = {name.partition(":")[0] for name in (*getattr(self.task, "parts", {}), self.config.task.name)}
        others = {name: number for name, number in summary.tasks.items() if name.partition(":")[0] not in {*asked, ""}}
        if not others:
            return ""
        listed = ", ".join(f"{number:,} of {name}" for name, number in sorted(others.items()))
        words = "a tiny student may not know their words, and " if self.config.student.model == "tiny" else ""
        return (
            f"warning: the run's task is {self.config.task.name}, and there are MAGs of others ({listed}): {words}they "
            "are not asked in the end; --task says of what they are, --task mix:ONE+OTHER takes several"
        )

    def _discuss(self, summary: Summary) -> bool:
        config = self.config
        protocol, taking_part = self.components.protocol(config.protocol), seats(config, self.task, self.components)
        check_count(protocol, config.protocol.name, len(taking_part))
        questions = self.questions
        check_able(taking_part, questions)
        rule = self.components.decision(config.discussion.decision) if config.discussion.decision else None
        if rule is not None:
            rule.check([seat.agent.name for seat in taking_part])
        totals, often = self._totals, max(1, len(questions) // CURVE)

        def on_event(event: Event) -> None:
            totals.add(event)
            clock.at(totals.done + totals.failed, discussion_figures(totals))

        def on_mag(mag: Mag) -> None:
            summary.add(mag)
            done = summary.count + totals.failed  # written: one whose turn it is may keep many that are over waiting
            self.progress.event("discussion_end", mag=mag)
            if done % often == 0 and done < len(questions):
                self._measured("discussion", done, discussions_measured(summary, totals))

        cache = config.discussion.cache and Path(config.discussion.cache) / self.directory.journal.name
        with (
            StageProgress(self.progress, "discussion", len(questions), "questions") as clock,
            Journal(self.directory.journal, cache=cache or None) as journal,
        ):
            stored = discuss_to_file(
                questions,
                self.directory.mags,
                self.directory.failures,
                on_mag=on_mag,
                protocol=protocol,
                protocol_name=config.protocol.name,
                seats=taking_part,
                task=self.task,
                decide=rule,
                settings=config.discussion,
                journal=journal,
                on_event=on_event,
            )
            if journal.damaged:
                self.progress.note(f"{journal.damaged:,} replies in {journal.path} were damaged, and asked for again")
        self._failed = stored.failed
        self._note(replies_cut_warning(totals.cut, totals.calls + totals.kept))
        if stored.failed:
            self.progress.note(told(stored.failed, self.directory.failures))
        return all(seat.teacher.simulated for seat in taking_part)

    def distillation(self) -> Stage:
        """Trains the student on the MAGs; the level ``base`` has nothing to train by.

        Raises:
            TrainingError: The level leaves nothing to train on; found before a model is loaded.
        """
        config = self.config
        if not self._trains:
            return {"training": {"level": config.training.level_name, "steps": 0}}
        mags = by_first(lambda: learned_from(self.directory.mags, config.discussion.keep, config.seed))
        if (team := self.components.train_team(self, mags)) is not None:
            return team
        report = self.train(mags, config.training, self.objectives())
        if report.steps * config.training.learning_rate < MOVED:
            self.progress.note(
                f"warning: {report.steps:,} steps at {config.training.learning_rate:g} hardly move any weight; a "
                "higher rate (--set training.learning_rate=1e-4) or more steps (--set training.steps=N) teach more"
            )
        counted: dict[str, float] = {"read": report.tokens, "predicted": report.predicted}
        return {"training": training_document(report), "tokens": counted}

    def train(
        self,
        mags: Path,
        training: Training,
        objectives: dict[str, Objective],
        adapter: Adapter | None = None,
        before: int = 0,
    ) -> DistillReport:
        """Trains a student, or one role's adapter, and tells what came up.

        Args:
            mags: What is learned from.
            training: How.
            objectives: By what.
            adapter: Which of several adapters it is; None where there is one student.
            before: Steps of other stages that come before its own in metrics.jsonl.
        """
        config, taught = self.config, self.lessons(training)
        check_teachable(read_mags(mags), objectives, training.title, taught)
        with redirect_stdout(sys.stderr):  # transformers greets W&B
            from magdi.core.distill.student import load_student
            from magdi.core.distill.trainer import distill

        self._note(idle_devices())
        start = self.directory.student / adapter.start if adapter and adapter.start else None
        student = load_student(config.student, path=self.base, adapter=start, seed=config.seed)
        encoder = self._encoder(student.hidden_size)
        lines, what = MetricsFile(self.directory.metrics), f" {adapter.title}" if adapter else ""
        with StageProgress(self.progress, f"training{what}", training.steps, "steps") as clock, closing(lines):

            def on_metrics(metrics: Mapping[str, float]) -> None:
                own, metrics = int(metrics["step"]), {**metrics, "step": metrics["step"] + before}
                lines.write(metrics)
                clock.at(own, training_figures(metrics, objectives))
                self._measured("distillation", own + before, metrics)

            report = distill(
                mags,
                student,
                encoder,
                objectives=objectives,
                training=training,
                seed=config.seed,
                out=self.directory.path,
                on_metrics=on_metrics,
                cache=cache_directory() / "corpora",
                lessons=taught,
                name=adapter.folder if adapter else "",
                ask_student=self._ask_student,
            )
            clock.at(report.steps)  # the last of them may have no line of metrics
        self._tell(report, objectives, student.max_length)
        return report

    def lessons(self, training: Training) -> Lessons:
        """Returns which turns of the run's MAGs are taught, and after which prompts."""
        prompts = self.components.own_prompts(self.config) if training.prompt == "role" else None
        return Lessons(training.role, prompts, training.credit)

    def _tell(self, report: DistillReport, objectives: Mapping[str, Objective], max_length: int) -> None:
        """Tells what of a training is worth a second look."""
        if report.epochs > MANY_PASSES:
            self.progress.note(
                f"warning: {report.epochs:.0f} passes over {report.mags} MAGs; fewer steps (--set training.steps=N) "
                "or more questions may teach more"
            )
        if untaught := report.counts.get("nothing_taught", 0):
            teaching = {name: each.lacking for name, each in objectives.items() if each.teaches}
            why = f"{' or '.join(dict.fromkeys(teaching.values()))}, and {', '.join(teaching)} learns nothing from them"
            self._note(f"warning: {untaught:,} of {report.counts['mags']:,} MAGs have {why}")
        self._note(chains_cut_warning(report.counts, max_length))

    @property
    def _ask_student(self) -> AskStudent | None:
        """Asks the student between passes, where it is to learn from what it says itself."""
        training = self.config.training
        if not training.refresh:
            return None
        sampled = {"temperature": training.refresh_temperature, "samples": training.refresh_samples}
        settings = self.config.evaluation.model_copy(update=sampled | {"top_p": 1.0, "top_k": 0})
        return self.components.own_answers(self.task, settings, self.config.seed)

    def _measured(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        self.progress.event("metrics", stage=stage, step=step, metrics=metrics)

    def _note(self, text: str) -> None:
        if text:
            self.progress.note(text)

    def objectives(self, stage: str = "") -> dict[str, Objective]:
        """Makes what the student is trained by, by name; in one stage of its training, where one is named."""
        chosen = self.components.chosen_objectives(self.config, stage)
        return {name: self.components.objective(choice) for name, choice in chosen.items()}

    @property
    def _trains(self) -> bool:
        return bool(self.components.chosen_objectives(self.config))

    def _encoder(self, dim: int) -> Encoder:
        """Makes the encoder with first weights that the run's seed decides."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return self.components.encoder(self.config.encoder, dim)

    @cached_property
    def base(self) -> Path | str:
        """The student before distillation; a tiny one is made where it is not in the cache."""
        config = self.config.student
        if config.model != "tiny":
            return config.source
        with ExitStack() as stack:
            begun: list[StageProgress] = []

            def on_progress(step: int, total: int) -> None:
                if not begun:  # never, where it is in the cache
                    begun.append(stack.enter_context(StageProgress(self.progress, "tiny base", total, "steps")))
                begun[0].at(step, threads_told())

            cache = cache_directory() / "bases"
            return self.components.tiny_base(self.task, config.tiny, cache, self._texts(), on_progress)

    def _texts(self) -> Iterator[str]:
        """Yields what a tiny student's tokenizer is trained on."""
        for mag in islice(read_mags(self.directory.mags), TOKENIZER_TEXTS):
            yield mag.question.prompt
            yield from (turn.reasoning for turn in mag.turns)

    def evaluation(self) -> Stage:
        """Has the student, and the base it was made from, answer the held-out questions."""
        from magdi.core.evaluation.scores import score
        from magdi.core.evaluation.statistics import paired_difference

        trained = self._trains
        answers: dict[Literal["base", "student"], list[Prediction]] = {}
        if self.config.evaluation.base or not trained:
            answers["base"] = self._answers("base", self._engine(self.base, untrained=True), [*self._asked])
        if trained:
            asked_so = [self.components.asked_so(question, self.config) for question in self._asked]
            answers["student"] = self._answers("student", self._engine(self.directory.student), asked_so)
        outcome: Stage = {}
        for who, found in answers.items():
            outcome[who] = cast(Scored, score(found).to_dict())
        if "student" in outcome:
            most = self.config.evaluation.max_new_tokens
            cut = outcome["student"]["cut_off"]
            self._note(answers_cut_warning("the student", cut, most, "--set evaluation.max_new_tokens=N"))
        if len(answers) == 2:
            outcome["gain"] = cast(Gain, asdict(paired_difference(answers["base"], answers["student"])))
        outcome["trained_on"] = self._trained_on() if trained else 0
        steps = self.directory.stage("distillation").get("training", {}).get("steps", 0)
        self._measured("evaluation", steps, measured(outcome))
        return outcome

    def _engine(self, model: Path | str, *, untrained: bool = False) -> Engine:
        """Returns what makes the run's team answer, or a model where it has none."""
        team = self.components.team(self.directory.path, untrained=untrained)
        return team or self.components.engine(model, self.config.student)

    def _trained_on(self) -> int:
        """Returns how many of the evaluated questions were among those learned from, and warns of them."""
        mags = learned_mags(self.directory)
        known = count_known(self._asked, mags) if mags else 0
        if known:
            self.progress.note(warning(known, len(self._asked), "the student"))
        return known

    @property
    def _asked(self) -> Sequence[Question]:
        """The questions that are evaluated."""
        return self.examination.first(self.config.evaluation.split, self.config.evaluation.questions)

    def _answers(self, who: str, engine: Engine, questions: list[Question]) -> list[Prediction]:
        from magdi.core.evaluation.answering import answer_questions
        from magdi.core.evaluation.prediction import OtherPredictions

        config = self.config
        total, out = len(questions) * config.evaluation.samples, self.directory.predictions(who)

        def answered() -> list[Prediction]:
            with StageProgress(self.progress, f"{who} answers", total, "answers") as clock:
                return answer_questions(
                    engine,
                    questions,
                    task=self.examination,
                    settings=config.evaluation,
                    seed=config.seed,
                    out=out,
                    on_progress=lambda done, total, right: clock.at(
                        done, {"right %": 100 * right / done, **threads_told()}
                    ),
                )

        try:
            return answered()
        except OtherPredictions as error:  # torn, or of a run or a cache that lay elsewhere
            self.directory.set_aside(out, f"{error.message}; all are answered anew")
            self.progress.note(self.directory.notes[-1])
            return answered()
