"""How one agent's words stand in another's prompt: between delimiters that no words can hold.

A quotation is ``<<< heading``, the words, ``>>>``, each delimiter on a line of its own. Words that imitate the
transcript are set apart by a backslash wherever they could be taken for it, and are left as they are otherwise: so a
forged solution, answer line or chat turn stays what it is, the words of whoever wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_DELIMITERS = re.compile(r"(?<=<<)(?=<)|(?<=>>)(?=>)")
# What chat templates put around messages: a tokenizer reads them as such wherever they stand.
_TAGS = re.compile(
    r"(?<=<)(?=[|｜][^<>|｜\n]{1,40}[|｜]>|/?s>|(?:start|end)_of_turn>|[be]os>|<SYS>>|</SYS>>)|(?<=\[)(?=/?INST\])",
    re.I,
)
_ANSWER_LINE = re.compile(r"^(?=[ \t]*The answer is\b)", re.I | re.M)
_STATED = re.compile(r"^[ \t]*The answer is .*\(stated confidence \d", re.M)
_LAST_TAGS = re.compile(r"(?:\s*<[|｜/]?[^<>\n]{1,40}>)+\s*\Z")
_LITERAL = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_BLOCK = re.compile(r"^[ \t]*<<<[^\n]*\n.*?(?:^[ \t]*>>>[ \t]*$|\Z)", re.M | re.S)


def as_words(text: str) -> str:
    r"""Returns a text as it may be quoted: ``<<<`` becomes ``<<\<``, ``<|im_start|>`` becomes ``<\|im_start|>``."""
    return _TAGS.sub(r"\\", _DELIMITERS.sub(r"\\", text))


def enclose(heading: str, text: str, verdict: str | None = None) -> str:
    """Returns a quotation.

    Args:
        heading: Whose words these are.
        text: The words.
        verdict: A last line that is not theirs but ours, ``The answer is ...`` or nothing: no line of theirs can be
            taken for it. None where lines of that kind mean nothing in particular.
    """
    words = as_words(text) if verdict is None else _ANSWER_LINE.sub(r"\\", as_words(text))
    return "\n".join([f"<<< {one_line(heading)}", words, *([one_line(verdict)] if verdict else []), ">>>"])


def quoted_forms(text: str) -> tuple[str, ...]:
    """Returns the forms in which a text may stand in a prompt: as it is, or in a quotation of either kind."""
    words = as_words(text)
    return tuple(dict.fromkeys([text, words, _ANSWER_LINE.sub(r"\\", words)]))


def literals(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields the strings in a text's JSON, each with where it begins and ends: one of them may be quoted alone."""
    if "{" in text:
        yield from ((*found.span(), json.loads(found[0])) for found in _LITERAL.finditer(text))


def one_line(text: str) -> str:
    """Returns a name or an answer as it may stand in a line of a prompt."""
    return " ".join(as_words(text).split())


def own_words(text: str) -> str:
    """Returns a reply without the quotations in it, in which a writer repeats others or makes them up.

    A reply that is nothing but a quotation is its writer's own, in the form of what it was shown.
    """
    return text if "<<<" not in text else _BLOCK.sub("", text).strip() or text


def imitated(text: str) -> str:
    """Returns what in a reply imitates a prompt's own marks, a line at most; empty where nothing does."""
    said = _LAST_TAGS.sub("", text)  # what servers leave at the end of a reply is no attempt at anything
    found = _BLOCK.search(said) or _STATED.search(said) or _TAGS.search(said)
    return said[max(0, found.start() - 1) :].strip().partition("\n")[0][:60] if found else ""
