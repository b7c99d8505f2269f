"""What stages take in hours, GPU memory and disk: by earlier runs here, else by the rates that stand below."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from magdi.core.config.models import RunConfig
from magdi.core.discussion.seat import Seat
from magdi.plugins.runs.discussion_plan import AgentPlan, DiscussionPlan
from magdi.plugins.runs.earlier import Earlier, Rate
from magdi.plugins.runs.model_size import ModelSize

TOKENS_PER_SECOND = 50.0  # that a served model writes in one reply
SLOW = 10.0  # tokens a second of a slow one
LATENCY = 1.0  # seconds before the first of them, the prompt read
A_CALL = 0.002  # seconds of this process a call, whoever is asked
GPUS = {"H200": 4.0e14, "H100": 3.5e14, "B200": 7e14, "A100": 1.4e14, "L40": 0.8e14, "A10": 0.5e14, "4090": 0.7e14}
OTHER_GPU = 0.3e14
CORE = 5e10
"""Floating point operations a second that training attains, in bfloat16 on GPUs and float32 on a core."""

SLOWER = 4.0  # times as long as the stated rates say, at most
LONGEST = 1.5  # times as long as the slowest run that was like it, at most
LOADING = 3.0  # seconds before a stage of a student begins
STEP = 0.02  # seconds of a step besides arithmetic
TOKEN = 0.004  # seconds of a token that a batch generates, besides arithmetic
MAKING_TINY = 60.0  # seconds of making the tiny base, where it is not kept from before

SAVED = (21.0, 24.5)
"""Activations a token and block in widths, with an adapter and whole: 5.25 and 6.13 MiB a token of Mistral-7B."""

BESIDES = 0.7e9  # bytes of GPU memory that CUDA, its libraries and chunks of logits take
FIGURES = 1e5  # bytes on disk of metrics, configuration and state
AN_ANSWER = 300.0  # bytes on disk of an answer, besides its words


class Range(NamedTuple):
    """A figure: what it comes to about, and at most; None where nothing is known."""

    expected: float | None
    most: float | None

    @classmethod
    def sum(cls, *ranges: Range) -> Range:
        """Returns them together: not known where one of them is not."""
        sides = (cls._added([each[place] for each in ranges]) for place in (0, 1))
        return cls(*sides)

    @staticmethod
    def _added(figures: Sequence[float | None]) -> float | None:
        known = [each for each in figures if each is not None]
        return sum(known) if len(known) == len(figures) else None

    def times(self, factor: float) -> Range:
        """Returns so many times as much."""
        return Range(*(None if each is None else factor * each for each in self))


class Took(NamedTuple):
    """Seconds of a stage, and by what they are known."""

    seconds: Range
    by: str


def gpu() -> str | None:
    """Returns the name of the GPU that torch will find, as far as that is known without loading torch."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "NVIDIA")
    return "Apple" if (platform.system(), platform.machine()) == ("Darwin", "arm64") else None


def stated() -> str:
    """Returns what the rates of this file are said to be of."""
    cores = os.cpu_count() or 1
    return f"the usual speed of servers and of {gpu() or ('a CPU core' if cores == 1 else f'{cores} CPU cores')}"


def operations(size: ModelSize) -> float:
    """Returns the floating point operations a second that this machine attains with a model."""
    if (name := gpu()) is not None and size.params > 1e7:
        return next((rate for part, rate in GPUS.items() if part in name), OTHER_GPU)
    return CORE * (1 if size.params < 1e7 else os.cpu_count() or 1)


def by_rate(rate: Rate, expected: float, most: float) -> Took:
    """Returns what so many of something take at the rate of earlier runs."""
    runs = "an earlier run" if rate.runs == 1 else f"{rate.runs} earlier runs"
    return Took(Range(rate.begin + expected * rate.usual, LONGEST * (2 * rate.begin + most * rate.most)), runs)


