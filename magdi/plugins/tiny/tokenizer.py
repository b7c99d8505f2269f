"""Tokenizers of tiny base models: one token a word where the vocabulary is closed, byte-level BPE where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

PAD, BOS, EOS, UNKNOWN = SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")

WORDS = r"\n|\w+|[^\w\s]"
"""What one token is in a closed vocabulary: a line break, a word or number, a sign."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n' }}{% endif %}{% endfor %}"
)
"""The question, a line break, the answer: what is said by anyone but the assistant ends in a line break."""


def word_tokenizer(words: Sequence[str]) -> Any:
    """Returns a tokenizer of a closed vocabulary; what is not in it becomes ``<unk>``.

    Spaces are not kept; decoding puts one between words and none before a full stop, comma, ``!`` or ``?``.

    Args:
        words: The words and signs, in the order of their ids (after the special tokens and the line break).
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    known = dict.fromkeys([*SPECIAL, "\n", *words])
    backend = Tokenizer(models.WordLevel({word: number for number, word in enumerate(known)}, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    backend.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    return _wrapped(backend)


def bpe_tokenizer(texts: Iterable[str], size: int) -> Any:
    """Returns a byte-level BPE tokenizer trained on texts; nothing is unknown to it.

    Args:
        texts: What it is trained on; none leaves the 256 bytes and the special tokens.
        size: Most tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return _wrapped(backend)


def _wrapped(backend: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNKNOWN,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
