"""Generation: answers do not depend on the company they are in, and are those of transformers' own generate."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from magdi.core.config.models import Evaluation
from magdi.core.distill.heads import Heads
from magdi.core.errors import DataError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.evaluation.prediction import Prediction, read_predictions
from magdi.core.task import Task
from magdi.plugins.generation import batch
from magdi.plugins.generation.answer_end import answer_end
from magdi.plugins.generation.cache import join
from magdi.plugins.generation.engine import TransformersEngine
from magdi.plugins.generation.own_score import OwnScore, batches
from magdi.plugins.objectives.margin import Margin
from magdi.plugins.testing.pretend_device import DEVICE, PretendDevice

FAMILIES = ("llama", "gpt2", "mistral", "qwen3")
GREEDY = Evaluation(max_new_tokens=40, stop_at_answer=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_company_changes_no_greedy_answer(
    family: str, make_model: Callable[..., Any], tokenizer: Any, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = TransformersEngine((make_model(family), tokenizer))
    questions, joined = list(task.questions("test")), list[Any]()

    def watched(cache: Any, other: Any) -> None:
        joined.append(other)
        join(cache, other)

    def answered(budget: int, copies: int) -> list[Prediction]:
        monkeypatch.setattr(batch, "COPIES", copies)
        settings = GREEDY.model_copy(update={"batch_tokens": budget})
        return answer_questions(model, questions, task=task, settings=settings)

    monkeypatch.setattr(batch, "join", watched)
    together = answer_questions(model, questions, task=task, settings=GREEDY)
    alone, waves = answered(64, 0), answered(400, 10**9)
    assert not joined
    few = answered(400, 0)
    assert joined or family == "mistral", "its windows cannot be joined"
    assert together == waves
    random.Random(0).shuffle(questions)
    shuffled = answer_questions(model, questions[:11], task=task, settings=GREEDY)
    assert together == alone
    assert together == few, "rows that join others that are half done"
    by_id = {prediction.id: prediction for prediction in together}
    assert all(by_id[prediction.id] == prediction for prediction in shuffled)
    assert len({prediction.output for prediction in together}) > 12
    lengths = {prediction.output_tokens for prediction in together}
    assert len(lengths) > 3, "the models of this test answer at different lengths"


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_those_of_transformers_generate(
    family: str, make_model: Callable[..., Any], tokenizer: Any, task: Task
) -> None:
    model = make_model(family)
    for prediction in answer_questions(
        TransformersEngine((model, tokenizer)), task.questions("test")[::5], task=task, settings=GREEDY
    ):
        ids = tokenizer(prediction.prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
        made = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False, pad_token_id=0
        )[0, ids.shape[1] :]
        ends = model.generation_config.eos_token_id
        kept = [token for token in made.tolist() if token not in ends]
        assert prediction.output == tokenizer.decode(kept, skip_special_tokens=True).strip()
        assert prediction.output_tokens == len(kept)
        assert prediction.finish == ("end" if made[-1].item() in ends else "length")


def test_company_changes_no_drawn_answer(make_model: Callable[..., Any], tokenizer: Any, task: Task) -> None:
    model = TransformersEngine((make_model(), tokenizer))
    questions = task.questions("test")
    settings = GREEDY.model_copy(update={"temperature": 1.5, "top_p": 0.9, "top_k": 50, "samples": 3})
    together = answer_questions(model, questions, task=task, settings=settings, seed=5)
    few = answer_questions(
        model, questions[:3], task=task, settings=settings.model_copy(update={"batch_tokens": 64}), seed=5
    )
    assert together[:9] == few
    assert [(prediction.id, prediction.sample) for prediction in few][:4] == [
        ("test-0", 0), ("test-0", 1), ("test-0", 2), ("test-1", 0),
    ]  # fmt: skip
    assert len({prediction.output for prediction in few}) > 6
    other = answer_questions(model, questions[:3], task=task, settings=settings, seed=6)
    assert [prediction.output for prediction in other] != [prediction.output for prediction in few]


@pytest.mark.parametrize("drawn", [{}, {"temperature": 1.5, "top_p": 0.9, "samples": 2}])
@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_on_a_gpu_nothing_is_left_behind(
    family: str, drawn: dict[str, Any], make_model: Callable[..., Any], tokenizer: Any, task: Task
) -> None:
    """One that is pretended: rows that join others, windows, draws."""
    few, questions = GREEDY.model_copy(update={"batch_tokens": 400} | drawn), task.questions("test")[:12]

    def answered(model: Any) -> list[Prediction]:
        return answer_questions(TransformersEngine((model, tokenizer)), questions, task=task, settings=few, seed=5)

    with PretendDevice():
        there = answered(make_model(family).to(DEVICE))
    assert there == answered(make_model(family))


def test_draws_follow_the_models_distribution(make_model: Callable[..., Any], tokenizer: Any, task: Task) -> None:
    model = make_model()
    (question,) = task.questions("test")[3:4]
    settings = Evaluation(max_new_tokens=1, temperature=2.0, samples=3000, batch_tokens=10**6)
    drawn = answer_questions(TransformersEngine((model, tokenizer)), [question], task=task, settings=settings)
    ids = tokenizer(drawn[0].prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = (model(ids).logits[0, -1] / 2).softmax(dim=-1)
    ends = model.generation_config.eos_token_id
    shares = Counter[str]()
    for token, chance in enumerate(expected.tolist()):
        shares["" if token in ends else tokenizer.decode([token], skip_special_tokens=True).strip()] += chance
    found = Counter(prediction.output for prediction in drawn)
    for output, share in shares.most_common(20):
        assert found[output] / len(drawn) == pytest.approx(share, abs=0.04), output


def test_a_file_keeps_every_answer_and_a_killed_evaluation_goes_on(
    make_model: Callable[..., Any], tokenizer: Any, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = TransformersEngine((make_model(), tokenizer))
    questions = task.questions("test")
    settings = GREEDY.model_copy(update={"batch_tokens": 300})
    whole = answer_questions(model, questions, task=task, settings=settings, out=tmp_path / "whole.jsonl")

    def killed(done: int, total: int, right: int) -> None:
        if done > 10:
            raise KeyboardInterrupt

    path = tmp_path / "parts.jsonl"
    with pytest.raises(KeyboardInterrupt):
        answer_questions(model, questions, task=task, settings=settings, out=path, on_progress=killed)
    with path.open("a") as file:
        file.write('{"id":"test-2')  # torn by a kill in the middle of a write
    asked: list[int] = []
    again = answer_questions(
        model,
        questions,
        task=task,
        settings=settings,
        out=path,
        on_progress=lambda done, total, right: asked.append(done),
    )
    assert again == whole
    assert min(asked) > 10
    assert path.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    monkeypatch.setattr(model, "answers", lambda *arguments: pytest.fail("asks the model"))
    assert answer_questions(model, questions, task=task, settings=settings, out=path) == whole


def test_a_file_made_otherwise_is_refused(
    make_model: Callable[..., Any], tokenizer: Any, task: Task, tmp_path: Path
) -> None:
    model, path = TransformersEngine((make_model(), tokenizer)), tmp_path / "answers.jsonl"
    questions = task.questions("test")[:3]
    answer_questions(model, questions, task=task, settings=GREEDY, out=path)
    other = GREEDY.model_copy(update={"max_new_tokens": 7})
    with pytest.raises(DataError, match="other settings"):
        answer_questions(model, questions, task=task, settings=other, out=path)
    assert len(answer_questions(model, questions, task=task, settings=other, out=path, fresh=True)) == 3


def test_asking_less_again_loses_nothing(
    make_model: Callable[..., Any], tokenizer: Any, task: Task, tmp_path: Path
) -> None:
    model, path = TransformersEngine((make_model(), tokenizer)), tmp_path / "answers.jsonl"
    questions = task.questions("test")[:4]
    answer_questions(model, questions, task=task, settings=GREEDY, out=path)
    fewer = answer_questions(model, questions[2:3], task=task, settings=GREEDY, out=path)
    assert [prediction.id for prediction in fewer] == ["test-2"]
    assert {prediction.id for prediction in read_predictions(path)} == {f"test-{n}" for n in range(4)}


def test_a_models_context_is_not_overrun(make_model: Callable[..., Any], tokenizer: Any, task: Task) -> None:
    model = make_model("gpt2")
    whole = model.config.n_positions
    try:
        model.config.n_positions = 40
        found = answer_questions(
            TransformersEngine((model, tokenizer)), task.questions("test"), task=task, settings=GREEDY
        )
    finally:
        model.config.n_positions = whole
    assert any(prediction.prompt_tokens >= 40 for prediction in found)
    for prediction in found:
        assert prediction.output_tokens <= max(40 - prediction.prompt_tokens, 0)
        assert prediction.finish == "length" or prediction.prompt_tokens + prediction.output_tokens < 40


def test_outputs_end_where_the_answer_ends(make_model: Callable[..., Any], tokenizer: Any, task: Task) -> None:
    """Stopping early changes what is computed, not what is read: the output is a beginning of the whole one."""
    model = TransformersEngine((make_model(), tokenizer))
    questions = task.questions("test")
    long = answer_questions(model, questions, task=task, settings=GREEDY)
    short = answer_questions(model, questions, task=task, settings=GREEDY.model_copy(update={"stop_at_answer": True}))
    assert all(whole.output.startswith(cut.output) for whole, cut in zip(long, short, strict=True))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("We add. So the answer is 42. And then", "We add. So the answer is 42."),
        ("So the answer is 4.2. Next", "So the answer is 4.2."),
        ("So the answer is $1,000.50.\nQ: more", "So the answer is $1,000.50."),
        ("16 - 3\n#### 13\nQ:", "16 - 3\n#### 13"),
        ("The answer is not 5. The answer is 6. Bye", "The answer is not 5. The answer is 6."),
        ("The answer is (B) a bank\nand", "The answer is (B) a bank"),
        ("So the answer is 42.", None),
        ("So the answer is 4", None),
        ("the answer is:\n42", None),
        ("The answer is clear. Let us add", None),
        ("no end in sight", None),
    ],
)
def test_knows_a_complete_answer(text: str, kept: str | None) -> None:
    end = answer_end(text)
    assert (None if end is None else text[:end]) == kept


def test_batches_stay_within_the_budget() -> None:
    lengths = [5, 100, 7, 7, 30, 2, 400]
    made = list(batches(lengths, 64))
    assert sorted(place for each in made for place in each) == list(range(len(lengths)))
    for each in made:
        assert len(each) == 1 or len(each) * max(lengths[place] for place in each) <= 64
    assert made[-1] == [6]


def test_a_student_scores_its_own_answers_as_in_training(
    make_model: Callable[..., Any], tokenizer: Any, task: Task, tmp_path: Path
) -> None:
    model = make_model().float()
    heads = Heads({"margin": Margin()}, 32, seed=0)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    heads.save(tmp_path)
    settings = GREEDY.model_copy(update={"temperature": 1.0, "samples": 2})
    predictions = answer_questions(
        TransformersEngine(tmp_path), task.questions("test")[:5], task=task, settings=settings
    )
    own = OwnScore.of(tmp_path)
    assert own is not None
    for prediction in predictions:
        assert prediction.score is not None
        assert -1 <= prediction.score <= 1
    texts = [[1, 7, 9, 30], [1, 8], [1, 5, 5, 5, 5, 6]]
    with torch.inference_mode():
        for text, score in zip(texts, own(model, texts), strict=True):
            states = model.get_decoder()(torch.tensor([text])).last_hidden_state[0]
            weights = torch.arange(1.0, len(text) + 1)
            pooled = (states * (weights / weights.sum())[:, None]).sum(dim=0)
            assert score == pytest.approx(heads["margin"].get_submodule("score")(pooled[None]).item(), abs=1e-5)
    model.double()
