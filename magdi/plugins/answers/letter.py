"""The letter of an option: B, (B), "B) foo", "option B", or the option's text instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from magdi.core.mag import Choice
from magdi.core.verdict import Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.clauses import Clause
from magdi.plugins.answers.comparison import without_comparands
from magdi.plugins.answers.judgement import (
    is_judged,
    is_rejected,
    judged,
    judgement,
    set_apart,
    sorted_out,
    without_lead,
    without_ticks,
)  # fmt: skip
from magdi.plugins.answers.mentions import NOT_BEFORE, SHORT_TEXT, only_mentioned
from magdi.plugins.answers.options import LONGEST_SAID, Names, tokens
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.statements import (
    MIGHT,
    Found,
    chosen,
    concluded,
    decide,
    explicit,
    marked,
    refuses,
    speaks_of_answer,
)  # fmt: skip

SHORT_LABEL = 5
"""Characters of a label and its marks, in which its case does not matter: "the answer is c."."""

_FILLER = phrase(
    r"""
      [\s"'$\\:=>,]+ | -(?!\s?\d) | \.{2,} | …+ | no(?=,\s) | (?:text|mathrm|mathbf|textbf|boxed|bf)\s?\{ | \{(?=\S{2})
    | \((?=\s?\\|[A-Z]\s?(?:,|/|&|$|and\b|or\b))
    | (?:that's|that|it's|its|it|is|be|most|very|more|definitely|certainly|clearly|likely|probably|possibly|perhaps
        |maybe|therefore|thus|indeed|simply|just|actually|still|also|only|hence|so|then|given\ (?:by|as)|labell?ed
        |the\ (?:one\ )?(?:option|choice|answer|letter)(?:\ labell?ed)?
        |(?:the\ )?(?:correct|right|best)(?:\ (?:one|answer|option|choice))?(?:\ is)?)\b(?!\s*[)\].,;])
    """,
    re.VERBOSE,
)
_NOT = phrase(
    r"\W*(?:not|neither|cannot be|can't be|isn't|never)\s+(?:likely |either |necessarily |just |only |be )*(?=\S)"
)
_NOR = phrase(r"[\s)\].]*,\s(?:and\s|nor\s|or\s)?not\s")
_BUT = phrase(r"[\s,;()\"'*$}]*(?:but|rather|instead|it is|it's|so)\s+(?:rather |instead |it is |is )?")
_CLOSED = phrase(r"\W*$|\s*[.,;:)!]|\s+\W?(?:because|since|as|based|given|which|for|due|and|or)\b")
_NO_OPTION = re.compile(r"\([A-Z]\)|[A-Z](?:[).:]|\W*$)")
_RATHER = phrase(r",?\s(?:not|followed\sby|rather\sthan|instead\sof|because|since|due\sto)\b|,\s(?:as|for)\b")
_BUT_ALONE = phrase(
    r"^(?:(?:but|and|or|most|very|probably|likely|perhaps|maybe|possibly|definitely|surely|clearly)\W+)+"
)
_BOTH = phrase(r"(?:both|either|any of|between)\s+")
_LABELLED = re.compile(
    r"\W{0,2}(?:option\s)?\w{1,3}[\"']?\s?[)\].:]+[\s\"']*(?:[-–]\s)?([^\n.;,()]{1,200}?)\W*(?:$|[\n.;,()])"
)
_ONLY = phrase(r"(?<!not )\bonly\s")
_PLACEHOLDER = re.compile(r"\(X\)\s*")
"""Prompts that ask for "the form (X)" get just that from some models, with the answer behind it."""
_FORMAT = phrase(r"\W*(?:in the form|of the form|one of|a (?:single )?letter|formatted)\b")


def normal_letter(text: str, choices: Sequence[Choice] = ()) -> str | None:
    """Returns the label that a short text names, by letter or by an option's text; None where it names none."""
    options = _Options(choices)
    found = next(options.named(text[:SHORT_TEXT], Rule.BARE), None)
    return options.bare(text) or (found.answer if found else None)


