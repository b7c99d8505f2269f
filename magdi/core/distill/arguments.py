"""From magdi's configuration to transformers' TrainingArguments."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from magdi.core.config.models import Training
from magdi.core.distill import sharding
from magdi.core.errors import ConfigError


def training_arguments(training: Training, *, steps: int, seed: int, precision: str, folder: Path) -> TrainingArguments:
    """Returns the Trainer's arguments.

    A batch of the Trainer's is an optimizer step of ours, so it never accumulates by itself; clipping, schedule,
    optimizer, mixed precision, checkpoints and processes are its business. Trackers are not: they follow the whole run.

    One process takes one device, however many are visible: several are several processes, not threads that copy the
    model every step.

    Raises:
        ConfigError: The schedule cannot end where it is asked to.
    """
    saving = training.save_every or max(1, -(-steps // 10))
    choosing: dict[str, object] = {}
    if training.validation:
        choosing = {
            "eval_strategy": "steps",
            "eval_steps": saving,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_loss",
            "greater_is_better": False,
        }
    name, options = schedule(training)
    deepspeed, joined = sharding.asked_for("DEEPSPEED"), backend()
    if deepspeed and precision == "fp16":
        raise ConfigError("student.dtype: ZeRO trains in float32 or bfloat16", hint="student.dtype=bfloat16")
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,
        learning_rate=training.learning_rate,
        lr_scheduler_type=name,
        lr_scheduler_kwargs=options,
        warmup_steps=training.warmup if training.warmup < 1 else int(training.warmup),
        weight_decay=training.weight_decay,
        adam_beta2=training.adam_beta2,
        max_grad_norm=training.max_grad_norm,
        bf16=precision == "bf16" and not deepspeed,  # which would round the weights themselves, and the heads'
        fp16=precision == "fp16",
        use_cpu=joined["cpu"],
        ddp_backend=joined["backend"],
        seed=seed,
        logging_steps=training.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=saving,
        save_total_limit=2,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
        average_tokens_across_devices=False,
        dataloader_pin_memory=False,
        **choosing,
    )
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def backend() -> dict[str, Any]:
    """Returns how processes join, for accelerate's ``PartialState``."""
    on_cpus, deepspeed = not torch.cuda.is_available(), sharding.asked_for("DEEPSPEED")
    return {
        "cpu": on_cpus and not deepspeed,
        "backend": "gloo" if on_cpus and deepspeed else None,
        "timeout": timedelta(seconds=TrainingArguments.ddp_timeout),
    }


def schedule(training: Training) -> tuple[str, dict[str, object]]:
    """Returns transformers' name of the learning rate schedule, and its options."""
    ratio = training.final_lr_ratio
    if not ratio:
        return training.scheduler, {}
    if training.scheduler == "cosine":
        return "cosine_with_min_lr", {"min_lr_rate": ratio}
    if training.scheduler == "linear":
        return "polynomial", {"power": 1.0, "lr_end": ratio * training.learning_rate}
    raise ConfigError(f"training.final_lr_ratio: not with the schedule {training.scheduler}", hint="cosine or linear")
