"""What a student makes of turns: read as training reads them, computed by the model itself, and only once."""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig

from magdi.core.config.models import Student
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.reading import Reading
from magdi.core.mag import Mag, Question, Turn
from magdi.plugins.objectives.classification import Classification
from magdi.plugins.suites import turn_states as reading
from magdi.plugins.suites.turn_states import Read, read_turns
from magdi.plugins.tiny.tokenizer import bpe_tokenizer

SAID = ("Three and four are seven.", "No, it is eight", "Three and four are seven.")


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Gemma 3: no chat template, a token that all texts begin with, a window of 12, one layer that sees all."""
    folder = tmp_path_factory.mktemp("gemma")
    tokenizer = bpe_tokenizer(SAID, 300)
    tokenizer.chat_template = None
    begins = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)])
    tokenizer.backend_tokenizer.post_processor = begins
    torch.manual_seed(0)
    model = Gemma3ForCausalLM(
        Gemma3TextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=4,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            sliding_window=12,
            layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
        )
    )
    for each in (model, tokenizer):
        each.save_pretrained(folder)
    return folder


@pytest.fixture
def mag() -> Mag:
    turns = [
        Turn(step=step, agent=f"a{step}", round=0, text=text, reasoning=text, answer=str(7 + step % 2), label=step != 1)
        for step, text in enumerate(SAID)
    ]
    return Mag(id="m", question=Question(id="q", text="What is 3 + 4?", gold="7"), turns=turns, protocol="single")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGDI_CACHE", str(tmp_path))


def read(place: Path, mag: Mag, **settings: Any) -> Read:
    return read_turns(place, Student(**settings), [(mag.question, turn) for turn in mag.turns])


def encoded(place: Path, mag: Mag) -> Encoded:
    tokenizer = AutoTokenizer.from_pretrained(place)
    learned = {"classification": Classification(Classification.Config())}
    return next(Reading(tokenizer, learned).read([mag], Counter()))


def test_turns_are_read_as_training_reads_them(gemma: Path, mag: Mag) -> None:
    """Its first token included, without which Gemma is lost, and the space in front of what is said."""
    known, tokenizer = encoded(gemma, mag), AutoTokenizer.from_pretrained(gemma)
    assert known.prompts[0][0] == tokenizer.bos_token_id
    for turn, chain in zip(mag.turns, known.chains, strict=True):
        ids, start = reading._ids(tokenizer, mag.question, turn, Student())
        assert ids == (*known.prompts[0].tolist(), *chain[:-1].tolist())
        assert ids[start:] == tuple(chain[:-1].tolist())


def test_states_and_logprobs_are_the_models_own(gemma: Path, mag: Mag) -> None:
    """Of turns of unequal length, one behind the other in a rectangle: each as it is alone."""
    found, known = read(gemma, mag), encoded(gemma, mag)
    model = AutoModelForCausalLM.from_pretrained(gemma, dtype=torch.float32).eval()
    prompt = known.prompts[0].tolist()
    for row, chain in enumerate(known.chains):
        ids = torch.tensor([[*prompt, *chain[:-1]]])
        with torch.no_grad():
            out = model(input_ids=ids, output_hidden_states=True)
        chances = out.logits[0].log_softmax(-1)[len(prompt) - 1 : -1]
        logprob = chances.gather(1, ids[0, len(prompt) :, None]).mean()
        weights = torch.arange(1.0, ids.shape[1] + 1)
        torch.testing.assert_close(found.logprob[row], logprob, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found.last[row], out.hidden_states[-1][0, -1], atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(found.middle[row], out.hidden_states[2][0, -1], atol=1e-4, rtol=1e-3)
        pooled = weights @ out.hidden_states[-1][0] / weights.sum()
        torch.testing.assert_close(found.pooled[row], pooled, atol=1e-4, rtol=1e-3)
    assert found.logprob[0] == found.logprob[2]


def test_the_same_weights_read_the_same_turns_once(gemma: Path, mag: Mag, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read(gemma, mag)
    passes: list[int] = []
    monkeypatch.setattr(reading, "_read", lambda model, rows: passes.append(len(rows)) or before)
    again = read(gemma, mag)
    assert not passes
    assert all(torch.equal(getattr(before, name), getattr(again, name)) for name in ("pooled", "logprob"))
    shared, copied = gemma.with_name("of another cell"), gemma.with_name("copied")
    shutil.copytree(gemma, shared, copy_function=os.link)
    read(shared, mag)
    assert not passes, "cells that share a student have links to its files"
    shutil.copytree(gemma, copied, copy_function=shutil.copy)
    read(copied, mag)
    assert passes == [2], "a copy may be another student"
    passes.clear()
    (gemma / "model.safetensors").touch()
    read(gemma, mag)
    assert passes == [2]


def test_of_a_reading_that_was_stopped_what_was_read_is_kept(
    gemma: Path, mag: Mag, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(gemma, mag)
    monkeypatch.setattr(reading, "BLOCK", 1)  # other blocks than before: nothing of them is kept
    whole_read, passes = reading._read, []

    def stopped(model: Any, rows: Any) -> Read:
        passes.append(len(rows))
        if len(passes) == 2:
            raise KeyboardInterrupt
        return whole_read(model, rows)

    monkeypatch.setattr(reading, "_read", stopped)
    with pytest.raises(KeyboardInterrupt):
        read(gemma, mag)
    again = read(gemma, mag)
    assert passes == [1, 1, 1]  # the second block alone is read again
    for name in ("pooled", "last", "middle", "logprob"):
        torch.testing.assert_close(getattr(again, name), getattr(whole, name), atol=1e-5, rtol=1e-4)


def test_a_large_vocabulary_takes_fewer_turns_at_once(gemma: Path, mag: Mag, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(reading, "_batches", lambda rows, most: asked.append(most) or [[row] for row in rows])
    monkeypatch.setattr(reading, "LOGITS", 100 * len(AutoTokenizer.from_pretrained(gemma)))
    read(gemma, mag)
    assert asked == [100]
