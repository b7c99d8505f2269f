"""Evaluates anything that is served: whatever is a teacher can be evaluated as a student is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from magdi.core.config.models import Evaluation, Limits
from magdi.core.discussion.budget import Budget
from magdi.core.discussion.calls import Calls, Retry
from magdi.core.discussion.gate import CHARACTERS_PER_TOKEN, Stop, Stopped
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.usage import longest_prompt
from magdi.core.errors import TeacherError
from magdi.core.evaluation.engine import Engine, Job, Output
from magdi.core.mag import Message, Question
from magdi.core.teacher import Price, Reply, Request, Sampling, Teacher
from magdi.plugins.generation.answer_end import answer_end
from magdi.plugins.runs.discussion_plan import Amount
from magdi.plugins.runs.stand_in import CHARACTERS, PER_MESSAGE, tokens

AT_ONCE = 4
"""Requests handed over together, as a multiple of what the teacher takes at once."""


class TeacherEngine(Engine):
    """Asks a teacher: ``openai:MODEL@URL`` for any server, ``vllm:PATH`` for vLLM in this process.

    The question is the user's message, as in a chat template; the server's own template makes the prompt of it.

    Args:
        teacher: Who answers.
        retry: How failing calls are repeated; as the limits say when left out.
        limits: What may be spent, and how long a failing server is asked again.
    """

    def __init__(self, teacher: Teacher, retry: Retry | None = None, *, limits: Limits | None = None) -> None:
        self._teacher, self._limits = teacher, limits or Limits()
        self._retry = retry or Retry.of(self._limits)
        self.identity = teacher.identity

    def answers(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[list[tuple[Job, Output]]]:
        """Yields answers some at a time.

        Raises:
            TeacherError: Some questions were not answered; those that were have been yielded.
            LimitReached: Likewise.
            ConfigError: The limits cannot be kept; likewise, or nothing was asked.
        """
        size = self._teacher.concurrency * AT_ONCE
        failed: list[TeacherError] = []
        budget, stop = Budget.of(self._limits), Stop()
        self._teacher.check()
        budget.check([self._teacher])
        with self._kept() as journal, asyncio.Runner() as runner:
            calls = Calls(journal=journal, budget=budget, stop=stop, retry=self._retry, tell=lambda event: None)
            if (seconds := budget.seconds_left) is not None:
                runner.get_loop().call_later(seconds, lambda: stop.set(budget.time_is_up()))
            try:
                for start in range(0, len(jobs), size):
                    part = jobs[start : start + size]
                    replies = runner.run(self._replies(calls, part, settings))
                    failed += [reply for reply in replies if isinstance(reply, TeacherError)]
                    answered = [
                        (job, _output(job, reply, settings))
                        for job, reply in zip(part, replies, strict=True)
                        if isinstance(reply, Reply)
                    ]
                    if answered:
                        yield answered
                    if stop.reason is not None or not answered:
                        break
            finally:
                runner.run(self._teacher.close())
        if stop.reason is not None:
            raise budget.final(stop.reason) or stop.reason
        if failed:
            raise TeacherError(
                f"{self.identity} did not answer {len(failed)} questions: {failed[0].message}",
                hint="the same command asks for these again, where an output file was named",
            )

    @property
    def priced(self) -> bool:
        """Whether it is known what its tokens cost; those of a program cost nothing."""
        return self._teacher.price is not None or not self._teacher.served

    def amounts(self, questions: Sequence[Question], settings: Evaluation) -> tuple[Amount, Amount]:
        """Returns what asking these questions would come to, about and at most; calls that fail come on top."""
        price = (self._teacher.price if self._teacher.served else None) or Price()
        calls, longest = len(questions), len(questions) * settings.max_new_tokens
        asked = sum(PER_MESSAGE + tokens(each.prompt) for each in questions)
        said = min(longest, calls * CHARACTERS / CHARACTERS_PER_TOKEN)
        most = sum(longest_prompt([Message(role="user", content=each.prompt)], None) for each in questions)
        return (
            Amount(calls, asked, said, price.of(asked, said)),
            Amount(calls, most, longest, price.most(most, longest)),
        )

    def _kept(self) -> AbstractContextManager[Journal | None]:
        """Opens the journal: a reply is on disk as soon as it is there, and not only when its batch is complete."""
        return nullcontext() if self.journal is None else Journal(self.journal)

    async def _replies(
        self, calls: Calls, jobs: Sequence[Job], settings: Evaluation
    ) -> list[Reply | TeacherError | None]:
        """Returns a reply or an error each; None where it was not asked for any more."""

        async def reply(job: Job) -> Reply | TeacherError | None:
            try:
                return (await calls.ask("student", self._teacher, _request(job, settings)))[0]
            except TeacherError as error:
                return error
            except Stopped:
                return None

        return await asyncio.gather(*map(reply, jobs))


def _request(job: Job, settings: Evaluation) -> Request:
    sampling = Sampling(
        temperature=settings.temperature,
        top_p=None if settings.top_p == 1 else settings.top_p,
        top_k=settings.top_k or None,
        max_tokens=settings.max_new_tokens,
        seed=1000 * job.seed + job.sample if settings.temperature else None,
    )
    return Request(messages=(Message(role="user", content=job.question.prompt),), sampling=sampling, sample=job.sample)


def _output(job: Job, reply: Reply, settings: Evaluation) -> Output:
    end = answer_end(reply.text) if settings.stop_at_answer else None
    return Output(
        prompt=job.question.prompt,
        text=reply.text[:end].strip(),
        prompt_tokens=reply.usage.prompt_tokens,
        output_tokens=reply.usage.completion_tokens,
        finish="length" if reply.finish_reason == "length" else "end" if end is None else "answer",
    )
