"""Turns learned after their own prompts: what is read, what prompts share, and that sharing changes no state."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch

from magdi.core.discussion.stepper import Stepper
from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.lessons import Lessons, OwnPrompts
from magdi.core.distill.prefixes import shared_prefixes
from magdi.core.distill.prompt import chat_prompt
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from magdi.core.mag import Mag, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.reply import Parsed
from magdi.plugins.objectives.positive import Positive
from magdi.plugins.testing.tiny import byte_tokenizer
from magdi.protocols.malt import Malt
from magdi.protocols.solver_critic import SolverCritic

QUESTION = Question(id="q1", text="What is 17 * 3?", answer_type="number", gold="51")


def held(protocol: Protocol, agents: int) -> Mag:
    """Whoever answers says 51 after the first round, and 7 in it."""
    seats = [Agent(name) for name in "ABC"[:agents]]
    stepper = Stepper(QUESTION, protocol, seats, grade=lambda answer, gold: answer == gold, keep_prompts=True)
    while not stepper.done:
        for step, ask, _, _ in stepper.pending:
            answer = None if ask.role in ("critic", "verifier") else "51" if ask.round else "7"
            said = f"Word {step}: {answer}."
            stepper.answer(step, Parsed(said, answer), said)
    return stepper.result


def read(mag: Mag, role: str | None) -> tuple[Encoded, Reading]:
    reading = Reading(byte_tokenizer(), {"positive": Positive()}, lessons=Lessons(role, OwnPrompts()))
    (found,) = reading.read([mag], Counter())
    return found, reading


def test_a_critic_is_learned_after_what_it_was_shown() -> None:
    mag = held(SolverCritic(SolverCritic.Config(max_turns=4)), 2)
    found, reading = read(mag, "critic")
    wanted = [turn for turn in mag.turns if turn.role == "critic"]
    texts = [reading.tokenizer.decode(prompt) for prompt in found.whole_prompts()]
    own = [chat_prompt(reading.tokenizer, turn.prompt or ()) for turn in wanted]
    assert [texts[place] for place in found.prompt_of] == own
    said = [reading.tokenizer.decode(chain, skip_special_tokens=True).strip() for chain in found.chains]
    assert said == [turn.text for turn in wanted]


@pytest.mark.parametrize("seed", range(20))
def test_prompts_are_the_nodes_from_the_root_to_their_end(seed: int) -> None:
    draw = random.Random(seed)
    stems = [[draw.randrange(3) for _ in range(draw.randint(1, 40))] for _ in range(3)]
    prompts = [
        [
            *draw.choice(stems),
            *draw.choice(stems)[: draw.randint(0, 30)],
            *(draw.randrange(3) for _ in range(draw.randint(0, 3))),
        ]
        for _ in range(draw.randint(1, 12))
    ]
    prompts.append(prompts[0][: draw.randint(1, len(prompts[0]))])
    nodes, parents, ends = shared_prefixes(prompts)

    def whole(node: int) -> list[int]:
        return [] if node < 0 else [*whole(parents[node]), *nodes[node]]

    assert [whole(end) for end in ends] == prompts
    assert all(parent < place for place, parent in enumerate(parents))
    assert all(nodes)
    assert sum(map(len, nodes)) <= sum(map(len, prompts))


def test_question_solution_and_verification_are_read_once() -> None:
    mag = held(Malt(Malt.Config(samples=2)), 1)
    found, _ = read(mag, "refiner")
    repeated = sum(len(found.whole_prompts()[place]) for place in set(found.prompt_of.tolist()))
    assert sum(map(len, found.prompts)) < 0.75 * repeated
    text = byte_tokenizer().decode([token for prompt in found.prompts for token in prompt])
    counts = [text.count(said) for said in ("What is 17", "The answer is 7.", ": None.")]
    assert counts == [1, 2, 4]


@pytest.mark.parametrize("layout", ["tree", "tree-mask", "packed", "padded"])
def test_shared_prompts_change_no_state(layout: str, student: Callable[..., DistillStudent]) -> None:
    loaded = student("llama", dtype=torch.float64)
    loaded.model.eval()
    draw = random.Random(0)
    prompts = [[3, 5, *range(4, 24)], [3, 5, *range(4, 24), *range(9, 29), 7], [3, 5, *range(4, 24), *range(9, 29), 8]]
    nodes, parents, ends = shared_prefixes(prompts)
    chains = [[draw.randrange(3, 30) for _ in range(5 + number)] for number in range(6)]
    shape: dict[str, Any] = {"id": "m", "columns": {}, "of_chains": frozenset(), "counts": ()}
    arrays = [torch.tensor(chain).numpy() for chain in chains]
    shared = Encoded(
        prompts=tuple(torch.tensor(node).numpy() for node in nodes),
        parents=torch.tensor(parents).numpy(),
        prompt_of=torch.tensor([ends[number % 3] for number in range(6)]).numpy(),
        chains=tuple(arrays),
        **shape,
    )
    apart = Encoded(
        prompts=tuple(torch.tensor(prompt).numpy() for prompt in prompts),
        prompt_of=torch.tensor([number % 3 for number in range(6)]).numpy(),
        chains=tuple(arrays),
        **shape,
    )

    def states(mag: Encoded, name: str) -> torch.Tensor:
        with loaded.attending(LAYOUTS[name]), torch.no_grad():
            batch = collate([mag], LAYOUTS[name])
            return loaded.states(batch, LAYOUTS[name])[batch.predict_place]

    assert len(nodes) > len(prompts) or parents != [-1] * len(prompts)
    assert torch.allclose(states(shared, layout), states(apart, "padded"), atol=1e-12)
