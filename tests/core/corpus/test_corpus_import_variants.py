"""What other systems' files look like besides the plain case: names, pickles, tasks with options, cut-off runs."""

import gzip
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy import str_

from magdi.core.errors import MagFileError
from magdi.core.mag import Choice, Mag, Question
from magdi.plugins.corpus.check import check_mags
from magdi.plugins.formats.importers.du import names_from
from magdi.plugins.formats.importers.matching import fingerprint
from magdi.plugins.formats.importers.question_options import label_of, split_options
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files


def imported(path: Path, content: dict[str, Any] | bytes | list[dict[str, Any]], **settings: Any) -> list[Mag]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(raw)
    return list(import_files([path], Reader(keep_prompts=True, **settings)))


def chat(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user" if place % 2 == 0 else "assistant", "content": text} for place, text in enumerate(texts)]


@pytest.mark.parametrize(
    "text",
    [
        "Which?\nAnswer Choices: (A) iron (B) 1, 2 (C) none of these",
        "Which?: A) iron, B) 1, 2, C) none of these ",
        "Which?\n\nA) iron\nB) 1, 2\nC) none of these",
        "Which?\nA. iron\nB. 1, 2\nC. none of these",
        "Which? Options: A. iron B. 1, 2 C. none of these",
        "Which?\nOptions:\n(A) iron\n(B) 1, 2\n(C) none of these",
        "Which?\nThe options are: A)iron B)1, 2 C)none of these",
    ],
)
def test_options_are_taken_out_of_a_question(text: str) -> None:
    stem, options = split_options(text)
    assert stem.rstrip("?") == "Which"
    assert [(each.label, each.text) for each in options] == [("A", "iron"), ("B", "1, 2"), ("C", "none of these")]


@pytest.mark.parametrize(
    "text",
    [
        "If line (A) is parallel to line (B), what is the angle?",
        "Two groups (Group A) and (Group B) play. Who wins?",
        "John A. Smith and Mary B. Jones met. Who was late?",
        "Only one option: (A) x",
        "(A) x (B) y",
    ],
)
def test_letters_of_a_question_are_no_options(text: str) -> None:
    assert split_options(text) == (text, [])


@pytest.mark.parametrize(
    ("gold", "label"), [("B", "B"), ("(b)", "B"), ("B) wood", "B"), ("Wood", "B"), ("B) iron", None), ("42", None)]
)
def test_the_option_that_a_gold_answer_means(gold: str, label: str | None) -> None:
    assert label_of(gold, [Choice(label="A", text="iron"), Choice(label="B", text="wood")]) == label


def test_options_that_the_gold_answer_is_none_of_stay_in_the_question(tmp_path: Path) -> None:
    row = {"question": "Which? (A) iron (B) wood", "answer": "42", "response_list": ["It is 42."]}
    (mag,) = imported(tmp_path / "a.jsonl", row)
    assert (mag.question.text, mag.question.choices, mag.question.gold) == (row["question"], (), "42")


def test_spellings_of_a_question_are_one_and_other_questions_are_not() -> None:
    plain = fingerprint("Each pack costs $1,000. Don't pay; how much, in 1.5 years?")
    assert fingerprint("Each pack costs $1000 . Don’t pay how much in 1.5  years") == plain
    others = ["3 + 2", "3 - 2", "3 2", "3.2", ".32", "32", "3^2", "3²", "(3) 2"]
    assert len({fingerprint(each) for each in others}) == len(others)


def test_a_known_question_keeps_its_id_and_the_files_options(tmp_path: Path) -> None:
    choices = (Choice(label="A", text="iron"), Choice(label="B", text="wood"))
    known = Question(id="q-7", text="Which floats?", choices=choices, answer_type="letter", gold="B", task="t")
    row = {"question": "Which floats ?\nAnswer Choices: (A) wood (B) iron", "answer": "A", "response_list": ["(A)"]}
    (mag,) = imported(tmp_path / "a.jsonl", row, known={fingerprint(known.text): known})
    assert (mag.question.id, mag.question.gold, mag.turns[0].correct) == ("q-7", "A", True)
    assert [each.text for each in mag.question.choices] == ["wood", "iron"]


@pytest.mark.parametrize("pad", ["", " because of the reasons that I have given at length, and of no others at all"])
def test_mads_edges_do_not_depend_on_the_length_of_what_was_said(tmp_path: Path, pad: str) -> None:
    base, aff, neg, again = f"It is 7{pad}", f'I say "It is 7{pad}"\nand stay.{pad}', f"No, 8{pad}", f"7 it is{pad}"
    ask = "\n\nDo you agree with my perspective?"
    row = {
        "source": "x",
        "players": {
            "Affirmative side": chat("Translate", base, "Restate", aff, neg + ask, again),
            "Negative side": chat(f"{aff}\n\nYou disagree.", neg, again + ask, f"8 still{pad}"),
            "Moderator": chat(f"Affirmative side arguing:\n{aff}\n\nNegative side arguing: {neg}\n\nYou", "{}"),
        },
    }
    (mag,) = imported(tmp_path / "a.json", row)
    assert [(turn.role, turn.round, turn.sources) for turn in mag.turns] == [
        ("affirmative", 0, ()), ("affirmative", 1, (0,)), ("negative", 1, (1,)), ("moderator", 1, (1, 2)),
        ("affirmative", 2, (0, 1, 2)), ("negative", 2, (1, 2, 4)),
    ]  # fmt: skip
    assert not check_mags([mag]).problems


def test_a_debate_that_was_cut_off_keeps_its_order(tmp_path: Path) -> None:
    row = {
        "question": "q?",
        "players": {"Affirmative side": chat("q?", "1", "2", "3"), "Negative side": chat("1", "2")},
    }
    (mag,) = imported(tmp_path / "a.json", row)
    assert [(turn.role, turn.round) for turn in mag.turns] == [("affirmative", 0), ("negative", 1), ("affirmative", 2)]


def test_eot_reads_letters_lines_and_the_files_name(tmp_path: Path) -> None:
    row = {
        "question": "Which?\nAnswer Choices: (A) 5 (√3 + 1)  (B) 6",
        "answer": "A", "response_list": ["So\n(A).", "(B)"],
        "message_record_dict": {"Kitty": ["So (A).", "(A)"], "Ben": ["(B)", None], "Peter": "(B)"},
    }  # fmt: skip
    (mag,) = imported(tmp_path / "AQuA_EoT_log_Relay_gpt-4-0314.jsonl", row)
    assert (mag.question.gold, mag.metadata["communication_mode"]) == ("A", "relay")
    assert [(turn.text, turn.answer, turn.model) for turn in mag.turns[:2]] == [
        ("So\n(A).", "A", "gpt-4-0314"), ("(B)", "B", "gpt-4-0314"),
    ]  # fmt: skip
    assert [turn.sources for turn in mag.turns[3:]] == [(0, 1), (1, 2)]
    assert mag.turns[4].status == "invalid"


def outputs(round: int, *answers: str | str_) -> dict[str, dict[str, Any]]:
    names = ("claude", "gpt3", "bard")
    return {
        f"{name}_output_{round}": {"reasoning": f"{name} {round}", "answer": answer, "confidence_level": 0.9}
        for name, answer in zip(names, answers, strict=True)
    }


def test_reconciles_own_results_are_pickles_of_the_test_questions_in_order(tmp_path: Path) -> None:
    letters = tuple(Choice(label=label, text=text) for label, text in zip("ABC", ("x", "y", "z"), strict=True))
    asked = [Question(id=f"q{k}", text=f"Which {k}?", choices=letters, answer_type="letter", gold="B") for k in (0, 1)]
    drawn = outputs(0, numpy.random.default_rng(0).choice(["1", "2"]), "2", "3")
    drawn["bard_output_0"] |= {"reasoning": "", "confidence_level": 0.0}
    explained = {f"{name}_exp_0": f"I think the answer is it because {name} 0" for name in ("claude", "gpt3", "bard")}
    rows = [
        {"gold_answer": "2", **outputs(0, "2", "3", "2"), **explained, **outputs(1, "2", "2", "2"),
         "debate_prompt_0": f"{explained['claude_exp_0']}\n{explained['gpt3_exp_0']}", "weighted_max_1": "2"},
        {"gold_answer": "2", **drawn},
    ]  # fmt: skip
    first, second = imported(tmp_path / "ECQA_round_2.pkl", pickle.dumps(rows), in_order=lambda: asked)
    assert (first.question.id, second.question.id) == ("q0", "q1")
    assert [turn.answer for turn in first.turns] == ["B", "C", "B", "B", "B", "B"]
    assert [turn.sources for turn in first.turns[3:]] == [(0, 1)] * 3
    assert (first.decision.answer, first.decision.correct) == ("B", True)
    assert [(turn.answer, turn.status) for turn in second.turns] == [(None, "invalid"), ("B", "ok"), (None, "invalid")]
    rows[1]["gold_answer"] = "3"
    with pytest.raises(MagFileError, match="not the questions that were asked"):
        imported(tmp_path / "ECQA_round_2.pkl", pickle.dumps(rows), in_order=lambda: asked)
    with pytest.raises(MagFileError, match="does not hold its question.*--task NAME"):
        imported(tmp_path / "ECQA_round_2.pkl", pickle.dumps(rows))


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_du_pickles_sums_by_their_numbers(tmp_path: Path, protocol: int) -> None:
    asked = "What is the result of 1+2*3+4-5*6? Make sure to state your answer at the end of the response."
    chats = [chat(asked, "It is -19."), chat(asked, "It is 4.")]
    table = {tuple(map(numpy.int64, (1, 2, 3, 4, 5, 6))): (chats, numpy.int64(-19))}
    (mag,) = imported(tmp_path / "math_agents2_rounds1.p", pickle.dumps(table, protocol=protocol))
    assert (mag.question.text, mag.question.gold) == ("What is the result of 1+2*3+4-5*6?", "-19")
    assert [turn.correct for turn in mag.turns] == [True, False]


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize("raw", [pickle.dumps([Evil()]), pickle.dumps([1, 2])[:-3], b"\x80junk"])
def test_a_pickle_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MagFileError, match="cannot be read"):
        imported(tmp_path / "a.pkl", raw)
    assert os.listdir(tmp_path) == ["a.pkl"]


