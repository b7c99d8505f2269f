"""Recorded discussions to answer from: the turns of a MAG file, or the replies of a journal."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from magdi.core.discussion.journal import JournalReader, canonical, prompt_key
from magdi.core.errors import DataError, TeacherError
from magdi.core.evaluation.prediction import SQLITE
from magdi.core.mag import Mag, Message, Question, Turn
from magdi.core.quotation import quoted_forms
from magdi.core.teacher import Reply, Request
from magdi.plugins.corpus.files import read

LIKENESS = 0.5  # of what a prompt shows and what a turn was shown, below which the turn is no answer to the prompt
ANCHOR = 32  # first characters by which a question is found in a prompt


class Recording(ABC):
    """Replies that were given once.

    Attributes:
        speakers: Who gave them, agents before their models, in the order in which they first spoke.
        digest: Hash of the content, part of a replay's identity.
    """

    speakers: tuple[str, ...]
    digest: str

    @abstractmethod
    def reply(self, request: Request, speaker: str) -> Reply:
        """Returns the reply to a request; an empty ``speaker`` stands for anybody.

        Raises:
            TeacherError: There is none.
        """


def open_recording(path: Path) -> Recording:
    """Reads a MAG file or a journal.

    Raises:
        DataError: The file is missing, or neither of the two.
    """
    try:
        with path.open("rb") as file:
            is_journal = file.read(len(SQLITE)) == SQLITE
    except OSError as error:
        raise DataError(f"the recording {path} cannot be read: {error.strerror}") from error
    return JournalRecording(path) if is_journal else MagRecording(read(path))


class JournalRecording(Recording):
    """The replies of a journal, found by the exact messages; the same sampling goes first where it varies."""

    def __init__(self, path: Path) -> None:
        self._journal = JournalReader(path)
        self._found: dict[bytes, list[_Row]] = {}
        whole = hashlib.sha256()
        for entry in self._journal.entries():
            try:
                fields = json.loads(entry.request)
                row = _Row(entry.key, entry.prompt, entry.teacher, int(fields.get("sample", 0)))
                messages = _messages_key(fields["messages"])
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
                raise DataError(f"{path} is no journal of magdi: a request in it is none") from None
            self._found.setdefault(messages, []).append(row)
            whole.update(entry.prompt + entry.teacher.encode())
        self.speakers = tuple(dict.fromkeys(row.teacher for rows in self._found.values() for row in rows))
        self.digest = whole.hexdigest()

    def reply(self, request: Request, speaker: str) -> Reply:
        """See `Recording.reply`."""
        messages = [[message.role, message.content] for message in request.messages]
        rows = [row for row in self._found.get(_messages_key(messages), []) if speaker in ("", row.teacher)]
        if len({row.teacher for row in rows}) > 1:
            who = ", ".join(dict.fromkeys(row.teacher for row in rows))
            raise TeacherError(f"several teachers answered this prompt: {who}", hint="say which: replay:FILE#TEACHER")
        exact = prompt_key(canonical(request))
        best = [row for row in rows if row.prompt == exact] or [row for row in rows if row.sample == request.sample]
        if not best:
            raise TeacherError(f"the journal has no reply to this prompt{f' of {speaker}' if speaker else ''}")
        entry = self._journal.find(best[0].key)
        if entry is None:
            raise TeacherError(f"the reply to this prompt in {self._journal.path} has changed since it was kept")
        return Reply.model_validate_json(entry.reply)


class _Row(NamedTuple):
    key: bytes
    prompt: bytes
    teacher: str
    sample: int


class MagRecording(Recording):
    """The turns of MAGs: by exact prompt where prompts were kept, else the turn that was shown the same.

    Without prompts, a request is matched by the question whose text it holds and by the recorded turns whose words it
    quotes: the speaker's turn whose edges come from just those turns is the answer. Turns that fit equally well (three
    agents in round 0) are told apart by the request's sample number.
    """

    def __init__(self, mags: Iterable[Mag]) -> None:
        self._prompts: dict[bytes, list[Turn]] = {}
        self._anchors: dict[str, list[Mag]] = {}
        speakers: dict[str, None] = {}
        models: dict[str, None] = {}
        whole = hashlib.sha256()
        for mag in mags:
            whole.update(mag.to_line().encode())
            self._anchors.setdefault(mag.question.text[:ANCHOR], []).append(mag)
            for turn in mag.turns:
                speakers[turn.agent] = models[turn.model] = None
                if turn.prompt is not None:
                    messages = [[message.role, message.content] for message in turn.prompt]
                    self._prompts.setdefault(_messages_key(messages), []).append(turn)
        self._lengths = sorted({len(anchor) for anchor in self._anchors}, reverse=True)
        self.speakers = tuple(dict.fromkeys(name for name in [*speakers, *models] if name))
        self.digest = whole.hexdigest()

    def reply(self, request: Request, speaker: str) -> Reply:
        """See `Recording.reply`."""
        messages = [[message.role, message.content] for message in request.messages]
        turns = _of(speaker, self._prompts.get(_messages_key(messages), []))
        if not turns:
            turns = _shown_alike(request.messages, self._mag(request.messages), speaker)
        if request.sample >= len(turns):
            raise TeacherError(f"the recording has {len(turns)} replies to this prompt and not {request.sample + 1}")
        turn = turns[request.sample]
        return Reply(text=turn.text, usage=turn.usage)

    def _mag(self, messages: Sequence[Message]) -> Mag:
        """Returns the MAG of the question that a prompt asks, the longest one where a question holds another."""
        found = [
            mag
            for message in messages
            for mag in self._starting_in(message.content)
            if mag.question.text in message.content
        ]
        if not found:
            raise TeacherError("the recording has no discussion of the question in this prompt")
        return max(found, key=lambda mag: len(mag.question.text))

    def _starting_in(self, text: str) -> Iterable[Mag]:
        """Yields the MAGs whose question may begin at some word of a text."""
        starts = [0, *(place + 1 for place, letter in enumerate(text) if letter in " \n\t\"'(:>")]
        for length in self._lengths:
            for start in starts:
                yield from self._anchors.get(text[start : start + length], ())


def _shown_alike(messages: Sequence[Message], mag: Mag, speaker: str) -> list[Turn]:
    """Returns the turns of a speaker that were shown what a prompt shows, or most nearly so."""
    text = "\n".join(message.content for message in messages)
    shown = {turn.step for turn in mag.turns if _quoted(turn, mag.question, text)}
    likeness = {turn.step: _likeness(shown, set(turn.sources)) for turn in _of(speaker, mag.turns)}
    best = max(likeness.values(), default=0.0)
    if best < LIKENESS:
        who = f"turn of {speaker}" if speaker else "turn"
        raise TeacherError(f"the recording of question {mag.question.id!r} has no {who} that was shown this prompt")
    return [turn for turn in mag.turns if likeness.get(turn.step) == best]


def _likeness(shown: set[int], seen: set[int]) -> float:
    return len(shown & seen) / len(shown | seen) if shown | seen else 1.0


def _quoted(turn: Turn, question: Question, text: str) -> bool:
    words = turn.reasoning or turn.text
    return bool(words.strip()) and words not in question.text and any(form in text for form in quoted_forms(words))


def _of(speaker: str, turns: Iterable[Turn]) -> list[Turn]:
    return [turn for turn in turns if speaker in ("", turn.agent, turn.model)]


def _messages_key(messages: Sequence[Sequence[str]]) -> bytes:
    return hashlib.sha256(json.dumps(messages).encode()).digest()
