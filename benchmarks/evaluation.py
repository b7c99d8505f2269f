"""Questions a second: magdi's evaluation, a loop over single questions, and unsorted batches. Same model, same outputs.

    python benchmarks/evaluation.py

The model is a Llama with random weights, so each of its passes costs what a pass of a trained one does; the lengths of
its answers are written into it, and are spread as those of real models on GSM8K are (log-normal, 100 tokens on
average, cut off at 300). Both others are transformers' own generate with its cache; the batches have as many questions
as magdi's largest batch.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import transformers

from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import student_prompt
from magdi.core.evaluation.generate import answer_questions
from magdi.core.mag import Question
from magdi.core.task import Split, Task
from magdi.plugins import answers
from magdi.plugins.tiny.tokenizer import word_tokenizer

LONGEST = 300
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


def plain(model: Any, tokenizer: Any, questions: Sequence[Question], size: int) -> list[str]:
    """Generates with transformers alone, in the order given, so many questions at once."""
    outputs = []
    for start in range(0, len(questions), size):
        prompts = [student_prompt(tokenizer, question) for question in questions[start : start + size]]
        batch = tokenizer(prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        batch.pop("token_type_ids", None)
        with torch.inference_mode():
            made = model.generate(**batch, max_new_tokens=LONGEST, do_sample=False, pad_token_id=0)
        outputs += tokenizer.batch_decode(made[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [output.strip() for output in outputs]


def timed(name: str, count: int, call: Callable[[], list[str]]) -> tuple[list[str], dict[str, Any]]:
    """Returns what a call returns, and its seconds, also those of the processor alone."""
    start, processor = time.perf_counter(), time.process_time()
    found = call()
    seconds, used = time.perf_counter() - start, time.process_time() - processor
    return found, {
        "name": name,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used, 2),
        "questions_per_second": round(count / seconds, 2),
        "questions_per_cpu_second": round(count / used, 2),
    }


def main() -> None:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--batch-tokens", type=int, default=16384)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, tokenizer, task = make(options.questions, options.width, options.layers, options.seed)
    questions, count = task.found, options.questions
    settings = Evaluation(max_new_tokens=LONGEST, batch_tokens=options.batch_tokens)
    shortest = min(len(tokenizer(question.text)["input_ids"]) for question in questions)
    size = options.batch_tokens // (shortest + LONGEST)

    def ours() -> list[str]:
        found = answer_questions((model, tokenizer), questions, task=task, settings=settings)
        return [prediction.output for prediction in found]

    plain(model, tokenizer, questions[:2], 2)  # imports and warm-up
    results = [
        timed("magdi", count, ours),
        timed(f"batches of {size}, unsorted", count, lambda: plain(model, tokenizer, questions, size)),
        timed("one by one", count, lambda: plain(model, tokenizer, questions, 1)),
    ]
    assert results[0][0] == results[1][0] == results[2][0], "all three write the same"
    figures = [figure for _, figure in results]
    best = max(figure["questions_per_cpu_second"] for figure in figures[1:])
    lengths = [len(output.split()) for output in results[0][0]]
    document = {
        "questions": count,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "threads": options.threads,
        "output_tokens_mean": round(sum(lengths) / count, 1),
        "cut_off": sum(length == LONGEST for length in lengths),
        "results": figures,
        "times_the_better_other": round(figures[0]["questions_per_cpu_second"] / best, 2),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