@pytest.mark.parametrize(
    ("stem", "names", "model"),
    [
        ("gsm_Qwen3-0.6B_persona_kantian+deep-sea_agents2_rounds3", ["kantian", "deep-sea"], "Qwen3-0.6B"),
        ("gsm_Qwen3-0.6B_temp0.5+1.0_persona_zen+zen_agents2_rounds3", ["zen", "zen-2"], "Qwen3-0.6B"),
        ("mmlu_A-1B+B_2B_temp0.5+1.0_agents2_rounds2", ["agent-1", "agent-2"], "A-1B+B_2B"),
        ("gsm_M_persona_cook_baker_agents2_rounds3", ["cook", "baker"], "M"),
        ("gsm_M_persona_cook_agents2_rounds3", ["agent-1", "agent-2"], "M"),
        ("gsm_3_2", ["agent-1", "agent-2"], ""),
    ],
)
def test_names_of_a_file(stem: str, names: list[str], model: str) -> None:
    assert names_from(stem, 2) == (names, model)


def test_dylans_files_say_level_and_subject_and_agents_speak_in_turn(tmp_path: Path) -> None:
    prompt = "Problem: 1 + 1?\nAnswer: 2\n\nPlease solve the problem below.\nProblem: What is $17*3$?\nAnswer:"
    first, second = "I get\n\n7.", "I get 51."
    quote = "These are the solutions: \n\nOne agent solution: ```{}```\n\nUsing the reasoning"
    chats = [chat(prompt, first, quote.format(second), "Now 51."), chat(prompt, second, quote.format("Now 51."), "51.")]
    chats[0][1]["content"] = "I get\n7."
    raw = gzip.compress(json.dumps({prompt: [chats, "51", 4, "Algebra"]}).encode())
    (mag,) = imported(tmp_path / "algebra_4_3.json.gz", raw)
    assert (mag.id, mag.question.text) == ("algebra_4_3-0", "What is $17*3$?")
    assert mag.question.metadata == {"level": 4, "subject": "Algebra"}
    assert mag.metadata["split"] == "test"
    assert [turn.sources for turn in mag.turns] == [(), (), (0, 1), (1, 2)]


