"""How a request reads to one server: found out from what the server refuses, not assumed.

"OpenAI-compatible" servers differ in which fields they take. A dialect starts with all of them; each refusal (400 or
the like, naming a field) weakens it by one step, and what was learnt holds for all later requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, Self

from magdi.core.teacher import Request

Structured = Literal["schema", "object", "none"]
_WEAKER: dict[Structured, Structured] = {"schema": "object", "object": "none"}
# Reasoning models of OpenAI, told by name so that the first request is not wasted: o1, o3-mini, o4-mini, gpt-5, ...
_REASONING = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9](?!.*chat))")
_REFUSED = re.compile(
    r"\b(response_format|json_schema|json_object|guided_json|max_completion_tokens|max_tokens|temperature|top_p|top_k|seed)\b"
)
DRAWN = ("temperature", "top_p", "top_k")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes.

    Attributes:
        structured: How a JSON schema is passed on: as such, as "some JSON object", or not at all.
        limit: The field with the longest reply.
        omitted: Sampling fields that it does not take.
    """

    structured: Structured = "schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    omitted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, model: str, structured: Structured, *, reasoning: bool | None) -> Self:
        """Returns what to begin with for a model."""
        if reasoning is None:
            reasoning = bool(_REASONING.search(model))
        if not reasoning:
            return cls(structured=structured)
        return cls(structured, "max_completion_tokens", frozenset(DRAWN))

    def body(self, model: str, request: Request) -> dict[str, object]:
        """Returns the JSON body of a chat completion request."""
        sampling = request.sampling
        seed = None if sampling.seed is None else sampling.seed + request.sample  # or all draws would be the same
        fields = {name: getattr(sampling, name) for name in DRAWN} | {"seed": seed}
        body: dict[str, object] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            **{name: value for name, value in fields.items() if value is not None and name not in self.omitted},
        }
        if sampling.max_tokens is not None:
            body[self.limit] = sampling.max_tokens
        if request.json_schema is not None and self.structured != "none":
            body["response_format"] = self._format(request.json_schema)
        return body

    def _format(self, schema: dict[str, object]) -> dict[str, object]:
        if self.structured == "object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}

    def weakened(self, request: Request, refusal: str) -> Self | None:
        """Returns the next dialect to try after a refusal, None where there is none.

        Args:
            request: What was refused.
            refusal: The server's message and parameter name.
        """
        names = set(_REFUSED.findall(refusal))
        if "max_tokens" in names and self.limit == "max_tokens" and "max_completion_tokens" in names:
            return replace(self, limit="max_completion_tokens")
        if "max_completion_tokens" in names and self.limit == "max_completion_tokens":
            return replace(self, limit="max_tokens")
        for name in (*DRAWN, "seed"):
            if name in names and name not in self.omitted:
                return replace(self, omitted=self.omitted | {name})
        if request.json_schema is not None and self.structured != "none":
            # Servers refuse a response format in many words, some without naming it: so any other refusal of a
            # structured request is tried again with less structure, and learnt from only if that is taken.
            return replace(self, structured=_WEAKER[self.structured])
        return None
