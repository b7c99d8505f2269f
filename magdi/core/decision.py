"""How the turns of a discussion become one answer: votes, pure functions of turns, and rules that are made of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from typing import TYPE_CHECKING

from magdi.core.configurable import Configurable
from magdi.core.mag import Decision, Question, Turn

if TYPE_CHECKING:
    from magdi.core.protocol import Wave


class DecisionRule(Configurable):
    """Base of decision rules (``discussion.decision``), which stand in for a protocol's own `decide`.

    A rule that asks agents yields waves as a protocol does, and may have a ``prompt(question, ask)`` that words them.
    """

    @abstractmethod
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        """Returns the discussion's answer, or yields further waves before it does."""

    def check(self, agents: Collection[str]) -> None:
        """Looks whether the agents that its settings name take part.

        Raises:
            ConfigError: One does not.
        """


def tally(turns: Iterable[Turn], weight: Callable[[Turn], float] = lambda turn: 1.0) -> dict[str, float]:
    """Returns the weight behind each answer, in the order in which answers were first given.

    Turns without an answer have no vote.
    """
    votes: dict[str, float] = {}
    for turn in turns:
        if turn.answer is not None:
            votes[turn.answer] = votes.get(turn.answer, 0.0) + weight(turn)
    return votes


def vote(turns: Iterable[Turn], weight: Callable[[Turn], float] | None = None, rule: str = "") -> Decision:
    """Returns the answer with the most weight; by default one turn, one vote."""
    votes = tally(turns, weight) if weight else tally(turns)
    answer = max(votes, key=lambda key: votes[key]) if votes else None
    return Decision(answer=answer, rule=rule or ("weighted" if weight else "plurality"), votes=votes)


def last_answer(turns: Sequence[Turn]) -> Decision:
    """Returns the last answer that anybody gave."""
    return vote([turn for turn in turns if turn.answer is not None][-1:], rule="last")


def agreement(turns: Sequence[Turn]) -> float:
    """Returns the share of turns that gave the most frequent answer; 0 when none gave one."""
    votes = tally(turns)
    return max(votes.values()) / len(turns) if votes else 0.0


def consensus(turns: Sequence[Turn]) -> bool:
    """Returns whether every turn gave an answer, and the same one."""
    return bool(turns) and agreement(turns) == 1.0


def last_words(turns: Sequence[Turn]) -> list[Turn]:
    """Returns each agent's newest turn with an answer, in the order in which the agents first spoke."""
    newest: dict[str, Turn] = {}
    for turn in turns:
        if turn.answer is not None:
            newest[turn.agent] = turn
    return list(newest.values())


def last_round(turns: Sequence[Turn]) -> list[Turn]:
    """Returns the turns with an answer of the last round in which anyone gave one."""
    answered = [turn for turn in turns if turn.answer is not None]
    newest = max((turn.round for turn in answered), default=0)
    return [turn for turn in answered if turn.round == newest]
