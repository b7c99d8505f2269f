"""A student in the hands of somebody who has transformers, and no magdi."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

QUESTION = "Mia starts with 12 beads. She buys 5 more. How many beads does she have now?"


@contextmanager
def without_magdi() -> Iterator[None]:
    """Nothing of magdi can be imported; what it has taught transformers stays: a process of its own would show that."""
    with patch.dict(sys.modules, {name: None for name in sys.modules if name.partition(".")[0] == "magdi"}):
        yield


def answers(folder: Path) -> bool:
    """Returns whether a student says something more than its prompt."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with without_magdi():
        tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
        chat = [{"role": "user", "content": QUESTION}]
        asked = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        said = model.generate(**asked, max_new_tokens=5, do_sample=False)
    return bool(said.shape[1] > asked["input_ids"].shape[1])
