"""Presets: what each one sets, in the shape of a configuration file.

``paper`` is the models' own defaults. The numbers of ``tiny`` and ``quick`` were chosen on validation questions of the
arithmetic task (docs/simulated.md); nothing in them was chosen by a test score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAPER: dict[str, object] = {}
"""MAGDi, section 4 and Appendix A: the models' defaults."""

AUTHORS_CODE: dict[str, object] = {
    "protocol": {"name": "reconcile", "groups": "top2", "convincing_first": True},
    "encoder": {"name": "gcn-symmetric", "hidden": 512},
    "student": {
        "prompt": "paper",
        "dtype": "float16",
        "gradient_checkpointing": True,
        "lora": {"r": 16, "alpha": 32, "dropout": 0.05, "target_modules": ["q_proj", "v_proj"]},
    },
    "objectives": {"margin": {"weight": 0.1, "pairs": "sampled", "hidden": "student"}, "node": {"states": "frozen"}},
    "training": {"mags_per_step": 4, "scheduler": "linear", "warmup": 100, "layout": "padded"},
    "evaluation": {"temperature": 0.7, "top_p": 0.9, "top_k": 50, "max_new_tokens": 300},
}
"""What the public code does where it departs from the paper, as far as magdi has it as an option.

Its batch is 16 pairs of a right and a wrong turn, which is what some four MAGs have: of 1,000 MAGs with the paper's
shares of G0 to G3 ten epochs are some 2,750 updates there, 2,500 here, and 625 with 16 MAGs a step. L_I alone is
frozen.
"""

TINY: dict[str, Any] = {
    "encoder": {"name": "gcn", "hidden": 64},
    "student": {"model": "tiny", "adaptation": "full", "dtype": "float32", "max_length": 256},
    "objectives": {"margin": {"weight": 0.1, "anneal": 0.6}, "node": {"weight": 0.1, "anneal": 0.6}},
    "training": {
        "learning_rate": 2e-3,
        "steps": 350,
        "mags_per_step": 8,
        "final_lr_ratio": 0.05,
        "warmup": 0.05,
        "weight_decay": 0.01,
        "adam_beta2": 0.98,
        "log_every": 5,
    },
    "evaluation": {"max_new_tokens": 64},
}
"""The embedded default: a tiny student that learns from simulated teachers on one or two CPU cores.

The weights of L- and L_I fall to 0 over the first 60 % of training: with the paper's constant weights they harm so
small a student.
"""

QUICK: dict[str, object] = {
    **TINY,
    "task": {"name": "arithmetic", "test": 500},
    "training": {**TINY["training"], "steps": 250, "learning_rate": 3e-3},
}
"""Fewer steps and half the test questions: under a minute with the base made from scratch, half of that without."""

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": PAPER,
    "authors-code": AUTHORS_CODE,
    "tiny": TINY,
    "quick": QUICK,
}

_VOTE = {"samples": 3, "temperature": 0.3}
"""MV@3, as the paper answers."""

_TINY_TEAM: dict[str, object] = {
    "evaluation": _VOTE,
    "student": {
        "adaptation": "lora",
        "max_length": 512,
        "tiny": {"roles": True},
        "lora": {"r": 32, "alpha": 64, "dropout": 0.0, "target_modules": "all-linear"},
    },
    "training": {"steps": 150, "learning_rate": 5e-3, "dpo": {"steps": 20, "learning_rate": 1e-4}},
}

OF_METHODS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "malt": {
        "paper": {
            "evaluation": _VOTE,
            "training": {
                "learning_rate": 1e-4,
                "epochs": 2,
                "mags_per_step": 8,
                "dpo": {"learning_rate": 5e-6, "epochs": 1},
            },
        },
        "tiny": _TINY_TEAM,
        "quick": _TINY_TEAM,
    }
}
"""What a method sets beyond a preset. MALT's paper gives no learning rate and "1 to 10" epochs: these are ours."""
