"""transformers' Trainer, taught what a MAG is: a batch of its own is a whole optimizer step of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.distributed.fsdp import register_fsdp_forward_method
from torch.utils.data import DataLoader
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainingArguments
from transformers.integrations.deepspeed import unset_hf_deepspeed_config
from transformers.trainer import SCHEDULER_NAME

from magdi.core.config.models import Reduction
from magdi.core.distill import sharding, zero
from magdi.core.distill.batch import MagBatch, collate
from magdi.core.distill.blame import out_of_memory
from magdi.core.distill.checkpoints import load_trained, mark_complete, save_trained
from magdi.core.distill.corpus import Corpus
from magdi.core.distill.losses import Losses, MagLosses, Reader, Scales
from magdi.core.distill.metrics import TermNorms, Window, norms_by_backward
from magdi.core.distill.processes import by_first, several
from magdi.core.distill.steps import Step, Steps, scales
from magdi.core.distill.unused import may_be_unused
from magdi.core.errors import TrainingError
from magdi.core.files import write_whole

Metrics = Callable[[Mapping[str, float]], None]


class MagTrainer(Trainer):  # type: ignore[misc]
    """A Trainer whose model is `MagLosses` and whose batches are optimizer steps.

    Args:
        module: Student, heads and losses.
        arguments: Its arguments.
        steps: The run's optimizer steps.
        precision: What is computed in: ``bf16`` or ``fp16`` by autocast, or ``no``.
        probe: Finds how the student is read, before the first step.
        reduction: Means over a step's items, or sums.
        validation: MAGs held out, for early stopping.
        patience: Evaluations without progress before stopping; 0 never stops.
        norms_every: Steps between two lines of metrics with the objectives' gradient norms.
        on_metrics: Told every line of metrics, on the main process.
        failed: Where the ids of a batch whose losses are not finite are written, by this process.
    """

    def __init__(
        self,
        module: MagLosses,
        arguments: TrainingArguments,
        steps: Steps,
        *,
        precision: str,
        probe: Callable[[], Reader],
        reduction: Reduction,
        validation: Corpus | None,
        patience: int,
        norms_every: int,
        on_metrics: Metrics,
        failed: Path,
    ) -> None:
        module._no_split_modules = module.student.base._no_split_modules  # the groups that weights are sharded in
        super().__init__(model=module, args=arguments, train_dataset=steps, eval_dataset=validation)
        self.remove_callback(PrinterCallback)
        if patience and validation is not None:
            self.add_callback(EarlyStoppingCallback(early_stopping_patience=patience))
        self._steps, self._reduction, self._validation = steps, reduction, validation
        self._objectives = module.objectives
        self._norms_every, self._on_metrics, self._failed = norms_every, on_metrics, failed
        self._window, self._probe, self._precision = Window(), probe, precision
        self._module = module
        self._parameters: int = sum(weight.numel() for weight in module.student.model.parameters())

    def create_accelerator_and_postprocess(self) -> None:
        """Makes the accelerator; where it was asked to shard, it does."""
        super().create_accelerator_and_postprocess()
        if sharding.asked_for("FSDP"):
            sharding.also_on_a_cpu(self.accelerator)
            self.is_fsdp_enabled = True

    def compute_loss_context_manager(self) -> Any:
        """Computes in the precision asked for; DeepSpeed's own way is to round the weights."""
        if not self.is_deepspeed_enabled:
            return super().compute_loss_context_manager()
        return torch.autocast(self.args.device.type, torch.bfloat16, enabled=self._precision == "bf16")

    def _prepare_for_training(self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None) -> Any:
        """Prepares as ever, and finds how the student is read: of one that is sharded by FSDP by reading the parts."""
        module, resumed = self._module, None if self.is_deepspeed_enabled else resume_from_checkpoint
        if not self.is_fsdp_enabled:
            self._read_by(self._probe())
        if several() and not sharding.asked_for():
            with self.compute_loss_context_manager():
                found = by_first(lambda: may_be_unused(module, self._steps.corpus.probes()[-1], max_steps))
            self.accelerator.ddp_handler.find_unused_parameters = found
        with sharding.buffers_apart(module.heads):
            prepared = super()._prepare_for_training(max_steps, train_dataloader, resumed)
        if self.is_deepspeed_enabled:
            unset_hf_deepspeed_config()  # else transformers would load the next model in parts
            self._load_optimizer_and_scheduler(resume_from_checkpoint)
        self._trained = module.student.parameters()  # in this state: reading leaves some of the sharded ones gathered
        if self.is_fsdp_enabled:
            register_fsdp_forward_method(module, module.calling.__name__)
            self._read_by(module.calling(self._probe))
        return prepared

    def _read_by(self, reader: Reader) -> None:
        self._module.reader, self._steps.layout = reader, reader.layout
        self._module.student.attend(reader.layout)

    def get_train_dataloader(self) -> DataLoader[Step]:
        """Returns the steps in order; processes share every step, so accelerate must not deal them out."""
        return DataLoader(self._steps, batch_size=1, shuffle=False, collate_fn=lambda steps: steps[0])

    def get_batch_samples(
        self, epoch_iterator: Iterator[Step], num_batches: int, device: Any
    ) -> tuple[list[Step], None]:
        """Returns the next step; what its losses are divided by is in it."""
        return [next(epoch_iterator) for _ in range(num_batches)], None

    def floating_point_ops(self, inputs: Step) -> int:
        """Returns 6 operations a trained-through token and parameter, forward and backward."""
        return int(6 * inputs.size.tokens * self._parameters)

    def training_step(self, model: nn.Module, inputs: Step, num_items_in_batch: Any = None) -> Tensor:
        """Runs all forward and backward passes of an optimizer step; returns its loss.

        Raises:
            TrainingError: The loss is not finite, or memory ran out.
        """
        model.train()
        torch.manual_seed(hash((self.args.seed, inputs.number, self.args.process_index)) & 0x7FFFFFFF)
        weights = {name: each.weight(inputs.number, len(self._steps)) for name, each in self._objectives.items()}
        scaled = scales(self._objectives, weights, inputs.size, self._reduction, self._steps.processes)
        try:
            passes = len(inputs.batches)
            losses = [
                self._pass(model, batch, scaled, place, passes, idle=place >= passes - inputs.idle)
                for place, batch in enumerate(inputs.batches)
            ]
        except (torch.OutOfMemoryError, RuntimeError) as error:
            raise _explained(error) from error
        loss = torch.stack(losses).sum()
        if not torch.isfinite(loss):
            self._stop_at(inputs)
        self._window.close_step(weights, inputs.size, inputs.mags, float(loss) / self._steps.processes)
        return loss

    def _pass(
        self, model: nn.Module, batch: MagBatch, scaled: Scales, place: int, passes: int, *, idle: bool
    ) -> Tensor:
        """Runs a forward and a backward pass.

        One that is idle gathers and exchanges what the others do, at the same weights, with gradients of 0.
        """
        first, last = place == 0, place == passes - 1
        self.accelerator.gradient_state._set_sync_gradients(last)  # after which DeepSpeed steps
        batch = batch.to(self.args.device)
        with nullcontext() if last or sharding.asked_for() else self.accelerator.no_sync(model):
            with self.compute_loss_context_manager():
                found: Losses = model(batch, scaled)
                found = found.times(0.0) if idle else found
            loss: Tensor = found.total
            norms = None
            takes_norms = (
                first and self._takes_norms and not self.is_deepspeed_enabled
            )  # which keeps gradients to itself
            if takes_norms and self.is_fsdp_enabled:
                self._window.norms = norms_by_backward(found.weighted, self._trained, self.accelerator.backward)
            else:
                if takes_norms:
                    norms = TermNorms(found.weighted, self._trained, alone=self._keeps_gradients)
                self.accelerator.backward(loss)
        if norms is not None:
            self._window.norms = norms.read()
        self._window.add_losses(found, self._steps.processes)
        return loss.detach()

    @property
    def _keeps_gradients(self) -> bool:
        """Whether a backward pass leaves the gradient as it is: unscaled, and of this process alone."""
        return self._steps.processes == 1 and not self.args.fp16

    @property
    def _takes_norms(self) -> bool:
        """Whether the line after the step that is being done has the objectives' gradient norms."""
        done, every = self.state.global_step + 1, int(self.state.logging_steps or 1)
        due = done // self._norms_every > (done - every) // self._norms_every
        last = done + every > self.state.max_steps
        return bool(done == 1 or (done % every == 0 and (due or last)))

    def _stop_at(self, step: Step) -> None:
        ids = [name for batch in step.batches for name in batch.ids]
        self._failed.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._failed, json.dumps({"step": step.number, "mags": ids}))
        raise TrainingError(
            f"step {step.number}: the loss is not a finite number; its MAGs are listed in {self._failed}",
            hint="a lower training.learning_rate, or training in float32, usually helps",
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Hands a line of metrics to callbacks and to `on_metrics`; the Trainer's own summary is left out."""
        if "train_runtime" in logs:
            return
        if "loss" in logs:
            logs = logs | self._window.read(self._over_processes)
        logs["progress"] = self.state.global_step / max(1, self.state.max_steps)
        logs["passes"] = self._steps.schedule.epoch(self.state.global_step)
        super().log(logs, start_time)
        if self.is_world_process_zero():
            self._on_metrics({"step": float(self.state.global_step), **logs})

    def _over_processes(self, sums: dict[str, float]) -> dict[str, float]:
        """Returns sums over all processes, whatever each of them has met."""
        everywhere: list[dict[str, float]] = gather_object([sums])
        names = dict.fromkeys(name for each in everywhere for name in each)
        return {name: sum(each.get(name, 0.0) for each in everywhere) for name in names}

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Returns ``eval_loss``: on the held-out MAGs, the means of what teaches to write, L+ per token for one.

        Where nothing of the sort is on, the sum of the other weighted losses is taken.
        """
        assert self._validation is not None
        module = self.model_wrapped if self.is_deepspeed_enabled else self.model
        sizes = self._validation.sizes
        teaching = {name: float(each.teaches) for name, each in self._objectives.items()}
        weights = (
            teaching if any(teaching.values()) else {name: each.weight(0, 1) for name, each in self._objectives.items()}
        )
        scaled = scales(self._objectives, weights, sizes.total(), "mean", 1)
        shares = [range(rank, len(sizes), self._steps.processes) for rank in range(self._steps.processes)]
        groups, idle = self._steps.passes(shares, sizes)
        loss = 0.0
        module.eval()
        with torch.no_grad(), self.compute_loss_context_manager():
            for place, group in enumerate(groups + idle * [[0]]):
                batch = collate(self._validation[group], self._steps.layout).to(self.args.device)
                loss += float(module(batch, scaled if place < len(groups) else {}).total)
        metrics = self._over_processes({"eval_loss": loss})
        self.log(dict(metrics))
        control: Any = self.control  # type: ignore[has-type]
        self.control = self.callback_handler.on_evaluate(self.args, self.state, control, metrics)
        return metrics

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Saves it where it is whole; else it is saved with the optimizer."""
        if not self.is_deepspeed_enabled:
            super().save_model(output_dir, _internal_call)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Writes what is trained, and nothing else; called on the main process."""
        if self.args.should_save:
            save_trained(self.model, Path(output_dir or self.args.output_dir))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            mark_complete(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Writes them; of what is sharded the weights, too, each process its part."""
        if not sharding.asked_for():
            super()._save_optimizer_and_scheduler(output_dir)
            return
        if self.is_deepspeed_enabled:
            zero.save(self.model, self.optimizer.optimizer, Path(output_dir))
        else:
            sharding.save(self.model, self.optimizer, Path(output_dir))
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER_NAME)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not sharding.asked_for():
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        self._load_parts(Path(checkpoint), self.optimizer)
        self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / SCHEDULER_NAME, weights_only=True))
        for group, rate in zip(self.optimizer.param_groups, self.lr_scheduler.get_last_lr(), strict=True):
            group["lr"] = rate

    def _load_parts(self, checkpoint: Path, optimizer: Any = None) -> None:
        if self.is_deepspeed_enabled:
            zero.load(self.model, self.optimizer.optimizer, checkpoint)  # which holds the weights
        else:
            sharding.load(self.model, optimizer, checkpoint)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if not self.is_fsdp_enabled:  # else it is read with the optimizer
            load_trained(model or self.model, Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        best = Path(self.state.best_model_checkpoint)
        if sharding.asked_for():
            self._load_parts(best)
        else:
            load_trained(self.model, best)

    def _save_rng_state(self, output_dir: str) -> None:
        """Nothing: every step draws from its own seed."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing: every step draws from its own seed."""


def _explained(error: RuntimeError) -> Exception:
    """Returns an error that says what to do when memory ran out, else the error itself."""
    if out_of_memory(error):
        return TrainingError(
            f"out of memory: {str(error).splitlines()[0]}",
            hint="--set training.tokens_per_batch=... to less (one MAG a forward pass is the least); then "
            "student.gradient_checkpointing=true; 4-bit weights help only where the weights are what does not fit",
        )
    return error
