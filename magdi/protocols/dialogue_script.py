"""What a dialogue is written in: members, what they see, steps, and conditions that end them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from magdi.core.config.yaml_text import read_document
from magdi.core.configurable import Repeats
from magdi.core.decision import consensus, last_words
from magdi.core.errors import DataError
from magdi.core.files import read_text
from magdi.core.mag import Turn
from magdi.core.quotation import own_words
from magdi.core.reply import FreeAnswer, FreeText, JsonAnswer, ReplyFormat

FORMS: dict[str, type[ReplyFormat]] = {"answer": FreeAnswer, "json": JsonAnswer, "text": FreeText}


def read_dialogue(path: Path) -> dict[str, object]:
    """Reads a dialogue's settings from a YAML file of its own.

    Raises:
        ValueError: It cannot be read, or is no mapping with a cast or steps.
    """
    try:
        settings = read_document(read_text(path))
    except DataError as error:
        raise ValueError(error.message) from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError(f"{path} is no mapping of cast and steps")
    if not settings.keys() & {"cast", "steps"}:
        raise ValueError(f"{path} has neither cast nor steps at its top: is it a whole run's configuration?")
    return settings


def check_until(until: str) -> None:
    """Raises ValueError for a condition that does not exist."""
    quoted = len(until) > 2 and until[0] == until[-1] and until[0] in "'\""
    if until not in ("", "consensus", "approved") and not quoted:
        raise ValueError(f"until is consensus, approved or a word in quotes, not {until!r}")


def ended(until: str, said: Sequence[Spoken], voters: int) -> str:
    """Returns the reason when the condition is met by what was said so far, "" when it is not, or nothing was."""
    if not said:
        return ""
    if until == "consensus":
        words = last_words([spoken.turn for spoken in said])
        return until if len(words) == voters and consensus(words) else ""
    word = "APPROVE" if until == "approved" else until[1:-1]
    return (until if until == "approved" else "mention") if word and word in own_words(said[-1].turn.text) else ""


class Member(BaseModel):
    """Somebody who takes part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[\w-]+$", description="What steps call this member.")
    persona: str = Field("", description="What the member is told about itself; the agent's own when left out.")
    role: str = Field("solver", description="Role in the graph; turns of a critic are shown as critique.")
    reply: Literal["answer", "json", "text"] = Field(
        "answer", description="Form of its replies: an answer, an answer with confidence as JSON, or no answer."
    )
    ask: str = Field("Answer the question.", min_length=1, description="What it is asked to do.")


class Step(BaseModel):
    """A wave, or steps that are repeated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speak: tuple[str, ...] = Field((), description="Members who speak at once; all of them: [all].")
    sees: tuple[str, ...] = Field(
        (),
        description="What they are shown: all, last (everybody's newest), previous (the wave before), own, others, or "
        "a member's name; with .last or .all where it may be several.",
    )
    ask: str = Field("", description="What they are asked here, instead of what the cast says.")
    steps: tuple[Step, ...] = Field((), description="Steps to repeat.")
    repeat: Repeats = Field(1, ge=1, description="How often they are done at most.")
    until: str = Field(
        "",
        description="Ends this step before its time: consensus, approved (a text holds APPROVE) or a word in quotes; "
        "looked at after every wave in it.",
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if bool(self.speak) == bool(self.steps):
            raise ValueError("a step has either speak or steps")
        if self.sees and self.steps:
            raise ValueError("sees belongs to a step that speaks")
        check_until(self.until)
        return self


def flat(steps: Sequence[Step]) -> list[Step]:
    """Returns the steps that speak, in order, those inside others included."""
    return [inner for step in steps for inner in ([step] if step.speak else flat(step.steps))]


WORDS = ("all", "last", "previous", "own", "others")


class Spoken(NamedTuple):
    """A turn and the member of the cast who said it."""

    name: str
    turn: Turn


def sight(words: Iterable[str], name: str, said: Sequence[Spoken]) -> list[Turn]:
    """Returns what a member is shown.

    ``all``: everything; ``last``: the newest turn of each member; ``previous``: the last wave; ``own`` and ``others``:
    what the member itself, or all others, have said; a name: what that member has said. ``own``, ``others`` and names
    stand for all turns, or the newest of each member with ``.last``.
    """
    picked = {spoken.turn.step: spoken.turn for word in words for spoken in _picked(word, name, said)}
    return [picked[step] for step in sorted(picked)]


def _picked(word: str, name: str, said: Sequence[Spoken]) -> list[Spoken]:
    who, _, which = word.partition(".")
    match who:
        case "all":
            return list(said)
        case "last":
            return _newest(said)
        case "previous":
            round = max((spoken.turn.round for spoken in said), default=0)
            return [spoken for spoken in said if spoken.turn.round == round]
        case "own":
            found = [spoken for spoken in said if spoken.name == name]
        case "others":
            found = [spoken for spoken in said if spoken.name != name]
        case _:
            found = [spoken for spoken in said if spoken.name == who]
    return _newest(found) if which == "last" else found


def _newest(said: Sequence[Spoken]) -> list[Spoken]:
    return list({spoken.name: spoken for spoken in said if spoken.turn.status != "invalid"}.values())


def check_sight(word: str, names: Collection[str]) -> None:
    """Raises ValueError for a word that picks nothing; any name goes where the cast is the agents."""
    who, dot, which = word.partition(".")
    if dot and which not in ("last", "all"):
        raise ValueError(f"{word!r}: only .last and .all may follow a name")
    if who not in WORDS and names and who not in names:
        raise ValueError(f"{word!r} is nobody and nothing that can be seen: {', '.join([*WORDS, *names])}")
