"""Turns MAGs into what the student reads: prompts and targets, tokenised, cut to length, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from magdi.core.distill.encoded import Encoded, ints
from magdi.core.distill.lessons import Lessons, Prompt
from magdi.core.distill.prefixes import shared_prefixes
from magdi.core.distill.prompt import PromptStyle, chat_prompt, student_prompt, student_target, transcript
from magdi.core.distill.selection import ALL, Selection, counted, select
from magdi.core.mag import Mag, Message, Question
from magdi.core.objective import Chain, Column, Ints, Objective
from magdi.core.views import View

MAGS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """How MAGs are read.

    Attributes:
        tokenizer: The student's.
        objectives: What is learned from them, by name.
        prompt: Form of the prompt.
        max_length: Most tokens of prompt and chain. The chain's end is cut, and learns no end of sequence then; a MAG
            whose prompt leaves no room is left out.
        drop_agreement: Cut sentences that begin with "I agree" or "I disagree".
        view: Edges that encoders are given.
        seed: What objectives draw from, together with the MAG's id.
        level: What the objectives are called together, in messages.
        lessons: Which turns are taught, and after which prompts. After its own a turn is learned as it was said;
            after the question it is worded as the student's answer, see `student_target`.
    """

    tokenizer: Any
    objectives: Mapping[str, Objective]
    prompt: PromptStyle = "auto"
    max_length: int = 2048
    drop_agreement: bool = True
    view: View = "exact"
    seed: int = 0
    level: str = "training"
    lessons: Lessons = ALL

    @property
    def columns(self) -> dict[str, Column]:
        """All objectives' columns, as "objective.column"."""
        return {f"{of}.{name}": column for of, each in self.objectives.items() for name, column in each.columns.items()}

    def read(self, mags: Iterable[Mag], tally: Counter[str]) -> Iterator[Encoded]:
        """Yields the MAGs that there is something to learn from.

        Args:
            mags: Any number of MAGs; they are tokenised some dozens at a time.
            tally: What was met is counted here: mags, used, nothing_to_learn, prompt_too_long, chains, cut_chains,
                unlabelled_turns, nothing_taught, empty_reasoning.
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
        selection = select(mag, self.objectives, view=self.view, seed=self.seed, lessons=self.lessons)
        chains = selection.chains
        teaching = [f"{of}.{next(iter(each.columns))}" for of, each in self.objectives.items() if each.teaches]
        tally["nothing_taught"] += bool(teaching) and not any(selection.columns[name].size for name in teaching)
        if not chains:
            tally["nothing_to_learn"] += 1
            return None
        asked = list(dict.fromkeys(map(selection.prompt_of, chains)))
        number = {prompt: place for place, prompt in enumerate(asked)}
        tally["empty_reasoning"] += sum(not mag.turns[step].reasoning.strip() for step in {c.step for c in chains})
        return _Draft(
            mag=mag,
            selection=selection,
            prompts=[self._prompt(mag.question, *prompt) for prompt in asked],
            targets=[(number[selection.prompt_of(each)], self._target(mag, each)) for each in chains],
        )

    def _prompt(self, question: Question, prefix: str, own: Prompt | None) -> str:
        if own is None:
            asked = question.model_copy(update={"text": prefix + question.text})
            return student_prompt(self.tokenizer, asked, self.prompt)
        *before, last = own
        said = Message(role=last.role, content=prefix + last.content)
        return chat_prompt(self.tokenizer, [*before, said], self.prompt)

    def _target(self, mag: Mag, chain: Chain) -> str:
        turn, part = mag.turns[chain.step], chain.part
        if part == "transcript":
            own = self._target(mag, replace(chain, part="whole"))
            return transcript(mag, turn) + own
        if self.lessons.prompts is not None and part == "whole" and turn.text.strip():
            return turn.text.strip()
        if turn.answer is None or part == "reasoning":
            text = turn.reasoning.strip() or turn.text.strip()
            return text if turn.answer is None else text or f"The answer is {turn.answer}."
        shown = turn if part == "whole" else turn.model_copy(update={"reasoning": ""})
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
            own = behind(self.tokenizer, prompts[number][len(start) :], joined, text)
            chain = [*own, self.tokenizer.eos_token_id]
            tally["chains"] += 1
            tally["cut_chains"] += len(chain) > room[number]
            chains.append(ints(chain[: room[number]]))
        return self._assemble(draft, prompts, chains)

    def _assemble(self, draft: _Draft, prompts: list[list[int]], chains: list[Ints]) -> Encoded:
        columns, lengths = draft.selection.columns, ints([len(chain) for chain in chains])
        count = len(prompts)
        tree = shared_prefixes(prompts) if self.lessons.prompts else (prompts, [-1] * count, list(range(count)))
        nodes, parents, ends = tree
        return Encoded(
            id=draft.mag.id,
            prompts=tuple(ints(node) for node in nodes),
            parents=ints(parents),
            chains=tuple(chains),
            prompt_of=ints([ends[number] for number, _ in draft.targets]),
            columns=columns,
            of_chains=frozenset(name for name, column in self.columns.items() if column.chains),
            counts=tuple(counted(of, each, columns, lengths) for of, each in self.objectives.items()),
        )


@dataclass(frozen=True, slots=True)
class _Draft:
    mag: Mag
    selection: Selection
    prompts: list[str]
    targets: list[tuple[int, str]]

    def spaced(self) -> list[str]:
        """Targets as they follow their prompts."""
        return [spaced(self.prompts[number], target) for number, target in self.targets]

    def texts(self) -> list[str]:
        """Prompts, then each target behind its prompt."""
        return [
            *self.prompts,
            *(self.prompts[n] + text for (n, _), text in zip(self.targets, self.spaced(), strict=True)),
        ]


def spaced(prompt: str, target: str) -> str:
    """Returns a target as it follows its prompt."""
    return target if prompt[-1:].isspace() else f" {target}"


def behind(tokenizer: Any, prompt: list[int], joined: list[int], text: str) -> list[int]:
    """Returns the tokens of a target behind a prompt.

    From both as one text where the prompt's tokens come out unchanged, as they do when the model writes after
    them; else from the target by itself.

    Args:
        tokenizer: The student's.
        prompt: The prompt's own tokens.
        joined: Those of prompt and target as one text.
        text: The target, `spaced`.
    """
    if joined[: len(prompt)] == prompt:
        return joined[len(prompt) :]
    found: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return found


def opening(tokenizer: Any, style: PromptStyle) -> list[int]:
    """Returns what stands before a prompt's own tokens: the beginning-of-sequence token, where the model has one.

    A chat template writes it itself. Evaluation does the same.
    """
    if tokenizer.chat_template and style != "paper":
        return []
    first: list[int] = tokenizer("", add_special_tokens=True)["input_ids"][:1]
    return first if first == [tokenizer.bos_token_id] else []