def test_biographies_have_no_gold_answer(tmp_path: Path) -> None:
    (mag,) = imported(tmp_path / "bio.json", {"Ada Lovelace": [chat("Give a biography of Ada Lovelace.", "- poet")]})
    assert (mag.question.gold, mag.question.text) == (None, "Give a biography of Ada Lovelace.")
    assert not check_mags([mag]).problems


def test_mallm_tells_by_the_recorded_prompt_what_was_shown(tmp_path: Path) -> None:
    message = {"turn": 1, "persona": "C", "message": "B", "contribution": "draft", "solution": "B) no"}
    memories = [
        message | {"message_id": 0, "agent_id": "x", "memory_ids": [], "additional_args": {"agent_memory": None}},
        message | {"message_id": 1, "agent_id": "y", "memory_ids": [0], "additional_args": {"agent_memory": None}},
        message | {"message_id": 2, "agent_id": "x", "memory_ids": [0, 1], "additional_args": {"agent_memory": [{}]}},
    ]
    row = {"input": ["Is it?\n\nA) yes\nB) no"], "references": ["B) no"], "globalMemory": memories, "personas": None}
    (mag,) = imported(tmp_path / "out.json", [row])
    assert [turn.sources for turn in mag.turns] == [(), (), (0, 1)]
    assert (mag.question.gold, {turn.correct for turn in mag.turns}) == ("B", {True})