def read_letter(text: str, choices: Sequence[Choice] = ()) -> Reading:
    """Returns the final letter of a text: what it says of the answer, or the only option that it names."""
    options = _Options(choices)
    reading = options.reading(text)
    return Reading(None, Rule.UNDECIDED) if options.mislabelled(text, reading.answer) else reading


class _Options(Names):
    """Reads what is said of options."""

    def reading(self, text: str) -> Reading:
        """Returns the label that a text comes to."""
        if bare := self.bare(text):
            return Reading(bare, Rule.BARE)
        text = without_comparands(self.by_place(without_ticks(text)), self)
        reading, denied = decide(text, self.said)
        return reading or only_mentioned(self, text, denied)

    def bare(self, text: str) -> str | None:
        """Returns the label where it, or an option's text, is all there is."""
        text = text.strip(" \n\t()[]{}.:*\"'$,")
        own = [label for label in self.labels if label.casefold() == text.casefold()]
        if own or len(text) > SHORT_TEXT:
            return own[0] if own else None
        label = self.by_text(text)
        return label if label and len(tokens(self.behind(text, label))) == 0 else None

    def mislabelled(self, text: str, label: str | None) -> bool:
        """Returns whether a text last names a label with the text of another option: "B) foo" where A is foo."""
        for match in reversed(list(self.label.finditer(text)) if label else []):
            behind = _LABELLED.match(text, match.start()) if self.is_label(match) else None
            named = self.bare(behind[1]) if behind else None
            if label in (self.labelled(match), named):
                return named not in (None, self.labelled(match))
        return False

    def said(self, clause: Clause) -> Iterator[Found]:
        """Yields what a clause says of the answer."""
        for found in self._said(clause):
            yield (
                found._replace(answer=None, denied=(found.answer,)) if found.answer and refuses(clause.text) else found
            )

    def _said(self, clause: Clause) -> Iterator[Found]:
        if "X" not in self.labels:
            clause = clause._replace(text=_PLACEHOLDER.sub("", clause.text))
        clause = clause._replace(text=without_lead(self.spelt_out(clause.text), self))
        found = next(self._explicit(clause.text), None) or set_apart(clause.text, self) or self._marked(clause.text)
        if found:
            yield found
            return
        yield from sorted_out(clause.text, self)
        yield from judged(clause.text, self)
        if _NOT.match(clause.text):
            yield from self._not(_NOT.sub("", clause.text, count=1), Rule.CONCLUSION, 1)
        for tail in [*chosen(clause.text), *self._only(clause)]:
            yield from self.named(tail, Rule.CONCLUSION, 1)
        yield from self._concluded(clause.text)

    def _only(self, clause: Clause) -> list[str]:
        """Returns what a last clause says of only one: "Both A and C are ports, but only C lies in the north"."""
        only = _ONLY.search(clause.text) if clause.last else None
        rest = clause.text[only.end() :] if only else ""
        labels, said = self.listed(rest)
        return [rest] if len(labels) == 1 and not is_judged(said) else []

    def _explicit(self, text: str) -> Iterator[Found]:
        for tail, rule in explicit(text):
            if rule is not Rule.BOXED or not is_rejected(tail[tail.find("}") + 1 :]):
                yield from self.named(tail, rule)

    def _concluded(self, text: str) -> Iterator[Found]:
        """Reads "so it must be (B)", and a label alone."""
        tail = concluded(text)
        if tail is None:
            alone = _BUT_ALONE.sub("", text).strip(" ()[]*.:\"'–—")
            match = self.leading(alone)
            whole = match is not None and (match.end() == len(alone) or _RATHER.match(alone, match.end()))
            if match and (alone in self.labels or (whole and (match.end() < len(alone) or len(alone) < len(text)))):
                yield Found(self.labelled(match), Rule.CONCLUSION, 1)
            elif _BUT_ALONE.match(text) and (label := self.bare(alone)):
                yield Found(label, Rule.CONCLUSION, 1)
            return
        found = list(self.named(tail, Rule.CONCLUSION, 1, clearly=True))
        label = None if found else self.bare(tail)
        yield from found or ([Found(label, Rule.CONCLUSION, 1)] if label else [])

    def named(self, said: str, rule: Rule, weight: int = 2, *, clearly: bool = False) -> Iterator[Found]:
        """Yields the option that a text begins with, or that it leaves it open; nothing where it begins with none.

        Args:
            said: The text.
            rule: What led to it.
            weight: What it weighs.
            clearly: Whether the option's text, or a letter that may be a quantity ("so A is 5"), does not do.
        """
        said = self._stripped(said[:LONGEST_SAID], to_text=not clearly)
        negated = _NOT.match(said)
        if negated:
            yield from self._not(said[negated.end() :], rule, weight)
            return
        whole = None if clearly else self.by_text(said)
        if whole and len(tokens(said)) > 1 and not tokens(self.behind(said, whole)):
            yield Found(whole, rule, weight)
            return
        both = _BOTH.match(said)
        labels = self.labels_in_front(said[both.end() :] if both else said)[0]
        short = self.bare(said) if len(said) < SHORT_LABEL else None
        if len(labels) > 1:
            yield Found(None, Rule.UNDECIDED, weight)
        elif labels and not (clearly and self._quantity(said, labels[0])):
            yield Found(labels[0], rule, weight)
        elif short or _NO_OPTION.match(said):
            yield Found(short, rule if short else Rule.NOTHING, weight)
        elif whole:
            yield self._by_text(self.behind(said, whole), whole, rule, weight)

    def _by_text(self, rest: str, whole: str, rule: Rule, weight: int) -> Found:
        """Reads what follows an option's text: its label ("mall (B)"), or another option."""
        held = self.leading(rest.lstrip())
        if held and held["held"]:
            return Found(self.labelled(held), rule, weight)
        several = self.goes_on(rest)
        return Found(None, Rule.UNDECIDED, weight) if several else Found(whole, Rule.OPTION, weight)

    def _stripped(self, said: str, *, to_text: bool) -> str:
        """Takes "most likely", "option" and the like from a text's start, up to a label or an option's text."""
        said = said.lstrip()
        while (filler := _FILLER.match(said)) and not self.leading(said) and not (to_text and self.by_text(said)):
            said = said[filler.end() :]
        return said

    def _quantity(self, said: str, label: str) -> bool:
        match = self.leading(said)
        return bool(match and match["bare"] and not _CLOSED.match(self.behind(said[match.end() :], label)))

    def _not(self, said: str, rule: Rule, weight: int) -> Iterator[Found]:
        """Reads "not A", which denies, and "not A but B"."""
        said = self._stripped(said, to_text=True)
        labels, rest = self.listed(said)
        while (neither := _NOR.match(rest)) and (further := self.listed(rest[neither.end() :]))[0]:
            labels, rest = labels + further[0], further[1]
        but = _BUT.match(rest) if labels else None
        instead = list(self.named(rest[but.end() :], rule, weight)) if but else []
        yield from instead or ([Found(None, rule, weight, tuple(labels))] if labels else [])

    def _marked(self, text: str) -> Found | None:
        """Reads "the answer is ..."."""
        predicates = list(marked(text))
        for subject, predicate in predicates:
            if _FORMAT.match(predicate):
                continue
            weight = 1 if MIGHT.search(subject) else 2
            found = judgement(subject, predicate, self) or next(self.named(predicate, Rule.MARKER, weight), None)
            if found:
                return found
        if not predicates:
            return None
        predicate = predicates[0][1]
        mentioned = self.mentioned(predicate) or set(self.by_mention(predicate))
        if len(mentioned) == 1 and not NOT_BEFORE.search(predicate):
            return Found(mentioned.pop(), Rule.OPTION, 1)
        return Found(None, Rule.ABSTAINS) if speaks_of_answer(text) and abstains(predicate) and not mentioned else None
