"""Evaluates models of transformers: batches of like length, stopped early, one pass over each distinct prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import PromptStyle, student_prompt
from magdi.core.errors import MagdiError
from magdi.core.evaluation.engine import Engine, Job, Output
from magdi.core.threads import threads_for
from magdi.plugins.generation.answer_end import LOOK_BACK, LOOK_EVERY, answer_end
from magdi.plugins.generation.loading import load

if TYPE_CHECKING:
    from magdi.plugins.generation.batch import Row
    from magdi.plugins.generation.own_score import OwnScore

NO_LIMIT = 2**31
LEAST_AT_ONCE = 64
"""Answers that are handed on together, at least: each hand-over is a write to a file."""

OnText = Callable[[str], None]
"""Told what one answer has come to while it grows."""


class TransformersEngine(Engine):
    """Runs a model here.

    Args:
        model: A folder or hub id of a model, an adapter, or a run directory, loaded when the first answer is asked for;
            or a decoder of transformers, in eval mode, where it is to run, and its tokenizer.
        prompt_style: The prompt's form, as in training.
        on_text: Told what the first answer of a batch has come to, after every token.
        trust_remote_code: Run code that comes with a hub model.
    """

    def __init__(
        self,
        model: str | Path | tuple[Any, Any],
        *,
        prompt_style: PromptStyle = "auto",
        on_text: OnText | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self._given = model
        self.prompt_style = prompt_style
        self.identity = str(model[0].config.name_or_path if isinstance(model, tuple) else model)
        self._on_text, self._trust = on_text, trust_remote_code

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        return self._given if isinstance(self._given, tuple) else load(self._given, trust_remote_code=self._trust)

    @property
    def model(self) -> Any:
        """The decoder.

        Raises:
            DataError: It cannot be loaded.
        """
        return self._loaded[0]

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer; raises as `model`."""
        return self._loaded[1]

    @cached_property
    def own_score(self) -> OwnScore | None:
        """The student's score head, where there is one; answers are scored by it where several are drawn."""
        from magdi.plugins.generation.own_score import OwnScore

        return None if isinstance(self._given, tuple) else OwnScore.of(self._given)

    def answers(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[list[tuple[Job, Output]]]:
        """Yields answers as they are finished; those to short questions come first."""
        with threads_for(self.model):
            yield from self._answers(jobs, settings)

    def _answers(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[list[tuple[Job, Output]]]:
        from magdi.plugins.generation.batch import Row

        prompts = {job.question.id: student_prompt(self.tokenizer, job.question, self.prompt_style) for job in jobs}
        ids = self._encoded(prompts)
        order = sorted(jobs, key=lambda job: len(ids[job.question.id]))
        rows = {Row(ids[job.question.id], f"{job.seed} {job.question.id} {job.sample}"): job for job in order}
        for done in _gathered(self._finished(list(rows), settings)):
            scores = self._scores(done) if settings.samples > 1 else [None] * len(done)
            texts = self.tokenizer.batch_decode([row.tokens for row in done], skip_special_tokens=True)
            yield [
                (rows[row], self._output(prompts[rows[row].question.id], row, text, score, settings))
                for row, text, score in zip(done, texts, scores, strict=True)
            ]

    def _finished(self, rows: list[Row], settings: Evaluation) -> Iterator[list[Row]]:
        """Generates rows; a prompt that fills the model's context leaves no room for an answer, and gets none.

        Raises:
            MagdiError: There is not enough memory for a batch.
        """
        import torch

        from magdi.plugins.generation.decoding import decode

        context = getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or NO_LIMIT
        too_long = [row for row in rows if len(row.prompt) >= context]
        for row in too_long:
            row.finish = "length"
        if too_long:
            yield too_long
        watch = _Watch(self.tokenizer, settings.stop_at_answer, context, self._on_text)
        fitting = [row for row in rows if row.finish is None]
        try:
            yield from decode(self.model, fitting, settings=settings, end_tokens=self._end_tokens(), complete=watch)
        except torch.OutOfMemoryError:
            raise MagdiError(
                "there is not enough memory for this batch of answers",
                hint=f"lower evaluation.batch_tokens, which is {settings.batch_tokens}; what was answered is kept",
            ) from None

    def _encoded(self, prompts: dict[str, str]) -> dict[str, tuple[int, ...]]:
        """Returns prompts' token ids, as they are in training."""
        from magdi.core.distill.reading import opening

        start = opening(self.tokenizer, self.prompt_style)
        encoded = self.tokenizer(list(prompts.values()), add_special_tokens=False, verbose=False)["input_ids"]
        return {name: (*start, *ids) for name, ids in zip(prompts, encoded, strict=True)}

    def _scores(self, rows: Sequence[Row]) -> Sequence[float | None]:
        """Returns the score head's value of each row, end token included where the row came to one."""
        if self.own_score is None:
            return [None] * len(rows)
        end = [self.tokenizer.eos_token_id]
        return self.own_score(
            self.model, [[*row.prompt, *row.tokens, *(end if row.finish == "end" else [])] for row in rows]
        )

    def _end_tokens(self) -> list[int]:
        named = getattr(self.model.generation_config, "eos_token_id", None)
        ends = set(named if isinstance(named, list) else [named]) | {self.tokenizer.eos_token_id}
        return sorted(end for end in ends if end is not None)

    def _output(self, prompt: str, row: Row, text: str, score: float | None, settings: Evaluation) -> Output:
        """Returns a row's output up to where its answer ends, and why it ended."""
        end = answer_end(text) if settings.stop_at_answer else None
        if end is not None:
            count = self._tokens_to(row.tokens, end)
            return Output(prompt, text[:end].strip(), len(row.prompt), count, "answer", score)
        assert row.finish is not None
        return Output(prompt, text.strip(), len(row.prompt), len(row.tokens), row.finish, score)

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


def _gathered(groups: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Yields groups of rows put together until they have `LEAST_AT_ONCE`; the last one may have fewer."""
    found: list[Row] = []
    for group in groups:
        found += group
        if len(found) >= LEAST_AT_ONCE:
            yield found
            found = []
    if found:
        yield found


class _Watch:
    """Finishes rows whose last tokens hold a complete answer, looking every few tokens; tells the first row's text."""

    def __init__(self, tokenizer: Any, stop: bool, context: int, on_text: OnText | None) -> None:
        self._tokenizer, self._stop, self._context, self._on_text = tokenizer, stop, context, on_text

    def __call__(self, rows: Sequence[Row]) -> None:
        if self._on_text is not None and rows:
            self._on_text(self._tokenizer.decode(rows[0].tokens, skip_special_tokens=True))
        for row in rows:
            if len(row.prompt) + len(row.tokens) >= self._context:
                row.finish = "length"
        due = [row for row in rows if self._stop and len(row.tokens) % LOOK_EVERY == 0]
        if due:
            ends = self._tokenizer.batch_decode([row.tokens[-LOOK_BACK:] for row in due], skip_special_tokens=True)
            for row, text in zip(due, ends, strict=True):
                if answer_end(text) is not None:
                    row.finish = "answer"
