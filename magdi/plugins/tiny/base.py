"""Tiny base models: a Llama and its tokenizer, made here and kept, so that nothing has to be downloaded.

For a task with a primer the tokenizer has its closed vocabulary and the model is trained on it: a student must be able
to do something before it can be taught the rest. For all other tasks the tokenizer is trained on the texts given and
the model is left at its random start: of use to try the machinery, and for nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.quiet import quiet
from magdi.core.seals import made_once
from magdi.core.task import Primer, Task
from magdi.core.threads import threads
from magdi.plugins.tasks.word_problems import words_of

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.config.models import TinyBase

RECIPE = "tiny/2"
"""Changes whenever the same settings would make another model."""

THREADS = 1
"""Always as many, for the sums of matrix products and so the bytes of the model depend on it; a second is no gain."""

WEIGHTS_STD = 0.07
EMBEDDINGS_STD = 0.02
"""How weights start. The usual 0.02 for all is meant for wide models; at this width it passes hardly anything on."""

ROPE_THETA = 100.0
"""Base of the rotary positions: questions and answers are some 70 tokens long, not thousands."""

FOURIER_PERIODS = (2.0, 240.0)
FOURIER_COUNT = 12
FOURIER_SCALE = 0.2


def tiny_base(
    task: Task,
    config: TinyBase,
    cache: Path,
    texts: Iterable[str] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Returns the folder of the task's tiny base, which is made unless it is in the cache.

    The folder is a plain model of transformers, tokenizer and chat template included. Its name is the hash of all that
    it is made from.

    Args:
        task: Whose primer it is trained on.
        config: Its size and training.
        cache: Where bases are kept.
        texts: What its tokenizer is trained on, where the task's primer has no closed vocabulary.
        on_progress: Told the step and the number of steps while it is trained.
    """
    primer = primer_of(task, config)
    known = primer.words or [*texts, *(document.text for document in primer.documents)]
    folder = cache / f"tiny-{_content_hash(primer, config, known)}"
    say = on_progress or (lambda step, total: None)
    return made_once(folder, lambda to: _make(primer, config, known, to, say))


def primer_of(task: Task, config: TinyBase) -> Primer:
    """Returns a task's primer; with ``roles`` their speech is in it, and the words of that in the vocabulary."""
    primer = task.primer(config.seed) or Primer(documents=())
    if not config.roles:
        return primer
    speech = task.role_speech(config.seed)
    new = words_of([document.text for document in speech]) if primer.words else []
    words = tuple(dict.fromkeys([*primer.words, *new]))
    return replace(primer, documents=[*primer.documents, *speech], words=words)


def _content_hash(primer: Primer, config: TinyBase, known: Sequence[str]) -> str:
    made = config.model_dump(mode="json", exclude={"roles"})  # their speech is among the documents
    digest = hashlib.blake2b(digest_size=10)
    parts: list[object] = [RECIPE, made, primer.numbers, bool(primer.words), list(known)]
    parts += [(document.text, document.learn) for document in primer.documents]
    for part in parts:
        digest.update(json.dumps(part).encode())
    return digest.hexdigest()


@quiet()
def _make(
    primer: Primer, config: TinyBase, known: Sequence[str], folder: Path, on_progress: Callable[[int, int], None]
) -> None:
    """Makes a base in a folder; the same bytes for the same arguments on the same kind of machine."""
    import torch

    from magdi.plugins.tiny.tokenizer import bpe_tokenizer, word_tokenizer
    from magdi.plugins.tiny.training import tokenized, train

    tokenizer = word_tokenizer(known) if primer.words else bpe_tokenizer(known, config.vocabulary)
    with _reproducibly(config.seed):
        model = new_model(tokenizer, config)
        if config.number_embedding == "fourier" and primer.numbers:
            ids = tokenizer.convert_tokens_to_ids([str(number) for number in range(primer.numbers)])
            with torch.no_grad():
                set_fourier(model.get_input_embeddings().weight, ids)
        if primer.documents and config.epochs:
            train(model, tokenized(tokenizer, primer.documents), config, tokenizer.pad_token_id, on_progress)
    model.should_save_on_this_rank = lambda asked: asked  # of a group's processes else the first alone, and silently
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def _reproducibly(seed: int) -> Iterator[None]:
    """Seeds torch and fixes its number of threads; both are as before afterwards."""
    import torch

    with threads(THREADS), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def new_model(tokenizer: Any, config: TinyBase) -> Any:
    """Returns a Llama with random weights and the tokenizer's vocabulary, its head tied to its embeddings."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden,
            intermediate_size=2 * config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.heads,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            initializer_range=WEIGHTS_STD,
            rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_(0, EMBEDDINGS_STD)
    return model


def set_fourier(weight: Tensor, ids: Sequence[int]) -> None:
    """Writes Fourier features of the numbers 0, 1, ... into the first columns of their embeddings.

    Sine and cosine of the number at periods from 2 to 240, evenly spaced in their logarithm, and the number itself
    as a share of the largest: with them addition is a rotation, and need not be learned as a table.

    Args:
        weight: Embeddings ``[vocabulary, width]``; written in place.
        ids: Token ids of 0, 1, ...
    """
    import torch

    low, high = (math.log(period) for period in FOURIER_PERIODS)
    periods = torch.exp(torch.linspace(low, high, FOURIER_COUNT))
    numbers = torch.arange(len(ids), dtype=torch.float32)
    angles = 2 * math.pi * numbers[:, None] / periods
    features = torch.cat([angles.sin(), angles.cos(), numbers[:, None] / max(1, len(ids) - 1)], dim=1)
    width = min(features.shape[1], weight.shape[1])
    weight[torch.tensor(ids), :width] = FOURIER_SCALE * features[:, :width].to(weight)
