"""Multi-agent interaction graphs: who said what, after having been shown what, right or wrong.

A MAG is the paper's graph of one discussion (MAGDi, section 3.1): nodes are turns, and an edge (u, v) says that
the text of u stood in the prompt of v ("target's generation is conditioned on the source's generation").
One MAG is one line of JSON with the schema ``magdi.mag/1``.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from magdi.core.errors import MagFileError
from magdi.core.files import lines_of, whole_file

SCHEMA: Literal["magdi.mag/1"] = "magdi.mag/1"

LARGEST = 2**53
"""What whole numbers are bounded by: beyond it they are others in other programs, or no numbers there at all."""

# Characters that some tools take for the end of a line, though JSON lets them stand in a string.
LINE_BREAKS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}

SKIP_BAD = "--skip-bad keeps the good lines"

EdgeKind = Literal["content", "self", "summary", "critique", "control"]
AnswerType = Literal["number", "letter", "boolean", "expression", "text"]
Status = Literal["ok", "repaired", "invalid"]
LabelSource = Literal["gold", "value", "judge", "none"]


Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Choice(_Record):
    """One option of a multiple-choice question."""

    label: str = Field(description="What stands before the option, e.g. 'A'.")
    text: str = Field(description="The option itself.")


class Question(_Record):
    """One item of a task, with its gold answer."""

    id: str = Field(min_length=1, description="Stable and unique within the task's split.")
    text: str = Field(min_length=1, description="What is asked, without options or instructions.")
    gold: str | None = Field(default=None, description="The right answer in normal form; never shown to a teacher.")
    choices: tuple[Choice, ...] = Field(
        default=(), max_length=1000, description="The options of a multiple-choice question."
    )
    answer_type: AnswerType = Field(
        default="text", description="What form an answer has; decides hints and extraction."
    )
    task: str = Field(default="", description="The task it came from.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything else, e.g. steps, human rationale.")

    def blind(self) -> Question:
        """Returns the question as a protocol may see it: without gold answer and metadata."""
        return self.model_copy(update={"gold": None, "metadata": {}})

    @property
    def prompt(self) -> str:
        """The question's text followed by its options, one line each."""
        return "\n".join([self.text, *(f"({choice.label}) {choice.text}" for choice in self.choices)])


class Usage(_Record):
    """Tokens and money that a reply took."""

    prompt_tokens: Whole = 0
    completion_tokens: Whole = 0
    cost: float = Field(default=0.0, description="US dollars; 0 where no price is known.")

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost=self.cost + other.cost,
        )


class Seen(_Record):
    """An edge's source, as its target stores it: the step of an earlier turn, and how it was shown."""

    step: Annotated[int, Field(ge=0)]
    kind: EdgeKind = "content"


class Message(_Record):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Turn(_Record):
    """One thing said; a node of the MAG."""

    step: int = Field(ge=0, description="Position in time order; the node's index.")
    agent: str = Field(min_length=1, description="The name under which the teacher spoke.")
    role: str = Field(default="solver", description="solver, critic, moderator, judge, summariser, verifier, ...")
    round: int = Field(default=0, ge=0, le=LARGEST, description="0 is what was said before anyone was shown anything.")
    branch: tuple[Whole, ...] = Field(default=(), description="Path of sample indices, for tree protocols.")
    seen: tuple[Seen, ...] = Field(default=(), description="The earlier turns whose text stood in this turn's prompt.")
    text: str = Field(description="The reply as it came, whole.")
    reasoning: str = Field(default="", description="The reasoning in it, without the final answer's wrapping.")
    answer: str | None = Field(default=None, description="The final answer in the task's normal form.")
    confidence: float | None = Field(default=None, ge=0, le=1, description="As the agent stated it.")
    correct: bool | None = Field(default=None, description="The turn's own answer against the gold answer.")
    label: bool | None = Field(default=None, description="What training uses; None takes the turn out of every loss.")
    label_source: LabelSource = "none"
    value: float | None = Field(default=None, description="Estimated chance that what follows ends well (MALT).")
    status: Status = "ok"
    attempts: int = Field(default=1, ge=1, le=LARGEST, description="Replies asked for until one could be parsed.")
    model: str = Field(default="", description="The teacher's specification, e.g. 'openai:gpt-4o'.")
    usage: Usage = Usage()
    prompt: tuple[Message, ...] | None = Field(default=None, description="The prompt, where prompts are kept.")

    @property
    def sources(self) -> tuple[int, ...]:
        """Steps of the turns that it was shown, in order."""
        return tuple(edge.step for edge in self.seen)

    @model_validator(mode="after")
    def _sees_only_the_past(self) -> Self:
        steps = self.sources
        if any(step >= self.step for step in steps):
            raise ValueError(f"turn {self.step} has seen turn {max(steps)}, which was not said before it")
        if len(set(steps)) != len(steps):
            raise ValueError(f"turn {self.step} has seen a turn twice: {sorted(steps)}")
        return self


class Decision(_Record):
    """What the discussion answered, and by which rule."""

    answer: str | None = None
    rule: str = ""
    votes: dict[str, FiniteFloat] = Field(default_factory=dict, description="Weight that each answer got.")
    correct: bool | None = None


