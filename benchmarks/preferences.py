"""How long DPO by role takes on MALT's trees: magdi's tree layout and TRL's DPOTrainer, same pairs, same losses.

    python benchmarks/preferences.py [--quick] [--role verifier]

Synthetic trees of three samples a step with lengths as of GSM8K's real ones; a quarter to three quarters of the
refinements are right. LoRA r 16 on query and value, reference: the adapter as it was. One step of each after the other
and then in reverse, CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from step_bench import STUDENTS

from magdi.core.config.models import Lora, Student
from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded, Size, ints
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.prefixes import shared_prefixes
from magdi.core.distill.schedule import forwards
from magdi.core.distill.student import DistillStudent, _adapted
from magdi.plugins.objectives.dpo import Dpo
from magdi.plugins.testing.tiny import byte_tokenizer

SAMPLES = 3
BETA = 0.2
BUDGET = 4096
PAIRS_A_BATCH = 4
TREES = {"generator": (12, 6), "verifier": (8, 2), "refiner": (4, 1)}
"""How many of a role's, and how many with --quick."""

WHAT = (("tokens", 0), ("seconds", 2))
QUESTION, REPLY, WORDING = (67, 107), (86, 206), 45


def draw_tree(seed: int, role: str, vocabulary: int) -> Encoded | None:
    """Returns what one role learns of a tree; None where no right turn stands beside a wrong one."""
    draw = np.random.default_rng(seed)

    def tokens(low: int, high: int) -> list[int]:
        return draw.integers(3, vocabulary, draw.integers(low, high + 1)).tolist()

    wording = [np.random.default_rng(number).integers(3, vocabulary, WORDING).tolist() for number in range(3)]
    question, chance = tokens(*QUESTION), draw.uniform(0.25, 0.75)
    prompts: list[list[int]] = []
    asked = [question + wording[0]]
    if role != "generator":
        asked = [question + wording[1] + tokens(*REPLY) + wording[1][:10] for _ in range(SAMPLES)]
    if role == "refiner":
        asked = [each + tokens(*REPLY) + wording[2] for each in asked for _ in range(SAMPLES)]
    chains: list[list[int]] = []
    prompt_of: list[int] = []
    pairs: list[tuple[int, int]] = []
    for prompt in asked:
        right = draw.random(SAMPLES) < chance
        if right.all() or not right.any():
            continue
        first = len(chains)
        chains += [tokens(*REPLY) for _ in right]
        prompt_of += [len(prompts)] * SAMPLES
        prompts.append(prompt)
        pairs += [(first + plus, first + minus) for plus in np.flatnonzero(right) for minus in np.flatnonzero(~right)]
    if not pairs:
        return None
    nodes, parents, ends = shared_prefixes(prompts)
    return Encoded(
        id=str(seed),
        prompts=tuple(map(ints, nodes)),
        chains=tuple(map(ints, chains)),
        prompt_of=ints([ends[number] for number in prompt_of]),
        columns={"dpo.pairs": ints(pairs).T.copy()},
        of_chains=frozenset({"dpo.pairs"}),
        counts=(len(pairs),),
        parents=ints(parents),
    )


def trees(role: str, count: int, vocabulary: int) -> list[Encoded]:
    """Returns so many trees that have pairs."""
    drawn = (draw_tree(seed, role, vocabulary) for seed in range(10 * count))
    return [tree for tree in drawn if tree is not None][:count]


