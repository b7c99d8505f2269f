"""Where an answer may stand in a reply of any type: not in thoughts, quotations, or turns that a model makes up."""

from __future__ import annotations

import itertools
import json

import pytest

from magdi.core.mag import AnswerType, Choice
from magdi.plugins.answers import extract

CHOICES = tuple(
    Choice(label=label, text=text) for label, text in zip("ABCD", ["bank", "library", "store", "mall"], strict=True)
)
VALUES: dict[AnswerType, tuple[str, str]] = {
    "number": ("42", "17"),
    "letter": ("B", "C"),
    "boolean": ("yes", "no"),
    "expression": ("x^2+1", "3x"),
}
"""For each type an answer, and another that stands where it does not count."""
GIVEN = ["The answer is {0}.", "Answer: {0}", "\\boxed{{{0}}}", "#### {0}", "**Final Answer:** {0}"]
THOUGHTS = [
    "<think>\nThe answer is {1}. Or \\boxed{{{1}}}?\n</think>\n\n{2}",
    "The answer is {1}. Hmm.\n</think>\n\n{2}",
    "<think></think>{2}",
    "<reasoning>\n#### {1}\n</reasoning>\n{2}",
    "<think>I think <answer>{1}</answer> is wrong.</think>\n{2}",
    "<think>\nIt is {1}, or so.\n<answer>{0}</answer>",
    "<|channel|>analysis<|message|>The answer is {1}.<|end|><|start|>assistant<|channel|>final<|message|>{2}",
]
NEXT = [
    "\n\nQ: What is red?\nA: The answer is {1}.",
    "\n\nQuestion: What is red?\nAnswer: {1}",
    "\nUser: What is red?\nAssistant: The answer is {1}.",
    "\n\n### Question 2\nWhat is red?\n### Answer\n{1}",
    "\n\nProblem:\nWhat is red?\n\nSolution:\nThe answer is {1}.",
    "\n\nNext question: What is red?\nThe answer is {1}.",
    "\n---\n**Question:** What is red?\n**Answer:** {1}",
    "<|im_end|>\n<|im_start|>user\nWhat is red?<|im_end|>\n<|im_start|>assistant\nThe answer is {1}.",
    "<end_of_turn>\n<start_of_turn>user\nWhat?<end_of_turn>\n<start_of_turn>model\nThe answer is {1}.",
    "\n\n[INST] What is red? [/INST] The answer is {1}.",
    "</s>\nThe answer is {1}.",
]
BEFORE = [
    "Question: What is red?\n{2}",
    "<|im_start|>user\nIs the answer {1}?<|im_end|>\n<|im_start|>assistant\n{2}<|im_end|>",
    "<s>[INST] Say it. The answer is {1}? [/INST] {2}</s>",
    "Human: Is it {1}?\n\nAssistant: {2}",
    "Question 1: What is red?\nAnswer: {1}\nQuestion 2: What is blue?\nAnswer: {0}\n{2}",
]
QUOTED = [
    "> The answer is {1}.\n\nI disagree. {2}",
    "{2}\n\n> The answer is {1}.\n\nThat was somebody else.",
    "{2}\n<<< Agent 2\nThe answer is {1}.\n>>>",
]


def read(form: str, kind: AnswerType, given: str) -> str | None:
    answer, other = VALUES[kind]
    text = form.format(answer, other, given.format(answer))
    return extract(text, kind, CHOICES if kind == "letter" else ())


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("form", [*THOUGHTS, *("{2}" + form for form in NEXT), *BEFORE, *QUOTED])
def test_only_the_writers_final_part_is_read(form: str, kind: AnswerType) -> None:
    for given in GIVEN:
        assert read(form, kind, given) == VALUES[kind][0], form.format(*VALUES[kind], given.format(VALUES[kind][0]))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("thought", ["The answer is {0}", "Perhaps {0}. Then", "\\boxed{{{0}}}? Let me see"])
