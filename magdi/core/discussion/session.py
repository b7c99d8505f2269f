"""The discussion of one question: a `Stepper` whose asks go to teachers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from magdi.core.discussion.calls import Calls
from magdi.core.discussion.events import Called, Ended, Event
from magdi.core.discussion.gate import Stopped
from magdi.core.discussion.seat import DiscussionSetup, Failure
from magdi.core.discussion.stepper import Pending, Stepper, ask_again
from magdi.core.errors import MagdiError, TeacherError, raised
from magdi.core.mag import Mag, Question, Usage
from magdi.core.protocol import Ask
from magdi.core.reply import Parsed, UnreadableReply, read_reply
from magdi.core.teacher import Request, Teacher

ASK_AGAIN_CHARACTERS = 4000  # of an unreadable reply that its author is shown again; a flood of text is no help

log = logging.getLogger(__name__)


class Said(NamedTuple):
    """What `Stepper.answer` is told of a turn."""

    step: int
    parsed: Parsed | None
    text: str
    usage: Usage
    attempts: int


class Sessions:
    """Holds discussions, one coroutine each.

    Args:
        setting: What they share.
        calls: How teachers are asked.
        tell: Receives events.
    """

    def __init__(self, setting: DiscussionSetup, calls: Calls, tell: Callable[[Event], None]) -> None:
        self._setting, self._calls, self._tell = setting, calls, tell
        self._seats = {seat.agent.name: seat for seat in setting.seats}

    async def hold(self, question: Question) -> Mag | Failure:
        """Holds one discussion to its end, or until a teacher fails.

        Raises:
            Stopped: The run is to end, and this discussion would need another call.
            MagdiError: Something that is wrong for all discussions: a broken protocol, a full disk.
        """
        setting = self._setting
        stepper = Stepper(
            question,
            setting.protocol,
            [seat.agent for seat in setting.seats],
            grade=setting.task.graded,
            protocol_name=setting.protocol_name,
            decide=setting.decide,
            model=lambda ask: self._teacher(ask).identity,
            keep_prompts=setting.settings.keep_prompts,
        )
        error = None
        with closing(stepper):
            while error is None and not stepper.done:
                said = await asyncio.gather(
                    *(self._turn(question, pending) for pending in stepper.pending), return_exceptions=True
                )
                error = _failure(said) or self._answer(stepper, said)
        rounds = max((turn.round for turn in stepper.turns), default=0)
        self._tell(Ended(question.id, rounds, error is not None))
        return stepper.result if error is None else Failure(question, error, stepper.turns)

    def _answer(self, stepper: Stepper, said: Sequence[Said | BaseException]) -> str | None:
        try:
            for turn in said:
                assert isinstance(turn, Said)
                stepper.answer(turn.step, turn.parsed, turn.text, usage=turn.usage, attempts=turn.attempts)
        except MagdiError:
            raise
        except Exception as error:
            log.debug("a discussion failed", exc_info=True)
            return raised(error)
        return None

    def _teacher(self, ask: Ask) -> Teacher:
        return self._seats[ask.agent.name].speaks(ask.role)

    async def _turn(self, question: Question, pending: Pending) -> Said:
        """Gets one turn said, asking again while it cannot be read."""
        ask, messages, usage = pending.ask, pending.messages, Usage()
        seat, teacher = self._seats[ask.agent.name], self._teacher(ask)
        schema = ask.reply.schema(question)
        for attempt in range(1, self._setting.settings.reasks + 2):
            request = Request(messages=messages, sampling=seat.sampling, json_schema=schema, sample=pending.sample)
            reply, kept = await self._calls.ask(seat.agent.name, teacher, request)
            cut = reply.finish_reason == "length"
            self._tell(Called(question.id, seat.agent.name, teacher.identity, reply.usage, kept, cut))
            usage = reply.usage if attempt == 1 else usage + reply.usage
            try:
                parsed = read_reply(reply.text, ask.reply, lambda text: self._setting.task.read(text, question))
                return Said(pending.step, parsed, reply.text, usage, attempt)
            except UnreadableReply as unreadable:
                # Some servers refuse a message without content.
                shown = reply.text[:ASK_AGAIN_CHARACTERS] or "(an empty reply)"
                messages = ask_again(messages, shown, str(unreadable))
        return Said(pending.step, None, reply.text, usage, attempt)


def _failure(said: Sequence[Said | BaseException]) -> str | None:
    """Returns why a wave failed, None where it did not; raises what concerns the whole run."""
    errors = [each for each in said if isinstance(each, BaseException)]
    for error in errors:
        if isinstance(error, Stopped) or (isinstance(error, MagdiError) and not isinstance(error, TeacherError)):
            raise error
    for error in errors:
        if not isinstance(error, Exception):
            raise error
        if not isinstance(error, TeacherError):
            log.debug("a discussion failed", exc_info=error)
        return error.message if isinstance(error, MagdiError) else raised(error)
    return None