def test_who_when_labels_the_guilty_step_alone_and_thoughts_are_ones_own(tmp_path: Path) -> None:

    def says(role: str, content: str) -> dict[str, str]:
        return {"role": role, "content": content}

    history = [
        says("human", "What is 6 * 7?"),
        says("Orchestrator (thought)", "Ask the coder."),
        says("Orchestrator (-> Coder)", "Coder, compute it."),
        says("Coder", "It is 41."),
        says("Orchestrator (-> human)", "The answer is 41."),
    ]
    row = {"question": "What is 6 * 7?", "ground_truth": "42", "history": history, "is_correct": False}
    row |= {"mistake_agent": "Coder", "mistake_step": "3", "mistake_reason": "miscounted"}
    (mag,) = imported(tmp_path / "7.json", row)
    assert [(turn.agent, turn.sources, turn.label, turn.label_source) for turn in mag.turns] == [
        ("Orchestrator", (), None, "none"),
        ("Orchestrator", (0,), None, "none"),
        ("Coder", (1,), False, "judge"),
        ("Orchestrator", (0, 1, 2), False, "gold"),
    ]
    assert (mag.metadata["mistake_turn"], mag.metadata["mistake_reason"]) == (2, "miscounted")
    assert (mag.decision.answer, mag.decision.correct) == ("41", False)
    assert not check_mags([mag]).problems
    named = [{"role": "assistant", "name": "Excel_Expert", "content": "41"}]
    (mag,) = imported(tmp_path / "8.json", row | {"history": named, "mistake_step": 0})
    assert [(turn.agent, turn.label) for turn in mag.turns] == [("Excel_Expert", False)]


