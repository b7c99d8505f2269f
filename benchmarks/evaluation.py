"""Questions a second: magdi's evaluation, a loop over single questions, and batches. Same model, same outputs.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --student runs/first/student      the shipped student, on its own questions

The model is a Llama with random weights, so each of its passes costs what a pass of a trained one does; the lengths of
its answers are written into it, and are spread as those of real models on GSM8K are (log-normal, 100 tokens on
average, cut off at 300). All others are transformers' own generate with its cache: batches of 64 sorted by the length
of their prompts, by lm-evaluation-harness too, batches in the order given with as many questions as magdi's
largest, and one by one. They take turns, round after round; a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import transformers

from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import student_prompt
from magdi.core.evaluation.answering import answer_questions
from magdi.core.mag import Question
from magdi.core.task import Split, Task
from magdi.plugins import answers
from magdi.plugins.generation.engine import TransformersEngine
from magdi.plugins.tasks.arithmetic import Arithmetic
from magdi.plugins.tiny.tokenizer import word_tokenizer

LONGEST, SORTED = 300, 64
WORDS = [f"w{number}" for number in range(LONGEST + 1)]


class Scripted(transformers.LlamaForCausalLM):
    """Repeats the prompt's last word, and ends at the place that `ends_at` has for that word."""

    ends_at: torch.Tensor
    end: int

    def forward(self, input_ids: Any = None, position_ids: Any = None, **options: Any) -> Any:
        output = super().forward(input_ids=input_ids, position_ids=position_ids, **options)
        prompt = input_ids.shape[1] > 1
        last, place = input_ids[:, -2 if prompt else -1], position_ids[:, -1]  # a prompt's very last is a line break
        said = torch.where(place >= self.ends_at[last], self.end, last)
        output.logits[torch.arange(len(said)), -1, said] = 1e4
        return output


class Lengths(Task):
    """Questions whose answers have known lengths."""

    def __init__(self, count: int, seed: int) -> None:
        super().__init__()
        draw = random.Random(seed)
        self.found = []
        for number in range(count):
            asked = min(max(round(draw.lognormvariate(4.0, 0.5)), 12), 240)
            text = " ".join(draw.choices(WORDS[:50], k=asked))
            self.found.append(Question(id=f"q{number}", text=text, answer_type="number"))

    def questions(self, split: Split) -> Sequence[Question]:
        return self.found

    def extract(self, text: str, question: Question) -> str | None:
        return answers.extract(text, question)


def make(count: int, width: int, layers: int, seed: int) -> tuple[Any, Any, Lengths]:
    """Returns model, tokenizer and questions; each question ends with the word that sets its answer's length."""
    draw = random.Random(seed)
    tokenizer = word_tokenizer([*WORDS, *(f"end{number}" for number in range(count))])
    task = Lengths(count, seed)
    task.found = [
        each.model_copy(update={"text": f"{each.text} end{number}"}) for number, each in enumerate(task.found)
    ]
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=1024,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    model = Scripted(config).eval()
    model.end = tokenizer.eos_token_id
    model.ends_at = torch.full((len(tokenizer),), 10**6)
    for number, question in enumerate(task.found):
        prompt = tokenizer(student_prompt(tokenizer, question), add_special_tokens=False)["input_ids"]
        length = min(max(round(draw.lognormvariate(4.45, 0.6)), 10), LONGEST + 20)
        model.ends_at[tokenizer.convert_tokens_to_ids(f"end{number}")] = len(prompt) - 1 + length
    return model, tokenizer, task


