"""What the student answered before and after distillation, beside what teachers said to the same question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from magdi.core.decision import last_words
from magdi.core.evaluation.prediction import Prediction
from magdi.core.mag import Mag
from magdi.plugins.report.blocks import Browser, Section, may_have_mathematics
from magdi.plugins.report.chunks import Store
from magdi.plugins.runs.result import NAMES

SHOWN_SAMPLES = 8  # draws of one question that are shown whole
LISTED = 400


@dataclass(frozen=True)
class Answers:
    """Predictions by who made them (``base``, ``student``), and the questions' texts where they are known.

    Attributes:
        predictions: All of them.
        questions: By id, the text of a question.
    """

    predictions: Mapping[str, list[Prediction]]
    questions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_question(self) -> dict[str, dict[str, list[Prediction]]]:
        """By question and by who, the predictions."""
        found: dict[str, dict[str, list[Prediction]]] = {}
        for who, predictions in self.predictions.items():
            for prediction in predictions:
                found.setdefault(prediction.id, {}).setdefault(who, []).append(prediction)
        return found

    def section(self, teachers: Mapping[str, Mag]) -> Section:
        """Returns the browser of answers.

        Args:
            teachers: By question, the discussion that teachers held on it.
        """
        shown = [who for who in NAMES if who in self.predictions]
        teams = ["team"] if teachers else []
        store = Store("answers", (*teams, *shown, "question", "gold", "task", "tokens"))
        for name, by_who in self.by_question.items():
            self._add(store, name, by_who, teachers.get(name), teams)
        titles = [("team", "teachers")] * len(teams) + [(who, NAMES[who]) for who in shown]
        note = "Every answer to the held-out questions, right and wrong."
        if not teachers:
            note += " Teachers discussed other questions, so there is nothing of theirs to put beside them."
        browser = Browser("answers", "answer", store, {"who": titles}, self._mathematics(teachers))
        return Section("answers", "Answers", (browser,), note)

    def _mathematics(self, teachers: Mapping[str, Mag]) -> bool:
        said = (each.output for predictions in self.predictions.values() for each in predictions)
        taught = (turn.reasoning or turn.text for mag in teachers.values() for turn in mag.turns)
        return any(map(may_have_mathematics, chain(self.questions.values(), said, taught)))

    def _add(
        self, store: Store, name: str, by_who: dict[str, list[Prediction]], mag: Mag | None, teams: list[str]
    ) -> None:
        any_of = next(iter(by_who.values()))[0]
        text = self._text(name, any_of.prompt)
        said = [*_said(mag)] if mag else []
        for who, predictions in by_who.items():
            said += [_answer(who, prediction) for prediction in predictions[:SHOWN_SAMPLES]]
        record = {"question": text, "gold": any_of.gold, "answers": said}
        index: dict[str, object] = {who: None for who in NAMES if who in self.predictions}
        index |= {who: predictions[0].correct for who, predictions in by_who.items()}
        index |= {team: mag.decision.correct if mag else None for team in teams}
        store.add(
            json.dumps(record, ensure_ascii=False, separators=(",", ":")),
            id=name,
            question=text[:LISTED],
            gold=any_of.gold or "",
            task=any_of.task,
            tokens=max(prediction.output_tokens for each in by_who.values() for prediction in each),
            **index,
        )

    def _text(self, name: str, prompt: str) -> str:
        """Returns the question alone, unless the task words it otherwise today than when it was asked."""
        text = self.questions.get(name, "")
        return text if text and text in prompt else prompt


def _answer(who: str, prediction: Prediction) -> dict[str, object]:
    kept = {"answer", "correct", "output", "prompt", "output_tokens", "finish", "score", "sample"}
    return {"who": who, **prediction.model_dump(mode="json", include=kept)}


def _said(mag: Mag) -> list[dict[str, object]]:
    return [
        {
            "who": "teacher",
            "name": f"{turn.agent}, round {turn.round}",
            "answer": turn.answer,
            "correct": turn.correct,
            "output": turn.reasoning or turn.text,
            "output_tokens": turn.usage.completion_tokens,
            "confidence": turn.confidence,
        }
        for turn in last_words(mag.turns)
    ]
