"""Options as they are named in prose: by label, (B) or "option B", or by their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from magdi.core.mag import Choice
from magdi.plugins.answers.phrase import phrase

LABELS = tuple("ABCDEFGHIJ")
"""What is taken for a letter where a question lists no options."""
LONGEST_SAID = 400

_TOKEN = re.compile(r"(?:(?<![\w)}])-\s?)?\d+(?:[.,]\d+)*|[^\W\d_]+|[/*^=<>%°√²³+]|(?<=[\w)}])-(?=[\d(\\])")
_DECIMALS = re.compile(r"(\.\d*?)0+$")
_LATEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf|left|right|[dt]?frac(?=\{)|times|cdot|[,;:! ])")
_NONE = re.compile(
    r"(?:none|neither)(?: of (?:the|these|those|them)(?: \w+)*)?(?: (?:is|are) correct)?|no correct (?:answer|option)"
)
_ALL = re.compile(r"all(?: of)? (?:the|these|those|them)(?: \w+)*|all are correct")
_ARTICLES = ("a", "an", "the", "it")
_OPERATORS = frozenset("/*^=+-<>")
_LIST = phrase(
    r"[\s)\].,;:\"'$}]*(?:(?:,|;|/|&|\+|\bor\b|\bnor\b|\band\b|\bas well as\b|\band/or\b)\s*)+"
    r"(?:(?:also|possibly|perhaps|maybe|either|even|both|potentially|to a lesser extent|option|choice|answer)\s+)*"
)
_NO_LIST = re.compile("")
_CONJUNCTION = phrase(r"\b(?:and|or)\b")
_RANGE = phrase(r"\s*(?:-|–|through|thru|to)\s*")
_NEXT = re.compile(r"[\s.,;:]+(?=[(\[]?[A-Za-z]\s?[)\]])")
_LATER_OR = phrase(r"^[^.;]{0,120}?[,;]?\s(?:or|and)\s(?:(?:also|possibly|perhaps|maybe|option|choice)\s)*")
_REASON = phrase(
    r"\b(?:because|since|as|while|whereas|but|not|rather|instead|over|than|unlike|although|though|so|which|where|who)\b.*"
    r"|\([^()]*\)",
    re.DOTALL,
)
_GOES_ON = phrase(r"[\s)\]:.,]*(?:is|was|does|has|seems)\b")
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PLACE = rf"{'|'.join(_PLACES)}|\d(?:st|nd|rd|th)|last"
_BY_PLACE = phrase(
    rf"\b(?=the\s)(?:the\s(?P<place>{_PLACE})\s(?:option|answer\schoice|alternative|choice(?!\sof))\b"
    rf"|(?:(?<=\bis\s)|(?<=choose\s)|(?<=pick\s)|(?<=with\s)|(?<=select\s)|\A(?=[\w\s]+\W*\Z))the\s(?P<behind>{_PLACE})\sone\b)"
    r"|\b(?:option|choice|alternative)\s(?:number\s|no\.\s?|\#)?(?P<number>\d{1,2})(?![\w%]|[.,:]\d)"
)
_OF_TWO = phrase(r"\bthe\s(?P<which>former|latter)(?:\s(?:option|choice|one))?\b")
LEAST_OF_A_TEXT = 4
"""Words of an option's beginning that stand for it, where it is not written to its end."""