def talking(plan: DiscussionPlan, seats: Sequence[Seat], config: RunConfig, earlier: Earlier) -> Took:
    """Returns the seconds of the discussions."""
    if (took := _talking_as_before(plan, seats, config, earlier)) is not None:
        return took
    at_once = min(config.discussion.in_flight, max(1, plan.questions))
    waits = [_waiting(agent, seat, at_once) for agent, seat in zip(plan.agents, seats, strict=True)]
    own = Range(A_CALL * plan.expected.calls, SLOWER * A_CALL * plan.most.calls)
    slowest = Range(*(None if None in each else max(each) for each in zip(*waits, strict=True)))
    return Took(Range.sum(slowest, own), stated())


def _talking_as_before(plan: DiscussionPlan, seats: Sequence[Seat], config: RunConfig, earlier: Earlier) -> Took | None:
    """Returns the seconds of the discussions by those of earlier runs; None where there were none.

    A server is waited for side by side, so that few discussions take as long as many that are open at once: that is
    what is expected. One that is as busy as it can be takes its time for each: that is the most.
    """
    teachers = {seat.teacher.identity for seat in seats}
    served = [seat.teacher.concurrency for seat in seats if seat.teacher.served]

    def at_once(discussions: int) -> int:
        return max(1, min(config.discussion.in_flight, discussions, *served)) if served else 1

    alone, beside = earlier.seconds_a_call(teachers), earlier.seconds_a_call(teachers, at_once)
    if alone is None or beside is None:
        return None
    now = at_once(plan.questions)
    each = by_rate(alone, plan.expected.calls, plan.most.calls)
    waited = by_rate(beside, plan.expected.calls / now, plan.most.calls / now)
    most = max(each.seconds.most or 0.0, waited.seconds.most or 0.0)
    fewer = ", with fewer discussions at once" if beside.usual < now * alone.usual else ""
    return Took(Range(waited.seconds.expected, most), each.by + fewer)


def _waiting(agent: AgentPlan, seat: Seat, at_once: int) -> Range:
    """Returns the seconds that are waited for one agent, its discussions side by side."""
    teacher = seat.teacher
    if teacher.simulated:
        return Range(0.0, 0.0)
    if not teacher.served:
        size = ModelSize.of_model(str(getattr(teacher.config, "model", "")))
        return Range(None, None) if size is None else _computed(agent, size)
    side_by_side = min(teacher.concurrency, at_once)

    def seconds(calls: float, prompts: float, replies: float, pace: float) -> float:
        spoken = (calls * LATENCY + replies / pace) / side_by_side
        allowed = 60 * calls / teacher.requests_per_minute if teacher.requests_per_minute else 0.0
        counted = 60 * (prompts + replies) / teacher.tokens_per_minute if teacher.tokens_per_minute else 0.0
        return max(spoken, allowed, counted)

    usual = seconds(*agent.expected[:3], TOKENS_PER_SECOND)
    most = seconds(*agent.most[:3], SLOW)
    return Range(usual, most if math.isfinite(most) else None)


def _computed(agent: AgentPlan, size: ModelSize) -> Range:
    pace = operations(size) / (2 * size.params)
    most = SLOWER * sum(agent.most[1:3]) / pace
    return Range(sum(agent.expected[1:3]) / pace + LOADING, most + LOADING if math.isfinite(most) else None)


@dataclass(frozen=True, slots=True)
class TrainingLoad:
    """What a student reads.

    Attributes:
        steps: Optimizer steps.
        mags_per_step: MAGs of one.
        tokens: Of a MAG, every turn read once.
    """

    steps: int
    mags_per_step: int
    tokens: Range


def learning(lessons: TrainingLoad, config: RunConfig, size: ModelSize | None, earlier: Earlier) -> Took:
    """Returns the seconds of training."""
    steps = lessons.steps
    if (rate := earlier.seconds_a_step(config)) is not None:
        return by_rate(rate, steps, steps)
    if size is None or None in lessons.tokens:
        return Took(Range(None, None), f"the size of {config.student.model} is not known")
    passes = (4 if config.student.adaptation == "lora" else 6) + 2 * config.student.gradient_checkpointing
    a_token = passes * size.params / operations(size)
    expected, most = (steps * (STEP + a_token * lessons.mags_per_step * (each or 0.0)) for each in lessons.tokens)
    return Took(Range(LOADING + expected, LOADING + SLOWER * most), stated())


