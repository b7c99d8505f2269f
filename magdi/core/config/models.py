"""The configuration of a run: one pydantic model a part, every field described, unknown keys refused.

Defaults are the paper's (MAGDi, section 4 and Appendix A); the embedded default's are in the preset `tiny`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from magdi.core.config.code import whole
from magdi.core.config.moved import moved
from magdi.core.configurable import Repeats, Samples
from magdi.core.credit import Credit
from magdi.core.errors import ConfigError
from magdi.core.shard import Shard
from magdi.core.teacher import Price, Sampling
from magdi.core.views import View

LARGEST = 2**53
"""Whole numbers beyond it are not the same in JSON, and mean nothing in a configuration."""


class Part(BaseModel):
    """Base of all parts: frozen, every number is one that can be computed with, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_larger_than_json(cls, value: Any) -> Any:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError(f"a whole number is at most 2**53, {LARGEST:,}")
        return value


class ComponentChoice(BaseModel):
    """A component by name with its settings: ``gcn``, or ``{name: gcn, hidden: 64}``.

    The settings are checked against the component's own ``Config`` when it is made.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    alone: ClassVar = "name"
    """Of a section that may be a string, the key that the string is of."""

    name: str = Field(min_length=1, description="The component's name.")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class TeacherChoice(Part):
    """One agent of the discussion and the teacher that speaks for it."""

    name: str = Field("", description="The agent's name; made from the teacher when left out.")
    teacher: str = Field(
        min_length=1, description="kind:target, e.g. openai:gpt-4o@https://host/v1 or simulated:careful."
    )
    persona: str = Field("", description="What the agent is told about itself.")
    sampling: Sampling = Field(Sampling(), description="How it samples.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Further settings of this kind of teacher.")

    @model_validator(mode="before")
    @classmethod
    def _specification_alone(cls, value: Any) -> Any:
        """Reads ``kind:target`` and ``name=kind:target``."""
        if not isinstance(value, str):
            return value
        name, equals, teacher = value.partition("=")
        named = bool(equals) and ":" not in name
        return {"name": name, "teacher": teacher} if named else {"teacher": value}


class Kept(Part):
    """Which of the MAGs are learned from; each setting takes away from what the one before has left."""

    structures: tuple[str, ...] | None = Field(None, description="Graph types, e.g. [G0, G1]; null for all.")
    as_many_as: tuple[str, ...] | None = Field(
        None, description="As many MAGs, drawn at random, as are of these graph types; null for all."
    )
    share: float = Field(1.0, gt=0, le=1, description="A share, drawn at random; a smaller one is part of a larger.")
    calls: int | None = Field(None, ge=1, description="The first ones, that took this many calls of teachers together.")


class Limits(Part):
    """What asking teachers may take, and how long one that fails is asked again."""

    max_cost: float | None = Field(None, gt=0, description="Stop after this many US dollars.")
    max_calls: int | None = Field(None, ge=1, description="Stop after this many calls.")
    max_tokens: int | None = Field(None, ge=1, description="Stop after this many tokens, prompts included.")
    max_time: float | None = Field(None, gt=0, description="Stop after this many seconds.")
    price: Price | None = Field(
        None, description="What tokens of teachers cost whose price is not known: {input, output}, or IN,OUT."
    )
    estimate_usage: bool | str = Field(
        False,
        description="Count tokens here where a server's count is none: true for the teacher's own tokenizer if it is "
        "on this machine, else bytes; or a tokenizer's name.",
    )
    tries: int = Field(8, ge=1, description="Calls for one reply, where a server is busy or fails in passing.")
    patience: float = Field(
        120.0, ge=0, description="Seconds that a server may be away: a reply is not given up before, whatever tries is."
    )

    @property
    def amounts(self) -> dict[str, float]:
        """What is limited in amount, by setting: US dollars, calls, tokens."""
        amounts = {"max_cost": self.max_cost, "max_calls": self.max_calls, "max_tokens": self.max_tokens}
        return {name: amount for name, amount in amounts.items() if amount is not None}

    @field_validator("price", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        input_, comma, output = value.partition(",")
        if not comma:
            raise ValueError(f"{value!r} is not IN,OUT: US dollars per million tokens of prompts and of replies")
        return {"input": input_.strip(), "output": output.strip()}


class Discussion(Limits):
    """How the discussions are held."""

    questions: int | None = Field(1000, ge=1, description="Training questions to discuss; null for all there are.")
    split: Literal["train", "validation", "test"] = Field(
        "train", description="Split whose questions are discussed; other than train to measure the team itself."
    )
    shard: str | None = Field(
        None, description="2/8: every eighth question from the second on; one of eight jobs that share the questions."
    )
    agents: tuple[str, ...] | None = Field(None, description="Those of the teachers who take part; null for all.")
    keep: Kept = Kept()
    mags: str | tuple[str, ...] | None = Field(
        None, description="MAG files or runs to learn from instead of holding discussions; several are taken in turn."
    )
    skip_bad: bool = Field(False, description="Pass over unreadable lines of those files.")
    decision: ComponentChoice | None = Field(None, description="Decision rule; the protocol's own when left out.")
    in_flight: int = Field(256, ge=1, description="Discussions that are open at once.")
    reasks: int = Field(2, ge=0, description="How often a reply that cannot be read is asked for again.")
    keep_prompts: bool = Field(False, description="Keep every turn's prompt in the MAG file.")
    cache: str | None = Field(None, description="Directory of a reply journal shared between runs.")
    max_failed: float = Field(
        0.1, ge=0, le=1, description="Share of the discussions that may fail; with more, the run stops before training."
    )

    @field_validator("shard")
    @classmethod
    def _is_shard(cls, shard: str | None) -> str | None:
        try:
            return None if shard is None else str(Shard.read(shard))
        except ConfigError as error:
            raise ValueError(f"{error.message}: {error.hint}") from None

    @field_validator("mags")
    @classmethod
    def _one_is_no_list(cls, mags: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if isinstance(mags, tuple) and len(mags) < 2:
            return mags[0] if mags else None
        return mags

    @property
    def mag_files(self) -> tuple[str, ...]:
        """The MAG files or runs, none where discussions are held."""
        return (self.mags,) if isinstance(self.mags, str) else self.mags or ()


class Lora(Part):
    """Low-rank adaptation of the student."""

    r: int = Field(16, ge=1, description="Rank.")
    alpha: float = Field(32, gt=0, description="Scale; the update is alpha / r times the product.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Dropout before the first factor.")
    target_modules: tuple[str, ...] | Literal["auto", "all-linear"] = Field(
        "auto",
        description="Modules to adapt; auto is the query and value projections, whatever the family calls them.",
    )


class TinyBase(Part):
    """The tiny Llama that ``student.model: tiny`` makes locally, trains on the task's primer, and caches."""

    hidden: int = Field(128, ge=16, le=65_536, description="Width d.")
    layers: Repeats = Field(2, ge=1, description="Decoder layers.")
    heads: int = Field(4, ge=1, description="Attention heads.")
    vocabulary: int = Field(2048, ge=300, description="Tokens, where the task has no closed vocabulary.")
    number_embedding: Literal["fourier", "random"] = Field(
        "fourier",
        description="How number tokens start: Fourier features of their value (prior knowledge, given to every student "
        "alike), or random.",
    )
    roles: bool = Field(
        False,
        description="The task's speech of roles is in the primer too, so that the base knows the prompts of a team.",
    )
    epochs: float = Field(6, ge=0, description="Passes over the task's primer; 0 leaves the base untrained.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak learning rate of that training.")
    batch_size: int = Field(16, ge=1, description="Documents a step of that training.")
    seed: int = Field(
        0, ge=0, lt=2**32, description="Seed of the base; apart from the run's, so that seeds share one base."
    )