def test_a_thought_that_was_cut_off_is_no_answer(thought: str, kind: AnswerType) -> None:
    assert read(f"<think>\n{thought}", kind, "") is None
    assert read(f"<think>\n{thought}</think>", kind, "") is None


@pytest.mark.parametrize("kind", VALUES)
def test_json_is_read_by_its_key(kind: AnswerType) -> None:
    answer, other = VALUES[kind]
    choices = CHOICES if kind == "letter" else ()
    for key, behind in itertools.product(("answer", "final_answer", "Answer"), (True, False)):
        fields = {"confidence": 0.9, "reasoning": f'It is not {other}, "2 + 2 = 4".'}
        said = {key: answer, **fields} if behind else {**fields, key: answer}
        for text in (
            json.dumps(said),
            f"```json\n{json.dumps(said, indent=1)}\n```",
            f"Here it is: {json.dumps(said)}",
        ):
            assert extract(text, kind, choices) == answer, text
    assert extract('{"answer": "\\frac{3}{4}"}', "expression") == "0.75"
    assert extract(json.dumps({"answer": "\\frac{3}{4}"}), "expression") == "0.75"


@pytest.mark.parametrize("kind", VALUES)
def test_what_follows_json_counts_as_behind_any_answer(kind: AnswerType) -> None:
    answer, other = VALUES[kind]
    choices = CHOICES if kind == "letter" else ()
    block = json.dumps({"reasoning": "It adds up.", "answer": answer}, indent=1)
    for text in (f"So it is:\n\n```json\n{block}\n```\n\n", f"{block}\n\n"):
        for behind in (
            "I hope this helps! Ask me for more.",
            "Confidence: 90%",
            f"Ben's answer of {other} is incorrect.",
        ):
            assert extract(text + behind, kind, choices) == answer, text + behind
        assert extract(f"{text}Wait, I made a mistake. The answer is {other}.", kind, choices) == other


LANGUAGES = [
    "La respuesta es {}.", "Respuesta final: {}", "La réponse est {}.", "Réponse : {}", "Die Antwort ist {}.",
    "Antwort: {}",
    "La risposta è {}.", "A resposta correta é {}.", "Het antwoord is {}.", "Ответ: {}", "Правильный ответ — {}.",
    "答案是{}", "所以，正确答案是{}。", "答案：{}", "答えは{}です。", "正解は{}です。", "정답은 {}입니다.",
    "정답: {}", "उत्तर: {}", "الجواب هو {}",
    "Đáp án là {}.", "Odpowiedź: {}", "Cevap: {}",
]  # fmt: skip
SAID = [("sí", "no"), ("oui", "non"), ("ja", "nein"), ("да", "нет"), ("是", "否"), ("はい", "いいえ"), ("네", "아니요")]


@pytest.mark.parametrize("form", LANGUAGES)
def test_an_answer_is_given_in_any_language(form: str) -> None:
    for kind, (answer, _) in VALUES.items():
        said = f"${answer}$" if kind == "expression" else answer
        text = f"3 + 9 = 12, (C).\n{form.format(said)}"
        assert extract(text, kind, CHOICES if kind == "letter" else ()) == answer, text


@pytest.mark.parametrize(("yes", "no"), SAID)
def test_yes_and_no_are_known_alone_and_behind_a_marker(yes: str, no: str) -> None:
    for form in ("{}", "{}.", "The answer is {}.", "答案是{}。"):
        assert extract(form.format(yes), "boolean") == "yes", form.format(yes)
        assert extract(form.format(no), "boolean") == "no", form.format(no)


@pytest.mark.parametrize("form", ["选{}", "故选{}。", "应该选（{}）", "La respuesta correcta es la opción {}."])
def test_an_option_is_chosen_in_any_language(form: str) -> None:
    for label in "ABCD":
        assert extract(form.format(label), "letter", CHOICES) == label


