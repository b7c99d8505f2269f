"""What the student reads of a MAG: prompts, targets, cuts, counts, pairs, and that files are read as a stream."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock, Timeout

from magdi.core.distill import corpus as corpus_module
from magdi.core.distill import encoded
from magdi.core.distill.corpus import read_corpus
from magdi.core.distill.encoded import Encoded, Size, Sizes, ints
from magdi.core.distill.prompt import student_prompt, student_target, transcript
from magdi.core.distill.reading import Reading, behind, opening
from magdi.core.errors import TrainingError
from magdi.core.mag import Mag, Question, Turn, write_mags
from magdi.core.objective import Selecting
from magdi.plugins.objectives.margin import sampled_pairs
from magdi.plugins.objectives.positive import Positive
from tests.core.distill.distill_models import make_mags, make_objectives, make_tokenizer


def reading(level: str = "4", **changes: Any) -> Reading:
    return Reading(make_tokenizer(), make_objectives(level), **changes)


def read(mags: list[Mag], how: Reading) -> tuple[list[Encoded], Counter[str]]:
    tally: Counter[str] = Counter()
    return list(how.read(mags, tally)), tally


def test_prompt_and_chain() -> None:
    how, mag = reading(), make_mags(1)[0]
    (found,), _ = read([mag], how)
    text = how.tokenizer.decode(found.chains[0])
    assert text.endswith(f"So the answer is {mag.turns[0].answer} . <eos>")
    assert text.startswith(mag.turns[0].reasoning)
    asked = how.tokenizer(student_prompt(how.tokenizer, mag.question, "auto"), add_special_tokens=False)["input_ids"]
    assert found.prompts[0].tolist() == opening(how.tokenizer, "auto") + asked
    assert "Question : " + mag.question.text in how.tokenizer.decode(found.prompts[0])


def test_wrong_turns_are_read_and_not_learned() -> None:
    (found,), _ = read([make_mags(1, seed=1)[0]], reading())
    labels = found.columns["node.labels"][0]
    assert set(labels) == {0, 1}
    assert found.columns["positive.learned"][0].tolist() == np.flatnonzero(labels == 1).tolist()


def test_two_lessons_of_distilling_step_by_step() -> None:
    how, mag = reading("dss-mt"), make_mags(1)[0]
    (found,), _ = read([mag], how)
    texts = [how.tokenizer.decode(chain) for chain in found.chains]
    assert texts[0] == f"So the answer is {mag.turns[0].answer} . <eos>"
    assert texts[3] == f"{mag.turns[0].reasoning} <eos>"
    assert found.prompt_of.tolist() == [0, 0, 0, 1, 1, 1]
    assert [found.columns[f"{name}.learned"].tolist() for name in ("answer", "reasoning")] == [[[0, 1, 2]], [[3, 4, 5]]]
    assert "label" in how.tokenizer.decode(found.prompts[0])
    assert "rationale" in how.tokenizer.decode(found.prompts[1])


def chain_of_three(*, generator: bool) -> Mag:
    """A generator, right or wrong, a verifier who names no answer, and a right refiner."""
    asked = Question(id="q", text="What is 2 + 2?", gold="4")
    said = "4" if generator else "5"
    return Mag(
        id="q",
        question=asked,
        protocol="malt",
        turns=(
            Turn(
                step=0,
                agent="a",
                role="generator",
                text=f"Two and two. The answer is {said}.",
                reasoning="Two and two.",
                answer=said,
                correct=generator,
                label=generator,
            ),
            Turn(step=1, agent="b", role="verifier", text="It holds.", seen=({"step": 0},)),
            Turn(
                step=2,
                agent="c",
                role="refiner",
                text="Two twos. The answer is 4.",
                reasoning="Two twos.",
                answer="4",
                correct=True,
                label=True,
                seen=({"step": 0}, {"step": 1}),
            ),
        ),
    )


def of_positive(**settings: object) -> Reading:
    return Reading(make_tokenizer(), {"positive": Positive(Positive.Config(**settings))})


def test_a_transcript_is_what_led_to_a_turn_and_the_turn() -> None:
    mag = chain_of_three(generator=False)
    led = "generator: Two and two. The answer is 5.\nverifier: It holds.\nrefiner: "
    assert [transcript(mag, turn) for turn in mag.turns[::2]] == ["", led]
    how = of_positive(part="transcript", most=1)
    (found,), _ = read([mag], how)
    (text,) = [how.tokenizer.decode(chain) for chain in found.chains]
    alike = led + "Two twos. So the answer is 4."
    assert text == how.tokenizer.decode(how.tokenizer(alike, add_special_tokens=False)["input_ids"]) + " <eos>"


def test_what_mends_a_wrong_turn_goes_first_where_few_are_learned() -> None:
    for generator, most, steps in ((True, 1, [0]), (False, 1, [2]), (True, 3, [0, 2]), (True, None, [0, 2])):
        given = Selecting(chain_of_three(generator=generator))
        learned = Positive(Positive.Config(most=most)).select(given)["learned"]
        assert [chain.step for chain in learned] == steps


def test_long_chains_are_cut_and_learn_no_end() -> None:
    mags = make_mags(2)
    full, _ = read(mags, reading())
    longest = max(max(mag.paths) for mag in full)
    cut, tally = read(mags, reading(max_length=longest - 1))
    assert tally["cut_chains"] >= 1
    assert max(max(mag.paths) for mag in cut) == longest - 1
    whole = next(c for mag in full for c, path in zip(mag.chains, mag.paths, strict=True) if path == longest)
    short = next(c for mag in cut for c in mag.chains if len(c) == len(whole) - 1 and np.array_equal(c, whole[:-1]))
    assert short[-1] != how_ends()


def how_ends() -> int:
    return int(make_tokenizer().eos_token_id)


def test_questions_that_fill_the_context_leave_their_mag_out() -> None:
    found, tally = read(make_mags(3), reading(max_length=5))
    assert found == []
    assert tally["prompt_too_long"] == tally["mags"] == 3
    with pytest.raises(TrainingError, match="fill the student's context"):
        read_corpus(make_mags(3), reading(max_length=5))


def test_bad_turns_are_read_and_counted() -> None:
    mag = make_mags(1)[0]
    bare = mag.turns[0].model_copy(update={"reasoning": "", "label": True})
    broken = mag.turns[1].model_copy(update={"label": None, "answer": None, "text": "w1 w2", "reasoning": ""})
    odd = mag.model_copy(update={"turns": (bare, broken)})
    lone = mag.model_copy(update={"id": "lone", "turns": (bare,)})
    mute = mag.model_copy(update={"id": "mute", "turns": (broken.model_copy(update={"step": 0}),)})
    how = reading()
    found, tally = read([odd, lone, mute], how)
    assert [mag.id for mag in found] == [mag.id, "lone"]
    assert how.tokenizer.decode(found[0].chains[0]).startswith("So the answer is")
    assert how.tokenizer.decode(found[0].chains[1]) == "w1 w2 <eos>"
    assert found[0].columns["node.labels"].tolist() == [[1, -1]]
    assert (tally["nothing_to_learn"], tally["nothing_taught"], tally["unlabelled_turns"]) == (1, 1, 2)
    assert tally["empty_reasoning"] == 3


def test_agreement_is_cut_unless_kept() -> None:
    mag = make_mags(1)[0]
    agreeing = mag.turns[0].model_copy(update={"reasoning": "I agree with w1. w2 w3"})
    changed = mag.model_copy(update={"turns": (agreeing, *mag.turns[1:])})
    (cut,), _ = read([changed], reading())
    (kept,), _ = read([changed], reading(drop_agreement=False))
    assert len(kept.chains[0]) > len(cut.chains[0])


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("I agree with 3.5 apples. Then 7.", "Then 7."),
        ("First 2. I disagree with the answer 1.5! So 3.", "First 2. So 3."),
        ("I agree", ""),
        ("2 + 2 = 4. I agree.", "2 + 2 = 4."),
        ("Iagree. I agreed. Both stay.", "Iagree. I agreed. Both stay."),
    ],
)
def test_a_sentence_of_agreement_ends_where_a_space_follows_its_stop(said: str, left: str) -> None:
    turn = make_mags(1)[0].turns[0].model_copy(update={"reasoning": said, "answer": "9"})
    assert student_target(turn) == f"{left} So the answer is 9.".strip()


def test_a_target_is_tokenised_alone_where_its_prompts_tokens_change() -> None:
    """Where joining merges the prompt's last token with the target's first, generation could not go that way."""
    how = reading()
    w1, w2 = how.tokenizer.convert_tokens_to_ids(["w1", "w2"])
    assert behind(how.tokenizer, [w1], [w1, w2], " w2") == [w2]
    assert behind(how.tokenizer, [w1], [w2], " w1 w2") == [w1, w2]


def test_sampled_pairs_are_appendix_a() -> None:
    """Five right and three wrong: five pairs, every turn in one, two wrong ones twice."""
    everything = ints([[p, m] for p in range(5) for m in range(5, 8)]).T
    found = sampled_pairs(everything, np.random.default_rng(0))
    assert found.shape == (2, 5)
    assert sorted(found[0]) == [0, 1, 2, 3, 4]
    assert found[1][:3].tolist() == [5, 6, 7]
    assert set(found[1][3:]) <= {5, 6, 7}


def test_rows_survive_arrow() -> None:
    (found,), _ = read([make_mags(3)[2]], reading())
    again = Encoded.from_row(found.to_row(), reading().columns)
    assert all(np.array_equal(a, b) for a, b in zip(found.chains, again.chains, strict=True))
    assert all(np.array_equal(found.columns[name], again.columns[name]) for name in found.columns)
    assert Size.of(found) == Size.of(again)


def test_a_table_is_a_list_of_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "ROWS", 4)
    how = reading()
    found, _ = read(make_mags(9), how)
    encoded.write_table(tmp_path / "mags.arrow", found, how.columns)
    table = encoded.EncodedTable(tmp_path / "mags.arrow", how.columns)
    assert [each.id for each in table] == [each.id for each in found]
    assert [each.to_row() for each in table[2:]] == [each.to_row() for each in found[2:]]
    assert table[-1].to_row() == found[-1].to_row()
    assert table.sizes == Sizes.of(found)
    with pytest.raises(IndexError):
        table[9]
    encoded.write_table(tmp_path / "none.arrow", [], how.columns)
    assert len(encoded.EncodedTable(tmp_path / "none.arrow", how.columns)) == 0


def test_sizes_say_what_their_mags_say() -> None:
    draw = np.random.default_rng(0)
    rows = [[*draw.integers(1, 9, 4).tolist(), 2, 3] for _ in range(200)]
    sizes, listed = Sizes(np.array(rows, dtype=np.int32)), [Size.from_row(row) for row in rows]
    assert [*sizes] == listed
    assert sizes[3:7] == Sizes(np.array(rows[3:7]))
    assert sizes.total() == Size.from_row([sum(column) for column in zip(*rows, strict=True)])
    places = range(len(listed))
    assert sizes.longest() == max(places, key=lambda i: listed[i].longest)
    assert sizes.busiest() == max(places, key=lambda i: (listed[i].chains > 1, -listed[i].tokens))


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time its table is taken as it is; a changed file or setting is read anew."""
    path = tmp_path / "mags.jsonl"
    mags = make_mags(9)
    write_mags(path, mags)
    monkeypatch.setattr(corpus_module, "SMALL_FILE", 0)
    how = reading()
    memory = read_corpus(mags, how)
    first = read_corpus(path, how, tmp_path / "cache")
    assert first.sizes == memory.sizes
    assert first.tally == memory.tally
    assert np.array_equal(first[3].chains[0], memory[3].chains[0])
    calls = []
    write = corpus_module._write_table
    monkeypatch.setattr(corpus_module, "_write_table", lambda *args: (calls.append(args), write(*args)))
    assert read_corpus(path, how, tmp_path / "cache").sizes == memory.sizes
    assert not calls
    for table in tmp_path.glob("cache/*/mags.arrow"):
        table.write_bytes(table.read_bytes()[:-9])
    assert read_corpus(path, how, tmp_path / "cache").sizes == memory.sizes
    assert calls.pop()
    read_corpus(path, replace(how, max_length=20), tmp_path / "cache")
    write_mags(path, mags[:4])
    assert len(read_corpus(path, how, tmp_path / "cache")) == 4
    assert len(calls) == 2