class Names:
    """The names of a question's options.

    Attributes:
        labels: The labels, in order.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.labels = tuple(choice.label for choice in choices) or LABELS
        self.folded = {label.casefold() for label in self.labels}
        self.texts = {choice.label: tokens(choice.text) for choice in choices}
        self.spelt = {choice.label: choice.text for choice in choices if choice.text.strip()}
        any_label = "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))
        after = r"(?![\w|_]|'\w|-\w|\.\w|\s?[=+/^≈>]|\s?\*\s?[\w(]|\s?<(?!/))"
        self.label = re.compile(
            rf"""
              (?<![\w\\])[(\[<]\s?(?:(?:option|choice|answer)\s)?["']?(?P<held>(?i:{any_label}))["']?\s?[)\]>]
            | (?i:\b(?:option|choice|answer|letter|number))(?:\s\W{{0,3}}|_|(?<=ption))
              (?P<named>(?i:{any_label})){after}[)\]]?
            | (?<![\w.'(|-])(?P<closed>(?i:{any_label}))\)
            | (?<![\w.'$^\\/+*=|-])(?P<bare>{any_label}){after}
            """,
            re.VERBOSE,
        )

    def canonical(self, label: str) -> str:
        """Returns the label as the question has it, whatever its case is in a text."""
        return label if label in self.labels else next(own for own in self.labels if own.casefold() == label.casefold())

    def by_place(self, text: str) -> str:
        """Returns a text in which "the second option", "the last one" and "the latter" are said by label."""

        def label(said: re.Match[str]) -> str:
            word = (said["place"] or said["behind"] or said["number"]).lower()
            if said["number"] and any(word in (*self.texts[own], own) for own in self.texts):
                return said[0]
            digits = re.match(r"\d+", word)
            place = -1 if word == "last" else int(digits[0]) - 1 if digits else _PLACES.index(word)
            return f"option {self.labels[place]}" if -2 < place < len(self.labels) else said[0]

        return _OF_TWO.sub(self._of_two, _BY_PLACE.sub(label, text))

    def _of_two(self, said: re.Match[str]) -> str:
        """Returns which of the two options that were named last "the former" or "the latter" is."""
        before = said.string[max(0, said.start() - LONGEST_SAID) : said.start()]
        found = [(match.start(), self.labelled(match)) for match in self.label.finditer(before) if self.is_label(match)]
        found += [
            (match.start(), label)
            for label, text in self.spelt.items()
            for match in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", before, re.IGNORECASE)
        ]
        named = list(dict.fromkeys(label for _, label in sorted(found, reverse=True)))[:2]
        return f"option {named[said['which'].lower() == 'former']}" if len(named) == 2 else said[0]

    def spelt_out(self, text: str) -> str:
        """Returns a text with "not" for "n't", unless an option's text is written so."""
        if any("t" in words or "not" in words for words in self.texts.values()):
            return text
        return text.replace("can't", "cannot").replace("won't", "will not").replace("n't", " not")

    def leading(self, said: str) -> re.Match[str] | None:
        """Returns the label that a text begins with; not the article in "a dog", nor the "I" of "I think"."""
        match = self.label.match(said)
        return match if match and self.is_label(match) else None

    def is_label(self, match: re.Match[str]) -> bool:
        """Returns whether what looks like a label is one."""
        rest = match.string[match.end() :]
        if match["held"]:
            return True
        if match["named"] or match["closed"]:
            word, before = match["named"] or match["closed"], match.string[: match.start()]
            if match["closed"] and before.rfind("(") > before.rfind(")"):
                return False  # the end of "(A and B)"
            return word in self.labels or word.casefold() not in ("a", "i") or not re.match(r"\s[a-z]", rest)
        if match["bare"] == "A" and re.match(r"\s+[\"']?[a-z]", rest):
            return re.match(_NO_NOUN, rest) is not None
        if match["bare"] == "I" and re.match(r"\s+\w|'", rest):
            return re.match(r"\s+(?:is|because|and|or|nor|but|since|rather|instead|not)\b", rest) is not None
        return True

    def labelled(self, match: re.Match[str]) -> str:
        """Returns the label that was matched, as the question has it."""
        return self.canonical(match[match.lastgroup or 0])

    def listed(self, said: str) -> tuple[list[str], str]:
        """Returns the options that a text begins with, by label or by text: one, or several; and what follows."""
        labels, rest = self.labels_in_front(said)
        if labels:
            return labels, rest
        another: re.Match[str] | None = _NO_LIST.match(rest)
        while another and (label := self.by_text(rest[another.end() :])) and label not in labels:
            labels.append(label)
            rest = self.behind(rest[another.end() :], label)
            another = None if _CONJUNCTION.search(another[0]) else _LIST.match(rest)
        return labels, rest

    def labels_in_front(self, said: str) -> tuple[list[str], str]:
        """Returns the labels that a text begins with: one, or several that are listed; and what follows."""
        labels: list[str] = []
        behind, match, way = said, self.leading(said), ""
        while match:
            labels.append(self.labelled(match))
            rest = match.string[match.end() :]
            behind = self.behind(rest, labels[-1])
            match, way = self._next(labels, rest, behind, last=_CONJUNCTION.search(way) is not None)
        return (labels + self._later(behind) if labels else labels), behind

    def _next(self, labels: list[str], rest: str, behind: str, *, last: bool) -> tuple[re.Match[str] | None, str]:
        """Returns the label that is listed behind another one, with that one's own text between them or without."""
        ways = (_RANGE.match(rest), _LIST.match(rest), _LIST.match(behind), _NEXT.match(behind))
        found = ((way, self.leading(way.string[way.end() :])) for way in ways if way)
        way, match = next(((way, match) for way, match in found if match), (None, None))
        if way is None or match is None or self.labelled(match) in labels or (last and not _CONJUNCTION.search(way[0])):
            return None, ""
        return (None, "") if "and" in way[0] and _GOES_ON.match(match.string, match.end()) else (match, way[0])

    def _later(self, rest: str) -> list[str]:
        """Returns the label behind an "or" that comes after some words: "A (iron bars), or C"."""
        rest = _REASON.sub("", rest)
        found = _LATER_OR.match(rest)
        match = self.leading(rest[found.end() :]) if found else None
        if match is None or _GOES_ON.match(match.string, match.end()):
            return []
        closed = not match["bare"] or re.match(r"\s*(?:[.,;:]|$)", match.string[match.end() :])
        return [self.labelled(match)] if closed else []

    def goes_on(self, rest: str) -> bool:
        """Returns whether what follows an option's text lists another option."""
        another = _LIST.match(rest)
        return another is not None and bool(self.leading(rest[another.end() :]) or self.by_text(rest[another.end() :]))

    def mentioned(self, text: str, *, clearly: bool = False) -> set[str]:
        """Returns the labels in a text, in their own case; only those written "(B)" or "option B" if clearly."""
        found = [(match, match[match.lastgroup or 0]) for match in self.label.finditer(text)]
        return {
            label
            for match, label in found
            if label in self.labels and self.is_label(match) and not (clearly and match["bare"])
        }

    def behind(self, said: str, label: str) -> str:
        """Returns what follows a label, without the option's own text and what stands in parentheses."""
        said = re.sub(r"^[\s:.,\"'-]*\((?!\s?\w\s?\))[^()]{0,120}\)", "", said)
        own = self.texts.get(label, ())
        found = list(_TOKEN.finditer(_plain(said)))
        found = found[found[0][0].casefold() in _ARTICLES if found and len(own) < len(found) else 0 :][: len(own)]
        if own and tuple(_word(each[0]) for each in found) == own:
            return _plain(said)[found[-1].end() :]
        return said

    def by_text(self, said: str) -> str | None:
        """Returns the label of the one option whose text a text is, begins with, or is the beginning of."""
        words = tokens(self._result(said[:LONGEST_SAID]))
        if not words or (len(words) == 1 and words[0] in self.folded):
            return None
        for pattern in (_NONE, _ALL):
            if pattern.fullmatch(" ".join(words)):
                return _only(label for label, text in self.texts.items() if pattern.fullmatch(" ".join(text)))
        same = [label for label, text in self.texts.items() if text == words]
        if same:
            return _only(same)
        begins = [label for label, text in self.texts.items() if _begins(words, text)]
        if begins:
            longest = max(len(self.texts[label]) for label in begins)
            return _only(label for label in begins if len(self.texts[label]) == longest)
        if len(words) >= LEAST_OF_A_TEXT:
            return _only(label for label, text in self.texts.items() if text[: len(words)] == words)
        if len(words) == 1 and words[0][-1].isdigit():
            return _only(label for label, text in self.texts.items() if text[:1] == words and not _numeric(text[1:]))
        return None

    def _result(self, said: str) -> str:
        """Returns what a calculation comes to, where no option is one itself."""
        return said if any("=" in text for text in self.texts.values()) else said.rsplit("=", 1)[-1]

    def by_mention(self, said: str) -> list[str]:
        """Returns the options that a text mentions by their texts; not those within another that it mentions."""
        joined = f" {' '.join(tokens(self._result(said[-LONGEST_SAID:])))} "
        texts = {label: f" {' '.join(text)} " for label, text in self.texts.items() if text}
        named = []
        for text in sorted(set(texts.values()), key=len, reverse=True):
            if text in joined:
                named += [label for label in texts if texts[label] == text]
                joined = joined.replace(text, " | ")
        return named

    def ends(self, sentence: str) -> set[str]:
        """Returns the options with whose text, as words of their own, a sentence ends."""
        said = _plain(sentence)
        found = list(_TOKEN.finditer(said))
        words = tuple(_word(match[0]) for match in found)
        return {
            label
            for label, text in self.texts.items()
            if text and words[-len(text) :] == text and not said[: found[-len(text)].start()][-1:].isalnum()
        }


_NO_NOUN = re.compile(
    r"\s+\(?(?:it|are|the|makes|fits|remains|can|cannot|could|will|should|must|might|may|do|does|doesn't|has|appears|over|but|because|since|as|and|or|nor|but|which|for|due|given|is|was|instead|rather|not|based|if|when|where|while|to|through|seems|would|with|wins|prevails|too|also)\b"
)


@lru_cache(maxsize=512)
def tokens(text: str) -> tuple[str, ...]:
    """Returns a text's words, numbers and operators, without case, articles at its start and LaTeX's wrapping."""
    words = tuple(_word(match[0]) for match in _TOKEN.finditer(_plain(text)))
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words


def _plain(text: str) -> str:
    return _LATEX.sub(" ", text)


def _word(word: str) -> str:
    if word[-1].isdigit():
        word = _DECIMALS.sub(r"\1", word.replace(",", "").replace(" ", "")).removesuffix(".")
    return word.casefold()


def _begins(words: tuple[str, ...], text: tuple[str, ...]) -> bool:
    """Returns whether words begin with a text, and do not go on to calculate with it."""
    size = len(text)
    return (
        0 < size <= len(words)
        and words[:size] == text
        and words[size : size + 1] not in [(sign,) for sign in _OPERATORS]
    )


def _numeric(words: tuple[str, ...]) -> bool:
    return any(word[-1].isdigit() or word in _OPERATORS for word in words)


def _only(labels: Iterable[str]) -> str | None:
    found = list(labels)
    return found[0] if len(found) == 1 else None
