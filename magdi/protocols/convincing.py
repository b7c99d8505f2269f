"""Convincing samples: human explanations that once changed an agent's mind (ReConcile, section 4).

An agent's samples are training questions that it got wrong alone and right after reading the human explanation; the
*other* agents are shown them, as examples of what convinces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from magdi.core.errors import DataError
from magdi.core.files import read_text
from magdi.core.mag import Question, problems_of


class Sample(BaseModel):
    """A training question with the explanation that convinced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1, description="The question with its options.")
    explanation: str = Field(min_length=1, description="The human explanation.")
    answer: str = Field(min_length=1, description="The right answer.")


_SAMPLES = TypeAdapter(dict[str, tuple[Sample, ...]])


def _read(value: Any) -> Any:
    if not isinstance(value, str | Path):
        return value
    try:
        return _SAMPLES.validate_json(read_text(Path(value)))
    except DataError as error:
        raise ValueError(error.message) from None
    except ValidationError as error:
        raise ValueError(f"{value} holds no convincing samples: {problems_of(error)}") from None


Convincing = Annotated[Mapping[str, tuple[Sample, ...]], BeforeValidator(_read)]
"""Samples by the agent whom they convinced."""


def samples_for(convincing: Convincing, agent: str, question: Question, count: int) -> list[Sample]:
    """Returns what an agent is shown: at most ``count`` samples of each *other* agent.

    The question being discussed is never among them, for its explanation would give the answer away.
    """
    asked = (question.text, question.prompt)
    return [
        sample
        for name, samples in convincing.items()
        if name != agent
        for sample in [each for each in samples if each.question not in asked][:count]
    ]
