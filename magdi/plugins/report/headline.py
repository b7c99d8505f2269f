"""The first thing that a page shows: what came out, and accuracy against tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from magdi.core.evaluation.prediction import Prediction
from magdi.core.evaluation.scores import Scores, score
from magdi.core.evaluation.statistics import paired_difference
from magdi.plugins.report.blocks import Block, Fact, Facts, Notice, Point, Scatter
from magdi.plugins.report.shares import mean, points, wilson_of
from magdi.plugins.report.talk import TALK, TalkFigures
from magdi.plugins.runs.result import NAMES
from magdi.plugins.sheet import p_value, percent

SIMULATED = (
    "The teachers of this run are simulated: programs that make slips on purpose, no language models. What holds here "
    "says nothing of real teachers."
)
PARTLY_SIMULATED = (
    "Of {count:,} discussions {simulated:,} are of simulated teachers: programs that make slips on purpose, no "
    "language models. What holds here says nothing of real teachers alone."
)
STUDENT_GROUP = "student"


def blocks(talk: TalkFigures, predictions: Mapping[str, list[Prediction]]) -> list[Block]:
    """Returns the summary of discussions and predictions, as far as there are any.

    Args:
        talk: What the discussions came to.
        predictions: By who made them (``base``, ``student``), predictions.
    """
    scores = scored(predictions)
    found: list[Block] = list(_notices(talk))
    facts = (*_student_facts(scores, predictions), *_talk_facts(talk))
    found += [Facts(facts)] if facts else []
    marks = (*_student_points(scores), *talk.points())
    return [*found, _scatter(marks)] if len(marks) > 1 else found


def scored(predictions: Mapping[str, list[Prediction]]) -> dict[str, Scores]:
    """Returns by who made them how good predictions are; of those that cannot be graded nothing."""
    return {who: score(found) for who, found in predictions.items() if all(each.correct is not None for each in found)}


def _notices(talk: TalkFigures) -> Iterator[Notice]:
    if talk.only_simulated:
        yield Notice(SIMULATED)
    elif talk.simulated:
        yield Notice(PARTLY_SIMULATED.format(count=len(talk.mags), simulated=talk.simulated))


def _talk_facts(talk: TalkFigures) -> Iterator[Fact]:
    if not talk.mags:
        return
    written = talk.written
    yield Fact("discussions", f"{len(talk.mags):,}", f"{written:.0f} tokens written in each" if written else "")
    if talk.decided:
        yield Fact("teachers' teams right", percent(mean(talk.decided)), _interval(wilson_of(talk.decided)))
    if talk.first_answers:
        yield Fact("teachers' first answers right", percent(mean(talk.first_answers)), "before they saw anything")


def _student_facts(scores: Mapping[str, Scores], predictions: Mapping[str, list[Prediction]]) -> Iterator[Fact]:
    for who, name in NAMES.items():
        if who in scores:
            one = scores[who]
            yield Fact(name, percent(one.accuracy), f"{_interval(one.interval)}, {one.count:,} questions")
    if len(scores) == len(NAMES):
        gain = paired_difference(*(predictions[who] for who in NAMES))
        low, high = gain.interval
        note = f"points, {points(low)} to {points(high)}, p {p_value(gain.p)}: {gain.verdict}"
        tone = {"better": "good", "worse": "bad"}.get(gain.verdict, "")
        yield Fact("gain, paired", points(gain.difference), note, tone)  # type: ignore[arg-type]
    if "student" in scores:
        yield Fact("tokens an answer", f"{scores['student'].output_tokens_mean:.1f}", "of the distilled student")


def _student_points(scores: Mapping[str, Scores]) -> Iterator[Point]:
    for who, one in scores.items():
        yield Point(NAMES[who], one.output_tokens_mean, one.accuracy, *one.interval, group=STUDENT_GROUP)


def _scatter(marks: tuple[Point, ...]) -> Scatter:
    note = "Tokens written for a question, on average; bars are 95 % intervals."
    if any(mark.group == STUDENT_GROUP for mark in marks) and len({mark.group for mark in marks}) > 1:
        note += " The student answers held-out questions, teachers discussed training questions."
    return Scatter(
        "Accuracy against tokens",
        "tokens written a question",
        "right",
        marks,
        note=note,
        log=all(mark.x > 0 for mark in marks),
        joined=(TALK,),
    )


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}"
