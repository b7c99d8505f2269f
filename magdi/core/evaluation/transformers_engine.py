"""Evaluates models of transformers: batches of like length, stopped early, one pass over each distinct prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import PromptStyle, student_prompt
from magdi.core.evaluation.batching import batches
from magdi.core.evaluation.decoding import Row, decode
from magdi.core.evaluation.engine import Engine, Job, Output
from magdi.core.evaluation.prediction import Finish
from magdi.core.evaluation.stopping import LOOK_BACK, LOOK_EVERY, answer_end


class TransformersEngine(Engine):
    """Runs a model here.

    Args:
        model: A decoder of transformers, in eval mode, where it is to run.
        tokenizer: Its tokenizer.
        prompt_style: The prompt's form.
        prefix: What stands before every question (DSS-MT's "[label] ").
        identity: What the model is called in files.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, prompt_style: PromptStyle = "auto", prefix: str = "", identity: str = ""
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.prompt_style, self.prefix = prompt_style, prefix
        self.identity = identity or str(getattr(model.config, "_name_or_path", ""))

    def answers(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[list[tuple[Job, Output]]]:
        """Yields a batch's answers at a time; batches of short prompts come first."""
        prompts = {job.question.id: self.prompt(job) for job in jobs}
        ids = self._encoded(prompts)
        lengths = [len(ids[job.question.id]) + settings.max_new_tokens for job in jobs]
        for places in batches(lengths, settings.batch_tokens):
            batch = [jobs[place] for place in places]
            rows = [Row(ids[job.question.id], f"{job.seed} {job.question.id} {job.sample}") for job in batch]
            stop = _Stop(self.tokenizer) if settings.stop_at_answer else None
            decode(
                self.model,
                rows,
                settings=settings,
                end_tokens=self._end_tokens(),
                complete=stop if stop else lambda rows: None,
            )
            texts = self._texts(rows, settings)
            yield [
                (job, Output(prompts[job.question.id], text, len(row.prompt), count, finish))
                for job, row, (text, count, finish) in zip(batch, rows, texts, strict=True)
            ]

    def prompt(self, job: Job) -> str:
        """Returns a job's prompt."""
        question = job.question
        if self.prefix:
            question = question.model_copy(update={"text": self.prefix + question.text})
        return student_prompt(self.tokenizer, question, self.prompt_style)

    def _encoded(self, prompts: dict[str, str]) -> dict[str, tuple[int, ...]]:
        """Returns prompts' token ids; the template has written the special tokens where there is one."""
        add = not (self.tokenizer.chat_template and self.prompt_style != "paper")
        encoded = self.tokenizer(list(prompts.values()), add_special_tokens=add)["input_ids"]
        end = self.tokenizer.eos_token_id
        # A tokenizer that ends every text with an end token would have nothing be said behind the prompt.
        trimmed = [ids[:-1] if add and len(ids) > 1 and ids[-1] == end else ids for ids in encoded]
        return dict(zip(prompts, map(tuple, trimmed), strict=True))

    def _end_tokens(self) -> list[int]:
        named = getattr(self.model.generation_config, "eos_token_id", None)
        ends = set(named if isinstance(named, list) else [named]) | {self.tokenizer.eos_token_id}
        return sorted(end for end in ends if end is not None)

    def _texts(self, rows: Sequence[Row], settings: Evaluation) -> list[tuple[str, int, Finish]]:
        """Returns each row's text up to its answer's end, its number of tokens, and why it ended."""
        texts = self.tokenizer.batch_decode([row.tokens for row in rows], skip_special_tokens=True)
        return [self._cut(row, text, settings) for row, text in zip(rows, texts, strict=True)]

    def _cut(self, row: Row, text: str, settings: Evaluation) -> tuple[str, int, Finish]:
        end = answer_end(text) if settings.stop_at_answer else None
        if end is None:
            cut_off = len(row.tokens) >= settings.max_new_tokens and not row.finished
            return text.strip(), len(row.tokens), "length" if cut_off else "end"
        return text[:end].strip(), self._tokens_to(row.tokens, end), "answer"

    def _tokens_to(self, tokens: Sequence[int], end: int) -> int:
        """Returns how many tokens the first ``end`` characters take, by bisection."""
        low, high = 0, len(tokens)
        while low < high:
            middle = (low + high) // 2
            if len(self.tokenizer.decode(tokens[:middle], skip_special_tokens=True)) >= end:
                high = middle
            else:
                low = middle + 1
        return low


class _Stop:
    """Finishes rows whose last tokens hold a complete answer; looks every few tokens only."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, rows: Sequence[Row]) -> None:
        due = [row for row in rows if len(row.tokens) % LOOK_EVERY == 0]
        if due:
            ends = self._tokenizer.batch_decode([row.tokens[-LOOK_BACK:] for row in due], skip_special_tokens=True)
            for row, text in zip(due, ends, strict=True):
                row.finished = answer_end(text) is not None