class Bench:
    """One student, and a step of either way on it."""

    def __init__(self, shape: str, folder: Path) -> None:
        from datasets import Dataset
        from transformers import LlamaConfig, LlamaForCausalLM
        from trl import DPOConfig, DPOTrainer

        torch.manual_seed(0)
        self.vocabulary = STUDENTS[shape]["vocab_size"]
        model = LlamaForCausalLM(LlamaConfig(**STUDENTS[shape], max_position_embeddings=4096))
        lora = Lora(dropout=0.0)
        self.student = DistillStudent(
            _adapted(model, Student(lora=lora), None, None), None, Student(lora=lora)
        ).with_reference()
        tokenizer = byte_tokenizer()
        texts = Dataset.from_list([{"prompt": "What?", "chosen": "This.", "rejected": "That."}])
        own = {"beta": BETA, "report_to": "none", "use_cpu": True, "bf16": False, "gradient_checkpointing": False}
        args = DPOConfig(str(folder), **own)
        self.trainer = DPOTrainer(self.student.model, None, args, train_dataset=texts, processing_class=tokenizer)
        objectives = {"dpo": Dpo(Dpo.Config(beta=BETA))}
        heads = Heads(objectives, STUDENTS[shape]["hidden_size"], seed=0)
        self.losses = MagLosses(self.student, objectives, heads, Reader(LAYOUTS["tree"]))
        self._move()

    def _move(self) -> None:
        """Takes the adapter away from where it was, so that the losses are of a student under way."""
        draw = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in self.student.parameters():
                weight.add_(torch.randn(weight.shape, generator=draw), alpha=0.02)

    def ours(self, mags: Sequence[Encoded]) -> tuple[float, int]:
        """Returns the loss of a step by the tree, and the tokens that it read."""
        tree, sizes = LAYOUTS["tree"], [Size.of(mag) for mag in mags]
        pairs = sum(mag.counts[0] for mag in mags)
        loss = 0.0
        with self.student.attending(tree):
            for group in forwards(list(range(len(mags))), sizes, tree, BUDGET):
                found = self.losses(collate([mags[each] for each in group], tree), {"dpo": 1 / pairs}).total
                found.backward()
                loss += float(found.detach())
        return loss, sum(size.tokens for size in sizes)

    def theirs(self, mags: Sequence[Encoded]) -> tuple[float, int]:
        """Returns the loss of the same step by TRL, and the tokens that it read, padding included."""
        rows = list(rows_of(mags))
        loss = tokens = 0.0
        for first in range(0, len(rows), PAIRS_A_BATCH):
            few = rows[first : first + PAIRS_A_BATCH]
            inputs = self.trainer.data_collator(few)
            found = self.trainer.compute_loss(self.student.model, inputs) * len(few) / len(rows)
            found.backward()
            loss += float(found.detach())
            tokens += inputs["input_ids"].numel()
        return loss, int(tokens)


def rows_of(mags: Sequence[Encoded]) -> Iterator[dict[str, Any]]:
    """Yields a row of TRL's for each pair, in an order in which neighbours are of any tree."""
    rows = [
        {"prompt_ids": mag.whole_prompts()[mag.prompt_of[plus]].tolist()}
        | {"chosen_ids": mag.chains[plus].tolist(), "rejected_ids": mag.chains[minus].tolist()}
        for mag in mags
        for plus, minus in mag.columns["dpo.pairs"].T
    ]
    yield from (rows[place] for place in np.random.default_rng(0).permutation(len(rows)))


def measure(bench: Bench, mags: Sequence[Encoded], rounds: int) -> dict[str, Any]:
    """Times both side by side; returns losses, tokens and the ratio of seconds."""
    ways = {"magdi": bench.ours, "TRL": bench.theirs}
    found = {name: way(mags) for name, way in ways.items()}
    ratios: list[float] = []
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            started = time.process_time()
            ways[name](mags)
            spent[name].append(time.process_time() - started)
        ratios.append(spent["TRL"][-1] / spent["magdi"][-1])
    pairs = sum(mag.counts[0] for mag in mags)
    return {
        "pairs": pairs,
        "difference": abs(found["magdi"][0] - found["TRL"][0]),
        "loss": found["magdi"][0],
        "tokens": {name: each[1] / pairs for name, each in found.items()},
        "seconds": {name: statistics.median(each) / pairs for name, each in spent.items()},
        "ratio": (statistics.median(ratios), min(ratios), max(ratios)),
    }


def main() -> None:
    """Prints a row a role."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A smaller student and fewer trees.")
    parser.add_argument("--role", choices=TREES, help="This role alone.")
    given = parser.parse_args()
    quick = given.quick
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        bench = Bench("quick" if quick else "small", Path(folder))
        print("| role | pairs | loss | difference | tokens a pair, TRL / magdi | s a pair, TRL / magdi | x TRL |")
        print("|---|---|---|---|---|---|---|")
        for role in [given.role] if given.role else TREES:
            found = measure(bench, trees(role, TREES[role][quick], bench.vocabulary), 2 if quick else 5)
            tokens, seconds = (
                f"{found[of]['TRL']:.{digits}f} / {found[of]['magdi']:.{digits}f}" for of, digits in WHAT
            )
            ratio = "{:.2f} ({:.2f}-{:.2f})".format(*found["ratio"])
            cells = [role, found["pairs"], f"{found['loss']:.4f}", f"{found['difference']:.0e}", tokens, seconds, ratio]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