class Mag(_Record):
    """A discussion as a graph: a question, turns in time order, what each had been shown, and the decision."""

    schema_: Literal["magdi.mag/1"] = Field(default=SCHEMA, alias="schema")
    id: str = Field(min_length=1)
    question: Question
    protocol: str
    turns: tuple[Turn, ...] = Field(min_length=1)
    decision: Decision = Decision()
    stop: str = Field(default="", description="Why it ended: consensus, rounds, budget, ...")
    metadata: dict[str, Any] = Field(default_factory=dict)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    drawn: ClassVar[Callable[[Mag], str] | None] = None
    """Draws a MAG as HTML for notebooks; given by `magdi.notebook`, as drawing is no business of this file."""

    @model_validator(mode="after")
    def _steps_count_up(self) -> Self:
        if [turn.step for turn in self.turns] != list(range(len(self.turns))):
            raise ValueError(f"turns must carry steps 0..{len(self.turns) - 1} in order")
        return self

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """All (u, v) with u in seen(v), in the order of v, then of u's place in seen(v)."""
        return tuple((source, turn.step) for turn in self.turns for source in turn.sources)

    @property
    def rounds(self) -> int:
        """Rounds after the first, R'; the paper's graph type is G{rounds}."""
        return max(turn.round for turn in self.turns)

    @property
    def structure(self) -> str:
        """The graph type by rounds after the first: G0, G1, ...; the paper has G0 to G3 (section 3.1)."""
        return f"G{self.rounds}"

    @property
    def usage(self) -> Usage:
        """Tokens and money of all turns together."""
        return sum((turn.usage for turn in self.turns), Usage())

    def _repr_html_(self) -> str | None:
        return None if Mag.drawn is None else Mag.drawn(self)

    def to_line(self) -> str:
        """Returns the MAG as one line of JSON, fields at their defaults left out."""
        fields = {"schema": SCHEMA} | self.model_dump(mode="json", exclude_defaults=True)
        line = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return line.translate(LINE_BREAKS)


MOST_NAMED = 5
"""Unreadable lines that an error names; all are counted."""


_BLANK = codecs.BOM_UTF8 + b" \t\r\n\v\f"


def read_mags(path: Path | str, *, on_bad_line: list[MagFileError] | None = None) -> Iterator[Mag]:
    """Yields the MAGs of a JSONL file, one at a time.

    Args:
        path: A file of ``magdi.mag/1`` lines; blank lines are passed over.
        on_bad_line: Where to put the errors of unreadable lines, which are then skipped. Without it the first one
            ends the reading, and the error names it and others that follow in the file.

    Raises:
        MagFileError: The file is missing, or lines are no valid MAGs.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 (closed by the with below)
    except OSError as error:
        raise MagFileError(path, 0, f"cannot be read: {error.strerror}") from error
    with file:
        yield from mags_in(file, path, on_bad_line)


def mags_in(file: IO[bytes], path: Path | str, on_bad_line: list[MagFileError] | None = None) -> Iterator[Mag]:
    """Yields the MAGs of an open file; see `read_mags`."""
    lines = ((number, line) for number, line in enumerate(lines_of(file, path), start=1) if line.strip(_BLANK))
    for number, line in lines:
        try:
            mag = _parse(path, number, line)
        except MagFileError as error:
            if on_bad_line is None:
                raise _together([error, *_bad(path, lines)]) from None
            on_bad_line.append(error)
        else:
            yield mag


def _parse(path: Path | str, number: int, line: bytes) -> Mag:
    try:
        return Mag.model_validate_json(line.strip().removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        said = problems_of(error).replace("at line 1 column", "at column")  # the parser knows the line alone
        raise MagFileError(path, number, said, hint=SKIP_BAD) from None


def problems_of(error: ValidationError) -> str:
    """Returns what is wrong with a MAG, the first three problems of it."""
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'line'}: {problem['msg']}"
        for problem in error.errors(include_url=False)[:3]
    )


def _bad(path: Path | str, lines: Iterable[tuple[int, bytes]]) -> Iterator[MagFileError]:
    """Yields the errors of the lines that are no valid MAGs."""
    for number, line in lines:
        try:
            _parse(path, number, line)
        except MagFileError as error:
            yield error


def _together(errors: list[MagFileError]) -> MagFileError:
    """Returns one error for several of a file: how many lines, and what is wrong with the first of them."""
    if len(errors) == 1:
        return errors[0]
    named = [f"  line {error.line}: {error.problem}" for error in errors[:MOST_NAMED]]
    more = [f"  and {len(errors) - MOST_NAMED} more"] if len(errors) > MOST_NAMED else []
    said = "\n".join([f"{len(errors)} lines cannot be read:", *named, *more])
    return MagFileError(errors[0].path, 0, said, hint=SKIP_BAD)


def write_mags(path: Path | str, mags: Iterable[Mag]) -> int:
    """Writes MAGs as JSONL, whole or not at all; returns how many."""
    count = 0
    with whole_file(Path(path)) as file:
        for count, mag in enumerate(mags, start=1):  # noqa: B007
            file.write(mag.to_line() + "\n")
    return count
