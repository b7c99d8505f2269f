"""Replies that say that they have no answer."""

from __future__ import annotations

import re

_ABSTAINS = re.compile(
    r"""
      \b(?:cannot|can't|can[ ]not|could[ ]not|couldn't|unable[ ]to|impossible[ ]to|not[ ]possible[ ]to)[ ]
        (?:be[ ])?(?:determine|answer|solve|say|tell|know|conclude|calculate|compute|find)(?:d|ed|n)?\b
    | \b(?:do[ ]not|don't|did[ ]not|didn't)[ ]know\b
    | \b(?:not[ ]sure|no[ ]idea|not[ ]enough[ ]information|insufficient[ ]information|no[ ]answer)\b
    | \b(?:unknown|undetermined|indeterminate|n/a|none[ ]of[ ](?:the[ ]above|these)|not[ ](?:given|known|specified))\b
    | ^\W*(?:none|null|nan|inf|infinity|undefined|unclear)\W*$
    """,
    re.VERBOSE | re.IGNORECASE,
)
LAST_CHARACTERS = 160


def abstains(text: str) -> bool:
    """Returns whether the end of a text says that it has no answer: "I do not know", "cannot be determined"."""
    return _ABSTAINS.search(text[-LAST_CHARACTERS:]) is not None