def plain(
    model: Any,
    tokenizer: Any,
    questions: Sequence[Question],
    size: int,
    *,
    most: int = LONGEST,
    by_length: bool = False,
    samples: int = 1,
) -> list[str]:
    """Generates with transformers alone, so many questions at once, in the order given or the shortest first.

    Several samples of a question are drawn in the same batch, as `num_return_sequences` does.
    """
    if by_length:
        lengths = [len(ids) for ids in tokenizer([student_prompt(tokenizer, each) for each in questions])["input_ids"]]
        order = sorted(range(len(questions)), key=lengths.__getitem__)
        found = plain(model, tokenizer, [questions[place] for place in order], size, most=most, samples=samples)
        of = [place for place in order for _ in range(samples)]
        return [text for _, text in sorted(zip(of, found, strict=True))]
    outputs = []
    at_once = max(1, size // samples)
    how: dict[str, Any] = {"do_sample": samples > 1, "num_return_sequences": samples}
    for start in range(0, len(questions), at_once):
        prompts = [student_prompt(tokenizer, question) for question in questions[start : start + at_once]]
        batch = tokenizer(prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        batch.pop("token_type_ids", None)
        with torch.inference_mode():
            made = model.generate(**batch, **how, max_new_tokens=most, pad_token_id=0)
        outputs += tokenizer.batch_decode(made[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [output.strip() for output in outputs]


def lm_eval(model: Any, tokenizer: Any, questions: Sequence[Question], *, most: int, samples: int = 1) -> list[str]:
    """Generates as lm-evaluation-harness does: batches of like length, the longest first, its own stopping rule."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=SORTED, device="cpu", add_bos_token=False)
    how = {
        "until": [tokenizer.eos_token],
        "max_gen_toks": most,
        "do_sample": samples > 1,
        "temperature": float(samples > 1),
    }
    asked = [
        Instance("generate_until", {}, (student_prompt(tokenizer, question), how), place)
        for place, question in enumerate(questions)
        for _ in range(samples)
    ]
    return [output.strip() for output in harness.generate_until(asked, disable_tqdm=True)]


def timed(call: Callable[[], list[str]]) -> tuple[list[str], float]:
    """Returns what a call returns, and the processor's seconds."""
    started = time.process_time()
    found = call()
    return found, time.process_time() - started


def shipped(folder: str) -> tuple[Any, Any, Task]:
    """Returns a student of the embedded default, and its own task."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder), Arithmetic()


def contest(calls: dict[str, Callable[[], list[str]]], rounds: int) -> tuple[list[str], dict[str, list[float]]]:
    """Returns the outputs, which must be the same of all, and everybody's CPU seconds, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    outputs: list[str] = []
    for number in range(rounds):
        for name in calls if number % 2 == 0 else reversed(calls):
            found, used = timed(calls[name])
            outputs = outputs or found
            assert found == outputs, f"{name} writes something else"
            seconds[name].append(used)
    return outputs, seconds


def main() -> None:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument(
        "--student", help="a folder of a trained student of the embedded default, in the place of these"
    )
    parser.add_argument("--batch-tokens", type=int, default=16384)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sorted", action="store_true", help="beside sorted batches and lm-eval alone")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=1, help="answers a question, drawn at temperature 1")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    count, most = options.questions, 64 if options.student else LONGEST
    model, tokenizer, task = (
        shipped(options.student) if options.student else make(count, options.width, options.layers, options.seed)
    )
    questions = list(task.first("test", count))
    samples = options.samples
    settings = Evaluation(
        max_new_tokens=most, batch_tokens=options.batch_tokens, samples=samples, temperature=1.0 if samples > 1 else 0.0
    )
    shortest = min(len(tokenizer(question.text)["input_ids"]) for question in questions)
    size = options.batch_tokens // (shortest + most)

    engine = TransformersEngine((model, tokenizer))

    def ours() -> list[str]:
        found = answer_questions(engine, questions, task=task, settings=settings)
        return [prediction.output for prediction in found]

    calls = {
        "magdi": ours,
        f"batches of {SORTED}, sorted by length": lambda: plain(
            model, tokenizer, questions, SORTED, most=most, by_length=True, samples=samples
        ),
        "lm-eval": lambda: lm_eval(model, tokenizer, questions, most=most, samples=samples),
        f"batches of {size} as given": lambda: plain(model, tokenizer, questions, size, most=most, samples=samples),
        "one by one": lambda: plain(model, tokenizer, questions, 1, most=most, samples=samples),
    }
    if options.sorted:
        calls = dict(list(calls.items())[:3])
    answer_questions(engine, questions[:2], task=task, settings=settings)  # imports and warm-up
    plain(model, tokenizer, questions[:2], 2, most=most)
    lm_eval(model, tokenizer, questions[:2], most=most)
    outputs, seconds = contest(calls, options.rounds)
    ratios = [min(each[1:]) / each[0] for each in zip(*seconds.values(), strict=True)]
    lengths = [len(output.split()) for output in outputs]
    document = {
        "questions": count,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "threads": options.threads,
        "output_tokens_mean": round(statistics.mean(lengths), 1),
        "results": [
            {"name": name, "answers_per_cpu_second": round(count * samples / statistics.median(each), 2)}
            for name, each in seconds.items()
        ],
        "against_the_best": {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)},
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