class Student(Part):
    """The small model: ``tiny``, or ``{model: tiny, dtype: float32}``."""

    alone: ClassVar = "model"

    model: str = Field("tiny", description="A model's path or hub id, or tiny.")
    revision: str | None = Field(None, description="The hub revision.")
    adaptation: Literal["lora", "full"] = Field("lora", description="Train an adapter, or all weights.")
    lora: Lora = Lora()
    tiny: TinyBase = TinyBase()
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="Type of the weights.")
    quantization: Literal["none", "8bit", "4bit"] = Field("none", description="Quantize the base (bitsandbytes).")
    gradient_checkpointing: bool = Field(False, description="Recompute activations; the token budget is cheaper.")
    prompt: Literal["auto", "chat", "paper"] = Field(
        "auto",
        description="The tokenizer's chat template, or the paper's [INST] form; auto takes the first there is.",
    )
    max_length: int = Field(2048, ge=8, description="Most tokens of question and reasoning; longer reasoning is cut.")
    trust_remote_code: bool = Field(False, description="Run code that comes with a hub model.")

    @model_validator(mode="before")
    @classmethod
    def _model_alone(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @property
    def source(self) -> str:
        """The model as it is named where it is loaded: ``ID@REVISION`` where a revision is set."""
        return f"{self.model}@{self.revision}" if self.revision and not Path(self.model).exists() else self.model


Reduction = Literal["mean", "sum"]


def name_and_revision(source: str) -> tuple[str, str | None]:
    """Splits ``ID@REVISION``; a folder, whatever it is called, has no revision."""
    name, at, revision = source.rpartition("@")
    return (name, revision) if at and not Path(source).exists() else (source, None)


class Preferring(Part):
    """A role's second stage: DPO (Rafailov et al., 2023), from what supervised training has made of it."""

    roles: tuple[str, ...] = Field(
        ("verifier", "refiner"),
        description="Roles that it trains; the generator too for a student that is a base model.",
    )
    learning_rate: float | None = Field(None, gt=0, description="Its peak; training.learning_rate when left out.")
    epochs: float | None = Field(None, gt=0, description="Passes over the MAGs; training.epochs when left out.")
    steps: int | None = Field(None, ge=1, description="Optimizer steps; goes before epochs.")


class Training(Part):
    """How the student is trained."""

    method: Literal["magdi", "malt"] = Field(
        "magdi",
        description="One student by the level's objectives; or malt: an adapter for each role, on what the role was "
        "asked, by supervised training and then by preferences (dpo).",
    )
    prompt: Literal["question", "role"] = Field(
        "question", description="What the student reads: the question, or each turn's own prompt with all it was shown."
    )
    role: str | None = Field(None, description="Only the turns of this role are learned from; null for all.")
    credit: Credit = Field(Credit(), description="Which turns of a role are right, where the prompt is the role's own.")
    dpo: Preferring = Preferring()
    level: str | tuple[str, ...] = Field(
        "4",
        description="1-4 (R0, CN, AN, MAGDi), base, single-teacher:NAME, dss-mt, or a list of objectives.",
    )
    reduction: Reduction = Field(
        "mean",
        description="Objectives over a step's tokens, pairs and nodes: their mean, or their sum over the step's MAGs.",
    )
    edges: View = Field("exact", description="Edge view that the encoder is given.")
    learning_rate: float = Field(5e-6, gt=0, description="Peak learning rate.")
    epochs: float = Field(10, gt=0, description="Passes over the MAGs, where steps is not given.")
    steps: int | None = Field(None, ge=1, description="Optimizer steps; goes before epochs.")
    mags_per_step: int = Field(16, ge=1, description="MAGs an optimizer step.")
    tokens_per_batch: int = Field(4096, ge=64, description="Most tokens a forward pass; a MAG is never split.")
    scheduler: str = Field("cosine", description="Learning rate schedule, as transformers names them.")
    final_lr_ratio: float = Field(0.0, ge=0, le=1, description="Learning rate at the end, as a share of the peak.")
    warmup: float = Field(0.03, ge=0, description="Warm-up: a share of the steps below 1, steps from 1 on.")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's decay.")
    adam_beta2: float = Field(0.999, gt=0, lt=1, description="AdamW's second beta.")
    max_grad_norm: float = Field(1.0, ge=0, description="Gradients are clipped to this norm; 0 for no clipping.")
    layout: Literal["auto", "tree", "packed", "padded"] = Field(
        "auto",
        description="How turns share a forward pass; auto takes the fastest that is exact for this model.",
    )
    refresh: int | None = Field(
        None,
        ge=1,
        description="Passes over the MAGs after which the student's own answers to their questions join them, those "
        "from before replaced; null for never.",
    )
    refresh_samples: Samples = Field(1, description="Answers to each question that join.")
    refresh_temperature: float = Field(1.0, ge=0, description="Temperature at which they are sampled.")
    drop_agreement: bool = Field(True, description='Cut sentences that begin with "I agree" or "I disagree".')
    validation: float = Field(0.0, ge=0, lt=1, description="Share of the MAGs held out for early stopping.")
    patience: int = Field(0, ge=0, description="Evaluations without progress before stopping; 0 never stops early.")
    log_every: int = Field(10, ge=1, description="Steps between two lines of metrics.")
    norms_every: int = Field(
        50,
        ge=1,
        description="Steps between two lines that have each objective's gradient norm: a backward pass for each. The "
        "first and the last have it.",
    )
    save_every: int | None = Field(None, ge=1, description="Steps between checkpoints; null for ten in all.")
    report_to: tuple[str, ...] = Field(
        (),
        description="Trackers that follow the run: tensorboard, wandb, mlflow, trackio; all that are installed, or "
        "none. TensorBoard, where it is installed, when left out.",
    )

    @field_validator("level")
    @classmethod
    def _names_each_once(cls, level: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not isinstance(level, str):
            if twice := next((name for name in level if level.count(name) > 1), ""):
                raise ValueError(f"{twice!r} is there twice; give one a name of its own, second: {{name: {twice}}}")
            if not level:
                raise ValueError("a list of no objectives trains nothing; level: base says so")
            return level
        return level if ":" in level else level.strip().lower()

    @property
    def level_name(self) -> str:
        """The level's name; of a list of objectives their names."""
        return self.level if isinstance(self.level, str) else ", ".join(self.level)

    @property
    def title(self) -> str:
        """The level as it is called in messages: ``level 4``."""
        return f"level {self.level}" if isinstance(self.level, str) else f"the level [{self.level_name}]"


class Evaluation(Part):
    """How accuracy is measured."""

    task: ComponentChoice | None = Field(None, description="Task whose questions are asked; null for the run's own.")
    split: Literal["validation", "test"] = Field("test", description="Split that is evaluated.")
    base: bool = Field(True, description="Evaluate the student before distillation too, for comparison.")
    questions: int | None = Field(None, ge=1, description="Questions; null for all there are.")
    max_new_tokens: int = Field(300, ge=1, description="Longest answer.")
    batch_tokens: int = Field(16384, ge=64, description="Most tokens of a generation batch.")
    temperature: float = Field(0.0, ge=0, description="0 is greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus sampling.")
    top_k: int = Field(0, ge=0, description="Most likely tokens to draw from; 0 for all.")
    samples: Samples = Field(1, description="Answers a question, for self-consistency.")
    stop_at_answer: bool = Field(True, description='End an output at its first complete "the answer is ...".')
    roles: tuple[str, ...] | None = Field(None, description="Of a team, the roles that take part; null for all.")
    untrained: tuple[str, ...] = Field((), description="Of a team, the roles in which the untrained base speaks.")
    protocol: ComponentChoice | None = Field(
        None, description="Of a team, another protocol in which its roles answer once together, e.g. debate."
    )
    stage: str = Field("", description="Of a team, the stage after which its roles speak: sft; empty for the last.")

    def deciding(self) -> dict[str, Any]:
        """Returns what decides an answer: not which questions are asked, nor how many; of teams what differs."""
        asked = {"task", "split", "questions", "batch_tokens", "samples", "base"}
        of_teams = ("roles", "untrained", "protocol", "stage")
        usual = {name for name in of_teams if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude=asked | usual)


class RunConfig(Part):
    """Everything that decides a run."""

    preset: Literal["auto", "paper", "authors-code", "tiny", "quick"] = Field(
        "auto",
        description="Defaults to start from; auto is tiny for student.model: tiny, else paper; quick is a small tiny.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of questions, teachers, training and sampling.")
    task: ComponentChoice = Field(ComponentChoice(name="arithmetic"), description="Where questions come from.")
    protocol: ComponentChoice = Field(ComponentChoice(name="reconcile"), description="Who speaks when, shown what.")
    encoder: ComponentChoice = Field(ComponentChoice(name="gcn"), description="The graph network beside the student.")
    teachers: tuple[TeacherChoice, ...] = Field((), description="The agents; simulated ones where the task has them.")
    discussion: Discussion = Discussion()
    student: Student = Student()
    objectives: dict[str, ComponentChoice] = Field(
        default_factory=dict,
        description="Settings of the level's objectives, by name; others that are named join them, each with a weight.",
    )
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    plugins: tuple[str, ...] = Field((), description="Plugin files or modules to load.")

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_written_now(cls, data: Any) -> Any:
        """Reads keys that have moved since, and gives every objective its name."""
        if not isinstance(data, Mapping):
            return data
        tree, _ = moved(data)
        objectives = tree.get("objectives")
        if isinstance(objectives, Mapping):
            tree["objectives"] = {
                name: {"name": name, **(each or {})} if isinstance(each, Mapping | None) else each
                for name, each in objectives.items()
            }
        return tree

    @field_validator("plugins")
    @classmethod
    def _whole_paths(cls, plugins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(whole, plugins)))
