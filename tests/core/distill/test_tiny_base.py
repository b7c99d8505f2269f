"""Tiny bases: made again to the byte, put in place whole or not at all, loadable by transformers alone."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from magdi.core.config.models import TinyBase
from magdi.core.distill.processes import join, rank
from magdi.core.distill.prompt import student_prompt
from magdi.core.mag import Question
from magdi.core.task import Document, Primer, Split, Task
from magdi.plugins.tiny import base as made
from magdi.plugins.tiny.base import FOURIER_SCALE, set_fourier, tiny_base
from magdi.plugins.tiny.tokenizer import bpe_tokenizer, word_tokenizer
from magdi.plugins.tiny.training import IGNORED, as_tensors, epoch_batches, rate, tokenized
from tests.core.distill.ranks import ended_well, ranks
from tests.without_magdi import without_magdi

WORDS = ("one", "and", "two", "is", "what", "?", ".", *map(str, range(12)))
DOCUMENTS = [
    Document(
        f"what is {a} and {b}?\n{a + b}.",
        learn=((len(f"what is {a} and {b}?\n"), len(f"what is {a} and {b}?\n{a + b}.")),),
    )
    for a in range(6)
    for b in range(6)
]
SMALL = TinyBase(hidden=32, layers=1, heads=2, epochs=2, batch_size=8)
QUESTION = Question(id="q", text="what is 3 and 4?", answer_type="number")


class Sums(Task):
    """A task with the smallest primer."""

    def questions(self, split: Split) -> Sequence[Question]:
        return [QUESTION]

    def extract(self, text: str, question: Question) -> str | None:
        return text.strip(" .") or None

    def primer(self, seed: int) -> Primer | None:
        return Primer(documents=DOCUMENTS, words=WORDS, numbers=12)


class Plain(Sums):
    """A task without one."""

    def primer(self, seed: int) -> Primer | None:
        return None


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(Sums(), SMALL, tmp_path_factory.mktemp("bases"))


def test_the_same_seed_makes_the_same_bytes_whatever_the_threads(base: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    torch.manual_seed(123)
    try:
        again = tiny_base(Sums(), SMALL, tmp_path)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert digests(again) == digests(base)


def test_whichever_process_of_a_group_makes_it_makes_all_of_it(base: Path, tmp_path: Path) -> None:
    def work() -> None:
        join()
        if rank():
            tiny_base(Sums(), SMALL, tmp_path / "base")

    with ranks(2, work, tmp_path / "errors") as (begun, _):
        ended_well(begun, tmp_path / "errors")
    assert digests(tmp_path / "base" / base.name) == digests(base)


def test_another_seed_makes_another(base: Path, tmp_path: Path) -> None:
    other = tiny_base(Sums(), SMALL.model_copy(update={"seed": 1}), tmp_path)
    assert other.name != base.name
    assert digests(other)["model.safetensors"] != digests(base)["model.safetensors"]


def test_it_leaves_the_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tiny_base(Sums(), SMALL.model_copy(update={"epochs": 0}), tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_what_is_in_the_cache_is_not_made_again(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "_make", lambda *args: pytest.fail("made again"))
    assert tiny_base(Sums(), SMALL, base.parent) == base


def test_a_death_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(step: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny_base(Sums(), SMALL, tmp_path, on_progress=dies)
    assert [each.suffix for each in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("there", [[], ["config.json", ".sealed"]])
def test_half_a_folder_of_a_killed_move_or_a_damaged_one_is_replaced(
    base: Path, tmp_path: Path, there: list[str]
) -> None:
    half = tmp_path / base.name
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    for name in there:
        shutil.copy(base / name, half)
    assert digests(tiny_base(Sums(), SMALL, tmp_path)) == digests(base)


def test_one_that_another_made_meanwhile_is_not_moved_away_under_its_readers(base: Path, tmp_path: Path) -> None:
    def another(step: int, total: int) -> None:
        if step == 1:
            shutil.copytree(base, tmp_path / base.name)
            (tmp_path / base.name / "read by others").touch()

    assert (tiny_base(Sums(), SMALL, tmp_path, on_progress=another) / "read by others").exists()


def test_progress_counts_all_steps(tmp_path: Path) -> None:
    told = []
    tiny_base(Sums(), SMALL, tmp_path, on_progress=lambda step, total: told.append((step, total)))
    assert told == [(step, 10) for step in range(1, 11)]


def test_it_learns(tmp_path: Path) -> None:
    trained = tiny_base(Sums(), SMALL.model_copy(update={"epochs": 60, "learning_rate": 1e-2}), tmp_path)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(trained), AutoTokenizer.from_pretrained(trained)
    ids = tokenizer(student_prompt(tokenizer, QUESTION), return_tensors="pt", add_special_tokens=False).input_ids
    said = model.generate(ids, max_new_tokens=3, do_sample=False)[0, ids.shape[1] :]
    assert tokenizer.decode(said, skip_special_tokens=True) == "7."
    assert said[-1] == tokenizer.eos_token_id


def test_the_prompt_is_written_as_the_primer_is(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    prompt = student_prompt(tokenizer, QUESTION)
    assert prompt == "<s>what is 3 and 4?\n"
    ((ids, labels),) = tokenized(tokenizer, [DOCUMENTS[3 * 6 + 4]])
    asked = tokenizer(prompt, add_special_tokens=False).input_ids
    assert ids[: len(asked)] == asked
    assert labels == [IGNORED] * len(asked) + tokenizer.convert_tokens_to_ids(["7", ".", "</s>"])


def test_a_chat_goes_on(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    chat = [
        {"role": role, "content": text} for role, text in (("user", "what?"), ("assistant", "one"), ("user", "two?"))
    ]
    assert tokenizer.apply_chat_template(chat, tokenize=False) == "<s>what?\none</s>two?\n"


def test_it_loads_where_magdi_cannot_be_imported(base: Path) -> None:
    with without_magdi():
        model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    assert type(model).__module__.startswith("transformers.")
    assert len(tokenizer) == model.config.vocab_size == len(WORDS) + 5
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


def test_without_a_primer_the_tokenizer_is_trained_on_texts(tmp_path: Path) -> None:
    config = TinyBase(hidden=32, layers=1, heads=2, vocabulary=300)
    texts = ["the cat sat on the mat"] * 20
    folder = tiny_base(Plain(), config, tmp_path, texts=iter(texts))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) <= 300
    for text in (texts[0], "naïve 12+5=17 🙂\n\n x"):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer.decode(ids) == text
    assert tiny_base(Plain(), config, tmp_path, texts=["another text"]) != folder


def test_words_are_tokens_and_what_is_unknown_is_said_to_be() -> None:
    tokenizer = word_tokenizer(WORDS)
    ids = tokenizer("what is 3and 11, one.two?").input_ids
    assert tokenizer.convert_ids_to_tokens(ids) == ["what", "is", "<unk>", "11", "<unk>", "one", ".", "two", "?"]
    assert tokenizer.decode(tokenizer("one is 3. two?").input_ids) == "one is 3. two?"


def test_bpe_without_texts_knows_all_bytes() -> None:
    tokenizer = bpe_tokenizer([], 300)
    assert tokenizer.decode(tokenizer("é~\x00").input_ids) == "é~\x00"


def test_fourier_features() -> None:
    weight = torch.full((20, 32), 7.0)
    set_fourier(weight, list(range(4, 16)))
    written = weight[4:16, :25] / FOURIER_SCALE
    assert torch.equal(weight[:4], torch.full((4, 32), 7.0))
    assert torch.equal(weight[:, 25:], torch.full((20, 7), 7.0))
    torch.testing.assert_close(written[:, :12] ** 2 + written[:, 12:24] ** 2, torch.ones(12, 12))
    torch.testing.assert_close(written[:, 24], torch.linspace(0, 1, 12))
    turn = torch.atan2(written[:, 11], written[:, 23])
    torch.testing.assert_close(turn, torch.arange(12) * 2 * torch.pi / 240)


def test_random_embeddings_are_an_option(tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"epochs": 0, "number_embedding": "random"})
    assert tiny_base(Sums(), config, tmp_path) != tiny_base(Sums(), SMALL.model_copy(update={"epochs": 0}), tmp_path)


def test_loss_is_on_spans_only() -> None:
    tokenizer = word_tokenizer(WORDS)
    (ids, labels), (_, everything) = tokenized(
        tokenizer, [Document("one is 3. two is 4", learn=((7, 8),)), Document("one is 3")]
    )
    learned = [token for token, label in zip(ids, labels, strict=True) if label != IGNORED]
    assert tokenizer.convert_ids_to_tokens(learned) == ["3"]
    assert tokenizer.convert_ids_to_tokens(everything[1:]) == ["one", "is", "3", "</s>"]


def test_batches_cover_an_epoch_once() -> None:
    rows = [([place] * (1 + place % 7), [place] * (1 + place % 7)) for place in range(50)]
    batches = epoch_batches(rows, 8, torch.Generator().manual_seed(0))
    assert sorted(row[0][0] for batch in batches for row in batch) == list(range(50))
    ids, labels = as_tensors(batches[0], pad=99)
    assert ids.shape == labels.shape
    assert torch.equal(ids == 99, labels == IGNORED)


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [rate(step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates.index(max(rates)) == 5
    assert rates[0] < 0.2
    assert rates[-1] == pytest.approx(0.05, abs=0.01)
