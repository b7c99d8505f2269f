"""A file that does not tell the truth is found out: schema, grades, provenance, the protocol's own rule."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import MagFileError
from magdi.core.mag import Mag, Message, Question, Seen
from magdi.core.task import Split, Task
from magdi.plugins.corpus.check import ReplayRule, check_file, check_mags
from magdi.plugins.corpus.provenance import unquoted
from magdi.plugins.corpus.replay import differences, speakers
from magdi.plugins.decisions.votes import LastWord
from magdi.protocols.debate import Debate
from magdi.protocols.reconcile import ReConcile
from magdi.protocols.roundtable import Roundtable
from tests.core.corpus.mag_samples import held, long_reply, mag, talk, turn


def changed(before: Mag, step: int, **fields: Any) -> Mag:
    turns = list(before.turns)
    turns[step] = turns[step].model_copy(update=fields)
    return before.model_copy(update={"turns": tuple(turns)})


def problems(*mags: Mag, rule: ReplayRule | None = None) -> list[tuple[str, str]]:
    return [(problem.check, problem.what) for problem in check_mags(mags, rule).problems]


@pytest.fixture(scope="module")
def real() -> Mag:
    return held(ReConcile(ReConcile.Config(rounds=1)), long_reply)


def test_what_was_really_held_is_sound(real: Mag) -> None:
    report = check_mags([real], ReplayRule(ReConcile(ReConcile.Config(rounds=1))))
    assert (report.mags, report.turns, report.edges, report.prompts, report.replayed) == (1, 6, 9, 6, 1)
    assert report.problems == []


def test_an_edge_too_few_and_an_edge_too_many_are_found_in_the_prompts(real: Mag) -> None:
    fewer = changed(real, 3, seen=real.turns[3].seen[1:])
    assert list(unquoted(fewer)) == ["turn 3: the prompt holds turn 0, which it is not said to have seen"]
    more = changed(real, 5, seen=(*real.turns[5].seen, Seen(step=4)))
    assert list(unquoted(more)) == ["turn 5: the prompt does not hold turn 4, which it is said to have seen"]


def test_what_chose_a_speaker_need_not_be_quoted(real: Mag) -> None:
    chosen = changed(real, 5, seen=(*real.turns[5].seen, Seen(step=4, kind="control")))
    assert list(unquoted(chosen)) == []


def test_short_words_are_not_looked_for_everywhere() -> None:
    short = mag(turn(0, "A", "51", text="51", reasoning=""), turn(1, "B", "51", prompt=()))
    quoting = changed(short, 1, prompt=(Message(role="user", content="17 * 3 = 51?"),))
    assert list(unquoted(quoting)) == []


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (lambda real: changed(real, 3, seen=real.turns[3].seen[1:]), "it has also seen 0 (self)"),
        (lambda real: changed(real, 5, seen=(*real.turns[5].seen, Seen(step=4))), "it has not seen 4 (content)"),
        (lambda real: changed(real, 3, round=2), "the record says agent, role, round"),
        (lambda real: real.model_copy(update={"turns": real.turns[:5]}), "the protocol goes on with turn 5"),
        (lambda real: real.model_copy(update={"turns": real.turns[:3]}), "the protocol goes on with turn 3"),
        (lambda real: real.model_copy(update={"decision": talk().decision}), "the protocol decides '3'"),
    ],
)
def test_a_record_that_its_protocol_would_not_give_is_found(
    real: Mag, tampered: Callable[[Mag], Mag], told: str
) -> None:
    found = list(differences(tampered(real), ReConcile(ReConcile.Config(rounds=1)), speakers(real)))
    assert any(told in each for each in found), found


def test_other_settings_give_another_graph(real: Mag) -> None:
    assert list(differences(real, ReConcile(ReConcile.Config(rounds=2)), speakers(real)))
    assert list(differences(real, ReConcile(ReConcile.Config(rounds=0)), speakers(real))) == [
        "the protocol ends after 3 turns, the record has 6"
    ]
    assert list(differences(real, Debate(), speakers(real))) == [], "one round of debate has the same graph"
    assert list(differences(real, Debate(Debate.Config(topology="relay")), speakers(real)))


def test_decision_rules_and_selected_speakers_are_held_again() -> None:
    rounds = ReConcile(ReConcile.Config(rounds=1))
    last = held(rounds, long_reply, decide=LastWord())
    assert list(differences(last, rounds, speakers(last), LastWord())) == []
    table = Roundtable(Roundtable.Config(speaker="selector", max_turns=3))
    chosen = held(table, lambda ask, step: '{"name": "B"}' if ask.role == "selector" else long_reply(ask, step))
    from magdi.core.protocol import agents_named

    assert list(differences(chosen, table, agents_named("ABC"))) == []


def test_imported_files_are_not_held_against_our_rules(real: Mag) -> None:
    foreign = real.model_copy(update={"metadata": {"format": "du"}})
    report = check_mags([foreign], ReplayRule(Debate()))
    assert (report.replayed, report.problems) == (0, [])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": "invalid"}, "is invalid but has an answer"),
        ({"answer": None, "label": True}, "is graded but has no answer"),
        ({"label": False}, "labelled False by gold, but correct is True"),
        ({"correct": False, "label": False}, "'51' is graded right in one turn and wrong in another"),
    ],
)
def test_grades_that_cannot_be_are_found(fields: dict[str, str | bool | None], told: str) -> None:
    assert any(check == "grades" and told in what for check, what in problems(changed(talk(), 0, **fields)))


def test_answers_are_graded_again(real: Mag) -> None:
    wrong = changed(talk(), 1, correct=True, label=True)
    assert problems(wrong) == [("grades", "turn 1 is graded True, but its answer is '7' and gold '51'")]
    unlike = talk().decision.model_copy(update={"correct": False})
    assert problems(talk().model_copy(update={"decision": unlike})) == [
        ("grades", "the decision is graded False, but is '51' and gold '51'")
    ]
    undecided = real.decision.model_copy(update={"answer": None, "correct": True})
    assert problems(real.model_copy(update={"decision": undecided})) == [
        ("grades", "the decision is graded True, but is None and gold '51'")
    ]
    assert problems(changed(talk(), 1, label=True, label_source="value")) == [], "malt's labels may differ"
    assert problems(changed(talk(), 1, correct=None, label=None, label_source="none")) == []


def test_a_tasks_own_grade_goes_before_ours() -> None:
    class Lenient(Task):
        def questions(self, split: Split) -> Sequence[Question]:
            return ()

        def extract(self, text: str, question: Question) -> str | None:
            return text

        def grade(self, answer: str | None, gold: str) -> bool:
            return answer is not None and answer in (gold, "7")

    lenient = changed(talk(), 1, correct=True, label=True)
    assert check_mags([lenient], ReplayRule(task=Lenient())).problems == []
    strict = changed(talk(), 1, correct=False, label=False)
    (problem,) = check_mags([strict], ReplayRule(task=Lenient())).problems
    assert problem.what == "turn 1 is graded False, but its answer is '7' and gold '51'"


@pytest.mark.parametrize(
    ("task", "gold", "told"), [("math", "\\frac{1}{2}", 1), ("", "\\frac{1}{2}", 1), ("", "x+1", 0)]
)
def test_expressions_are_graded_by_what_they_mean(task: str, gold: str, told: int) -> None:
    answer = "0.5" if "frac" in gold else "1+x"
    question = Question(id="q1", text="How much?", answer_type="expression", gold=gold, task=task)
    right = mag(turn(0, "A", answer, correct=True, label=True), answer=None, question=question)
    assert problems(right) == []
    wrong = mag(turn(0, "A", answer, correct=False, label=False), answer=None, question=question)
    assert len(problems(wrong)) == told, "without a task, what has no backslash is compared as it is spelt"


def test_a_file_that_holds_nothing_is_not_sound(tmp_path: Path) -> None:
    path = tmp_path / "mags.jsonl"
    path.write_text("\n")
    assert [(problem.check, problem.what) for problem in check_file(path).problems] == [("schema", "holds no MAG")]


def test_grades_need_a_gold_answer_and_ids_are_unique() -> None:
    ungraded = talk().model_copy(update={"question": talk().question.model_copy(update={"gold": None})})
    assert any("no gold answer" in what for _, what in problems(ungraded))
    assert problems(talk(), talk()) == [("id", "another MAG has the same id")]


def test_lines_that_cannot_be_read_are_told_and_the_rest_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "mags.jsonl"
    backwards = talk("b").to_line().replace('"seen":[{"step":0}', '"seen":[{"step":4}', 1)
    path.write_text(f"{talk().to_line()}\n{backwards}\n{{\n")
    report = check_file(path)
    assert report.mags == 1
    assert [(problem.check, problem.where.rsplit(":", 1)[1]) for problem in report.problems] == [
        ("schema", "2"),
        ("schema", "3"),
    ]
    assert "has seen turn 4" in report.problems[0].what
    with pytest.raises(MagFileError):
        check_file(tmp_path / "none.jsonl")