def test_processes_wait_for_the_one_that_reads_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mags(tmp_path / "mags.jsonl", make_mags(3))
    monkeypatch.setattr(corpus_module, "SMALL_FILE", 0)
    locked: list[Path] = []
    write = corpus_module._write_table

    def watched(path: Path, how: Reading, folder: Path) -> None:
        locked.extend((tmp_path / "cache").glob(".magdi-*.lock"))
        with pytest.raises(Timeout):
            FileLock(locked[0]).acquire(timeout=0)
        write(path, how, folder)

    monkeypatch.setattr(corpus_module, "_write_table", watched)
    assert len(read_corpus(tmp_path / "mags.jsonl", reading(), tmp_path / "cache")) == 3
    assert len(locked) == 1
    with FileLock(locked[0], timeout=0):
        assert (tmp_path / "cache").exists()


def test_a_split_is_disjoint_and_the_same_again() -> None:
    whole = read_corpus(make_mags(10), reading())
    rest, held = whole.split(0.3, seed=1)
    assert held is not None
    assert (len(rest), len(held)) == (7, 3)
    ids = [part[i].id for part in (rest, held) for i in range(len(part))]
    assert len(set(ids)) == 10
    again = whole.split(0.3, seed=1)[1]
    assert again is not None
    assert [again[i].id for i in range(3)] == ids[7:]
    with pytest.raises(TrainingError, match="too few"):
        whole.split(0.99, seed=1)
