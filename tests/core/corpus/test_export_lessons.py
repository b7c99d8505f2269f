"""What MAGs teach, in TRL's formats: read by datasets, taken by TRL's trainers, and what magdi itself trains on."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from magdi.cli.app import app
from magdi.core.errors import DataError
from magdi.core.mag import Mag, write_mags
from magdi.plugins.corpus.replay import Held, ReplayedPrompts
from magdi.plugins.formats.exporters.lessons import Dpo, Kto, Prm, Sft
from magdi.protocols.malt import Malt
from tests.core.corpus.mag_samples import held

MALT = Malt(Malt.Config(samples=2))


def script(ask: Any, step: int) -> str:
    """Refinements after the first verification are right; the second makes one of two wrong."""
    right = ask.branch in [(0,), (0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
    return f"Thought {step}. The answer is {51 if right else 7}."


@pytest.fixture(scope="module")
def tree() -> Mag:
    return held(MALT, script, agents=1)


def written(mag: Mag, folder: Path, to: str, **settings: Any) -> Path:
    exporter: Any = {"sft": Sft, "dpo": Dpo, "kto": Kto, "prm": Prm}[to]
    exporter(exporter.Config(**settings)).write([mag], folder / "rows.jsonl", "exact")
    return folder / "rows.jsonl"


def rows(mag: Mag, folder: Path, to: str, **settings: Any) -> list[dict[str, Any]]:
    written(mag, folder, to, **settings)
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_what_is_taught_stands_beside_role_question_and_value(tree: Mag, tmp_path: Path) -> None:
    found = rows(tree, tmp_path, "sft")
    assert [(row["role"], row["turn"], row["value"]) for row in found] == [
        ("generator", 0, 0.75), ("verifier", 2, 1.0), ("refiner", 6, 1.0), ("refiner", 7, 1.0), ("refiner", 8, 1.0),
        ("refiner", 10, 1.0),
    ]  # fmt: skip
    assert {row["question_id"] for row in found} == {"q1"}
    for row in found:
        said = tree.turns[row["turn"]]
        assert row["prompt"] == [message.model_dump() for message in said.prompt or ()]
        assert row["completion"] == [{"role": "assistant", "content": said.text}]


def test_preferences_are_after_the_same_prompt(tree: Mag, tmp_path: Path) -> None:
    found = [(row["role"], row["turn"], row["rejected_turn"]) for row in rows(tree, tmp_path, "dpo")]
    assert found == [("generator", 0, 1), ("verifier", 2, 3), ("refiner", 8, 9), ("refiner", 10, 11)]
    refiner = rows(tree, tmp_path, "dpo", role="refiner")
    assert {row["role"] for row in refiner} == {"refiner"}
    apart = rows(tree, tmp_path, "dpo", role="generator", labels="interval", gap=0.9)
    assert apart == []


def test_steps_lead_to_an_answer(tree: Mag, tmp_path: Path) -> None:
    found = rows(tree, tmp_path, "prm")
    assert len(found) == 8
    assert (found[0]["prompt"], found[0]["labels"], found[0]["values"]) == (
        tree.question.prompt, [True, True, True], [0.75, 1.0, 1.0],
    )  # fmt: skip
    assert found[0]["completions"] == [tree.turns[step].text for step in (0, 2, 6)]


def test_balanced_is_as_many_of_each(tree: Mag, tmp_path: Path) -> None:
    count = Counter((row["role"], row["label"]) for row in rows(tree, tmp_path, "kto", balance=True))
    assert set(count.values()) == {1}
    assert len(count) == 6
    first = rows(tree, tmp_path, "kto", balance=True)
    assert first == rows(tree, tmp_path, "kto", balance=True)
    assert first != rows(tree, tmp_path, "kto", balance=True, seed=1)


def test_prompts_that_were_not_kept_are_made_again(tree: Mag, tmp_path: Path) -> None:
    bare = tree.model_copy(update={"turns": tuple(each.model_copy(update={"prompt": None}) for each in tree.turns)})
    again = ReplayedPrompts({"Malt": Held(MALT)}).given_to(bare)
    assert rows(again, tmp_path, "dpo") == rows(tree, tmp_path, "dpo")
    with pytest.raises(DataError, match="its protocol is not among"):
        rows(bare, tmp_path, "dpo")
    other = ReplayedPrompts({"Malt": Held(Malt(Malt.Config(samples=3)))})
    with pytest.raises(DataError, match="not to be had from the protocol"):
        other.given_to(bare)
    with pytest.raises(DataError, match="its protocol is not among Debate"):
        ReplayedPrompts({"Debate": Held(MALT)}).given_to(bare)


def test_after_the_question_answers_are_taught(tree: Mag, tmp_path: Path) -> None:
    found = rows(tree, tmp_path, "sft", prompt="question")
    assert {row["role"] for row in found} == {"generator", "refiner"}
    assert found[0]["prompt"] == [{"role": "user", "content": tree.question.prompt}]
    assert found[0]["completion"][0]["content"] == "Thought 0. So the answer is 51."


def test_the_command_says_how_many_of_which_role(tree: Mag, tmp_path: Path, capsys: Any) -> None:
    other = tree.model_copy(update={"protocol": "malt"})
    bare = [each.model_copy(update={"prompt": None}) for each in other.turns]
    write_mags(tmp_path / "mags.jsonl", [other.model_copy(update={"turns": tuple(bare)})])
    given = ["mags", "export", str(tmp_path / "mags.jsonl"), "--to", "kto", "-o", str(tmp_path / "out.jsonl")]
    app([*given, "--protocol", "malt", "-P", "samples=2", "--json"], standalone_mode=False)
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["counted"]["refiner, wrong"]) == (14, 4)


TRAINERS = [("sft", "SFT"), ("dpo", "DPO"), ("kto", "KTO")]


@pytest.mark.filterwarnings("ignore")  # TRL's own
@pytest.mark.parametrize(("to", "name"), TRAINERS)
def test_trl_trains_on_them(to: str, name: str, tree: Mag, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl", reason="TRL is not installed (the extra dev has it)")
    from datasets import load_dataset

    from magdi.plugins.testing import tiny_student

    table = load_dataset("json", data_files=str(written(tree, tmp_path, to)), split="train", cache_dir=str(tmp_path))
    model, tokenizer = tiny_student()
    own = {"use_cpu": True, "bf16": False, "report_to": "none", "max_steps": 1, "gradient_checkpointing": False}
    arguments = getattr(trl, f"{name}Config")(str(tmp_path / "out"), per_device_train_batch_size=2, **own)
    before = {} if to == "sft" else {"ref_model": copy.deepcopy(model)}
    kind = getattr(trl, f"{name}Trainer")
    trainer = kind(model, args=arguments, train_dataset=table, processing_class=tokenizer, **before)
    assert trainer.train().training_loss > 0


def test_steps_are_read_by_datasets(tree: Mag, tmp_path: Path) -> None:
    """TRL's form for stepwise supervision; TRL 1.16 has no trainer for it any more."""
    from datasets import load_dataset

    table = load_dataset("json", data_files=str(written(tree, tmp_path, "prm")), split="train", cache_dir=str(tmp_path))
    assert {"prompt", "completions", "labels"} <= set(table.column_names)
    assert all(len(row["completions"]) == len(row["labels"]) for row in table)