def making_base(config: RunConfig, earlier: Earlier) -> Range:
    """Returns the seconds of making the tiny base, where there is one and no earlier run has made it."""
    made = config.student.model != "tiny" or earlier.seconds_an_answer(config) is not None
    return Range(0.0, 0.0) if made else Range(MAKING_TINY, SLOWER * MAKING_TINY)


def answering(asked: int, config: RunConfig, size: ModelSize | None, earlier: Earlier) -> Took:
    """Returns the seconds of answering so many times."""
    if (rate := earlier.seconds_an_answer(config)) is not None:
        return by_rate(rate, asked, asked)
    if size is None:
        return Took(Range(None, None), f"the size of {config.student.model} is not known")
    longest = config.evaluation.max_new_tokens
    at_once = max(1, config.evaluation.batch_tokens // (longest + 200))
    batches = -(-asked // at_once)
    a_token = TOKEN + 2 * size.params * min(at_once, asked) / operations(size)
    return Took(
        Range(2 * LOADING + batches * longest / 2 * a_token, SLOWER * (LOADING + batches * longest * a_token)), stated()
    )


def reading(tokens: float | None, size: ModelSize | None) -> Range:
    """Returns the seconds of reading so many tokens, with no gradient and nothing written."""
    if size is None or tokens is None:
        return Range(None, None)
    expected = tokens * 2 * size.params / operations(size)
    return Range(LOADING + expected, LOADING + SLOWER * expected)


def gpu_memory(lessons: TrainingLoad, config: RunConfig, size: ModelSize | None, earlier: Earlier) -> Range:
    """Returns the bytes of GPU memory that training takes, were it done on one."""
    if (rate := earlier.gpu_memory(config)) is not None:
        return Range(rate.usual, LONGEST * rate.most)
    if size is None or None in lessons.tokens:
        return Range(None, None)
    budget, pack = config.training.tokens_per_batch, lessons.mags_per_step
    usual, longest = (each or 0.0 for each in lessons.tokens)
    held = _weights(config, size) + BESIDES
    expected = held + _activations(config, size) * max(usual, min(budget, pack * usual))
    return Range(expected, 1.2 * held + 1.5 * _activations(config, size) * max(budget, longest))


def _weights(config: RunConfig, size: ModelSize) -> float:
    """Returns the bytes of weights, gradients and AdamW's moments."""
    student = config.student
    if student.adaptation == "full":
        return 16 * size.params + (2 * size.params if student.dtype != "float32" else 0)
    each = {"4bit": 0.56, "8bit": 1.06, "none": 4.0 if student.dtype == "float32" else 2.0}[student.quantization]
    return each * (size.params - size.embeddings) + 2 * size.embeddings + 16 * size.adapter(student.lora)


def _activations(config: RunConfig, size: ModelSize) -> float:
    """Returns the bytes that are saved of a token for the backward pass."""
    student = config.student
    width = size.hidden * (4 if student.dtype == "float32" else 2)
    saved = SAVED[student.adaptation == "full"]
    return width * (size.layers + saved) if student.gradient_checkpointing else width * size.layers * saved


def disk(lessons: TrainingLoad, config: RunConfig, size: ModelSize | None, answers: int) -> Range:
    """Returns the bytes of what a run keeps besides its discussions: student, answers; at most with two checkpoints."""
    said = answers * (AN_ANSWER + 4 * config.evaluation.max_new_tokens / 2)
    most = answers * (AN_ANSWER + 8 * config.evaluation.max_new_tokens)
    if not lessons.steps:
        return Range(said, most)
    if size is None:
        return Range(None, None)
    trained = 4 * (size.params if config.student.adaptation == "full" else size.adapter(config.student.lora))
    heads = 4 * 2 * size.hidden**2 + 70 * size.vocabulary + FIGURES  # the tokenizer as well
    return Range(said + trained + heads, most + 1.2 * (1 + 2 * 3) * (trained + heads))
