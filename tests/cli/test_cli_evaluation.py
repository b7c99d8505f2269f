"""magdi evaluate, ask and export on a run of a second or two."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

import magdi
from magdi.cli.app import app
from magdi.cli.ask import growing
from magdi.core.errors import ComponentError, ConfigError, MagdiError
from magdi.core.evaluation.prediction import read_predictions
from magdi.core.mag import read_mags, write_mags
from magdi.core.run.directory import RunDirectory
from magdi.plugins.manager import load_plugins
from magdi.plugins.testing.stub_server import StubServer
from tests.cli.test_cli_shards import Here
from tests.made_once import of_all_workers
from tests.without_magdi import answers

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("toy") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAGDI_CACHE", str(of_all_workers(tmp_path_factory) / "magdi-cache"))
        magdi.run(
            out=folder,
            task={"name": "arithmetic", "train": 24, "test": 12, "primer_problems": 60, "primer_checks": 0},
            student={"tiny": {"hidden": 32, "layers": 1, "heads": 2, "epochs": 1}},
            training={"steps": 4, "log_every": 2},
            evaluation={"max_new_tokens": 24},
        )
        yield folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_evaluates_a_run_beside_its_base(run: Run, toy_run: Path, tmp_path: Path) -> None:
    kept_in = tmp_path / "kept"
    found = document(run("evaluate", toy_run, "--base", "--json"))
    assert [model["name"] for model in found["models"]] == [f"{toy_run} before distillation", str(toy_run)]
    assert found["questions"] == 12
    own = document_of_run(toy_run)
    assert [model["accuracy"] for model in found["models"]] == [own["base"]["accuracy"], own["student"]["accuracy"]]
    (comparison,) = found["comparisons"]
    assert comparison["verdict"] in ("better", "worse", "no difference shown")
    assert comparison["p"] <= 1
    kept = read_predictions(Path(found["models"][1]["predictions"]))
    assert kept == read_predictions(toy_run / "evaluation" / "student.jsonl")
    called = magdi.evaluate(toy_run, base=True, out=kept_in)
    assert [model["accuracy"] for model in called["models"]] == [model["accuracy"] for model in found["models"]]
    assert found["settings"]["base"] is called["settings"]["base"] is True
    assert magdi.evaluate(toy_run, out=kept_in)["settings"]["base"] is False


PLUGIN = """
from magdi.plugins import Component, hookimpl
from magdi.plugins.tasks.arithmetic import Arithmetic


@hookimpl
def magdi_tasks():
    yield Component("counting", Arithmetic, "Like arithmetic.")
