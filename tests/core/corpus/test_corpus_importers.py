"""Importers: what each format's edges, answers and rounds become; what is malformed is named by file and line."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.errors import ComponentError, DataError, MagFileError
from magdi.core.mag import Mag, Turn, read_mags, write_mags
from magdi.plugins.corpus.provenance import unquoted
from magdi.plugins.formats.importers.autogen import AutogenResults
from magdi.plugins.formats.importers.du import DuDebates
from magdi.plugins.formats.importers.matching import fingerprint
from magdi.plugins.formats.importers.question_options import split_options
from magdi.plugins.formats.importers.quotations import standing
from magdi.plugins.formats.importers.reader import Reader, guess_answer_type, plain_reasoning
from magdi.plugins.formats.importing import import_files
from magdi.plugins.registry import default_registry
from tests.core.corpus.mag_samples import QUESTION, talk

LONG = "This is a reply that is long enough to be told from others; in the end"


def says(answer: int | str, who: str = "") -> str:
    return f"{LONG} {who}. The answer is {answer}."


def imported(
    tmp_path: Path, document: dict[str, Any] | str | list[dict[str, Any]], name: str = "file.json", **settings: Any
) -> list[Mag]:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    mags = list(import_files([path], Reader(keep_prompts=True, task_name="sums"), **settings))
    target = tmp_path / "mags.jsonl"
    write_mags(target, mags)
    assert list(read_mags(target)) == mags, "round trip"
    return mags


def asked(*shown: str) -> dict[str, str]:
    return {
        "role": "user",
        "content": "\n".join(["Solve it.", *(f"One agent solution: ```{text}```" for text in shown)]),
    }


def said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def test_du_debates_take_their_edges_from_the_prompts(tmp_path: Path) -> None:
    first = [says(n, who) for n, who in ((51, "a"), (7, "b"), (7, "c"))]
    second = [says(n, who) for n, who in ((51, "A"), (51, "B"), (7, "C"))]
    chats = [
        [asked(), said(first[k]), asked(*(text for i, text in enumerate(first) if i != k)), said(second[k])]
        for k in range(3)
    ]
    chats[2][2] = asked(first[0])  # C is shown A only
    (mag,) = imported(tmp_path, {"17 * 3?": [chats, "It is <<17*3=51>>51.\n#### 51"]})
    assert (mag.question.gold, mag.question.answer_type, mag.protocol) == ("51", "number", "debate")
    assert [turn.sources for turn in mag.turns] == [(), (), (), (0, 1, 2), (0, 1, 2), (0, 2)]
    assert [edge.kind for edge in mag.turns[4].seen] == ["content", "self", "content"]
    assert [turn.label for turn in mag.turns] == [True, False, False, True, True, False]
    assert (mag.decision.answer, mag.decision.correct) == ("51", True)
    assert list(unquoted(mag)) == []


def test_du_full_memory_reaches_back_through_the_chat(tmp_path: Path) -> None:
    replies = [[says(n, f"{k}{j}") for j in range(3)] for k, n in enumerate((1, 2))]
    chats = []
    for k in range(2):
        chat = [asked(), said(replies[k][0])]
        for j in (1, 2):
            chat += [asked(replies[1 - k][j - 1]), said(replies[k][j])]
        chats.append(chat)
    (mag,) = imported(tmp_path, {"q?": [chats, "1"]})
    assert [len(turn.seen) for turn in mag.turns] == [0, 0, 2, 2, 4, 4]


def test_du_names_agents_after_the_file_and_reads_options(tmp_path: Path) -> None:
    text = "Can you answer the following question as accurately as possible? Which is even?: A) 7, B) 8, C) 9, D) 1, 3 "
    text += "Explain your answer, putting the answer in the form (X) at the end of your response."
    chats = [[asked(), said(f"It is {letter}. ({letter})")] for letter in "AB"]
    name = "mmlu_Tiny-1B_persona_cook_lion-tamer_agents2_rounds1.json"
    (mag,) = imported(tmp_path, {text: [chats, "B"]}, name)
    assert [turn.agent for turn in mag.turns] == ["cook", "lion-tamer"]
    assert {turn.model for turn in mag.turns} == {"Tiny-1B"}
    assert mag.question.text == "Which is even?"
    assert [choice.text for choice in mag.question.choices] == ["7", "8", "9", "1, 3"]
    assert [turn.label for turn in mag.turns] == [False, True]


def reply(step: int, text: str) -> Turn:
    return Turn(step=step, agent=f"a{step}", text=text)


@pytest.mark.parametrize("word", ["42", LONG])
@pytest.mark.parametrize(
    "prompt",
    [
        "```{}```",
        "``` {} ```",
        "{}",
        "{}\n\nDo you agree?",
        "{} Do you agree?",
        "Affirmative side arguing: {}\n\nNegative",
        "A:\n{}\nB:",
    ],
)
def test_a_reply_is_found_where_it_fills_a_place_however_long_it_is(word: str, prompt: str) -> None:
    assert standing([reply(0, word)], [prompt.format(word)]) == {0}


def test_words_that_another_repeats_show_nobody_else() -> None:
    for word in ("42", LONG):
        quoting = reply(1, f"He says:\n{word}\nand I say 7.")
        assert standing([reply(0, word), quoting], [f"{quoting.text}\n\nDo you agree?"]) == {1}
        assert standing([reply(0, word), quoting], [f"{word}\n\n{quoting.text}"]) == {0, 1}


def test_words_by_chance_empty_replies_and_the_question_are_nobodys() -> None:
    assert standing([reply(0, "42"), reply(1, " ")], ["In the form 42, please", "``````"]) == set()
    assert standing([reply(0, "yes")], ["Is it?\nyes\nno\n"], "Is it?\nyes\nno") == set()


def test_of_replies_with_the_same_words_as_many_are_shown_as_stand_there() -> None:
    alike = [reply(0, "42"), reply(1, "42"), reply(2, "42")]
    assert standing(alike, ["```42``` and ```42```"]) == {0, 1}
    assert standing(alike[::-1], ["```42```"]) == {2}


def test_solutions_have_no_edges_and_keep_what_the_file_judged(tmp_path: Path) -> None:
    row = {
        "question": "17 * 3?",
        "ground_truth": "It is 51.\nA: 51",
        "6b": {"solution": "17 * 3 = <<17*3=51>>51\nA: 51", "is_correct": True},
        "175b": {"solution": "I stop here", "is_correct": False},
    }
    (mag,) = imported(tmp_path, json.dumps(row) + "\n", "solutions.jsonl")
    assert (mag.edges, mag.protocol, mag.metadata["is_correct"]) == ((), "single", {"6b": True, "175b": False})
    assert [(turn.agent, turn.answer, turn.status) for turn in mag.turns] == [
        ("6b", "51", "ok"),
        ("175b", None, "invalid"),
    ]
    assert mag.turns[0].reasoning == "17 * 3 = 51"
    assert mag.turns[0].text.endswith("A: 51")


def output(answer: str | float | None, confidence: str | float, reasoning: str) -> dict[str, str | float | None]:
    return {"reasoning": reasoning, "answer": answer, "confidence_level": confidence}


def test_the_authors_files_follow_the_papers_rule(tmp_path: Path) -> None:
    row: dict[str, Any] = {"question": "17 * 3?", "gold_answer": "51"}
    given: list[tuple[str | float | None, ...]] = [("51", 7, "8"), (51.0, "$51", None)]
    for j, answers in enumerate(given):
        for name, answer in zip(("claude", "gpt4", "bard"), answers, strict=True):
            row[f"{name}_output_{j}"] = output(answer, "90%", f"{name} {j}")
    (mag,) = imported(tmp_path, [row])
    assert (len(mag.turns), len(mag.edges), mag.structure, mag.protocol) == (6, 9, "G1", "reconcile")
    assert [turn.answer for turn in mag.turns] == ["51", "7", "8", "51", "51", None]
    assert [turn.confidence for turn in mag.turns] == [0.9] * 6
    assert mag.turns[5].status == "invalid"
    assert mag.decision.votes == {"51": 2}


def test_reconciles_digest_shows_the_two_largest_groups_only(tmp_path: Path) -> None:
    row = {"question": "Is it?", "gold_answer": True, "debate_prompt_0": "One: claude 0 ... One: gpt3 0"}
    for j in (0, 1):
        for name in ("claude", "gpt3", "bard"):
            row[f"{name}_output_{j}"] = output("yes", 0.8, f"{name} {j}")
    (mag,) = imported(tmp_path, json.dumps(row), "reconcile.jsonl")
    assert [turn.sources for turn in mag.turns[3:]] == [(0, 1)] * 3
    assert (mag.question.gold, mag.question.answer_type) == ("yes", "boolean")


@pytest.mark.parametrize("options", [["A) 7", "B) 8"], {"A": "7", "B": "8"}, ["7", "8"]])
def test_options_of_reconcile_files(tmp_path: Path, options: list[str] | dict[str, str]) -> None:
    row = {"question": "Even?", "gold_answer": "B", "options": options, "bard_output_0": output("B", 1, "r")}
    (mag,) = imported(tmp_path, [row])
    assert [(choice.label, choice.text) for choice in mag.question.choices] == [("A", "7"), ("B", "8")]
    assert mag.turns[0].correct is True


@pytest.mark.parametrize(("mode", "edges"), [("memory", 9), ("report", 7), ("relay", 6), ("debate", 7)])
def test_eot_records(tmp_path: Path, mode: str, edges: int) -> None:
    names = ("Kitty", "Ben", "Peter")
    row = {
        "question": "17 * 3?", "answer": "51", "response_list": [says(1)] * 3, "communication_mode": mode,
        "message_record_dict": {name: [says(k), says(51)] for k, name in enumerate(names)},
        "confidence_record_dict": {name: [0.5] for name in names},
    }  # fmt: skip
    (mag,) = imported(tmp_path, json.dumps(row))
    assert (len(mag.turns), len(mag.edges)) == (6, edges)
    assert [turn.confidence for turn in mag.turns] == [None] * 3 + [0.5] * 3
    assert mag.decision.correct is True


def test_eot_agreement_at_once_has_no_second_round(tmp_path: Path) -> None:
    row = {"question": "q?", "answer": "51", "response_list": [says(51)] * 3, "message_record_dict": {}}
    (mag,) = imported(tmp_path, json.dumps(row))
    assert (len(mag.turns), mag.edges) == (3, ())


def message(number: int, agent: str, text: str, memory: list[int], **fields: str) -> dict[str, Any]:
    return {
        "message_id": number, "turn": 1 + number // 2, "agent_id": agent, "persona": agent.upper(), "message": text,
        "contribution": "improve", "agreement": True, "solution": None, "memory_ids": memory, "additional_args": {},
    } | fields  # fmt: skip


def test_mallm_memory_ids_are_edges_but_for_drafts(tmp_path: Path) -> None:
    row = {
        "exampleId": "e1", "input": ["17 * 3?"], "references": ["51"], "paradigm": "relay", "finalAnswer": "51",
        "personas": [{"agentId": "x", "persona": "Cook"}, {"agentId": "y", "persona": "Cook"}],
        "globalMemory": [
            message(0, "x", says(7), [], contribution="draft", solution="7"),
            message(1, "y", says(51), [0], contribution="draft", solution="51"),
            message(2, "x", says(51), [0, 1, 99], solution="51"),
            message(3, "y", "I agree.", [2, 1], contribution="feedback"),
        ],
    }  # fmt: skip
    (mag,) = imported(tmp_path, [row])
    assert [turn.sources for turn in mag.turns] == [(), (), (0, 1), (1, 2)]
    assert [turn.agent for turn in mag.turns] == ["Cook 1", "Cook 2", "Cook 1", "Cook 2"]
    assert [turn.role for turn in mag.turns] == ["solver", "solver", "solver", "critic"]
    assert mag.turns[3].status == "ok"
    assert (mag.protocol, mag.decision.correct) == ("mallm-relay", True)


def test_mad_memories_are_prompts(tmp_path: Path) -> None:
    aff, neg = [says(7, "aff 1"), says(51, "aff 2")], [says(51, "neg 1"), says(51, "neg 2")]
    mod = ['{"debate_answer": ""}', '{"debate_answer": "51", "Reason": "clear by now, I should think, is it not so"}']

    def turns(*contents: str) -> list[dict[str, str]]:
        roles = itertools.cycle(("user", "assistant"))
        return [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]

    row = {
        "debate_topic": "17 * 3?", "gold_answer": "51", "model_name": "m", "debate_answer": "51",
        "players": {
            "Affirmative side": turns("Topic", aff[0], neg[0], aff[1]),
            "Negative side": turns(aff[0], neg[0], aff[1], neg[1]),
            "Moderator": turns(aff[0] + neg[0], mod[0], aff[1] + neg[1], mod[1]),
        },
    }  # fmt: skip
    (mag,) = imported(tmp_path, json.dumps(row, indent=2))
    assert (len(mag.turns), len(mag.edges)) == (6, 13)
    assert [turn.role for turn in mag.turns] == ["affirmative", "negative", "moderator"] * 2
    assert [turn.round for turn in mag.turns] == [0, 1, 1, 2, 2, 2]
    assert [turn.answer for turn in mag.turns] == ["7", "51", None, "51", "51", "51"]
    assert [turn.status for turn in mag.turns] == ["ok"] * 6
    assert (mag.decision.answer, mag.decision.correct, mag.turns[0].model) == ("51", True, "m")


def test_mad_translations_are_not_graded_and_begin_with_what_was_handed_over(tmp_path: Path) -> None:
    base, restated, other = says("a", "base"), says("a", "restated"), says("b", "other")
    roles = ("user", "assistant", "user", "assistant")

    def chat(*texts: str) -> list[dict[str, str]]:
        return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]

    judge = chat(restated + other, says("both", "list"), "Choose.", '{"debate_translation": "b"}')
    row = {
        "source": "x", "reference": "b", "debate translation": "b",
        "players": {
            "Affirmative side": chat("Translate", base, "Restate", restated),
            "Negative side": chat(restated, other),
            "Moderator": chat(restated + other, "{'debate_translation': ''}"),
            "Judge": judge,
        },
    }  # fmt: skip
    (mag,) = imported(tmp_path, json.dumps(row))
    assert [(turn.role, turn.round) for turn in mag.turns] == [
        ("affirmative", 0), ("affirmative", 1), ("negative", 1), ("moderator", 1), ("judge", 1), ("judge", 1),
    ]  # fmt: skip
    assert [turn.sources for turn in mag.turns] == [(), (0,), (1,), (1, 2), (1, 2), (1, 2, 4)]
    assert mag.question.metadata["reference"] == "b"
    assert all(turn.label is None for turn in mag.turns)


def test_right_answers_of_a_table_are_for_whatever_files_hold_none(tmp_path: Path) -> None:
    path, table = tmp_path / "run.json", {"What is 2 + 3?": "5", "How many?": "6"}
    path.write_text(json.dumps(AutogenResults.example))
    reader = Reader(golds=table)
    (mag,) = import_files([path], reader)
    assert (mag.question.gold, mag.turns[0].label) == ("5", True)
    assert reader.told() == ["gold: 1 of 1 question matched, 1 row unused"]
    path.write_text(json.dumps({"result": AutogenResults.example, "gold_answer": 4}))
    reader = Reader(golds=table)
    with pytest.raises(DataError, match="hold right answers of their own"):
        list(import_files([path], reader))
    assert reader.told() == [], "the error has said it"


def test_autogens_task_result(tmp_path: Path) -> None:
    kinds = ("TextMessage", "TextMessage", "SelectSpeakerEvent", "TextMessage", "StopMessage")
    sources = ("user", "ann", "manager", "bob", "ann")
    texts = ("17 * 3?", says(7), "bob", says(51), says(51))
    rows = [
        {"source": source, "content": text, "type": kind, "models_usage": {"prompt_tokens": 3, "completion_tokens": 2}}
        for source, text, kind in zip(sources, texts, kinds, strict=True)
    ]
    result = {"messages": rows, "stop_reason": "Maximum number of turns reached."}
    (mag,) = imported(tmp_path, {"gold_answer": "51", "result": result})
    assert [turn.agent for turn in mag.turns] == ["ann", "bob", "ann"]
    assert [turn.sources for turn in mag.turns] == [(), (0,), (0, 1)]
    assert (mag.stop, mag.decision.correct, mag.usage.total_tokens) == ("Maximum number of turns reached.", True, 15)


def test_our_own_lines_pass_through(tmp_path: Path) -> None:
    assert imported(tmp_path, talk().to_line(), "own.jsonl") == [talk()]


def test_known_questions_keep_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps({"question": "What  is 17 * 3?", "ground_truth": "A: 51", "m": {"solution": "A: 51"}}))
    known = {fingerprint(QUESTION.text): QUESTION}
    (mag,) = import_files([path], Reader(known=known))
    assert (mag.question.id, mag.question.task) == ("q1", "sums")


def test_ids_stay_unique_over_several_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jsonl").write_text(talk().to_line())
    names = [mag.id for mag in import_files([tmp_path / "a/x.jsonl", tmp_path / "b/x.jsonl"], Reader())]
    assert names == ["m1", "m1~2"]


SOLUTION = '{"question": "q", "ground_truth": "A: 1", "m": {"solution": "A: 1"}}'


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (f"{SOLUTION}\n\n{{'no': json}}\n", 3, "no JSON"),
        (f"[{SOLUTION},\n{SOLUTION}\n{SOLUTION}]", 3, "without a comma"),
        (f"[{SOLUTION},", 1, "no JSON"),
        (f"{SOLUTION}\n" + SOLUTION.replace("question", "riddle"), 2, "no 'question'"),
        (f"{SOLUTION}\n" + SOLUTION.replace('"solution"', '"text"'), 2, "no model has a solution"),
        (f"{SOLUTION}\n17\n", 2, "item 1"),
        ("[1, 2]", 1, "no format that is known"),
        ("", 0, "is empty"),
        ('{"question": {"deep": ' * 3000, 1, "no JSON"),
    ],
)
def test_malformed_files_are_named_with_line_and_reason(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(MagFileError, match=problem) as caught:
        list(import_files([path], Reader()))
    assert (caught.value.path, caught.value.line) == (str(path), line)


@pytest.mark.parametrize(
    "chats", [[[1], "g"], [[[{"role": "user", "content": "q"}]], "g", 3], [[[{"role": "x"}]], "g"]]
)
def test_malformed_debates_are_named(tmp_path: Path, chats: list[Any]) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"q": chats}))
    with pytest.raises(MagFileError, match=r"bad\.json:1"):
        list(import_files([path], Reader(), {"du": DuDebates()}))


def test_bad_items_can_be_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(f"{SOLUTION}\n17\n{{broken\n{SOLUTION}\n{{")
    bad: list[MagFileError] = []
    mags = list(import_files([path], Reader(), on_bad_item=bad.append))
    assert (len(mags), [error.line for error in bad]) == (2, [2, 3, 5])


def test_missing_files_binary_files_and_unknown_formats(tmp_path: Path) -> None:
    binary = tmp_path / "b.json"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, problem in ((tmp_path / "none.json", "cannot be read"), (binary, "no UTF-8")):
        with pytest.raises(MagFileError, match=problem):
            list(import_files([path], Reader()))
    with pytest.raises(ComponentError, match=r"'mallmm'; did you mean 'mallm'"):
        default_registry().importer(ComponentChoice(name="mallmm"))


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        ("yes", "boolean"),
        ("1,000", "number"),
        ("It is.\n#### 51", "number"),
        (r"\frac{1}{x}", "expression"),
        ("Paris", "text"),
        ("05/01/2021", "text"),
        ("2:30", "text"),
        ("(3,4)", "expression"),
        ("x^2+1", "expression"),
        ("(B)", "letter"),
    ],
)
def test_the_form_of_an_answer_is_guessed_from_gold(gold: str, kind: str) -> None:
    assert guess_answer_type(gold) == kind


def test_small_readers() -> None:
    assert plain_reasoning("a <<1+1=2>>2\n#### 2") == "a 2"
    assert split_options("Why: A) x") == ("Why: A) x", [])
    assert split_options("Which? (A) x, y, (B) z")[0] == "Which?"


@pytest.mark.data
def test_real_debates_say_in_their_prompts_what_their_edges_say(data: Path) -> None:
    files = sorted((data / "debates").glob("*.json"))
    mags = list(import_files(files, Reader(keep_prompts=True)))
    assert len(mags) == 80
    assert {(len(mag.turns), len(mag.edges)) for mag in mags} == {(9, 27), (15, 75)}
    assert [problem for mag in mags for problem in unquoted(mag)] == []
    answered = sum(turn.answer is not None for mag in mags for turn in mag.turns)
    assert answered == 794  # the others break off in the middle of a thought, go through options, or give up


@pytest.mark.data
def test_real_solutions_are_graded_as_their_authors_did(data: Path, tmp_path: Path) -> None:
    """A quarter of them; all of their texts are read in `test_answers_agreement`."""
    lines = (data / "gsm8k" / "example_model_solutions.jsonl").read_text("utf-8").splitlines(keepends=True)[::4]
    (tmp_path / "example_model_solutions.jsonl").write_text("".join(lines), "utf-8")
    mags = list(import_files([tmp_path / "example_model_solutions.jsonl"], Reader()))
    turns = [(mag.metadata["is_correct"][turn.agent], bool(turn.correct)) for mag in mags for turn in mag.turns]
    assert len(turns) == 4 * len(lines)
    assert sum(said == ours for said, ours in turns) >= len(turns) - 2
