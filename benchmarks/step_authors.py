"""A training step beside the authors' own code, of which nothing is here: their checkout is named by its path.

    git clone https://github.com/dinobby/MAGDi ../MAGDi
    python benchmarks/step_authors.py ../MAGDi [--student small] [--mags 16] [--rounds 3] [--epochs 10]

Theirs are model, losses, pairs, collator and graphs; the same MAGs, the same student, LoRA and checkpointing as their
train.py sets them. Left out are its loading in half precision over several devices, the Trainer, and the embeddings of
nodes, which they take from a file and which are random here. One process, one step of each in turn, and in reverse.

Their collator lengthens the features that it is given, and the data set keeps them so: each timed step is given
fresh ones, and what ten epochs make of them is told apart (``--epochs``), in tokens a MAG.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
from peft import LoraConfig, get_peft_model
from step_bench import STUDENTS, TREE, Bench
from step_data import AGENTS, draw_mags
from step_pairwise import NOTHING, PAIRS_AT_ONCE

from magdi.core.distill.encoded import Encoded

ROUNDS, ABSENT = 4, 2  # of a graph of theirs, and the class of a turn that was not said
PADDING = SimpleNamespace(padding_side="left", pad_token_id=2)


class Authors:
    """Their model on a student's weights, and an optimizer step of it."""

    def __init__(self, checkout: str, bench: Bench) -> None:
        sys.path.insert(0, checkout)
        import data_utils
        import model
        import utils

        self.utils, self.collator = utils, data_utils.MAGDiDataCollator(PADDING)
        base = bench.student.base
        with tempfile.TemporaryDirectory() as folder:
            base.save_pretrained(folder, state_dict=plain_weights(base))
            self.model = model.MAGDi(folder, base.config.hidden_size, 512, 3, 1.0, 1.0, 0.1)
        for weight in self.model.decoder.parameters():
            weight.requires_grad = False
        settings = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], lora_dropout=0.05)
        self.model.decoder.gradient_checkpointing_enable()
        self.model.decoder.enable_input_require_grads()
        self.model.decoder = get_peft_model(self.model.decoder, settings)
        self.model.train()

    def features(self, mags: Sequence[Encoded]) -> list[dict[str, Any]]:
        """Returns their data set: a feature for each pair, a graph with each."""
        found, graphs = [], []
        for mag in mags:
            graphs.append(self._graph(mag))
            texts = [[*mag.prompts[0].tolist(), *chain.tolist()] for chain in mag.chains]
            sides = self.utils.prepare_contrastive_samples(texts, mag.columns["node.labels"][0].tolist())
            for plus, minus in zip(*sides, strict=True) if sides else ():
                minus = NOTHING.tolist() if minus == "NA" else minus
                found.append(side("pos", plus) | side("neg", minus))
        return list(self.utils.pad_graphs(found, graphs)[0])

    def _graph(self, mag: Encoded) -> Any:
        graph, labels = self.utils.construct_graph(), [ABSENT] * ROUNDS * AGENTS
        for turn, label in enumerate(mag.columns["node.labels"][0].tolist()):
            labels[turn % AGENTS * ROUNDS + turn // AGENTS] = label
        graph.x, graph.y = torch.randn(len(labels), self.model.mlp1.in_channels), torch.tensor(labels)
        return graph

    def step(self, features: list[dict[str, Any]], order: random.Random) -> int:
        """Does all forward and backward passes; returns the tokens that they took."""
        tokens = 0
        for batch in self.batches(features, order):
            sum(self.model(**batch)).backward()
            tokens += batch["pos_input_ids"].numel() + batch["neg_input_ids"].numel()
        for weight in self.model.parameters():
            weight.grad = None
        return tokens

    def batches(self, features: list[dict[str, Any]], order: random.Random) -> Any:
        """Yields what the collator makes of the shuffled features, which it lengthens."""
        places = order.sample(range(len(features)), len(features))
        for start in range(0, len(places), PAIRS_AT_ONCE):
            yield self.collator([features[place] for place in places[start : start + PAIRS_AT_ONCE]])

    def growth(self, features: list[dict[str, Any]], epochs: int) -> list[int]:
        """Returns the tokens of each epoch, one after the other on the same features."""
        order, found = random.Random(0), []
        for _ in range(epochs):
            made = list(self.batches(features, order))
            found.append(sum(each[f"{which}_input_ids"].numel() for each in made for which in ("pos", "neg")))
        return found


def side(which: str, ids: list[int]) -> dict[str, list[int]]:
    return {f"{which}_input_ids": ids, f"{which}_attention_mask": [1] * len(ids), f"{which}_labels": ids}


def plain_weights(base: Any) -> dict[str, torch.Tensor]:
    """Returns a model's weights without its adapter's, under the names that they have without it."""
    return {name.replace(".base_layer", ""): each for name, each in base.state_dict().items() if "lora_" not in name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", help="a folder with the authors' code")
    parser.add_argument("--student", choices=list(STUDENTS), default="quick")
    parser.add_argument("--mags", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(options.student, "lora", "cpu", torch.float32, 0.05)
    mags = draw_mags(options.mags, bench.vocabulary, 135)
    authors = Authors(options.checkout, bench)
    features = authors.features(mags)
    seconds: dict[str, list[float]] = {"authors": [], "magdi": []}
    tokens: dict[str, int] = {}
    for number in range(options.rounds):
        fresh = copy.deepcopy(features)
        steps = {
            "authors": lambda fresh=fresh, number=number: authors.step(fresh, random.Random(number)),
            "magdi": lambda: sum(bench.step(TREE, mags[start : start + 4], 0) for start in range(0, len(mags), 4)),
        }
        for name in steps if number % 2 == 0 else reversed(steps):
            started = time.process_time()
            tokens[name] = steps[name]() // len(mags)
            seconds[name].append((time.process_time() - started) / len(mags))
    ratios = [theirs / ours for theirs, ours in zip(seconds["authors"], seconds["magdi"], strict=True)]
    grown = authors.growth(features, options.epochs)
    document = {
        "tokens_per_mag": tokens,
        "cpu_seconds_per_mag": {name: statistics.median(each) for name, each in seconds.items()},
        "speed_tree_vs_authors": {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)},
        "tokens_by_epoch": [round(each / grown[0], 3) for each in grown],
        "tokens_mean_over_epochs": round(statistics.mean(grown) / grown[0], 3),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