"""


def document_of_run(folder: Path) -> Any:
    from magdi.plugins.runs.result import document as outcome

    return outcome(RunDirectory(folder))


def copied(toy_run: Path, folder: Path) -> Path:
    return Path(shutil.copytree(toy_run, folder / "copied"))


def test_a_run_is_examined_in_the_task_that_it_says(run: Run, toy_run: Path, tmp_path: Path) -> None:
    folder = copied(toy_run, tmp_path)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["evaluation"]["task"] = {"name": "arithmetic", "test": 5, "min_steps": 4}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    own = {each.prompt for each in read_predictions(toy_run / "evaluation" / "student.jsonl")}
    for found in (document(run("evaluate", folder, "--json")), magdi.evaluate(folder, out=tmp_path / "others")):
        assert found["questions"] == 5
        assert not own & {each.prompt for each in read_predictions(Path(found["models"][0]["predictions"]))}
    assert document(run("evaluate", folder, "--task", "arithmetic", "--task-arg", "test=3", "--json"))["questions"] == 3


def test_several_samples_are_drawn_from_the_command_line_and_from_python(
    run: Run, toy_run: Path, tmp_path: Path
) -> None:
    asked = document(run("evaluate", toy_run, "--samples", "2", "--limit", "3", "--json"))
    called = magdi.evaluate(toy_run, samples=2, limit=3, out=tmp_path / "others")
    for found in (asked, called):
        assert (found["settings"]["temperature"], found["settings"]["samples"]) == (0.7, 2)
    assert asked["models"][0]["accuracy"] == called["models"][0]["accuracy"]
    with pytest.raises(ConfigError, match=r"evaluation\.sample: .*did you mean 'samples'"):
        magdi.evaluate(toy_run, sample=2)


def test_a_runs_task_is_had_from_the_plugin_that_it_was_made_with(run: Run, toy_run: Path, tmp_path: Path) -> None:
    folder, plugin = copied(toy_run, tmp_path), tmp_path / "counting.py"
    plugin.write_text(PLUGIN)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config |= {"plugins": [str(plugin)], "task": {"name": "counting", "test": 4}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ComponentError, match="no task 'counting'") as caught:
        magdi.evaluate(folder, out=tmp_path / "others")
    assert "it is not trusted" in caught.value.hint
    assert magdi.evaluate(folder, out=tmp_path / "others", trust=True)["questions"] == 4
    assert document(run("evaluate", folder, "--json"))["questions"] == 4
    assert document(run("ask", folder, "2 + 2?", "--json"))["answers"]
    assert document(run("export", folder, "--json"))["files"]
    for command in (("evaluate", folder), ("ask", folder, "2 + 2?"), ("export", folder, "-o", tmp_path / "none")):
        with pytest.raises(ComponentError, match="no task 'counting'"):
            run(*command, "--no-plugins")


def test_counts_and_tells_the_questions_that_a_student_has_learned_from(
    run: Run, toy_run: Path, tmp_path: Path
) -> None:
    folder = copied(toy_run, tmp_path)
    task = load_plugins().registry.task(RunDirectory(toy_run).config().task, 0)
    asked, mags = task.questions("test"), list(read_mags(folder / "mags.jsonl"))
    leaked = [mag.model_copy(update={"question": asked[place]}) for place, mag in enumerate(mags[:4])]
    write_mags(folder / "mags.jsonl", [*leaked, *mags[4:]])
    found = run("evaluate", toy_run, folder, "--base", folder / "evaluation" / "student.jsonl", "--json")
    assert [model["trained_on"] for model in document(found)["models"]] == [None, 0, 4, None]
    assert f"4 of 12 evaluated questions were among those that {folder} learned from" in found.stderr
    assert f"{folder} has learned from 4 of these questions" in run("evaluate", folder).stdout
    write_mags(folder / "learned.jsonl", [*leaked[:1], *mags[4:]])
    assert document(run("evaluate", folder, "--json"))["models"][0]["trained_on"] == 1, "not all MAGs were learned from"
    for file in ("learned.jsonl", "mags.jsonl"):
        (folder / file).unlink()
    assert document(run("evaluate", folder, "--json"))["models"][0]["trained_on"] is None


def test_a_student_of_imported_discussions_that_name_no_task_claims_none(
    run: Run, toy_run: Path, tmp_path: Path
) -> None:
    folder = copied(toy_run, tmp_path)
    mags = list(read_mags(folder / "mags.jsonl"))
    unnamed = [mag.model_copy(update={"question": mag.question.model_copy(update={"task": ""})}) for mag in mags]
    write_mags(folder / "mags.jsonl", unnamed)
    config, state = yaml.safe_load((folder / "config.yaml").read_text()), json.loads((folder / "run.json").read_text())
    config["discussion"]["mags"] = "mags.jsonl"
    state["stages"]["discussion"]["mags"]["tasks"] = {"": len(mags)}
    del state["checksum"]  # as of an earlier version
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "run.json").write_text(json.dumps(state))
    found = document(run("export", folder, "-o", tmp_path / "out", "--json"))
    assert found["lm_eval"] == ""
    assert not (tmp_path / "out" / "lm_eval").exists()
    card = (tmp_path / "out" / "README.md").read_text()
    assert "learned from discussions" in card
    for claim in ("learned the task", "nothing was copied", "| task | arithmetic"):
        assert claim not in card
    told = "name no task; what is asked is arithmetic"
    assert told in run("evaluate", folder, "--limit", 1).stderr
    assert told not in run("evaluate", toy_run, "--limit", 1).stderr


def test_shows_a_table_with_the_interval_beside_the_difference(run: Run, toy_run: Path) -> None:
    shown = run("evaluate", toy_run, toy_run / "evaluation" / "base.jsonl", "--limit", 5, "-q").stdout
    assert "95 % interval" in shown
    assert "p (McNemar)" in shown
    assert "predictions:" in shown


def test_votes_over_samples_and_keeps_them(run: Run, toy_run: Path) -> None:
    found = document(run("evaluate", toy_run, "--samples", 3, "--limit", 4, "--json"))
    (model,) = found["models"]
    assert model["samples"] == 3
    assert found["settings"]["temperature"] == 0.7, "the paper's sampling, where greedy answers would be the same"
    assert 0 <= model["oracle"] <= 1
    assert model["score_weighted"] is not None, "a student with a score head scores its own answers"
    more = document(run("evaluate", toy_run, "--samples", 4, "--limit", 4, "--json"))
    assert more["models"][0]["predictions"] == model["predictions"]
    assert len(read_predictions(Path(model["predictions"]))) == 16


def test_shards_together_answer_what_one_job_answers(run: Run, toy_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = document(run("evaluate", toy_run, "--base", "-o", "whole", "--json"))
    by_hand = document(run("evaluate", toy_run, "--base", "--shard", "1/2", "-o", "p", "--json"))
    assert by_hand["questions"] == 6
    given = ["evaluate", str(toy_run), "--base", "--shards", "2", "--jobs=1", "-o", "p", "--json"]
    monkeypatch.setattr("magdi.plugins.suites.executors.command.executor", lambda *given: Here())
    monkeypatch.setattr("sys.argv", ["magdi", *given])
    assert document(run(*given))["questions"] == 12
    with pytest.raises(ConfigError, match="is no shard itself"):
        run(*given, "--fresh")

    def none(*arguments: object) -> None:
        raise AssertionError("all was answered")

    monkeypatch.setattr("magdi.plugins.generation.engine.load", none)
    merged = document(run("evaluate", toy_run, "--base", "-o", "p", "--json"))
    assert len([*Path("p").glob("*.shard-*-of-2.jsonl")]) == 4
    for one, other in zip(whole["models"], merged["models"], strict=True):
        assert Path(one["predictions"]).read_bytes() == Path(other["predictions"]).read_bytes()


def test_grades_kept_predictions_anew(run: Run, toy_run: Path, tmp_path: Path) -> None:
    lines = (toy_run / "evaluation" / "student.jsonl").read_text().splitlines()
    broken = [lines[0], *(json.dumps(json.loads(line) | {"answer": "x", "correct": None}) for line in lines[1:])]
    file = tmp_path / "kept.jsonl"
    file.write_text("\n".join(broken) + "\n")
    found = document(run("evaluate", file, "--task", "arithmetic", "--task-arg", "test=12", "--json"))
    assert found["models"][0]["accuracy"] == document_of_run(toy_run)["student"]["accuracy"]
    assert file.read_text() == "\n".join(broken) + "\n", "what was kept stays as it is"


def test_evaluates_what_is_served(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with StubServer() as server:
        found = document(
            run("evaluate", f"stub@{server.url}", "--engine", "openai", "--task", "arithmetic", "--limit", 3, "--json")
        )
        assert len(server.requests) == 3
        more = ("evaluate", f"stub@{server.url}", "--engine", "openai", "--task", "arithmetic", "--limit", 5, "-n")
        plan = json.loads(run(*more, "--price", "1,2", "--shards", 2, "--json").stdout)
        (model,) = plan["models"]
        assert (model["answers"], model["kept"], model["expected"]["calls"]) == (5, 3, 2)
        assert model["most"]["completion_tokens"] == 2 * 300
        assert 0 < plan["expected"]["cost"] < plan["most"]["cost"]
        assert plan["jobs"]["waves"] == [{"shards": 2}]
        assert "no price is known of stub@" in run(*more).stdout
        assert len(server.requests) == 3
    assert found["models"][0]["count"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "some-model"), "there is no such run or folder, nor is such a model"),
        (("evaluate", "."), "no task was named"),
        (("evaluate", "missing.jsonl", "--task", "arithmetic"), "there is no file missing.jsonl"),
        (("evaluate", ".", "--task", "arithmetic"), "holds no model"),
        (("evaluate", ".", "--base"), "is no run"),
        (("export", "nowhere"), "holds no run"),
    ],
)
def test_says_what_cannot_be(run: Run, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(MagdiError, match=message) as raised:
        run(*arguments)
    assert raised.value.exit_code == 2


def test_asks_and_compares(run: Run, toy_run: Path) -> None:
    question = "Ben starts with 3 coins. He finds 4 more coins. How many coins does he have now?"
    found = document(run("ask", toy_run, question, "--base", "--samples", 3, "--json"))
    assert [len(answer["outputs"]) for answer in found["answers"]] == [3, 3]
    assert all(sum(answer["votes"].values()) <= 3 for answer in found["answers"])
    (answer,) = document(run("ask", toy_run, question, "--json"))["answers"]
    assert run("ask", toy_run, question).stdout == f"{answer['outputs'][0]}\n", "its text, once"
    assert "votes" in run("ask", toy_run, question, "--samples", 2).stdout


def test_writes_only_what_is_new_of_a_growing_text() -> None:
    written: list[str] = []
    told = growing(written.append, lambda: None)
    for text in ("", "So", "So it", "So it \ufffd", "So it é"):
        told(text)
    assert "".join(written) == "So it é"


def test_exports_a_model_that_loads_without_magdi(run: Run, toy_run: Path, tmp_path: Path) -> None:
    found = document(run("export", toy_run, "-o", tmp_path / "out", "--json"))
    names = [Path(name) for name in found["files"]]
    assert {name.suffix for name in names} <= {".safetensors", ".json", ".jinja", ".md", ".yaml", ".jsonl", ".txt"}
    assert "heads.safetensors" not in found["files"]
    for folder in (toy_run / "student", tmp_path / "out"):
        assert json.loads((folder / "config.json").read_text())["use_cache"] is True
    card = (tmp_path / "out" / "README.md").read_text()
    assert "discussions between language models" not in card
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "transformers"
    for fact in ("simulated", "reconcile", "gcn, exact edges", "95 % interval", "## Licences", found["lm_eval"]):
        assert fact in card, fact
    assert answers(tmp_path / "out")
    with pytest.raises(MagdiError, match="is no empty folder"):
        run("export", toy_run, "-o", tmp_path / "out")


@pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="lm-eval is not installed: pip install 'magdi[eval]'"
)
def test_lm_eval_measures_what_magdi_does(run: Run, toy_run: Path, tmp_path: Path) -> None:
    found = document(run("export", toy_run, "-o", tmp_path / "out", "--json"))
    line = [*found["lm_eval"].split(), "--device", "cpu", "--output_path", str(tmp_path / "scores")]
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    made = subprocess.run(
        [sys.executable, "-m", *line], capture_output=True, text=True, check=False, env=offline(), cwd=moved
    )
    assert made.returncode == 0, made.stderr[-3000:]
    (file,) = (tmp_path / "scores").rglob("results*.json")
    scores = json.loads(file.read_text())["results"]["magdi_arithmetic"]
    assert scores["exact_match,answer"] == pytest.approx(document_of_run(toy_run)["student"]["accuracy"])


def test_the_line_for_lm_eval_works_in_the_folder_and_merging_nothing_is_said(
    run: Run, toy_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a student"
    said = run("export", toy_run, "-o", out, "--merge").stdout
    assert "nothing to merge" in said
    line = next(line for line in said.splitlines() if line.startswith("cd "))
    command, where = line.removeprefix(f"cd '{out}' && ").split(), out
    options = dict(zip(command[1::2], command[2::2], strict=False))
    assert options["--model_args"] == "pretrained=."
    task = yaml.safe_load((where / options["--include_path"] / f"{options['--tasks']}.yaml").read_text())
    assert len((where / task["dataset_kwargs"]["data_files"]["test"]).read_text().splitlines()) == 12


def offline() -> dict[str, str]:
    import os

    return dict(os.environ) | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def test_exports_an_adapter_as_it_is_or_merged(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    magdi.run(
        out=folder,
        task={"name": "arithmetic", "train": 24, "test": 12, "primer_problems": 60, "primer_checks": 0},
        student={"adaptation": "lora", "tiny": {"hidden": 32, "layers": 1, "heads": 2, "epochs": 1}},
        training={"steps": 4, "learning_rate": 0.05},
        evaluation={"max_new_tokens": 24, "base": False},
    )
    plain = document(run("export", folder, "-o", tmp_path / "plain", "--json"))
    assert plain["adapter"] is True
    base = json.loads((tmp_path / "plain" / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert f"pretrained={base},peft=." in plain["lm_eval"]
    merged = document(run("export", folder, "-o", tmp_path / "merged", "--merge", "--json"))
    assert (merged["adapter"], merged["merged"]) == (False, True)
    assert "model.safetensors" in merged["files"]
    wanted = ("evaluate", tmp_path / "plain", tmp_path / "merged", folder, "--task", "arithmetic", "--limit", 12)
    found = document(run(*wanted, "--max-new-tokens", 24, "--json"))
    outputs = [[each.output for each in read_predictions(Path(model["predictions"]))] for model in found["models"]]
    assert outputs[0] == outputs[1] == outputs[2]
