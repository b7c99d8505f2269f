"""Turns MAGs into what the student reads: prompts and targets, tokenised, cut to length, counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from magdi.core.config.models import Objective
from magdi.core.distill.encoded import Encoded, Ints, ints
from magdi.core.distill.levels import Lesson, Level, Selection, select
from magdi.core.distill.prompt import PromptStyle, student_prompt, student_target
from magdi.core.mag import Mag, Question, Turn
from magdi.core.views import EDGE_KINDS, View, edges

MAGS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """How MAGs are read.

    Attributes:
        tokenizer: The student's.
        level: Which turns, which losses.
        objective: Weights (a loss of weight 0 takes nothing) and the choice of pairs.
        prompt: Form of the prompt.
        max_length: Most tokens of prompt and chain. The chain's end is cut, and learns no end of sequence then; a MAG
            whose prompt leaves no room is left out.
        drop_agreement: Cut sentences that begin with "I agree" or "I disagree".
        view: Edges that the encoder is given.
        seed: What Appendix A's sampled pairs are drawn from, together with the MAG's id.
    """

    tokenizer: Any
    level: Level
    objective: Objective
    prompt: PromptStyle = "auto"
    max_length: int = 2048
    drop_agreement: bool = True
    view: View = "exact"
    seed: int = 0

    def read(self, mags: Iterable[Mag], tally: Counter[str]) -> Iterator[Encoded]:
        """Yields the MAGs that there is something to learn from.

        Args:
            mags: Any number of MAGs; they are tokenised some dozens at a time.
            tally: What was met is counted here: mags, used, nothing_to_learn, prompt_too_long, chains, cut_chains,
                unlabelled_turns, no_right_turn, empty_reasoning.
        """
        remaining = iter(mags)
        while few := list(islice(remaining, MAGS_AT_ONCE)):
            drafts = [draft for mag in few if (draft := self._draft(mag, tally))]
            texts = [text for draft in drafts for text in draft.texts()]
            tokens = iter(self._tokenise(texts))
            for draft in drafts:
                encoded = self._encode(draft, tokens, tally)
                if encoded is not None:
                    tally["used"] += 1
                    yield encoded

    def _draft(self, mag: Mag, tally: Counter[str]) -> _Draft | None:
        tally["mags"] += 1
        tally["unlabelled_turns"] += sum(turn.label is None for turn in mag.turns)
        tally["no_right_turn"] += not any(turn.label for turn in mag.turns)
        selection = select(mag, self.level, self.objective)
        if not selection:
            tally["nothing_to_learn"] += 1
            return None
        said = [(number, step) for number in range(len(self.level.lessons)) for step in selection.turns]
        tally["empty_reasoning"] += sum(not mag.turns[step].reasoning.strip() for step in selection.turns)
        return _Draft(
            mag=mag,
            selection=selection,
            prompts=[self._prompt(mag.question, lesson) for lesson in self.level.lessons],
            targets=[(number, self._target(mag.turns[step], self.level.lessons[number])) for number, step in said],
        )

    def _prompt(self, question: Question, lesson: Lesson) -> str:
        text = lesson.prefix + question.text
        return student_prompt(self.tokenizer, question.model_copy(update={"text": text}), self.prompt)

    def _target(self, turn: Turn, lesson: Lesson) -> str:
        if turn.answer is None or lesson.part == "reasoning":
            text = turn.reasoning.strip() or turn.text.strip()
            return text if turn.answer is None else text or f"The answer is {turn.answer}."
        shown = turn if lesson.part == "whole" else turn.model_copy(update={"reasoning": ""})
        return student_target(shown, drop_agreement=self.drop_agreement)

    def _tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        found: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def _encode(self, draft: _Draft, tokens: Iterator[list[int]], tally: Counter[str]) -> Encoded | None:
        start = opening(self.tokenizer, self.prompt)
        prompts = [start + next(tokens) for _ in draft.prompts]
        whole = [next(tokens) for _ in draft.targets]
        room = [self.max_length - len(prompt) for prompt in prompts]
        if min(room) < 1:
            tally["prompt_too_long"] += 1
            return None
        chains: list[Ints] = []
        for (number, _), text, joined in zip(draft.targets, draft.spaced(), whole, strict=True):
            chain = [*self._after(prompts[number][len(start) :], joined, text), self.tokenizer.eos_token_id]
            tally["chains"] += 1
            tally["cut_chains"] += len(chain) > room[number]
            chains.append(ints(chain[: room[number]]))
        return self._assemble(draft, prompts, chains)

    def _after(self, prompt: list[int], joined: list[int], text: str) -> list[int]:
        """Returns the tokens of a target behind a prompt.

        From both as one text where the prompt's tokens come out unchanged, as they do when the model writes after
        them; else from the target by itself.
        """
        return joined[len(prompt) :] if joined[: len(prompt)] == prompt else self._tokenise([text])[0]

    def _assemble(self, draft: _Draft, prompts: list[list[int]], chains: list[Ints]) -> Encoded:
        mag, selection = draft.mag, draft.selection
        place = {step: index for index, step in enumerate(selection.turns)}
        lessons = range(len(self.level.lessons))
        nodes = set(selection.nodes) or {step for pair in selection.pairs for step in pair}
        labels = [mag.turns[step].label if step in nodes else None for step in selection.turns]
        listed = edges(mag, self.view) if selection.nodes else ()
        return Encoded(
            id=mag.id,
            prompts=tuple(ints(prompt) for prompt in prompts),
            chains=tuple(chains),
            prompt_of=ints([number for number, _ in draft.targets]),
            lesson=ints([n if step in set(selection.learned) else -1 for n in lessons for step in selection.turns]),
            label=ints([-1 if label is None else int(label) for label in labels] * len(lessons)),
            pairs=self._pairs(mag, [(place[plus], place[minus]) for plus, minus in selection.pairs]),
            edges=ints(
                [(place[u], place[v], EDGE_KINDS.index(kind)) for u, v, kind in listed if u in place and v in place]
            )
            .reshape(-1, 3)
            .T.copy(),
        )

    def _pairs(self, mag: Mag, pairs: list[tuple[int, int]]) -> Ints:
        found = ints(pairs).reshape(-1, 2).T
        if self.objective.pairs == "all" or not pairs:
            return found.copy()
        digest = hashlib.blake2b(f"{self.seed}:{mag.id}".encode(), digest_size=8).digest()
        return sampled_pairs(found, np.random.default_rng(int.from_bytes(digest, "little")))


@dataclass(frozen=True, slots=True)
class _Draft:
    mag: Mag
    selection: Selection
    prompts: list[str]
    targets: list[tuple[int, str]]

    def spaced(self) -> list[str]:
        """Targets as they follow their prompts."""
        return [("" if self.prompts[n][-1:].isspace() else " ") + target for n, target in self.targets]

    def texts(self) -> list[str]:
        """Prompts, then each target behind its prompt."""
        return [
            *self.prompts,
            *(self.prompts[n] + text for (n, _), text in zip(self.targets, self.spaced(), strict=True)),
        ]


def opening(tokenizer: Any, style: PromptStyle) -> list[int]:
    """Returns what stands before a prompt's own tokens: the beginning-of-sequence token, where the model has one.

    A chat template writes it itself. Evaluation does the same.
    """
    if tokenizer.chat_template and style != "paper":
        return []
    first: list[int] = tokenizer("", add_special_tokens=True)["input_ids"][:1]
    return first if first == [tokenizer.bos_token_id] else []


def prompt_ids(tokenizer: Any, question: Question, style: PromptStyle = "auto") -> list[int]:
    """Returns the tokens after which a student writes its answer: the same in training and in evaluation."""
    text = student_prompt(tokenizer, question, style)
    found: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return opening(tokenizer, style) + found


def sampled_pairs(pairs: Ints, rng: np.random.Generator) -> Ints:
    """Returns Appendix A's pairs: each side in order, the smaller side's missing partners drawn at random.

    Args:
        pairs: [2, P] all pairs of one MAG.
        rng: Where partners are drawn from.
    """
    plus, minus = np.unique(pairs[0]), np.unique(pairs[1])
    count = max(len(plus), len(minus))

    def stretched(side: Ints) -> Ints:
        return np.concatenate([side, rng.choice(side, count - len(side))])

    return np.stack([stretched(plus), stretched(minus)])
