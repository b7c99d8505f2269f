"""A run as it lies on disk, made by hand."""

from __future__ import annotations

from pathlib import Path

from magdi.core.config.models import RunConfig
from magdi.core.evaluation.prediction import Prediction, PredictionFile
from magdi.core.mag import Decision, Mag, Message, Question, Seen, Turn, Usage, write_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.metrics import MetricsFile

EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked=2'><!-- <b>&amp;"


def a_mag(number: int, *, evil: bool = False, rounds: int = 1) -> Mag:
    """Two agents: ada is always right, ben says 1 too many until he has seen ada; even numbers end at once."""
    gold = str(number)
    words = EVIL if evil else f"pebble{number}"
    turns: list[Turn] = []
    for round_ in range(1 + (rounds if number % 2 else 0)):
        for agent in ("ada", "ben"):
            right = agent == "ada" or round_ > 0 or number % 2 == 0
            step = len(turns)
            before = range(2 * (round_ - 1), 2 * round_) if round_ else ()
            turns.append(
                Turn(
                    step=step,
                    agent=agent,
                    round=round_,
                    seen=tuple(Seen(step=s, kind="self" if turns[s].agent == agent else "content") for s in before),
                    text=f"reply {step} {words}",
                    reasoning=f"because {words}",
                    answer=gold if right else str(number + 1),
                    confidence=0.5,
                    correct=right,
                    label=right,
                    label_source="gold",
                    model=f"replay:{agent}",
                    usage=Usage(prompt_tokens=10, completion_tokens=20),
                    prompt=(Message(role="user", content=f"prompt {step} {words}"),),
                )
            )
    question = Question(id=f"q{number}", text=f"What is {number}? {EVIL if evil else ''}".strip(), gold=gold)
    decision = Decision(answer=gold, rule="plurality", votes={gold: 2.0}, correct=True)
    return Mag(
        id=f"q{number}",
        question=question,
        protocol="reconcile",
        turns=tuple(turns),
        decision=decision,
        stop="consensus",
    )


def a_prediction(number: int, right: bool) -> Prediction:
    answer = str(number) if right else "0"
    return Prediction(
        id=f"q{number}",
        prompt=f"<s>What is {number}?",
        output=f"The answer is {answer}. {EVIL}",
        answer=answer,
        gold=str(number),
        correct=right,
        output_tokens=5 + number % 7,
    )


def a_run(path: Path, *, student: int = 3, **settings: object) -> RunDirectory:
    """A finished run of 130 discussions; the student gets all but every ``student``-th answer right."""
    directory = RunDirectory.open(path, RunConfig(**settings))
    write_mags(directory.mags, [a_mag(number, evil=number == 1) for number in range(130)])
    lines = MetricsFile(directory.metrics)
    for step in range(1, 40):
        terms = {f"loss/{term}": 2 / step for term in ("positive", "margin", "node")}
        lines.write(
            {"step": step, "loss": 6 / step, "grad_norm": 1.0, "learning_rate": 5e-6 / step, "threads": 1.0, **terms}
        )
    lines.write({"step": 40, "loss": float("nan"), "accuracy/pairs": 0.75, "surprise": 3.0})
    lines.close()
    made = {"model": "tiny"}
    directory.predictions("base").parent.mkdir()
    PredictionFile(directory.predictions("base"), made).finish([a_prediction(n, n % 2 == 0) for n in range(1, 61)])
    PredictionFile(directory.predictions("student"), made).finish(
        [a_prediction(n, n % student != 0) for n in range(1, 61)]
    )
    directory.update(status="done", versions={"magdi": "0"}, stages={})
    return directory
