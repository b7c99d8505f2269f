"""Reply formats of moderators: a verdict that may be left open, and the choice of who speaks next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from magdi.core.mag import Question
from magdi.core.quotation import own_words
from magdi.core.reply import ANSWER_HINTS, Extract, Parsed, ReplyFormat, UnreadableReply, json_scalar, read_json_object


class ModeratorVerdict(ReplyFormat):
    """A moderator's JSON: whether one side is right, and only then an answer."""

    def instructions(self, question: Question) -> str:
        """Names the keys, and says that the answer may be left empty."""
        hint = ANSWER_HINTS[question.answer_type]
        return (
            'Reply with one JSON object and nothing else. Its keys: "reasoning" (what speaks for and against each '
            'side), "decided" (true if you are sure which answer is right, else false), '
            f'"answer" ({hint} if decided, else the empty string).'
        )

    def schema(self, question: Question) -> dict[str, object]:
        """The three keys, all required."""
        kinds = {"reasoning": "string", "decided": "boolean", "answer": "string"}
        return {
            "type": "object",
            "properties": {name: {"type": kind} for name, kind in kinds.items()},
            "required": list(kinds),
            "additionalProperties": False,
        }

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Reads the object; there is an answer only where it says that it has decided, or does not say otherwise."""
        fields, repaired = read_json_object(text)
        if "answer" not in fields and "decided" not in fields:
            raise UnreadableReply('the JSON object has neither "decided" nor "answer"')
        raw, decided = fields.get("answer"), fields.get("decided", True)
        open_ = decided in (False, None) or str(decided).strip().lower() in ("false", "no", "")
        answer = None
        if not open_ and isinstance(raw, str | int | float) and str(raw).strip():
            answer = extract(json_scalar(raw))
            if answer is None:
                raise UnreadableReply(f'"answer" is not in the form asked for: {str(raw)[:80]!r}')
        return Parsed(reasoning=str(fields.get("reasoning") or "").strip(), answer=answer, repaired=repaired)


@dataclass(frozen=True, slots=True)
class NameChoice(ReplyFormat):
    """One of some names.

    Attributes:
        names: What there is to choose from.
    """

    names: tuple[str, ...]

    def instructions(self, question: Question) -> str:
        """Asks for one of the names."""
        return (
            'Reply with one JSON object and nothing else. Its keys: "reasoning" (why, in a sentence), '
            f'"name" (one of these: {", ".join(self.names)}).'
        )

    def schema(self, question: Question) -> dict[str, object]:
        """Both keys, the name one of the names."""
        return {
            "type": "object",
            "properties": {"reasoning": {"type": "string"}, "name": {"type": "string", "enum": list(self.names)}},
            "required": ["reasoning", "name"],
            "additionalProperties": False,
        }

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Takes the object, or any reply in which one of the names stands and no other."""
        if self.chosen(text) is None:
            raise UnreadableReply(f"it does not name one of {', '.join(self.names)}, and one only")
        return Parsed(reasoning=text.strip())

    def chosen(self, text: str) -> str | None:
        """Returns the name that a reply chooses, None where that is not clear."""
        try:
            fields, _ = read_json_object(text)
        except UnreadableReply:
            fields = {}
        return named(str(fields.get("name", own_words(text))), self.names)


def named(text: str, names: Sequence[str]) -> str | None:
    """Returns the only one of the names that stands in a text as a whole word; None for none or several.

    Of names that contain one another, the longest that fits counts.
    """
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = set(re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", text))
    return found.pop() if len(found) == 1 else None