def test_drift_eval_says_why_a_debate_drifted(tmp_path: Path) -> None:
    messages = {
        str(k): f"[AGREE]\\n\\nSo 2 \\xd7 3 \\u2265 5. Final: {'AB'[k > 3]}) {5 + (k > 3)}" for k in range(1, 7)
    }
    row: dict[str, Any] = {
        "sampleId": "s",
        "dataset": "aqua_rat",
        "input": "What is 2 + 3?\\n\\nA) 5\\nB) 6",
        "reference": "A) 5",
    }
    row |= {"personas": "Ann, Bob, Cid", "driftTurn": 5.0, "driftStrength": -1.0, "extractedMessages": messages}
    row |= {"solutionBefore": "A) 5", "solutionAfter": "B) 6", "errorTypes": ["Logic"], "errorTypesExplanation": "m4"}
    (mag,) = imported(tmp_path / "DriftEval.json", [row])
    assert mag.turns[0].text == "[AGREE]\n\nSo 2 × 3 ≥ 5. Final: A) 5"
    assert [turn.agent for turn in mag.turns] == ["Ann", "Bob", "Cid"] * 2
    assert (mag.decision.answer, mag.decision.correct, mag.question.gold) == ("B", False, "A")
    assert (mag.metadata["drift_turn"], mag.metadata["error_types"]) == (5.0, ["Logic"])
    assert not check_mags([mag]).problems


def test_a_file_of_another_kind_can_be_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0-config.json").write_text('{"debate_topic": "", "base_answer": ""}', encoding="utf-8")
    (tmp_path / "1.json").write_text('\ufeff{"question": "q?", "answer": "1", "response_list": ["\\ud83d 1"]}', "utf-8")
    bad: list[MagFileError] = []
    files = [tmp_path / "0-config.json", tmp_path / "1.json", tmp_path / "none.json"]
    (mag,) = import_files(files, Reader(), on_bad_item=bad.append)
    assert mag.to_line().encode()
    assert [error.path.rpartition("/")[2] for error in bad] == ["0-config.json", "none.json"]


@pytest.mark.parametrize(
    ("question", "answer", "replies", "problem"),
    [
        ("Which?", "A", ["it is iron, as all know"], "no answer that could be read as a letter"),
        ("Is it?", "yes", ["that I cannot say"], "no answer that could be read as a boolean"),
        ("Who?", "The first of the ladies", ["The answer is Ann."], "they were read as text"),
    ],
)
def test_check_notices_answers_that_were_read_in_another_form(
    tmp_path: Path, question: str, answer: str, replies: list[str], problem: str
) -> None:
    lines = [json.dumps({"question": question, "answer": answer, "response_list": replies * 4}) for _ in range(3)]
    mags = imported(tmp_path / "a.jsonl", "\n".join(lines).encode())
    found = check_mags(mags).problems
    assert [each.check for each in found] == ["readings"]
    assert problem in found[0].what


def test_check_notices_options_that_were_left_in_the_text_and_golds_of_another_form(tmp_path: Path) -> None:
    row = {"question": "Which? (A) iron (B) wood", "answer": "A", "response_list": ["(A)"]}
    (mag,) = imported(tmp_path / "a.jsonl", row)
    assert not check_mags([mag]).problems
    whole = mag.question.model_copy(update={"text": row["question"], "choices": ()})
    other = mag.question.model_copy(update={"gold": "C"})
    for question, problem in ((whole, "lists 2 options"), (other, "'C' is none of the options A, B")):
        turns = tuple(
            turn.model_copy(update={"correct": None, "label": None, "label_source": "none"}) for turn in mag.turns
        )
        changed = mag.model_copy(update={"question": question, "turns": turns, "decision": type(mag.decision)()})
        (found,) = check_mags([changed]).problems
        assert problem in found.what
