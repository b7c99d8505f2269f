"""The loop that stops where it would have to wait."""

import asyncio
import threading

import pytest

from magdi.protocols.stepped_loop import SteppedLoop


def answer(loop: SteppedLoop[str, int], *values: int) -> list[str]:
    calls, loop.calls = loop.calls, []
    for call, value in zip(calls, values, strict=True):
        call.future.set_result(value)
    loop.step()
    return [call.question for call in calls]


def test_what_asks_at_one_time_waits_together() -> None:
    loop: SteppedLoop[str, int] = SteppedLoop()

    async def work() -> int:
        first, second = await asyncio.gather(loop.ask("a"), loop.ask("b"))
        return first + second + await loop.ask("c")

    loop.start(work())
    assert answer(loop, 1, 2) == ["a", "b"]
    assert not loop.done
    assert answer(loop, 4) == ["c"]
    assert loop.task.result() == 7
    loop.close()


def test_it_can_be_stepped_inside_a_running_loop_and_leaves_no_thread_behind() -> None:
    before = threading.active_count()

    async def outside() -> int:
        loop: SteppedLoop[str, int] = SteppedLoop()
        loop.start(loop.ask("x"))
        assert threading.active_count() == before
        assert answer(loop, 5) == ["x"]
        result = loop.task.result()
        loop.close()
        return result

    assert asyncio.run(outside()) == 5


def test_timers_run_while_nobody_is_asked() -> None:
    loop: SteppedLoop[str, int] = SteppedLoop()

    async def work() -> int:
        await asyncio.sleep(0.01)
        return await loop.ask("later")

    loop.start(work())
    assert answer(loop, 1) == ["later"]
    assert loop.done
    loop.close()


def test_a_failure_is_the_tasks_and_closing_cancels_what_waits() -> None:
    failing: SteppedLoop[str, int] = SteppedLoop()

    async def fails() -> None:
        raise KeyError("no")

    failing.start(fails())
    assert isinstance(failing.task.exception(), KeyError)
    failing.close()
    waiting: SteppedLoop[str, int] = SteppedLoop()
    waiting.start(waiting.ask("never"))
    waiting.close()
    waiting.close()
    assert waiting.task.cancelled()
    with pytest.raises(RuntimeError, match="not started"):
        _ = SteppedLoop[str, int]().task


def test_nothing_is_begun_as_python_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    loop: SteppedLoop[str, int] = SteppedLoop()
    loop.start(loop.ask("x"))
    with monkeypatch.context() as ending:
        ending.setattr("sys.is_finalizing", lambda: True)
        ending.setattr(threading, "Thread", None)  # one that is begun then is waited for without end
        loop.close()
    loop.close()