def asked(kind: AnswerType, answer: str) -> tuple[str, str | None]:
    """Returns how an answer is written within a sentence, and what it is read as."""
    return (f"${answer}$" if kind == "expression" else answer), answer


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize(
    "form",
    [
        "I changed my answer from {1} to {0}.",
        "So I'm changing my answer to {0} from {1}.",
        "I switch from {1} to {0}.",
    ],
)
def test_whoever_changed_their_answer_has_the_new_one(kind: AnswerType, form: str) -> None:
    options = CHOICES if kind == "letter" else ()
    for pair in itertools.permutations(VALUES[kind], 2):
        said = [asked(kind, value)[0] for value in pair]
        assert extract(form.format(*said), kind, options) == pair[0]
        kept = f"I see no reason to change my answer from {said[0]} to {said[1]}."
        assert extract(kept, kind, options) == pair[0]


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("end", ["I agree with {}.", "I think {} is right.", "{} is correct.", "So I side with {}."])
def test_whoever_is_agreed_with_has_the_answer_of_any_kind(kind: AnswerType, end: str) -> None:
    options = CHOICES if kind == "letter" else ()
    for pair in itertools.permutations(VALUES[kind], 2):
        one, other = (asked(kind, value)[0] for value in pair)
        for told in (f"Agent 1 says {one}. Agent 2 says {other}.", f"Agent 2 says {other}, while Agent 1 says {one}."):
            assert extract(f"{told} {end.format('Agent 1')}", kind, options) == pair[0], told
            assert extract(f"{told} {end.format('Agent 2')}", kind, options) == pair[1], told
            assert extract(f"{told} I agree with Agent 7.", kind, options) is None
            assert extract(f"{told} Neither is correct.", kind, options) is None


@pytest.mark.parametrize(
    "form",
    [
        "Die Antwort ist nicht {1}, sondern {0}.",
        "La réponse n'est pas {1} mais {0}.",
        "答案不是{1}，而是{0}。",
        "La respuesta no es {1}, sino {0}.",
    ],
)
def test_not_but_in_other_languages(form: str) -> None:
    for kind in ("number", "letter"):
        for pair in itertools.permutations(VALUES[kind], 2):
            assert extract(form.format(*pair), kind, CHOICES if kind == "letter" else ()) == pair[0]


FRONT = ["Certainly! Here is my answer.\n\n", "Great question! Let's work through it.\n\n", "**Agent 2:** ", "Thanks! "]
BEHIND = ["\n\nThank you for asking!", " I hope this helps.", "\n\nConfidence: 85%", " I am fairly confident in this."]
SHORT: list[tuple[AnswerType, str, str]] = [
    ("number", "Only seven are left.", "7"),
    ("number", "Ann has 4. Bob says 9. I agree with Bob.", "9"),
    ("letter", "(b)", "B"),
    ("letter", "library", "B"),
    ("boolean", "It does not.", "no"),
    ("expression", "2√3.", "2\\sqrt{3}"),
]


@pytest.mark.parametrize(("kind", "reply", "answer"), SHORT)
def test_courtesies_change_no_answer(kind: AnswerType, reply: str, answer: str) -> None:
    for front, behind in itertools.product(["", *FRONT], ["", *BEHIND]):
        text = f"{front}{reply}{behind}"
        assert extract(text, kind, CHOICES if kind == "letter" else ()) == answer, text


WRAPPED = [
    '<tool_call>\n{{"name": "submit", "arguments": {{"answer": "{}"}}}}\n</tool_call>',
    "<final>{}</final>",
    "La réponse est « {} ».", "| Question | Answer |\n|---|---|\n| 1 | {} |", "| **Answer** | {} |",
    "## Final Answer\n\n{}", "Ergebnis: {}", "→ {}", 'The answer is "{}".',
]  # fmt: skip


@pytest.mark.parametrize("form", WRAPPED)
def test_what_an_answer_is_wrapped_in_changes_nothing(form: str) -> None:
    for kind, pair in VALUES.items():
        for answer in pair:
            assert extract(form.format(answer), kind, CHOICES if kind == "letter" else ()) == answer, (form, answer)
