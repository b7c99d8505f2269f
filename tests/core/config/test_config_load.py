from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import ComponentChoice, RunConfig, TeacherChoice
from magdi.core.config.problems import Problem
from magdi.core.errors import ConfigError
from magdi.plugins import merging
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.source import Layer
from tests.core.config.config_sources import load_config

Write = Callable[[str, str], Path]
"""Writes a file of a name with a text."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def problems(*args: Any, **kwargs: Any) -> tuple[str, ...]:
    if len(args) < 2:
        kwargs.setdefault("environ", {})
    with pytest.raises(ConfigError) as caught:
        load_config(*args, **kwargs)
    assert caught.value.exit_code == 2
    return caught.value.problems


def test_later_layers_go_first(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = Layer({"training": {"epochs": 1, "steps": 1, "warmup": 1, "level": "1"}}, {(): "preset tiny"})
    monkeypatch.setattr(merging, "preset_layers", lambda name, method: [preset])
    first = write("a.yaml", "training:\n  epochs: 2\n  steps: 2\n  warmup: 2\n  log_every: 2\nseed: 2\n")
    second = write("b.yaml", "training:\n  steps: 3\n  warmup: 3\n  log_every: 3\nseed: 3\n")
    loaded = load_config(
        [first, second],
        {"MAGDI_TRAINING__WARMUP": "4", "MAGDI_TRAINING__LOG_EVERY": "4", "MAGDI_SEED": "4"},
        {"training.log_every": 5, "seed": 5},
        ["seed=6"],
    )
    training = loaded.config.training
    assert (training.level, training.epochs, training.steps, training.warmup, training.log_every) == ("1", 2, 3, 4, 5)
    assert loaded.config.seed == 6
    expected = {
        "training.mags_per_step": "default",
        "training.level": "preset tiny",
        "training.epochs": f"{first}:2",
        "training.steps": f"{second}:2",
        "training.warmup": "environment MAGDI_TRAINING__WARMUP",
        "training.log_every": "flag",
        "seed": "--set seed",
        "preset": "auto, for student.model tiny",
    }
    assert {path: loaded.origins[path] for path in expected} == expected


def test_every_leaf_knows_its_origin() -> None:
    loaded = load_config(environ={}, sets=["protocol.rounds=2", "teachers=[a=x:1, y:2]"])

    def leaves(tree: object, path: tuple[str, ...] = ()) -> Iterator[str]:
        if isinstance(tree, dict) and tree:
            for key, value in tree.items():
                yield from leaves(value, (*path, key))
        else:
            yield ".".join(path)

    assert set(leaves(loaded.config.model_dump(mode="json"))) == set(loaded.origins)


@pytest.mark.parametrize("way", ["file", "environ", "sets", "python"])
def test_a_student_alone_is_its_model(write: Write, way: str) -> None:
    if way == "python":
        assert RunConfig.model_validate({"student": "some/path"}).student.model == "some/path"
        return
    files = [write("base.yaml", "student: {max_length: 64}\n")]
    files += [write("a.yaml", "student: some/path\n")] if way == "file" else []
    environ = {"MAGDI_STUDENT": "some/path"} if way == "environ" else {}
    loaded = load_config(files, environ, None, ["student=some/path"] if way == "sets" else [])
    assert (loaded.config.student.model, loaded.config.student.max_length) == ("some/path", 64)
    assert loaded.config.preset == "paper"


@pytest.mark.parametrize(("student", "preset"), [("tiny", "tiny"), ("mistralai/Mistral-7B", "paper")])
def test_auto_is_tiny_for_the_tiny_student_and_paper_otherwise(student: str, preset: str) -> None:
    assert load_config(environ={}, flags={"student.model": student}).config.preset == preset


def test_a_preset_that_is_asked_for_is_taken() -> None:
    loaded = load_config(environ={}, sets=["preset=paper"])
    assert (loaded.config.preset, loaded.origins["preset"]) == ("paper", "--set preset")
    assert problems(sets=["preset=papper"]) == (
        "preset: input should be 'auto', 'paper', 'authors-code', 'tiny' or 'quick', not 'papper' (--set preset)",
    )


def test_all_problems_are_told_at_once_with_path_origin_and_what_was_meant(write: Write) -> None:
    file = write("x.yaml", "seed: -1\ntrainin:\n  steps: 1\ntraining:\n  stepz: 3\n  edges: exakt\n")
    found = problems([file], {"MAGDI_OBJECTIVE__ALPA": "1", "MAGDI_STUDNET__MODEL": "x"}, {}, ["student", "seed.x=1"])
    assert found == (
        "MAGDI_STUDNET__MODEL sets nothing; did you mean 'MAGDI_STUDENT__MODEL'? (environment)",
        "--set 'student' is not KEY=VALUE, such as training.steps=10",
        "seed: input should be a valid integer (--set seed.x)",
        f"training.edges: input should be 'exact', 'adjacent', 'undirected', 'full' or 'none', not 'exakt' ({file}:6)",
        f"training.stepz: there is no such key; did you mean 'steps'? ({file}:5)",
        f"trainin: there is no such key; did you mean 'training'? ({file}:2)",
        "objective: there is no such key; did you mean 'objectives'? (environment MAGDI_OBJECTIVE__ALPA)",
    )


def test_what_is_wrong_in_a_list_is_told_with_its_own_line(write: Write) -> None:
    text = """task: arithmetic
teachers:
  - {name: ada, teacher: simulated:careful}
  - name: ben
    teacher: simulated:hasty
    samplign: {}
"""
    file = write("x.yaml", text)
    (problem,) = problems([file])
    assert problem == f"teachers.1.samplign: there is no such key; did you mean 'sampling'? ({file}:6)"


def test_a_shortcut_in_a_file_is_told_by_its_whole_path(write: Write) -> None:
    file = write("x.yaml", "decision: {name: judge}\n")
    assert problems([file]) == (f"decision: there is no such key; it is discussion.decision ({file}:1)",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed: [1", "is no YAML: expected ',' or ']', but got '<stream end>' (line 1, column 9)"),
        ("- 1", "must hold a mapping, such as seed: 1"),
        ("seed: 1\nseed: 2", "seed: is there twice ("),
    ],
)
def test_a_file_that_is_wrong_says_where(write: Write, text: str, problem: str) -> None:
    (found,) = problems([write("x.yaml", text)])
    assert problem in found


def test_a_missing_file_is_a_problem_beside_others() -> None:
    assert problems(["/no/such.yaml"], sets=["seed=x"]) == (
        "/no/such.yaml cannot be read: No such file or directory",
        "seed: input should be a valid integer, unable to parse string as an integer, not 'x' (--set seed)",
    )


def test_naming_another_component_drops_the_settings_of_the_one_before(write: Write) -> None:
    file = write("x.yaml", "protocol: {name: debate, rounds: 7}\nencoder: {hidden: 32}\n")
    same = load_config([file], {}, {"protocol.name": "debate", "protocol.agents": 2}).config
    other = load_config([file], {}, {"protocol.name": "single"})
    assert same.protocol.settings == {"rounds": 7, "agents": 2}
    assert other.config.protocol.settings == {}
    assert "protocol.rounds" not in other.origins
    assert (same.encoder.name, same.encoder.settings) == ("gcn", {"hidden": 32})


def test_what_was_said_without_a_name_is_for_whichever_component_is_named(write: Write) -> None:
    file = write("x.yaml", "encoder: {hidden: 32}\nprotocol:\n  prompts: {first: Hi}\n")
    named = write("y.yaml", "protocol: {name: debate, rounds: 7}\n")
    loaded = load_config([named, file], {}, {"encoder.name": "gat", "protocol.name": "single"})
    assert loaded.config.encoder.settings == {"hidden": 32}
    assert loaded.config.protocol.settings == {"prompts": {"first": "Hi"}}
    assert loaded.origins["protocol.prompts.first"] == f"{file}:3"
    assert loaded.notes == (f"protocol.rounds is left out: it is of debate, and protocol is single (flag) ({named}:1)",)


def test_a_setting_for_any_component_that_the_one_named_has_not_is_left_out_and_said(write: Write) -> None:
    def check(kind: str, choice: ComponentChoice | TeacherChoice) -> list[Problem]:
        settings = choice.settings if kind == "encoder" else {}
        return [Problem((key,), "there is no such key", unknown=True) for key in settings if key != "layers"]

    file = write("x.yaml", "encoder: {hidden: 32, layers: 2}\n")
    loaded = load_config([file], {}, {"encoder.name": "none"}, check=check)
    assert loaded.config.encoder.settings == {"layers": 2}
    assert loaded.notes == (
        f"encoder.hidden is left out: there is no such setting of the encoder that is named ({file}:1)",
    )
    assert "encoder.hidden" not in loaded.origins
    assert "encoder.hidden: there is no such key" in problems([file], {}, check=check)[0]


def test_an_objective_that_the_level_lacks_is_said_with_what_to_do(write: Write) -> None:
    quiet = load_config([], {}, {"training.level": "2"})  # the preset sets its weight
    assert quiet.notes == ()
    told = load_config([], {}, {"training.level": "1", "objectives.margin": {}})
    assert told.notes == (
        "objectives.margin changes nothing: level 1 (MAGDi-R0) is without it; --set 'training.level=[positive, "
        "margin]' -O positive.first_round=True trains by it, too (flag)",
    )
    both = load_config(
        [],
        {},
        {"objectives.positive.first_round": True, "objectives.margin": {}},
        ["training.level=[positive, margin]"],
    )
    assert both.notes == ()
    assert [*objectives_of(both.config)] == ["positive", "margin"]
    assert load_config([], {}, {"training.level": "2"}, ["objectives.margin.weight=0"]).notes == ()


def test_a_component_alone_is_its_name_and_settings_may_come_before_it(write: Write) -> None:
    file = write("x.yaml", "task: gsm8k\n")
    config = load_config([file], {"MAGDI_PROTOCOL__ROUNDS": "2", "MAGDI_PROTOCOL": "debate"}).config
    assert config.task.name == "gsm8k"
    assert (config.protocol.name, config.protocol.settings) == ("debate", {"rounds": 2})
    config = load_config(environ={}, sets=["protocol.rounds=2", "protocol=debate"]).config
    assert (config.protocol.name, config.protocol.settings) == ("debate", {"rounds": 2})


def test_lists_are_replaced_and_their_entries_can_be_changed(write: Write) -> None:
    file = write("x.yaml", "teachers: [ada=simulated:careful, {teacher: simulated:bold, persona: Old.}]\n")
    config = load_config([file], {}, sets=["teachers.1.persona=New.", "teachers.0.sampling.temperature=0"]).config
    assert [teacher.teacher for teacher in config.teachers] == ["simulated:careful", "simulated:bold"]
    assert (config.teachers[0].name, config.teachers[0].sampling.temperature) == ("ada", 0)
    assert config.teachers[1].persona == "New."
    assert len(load_config([file], {}, {"teachers": ["simulated:x"]}).config.teachers) == 1
    assert "there are 2 in teachers (--set teachers.5.name)" in problems([file], sets=["teachers.5.name=x"])[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-5", 1e-5), ("3", 3.0), (".5", 0.5)],
)
def test_numbers_are_read_as_people_write_them(write: Write, text: str, value: float) -> None:
    assert load_config([write("x.yaml", f"training: {{learning_rate: {text}}}")], {}).config.training.learning_rate == (
        value
    )


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("training.level", "4", "4"),
        ("student.model", "no", "no"),
        ("student.revision", "null", None),
        ("student.revision", "2024-01-01", "2024-01-01"),
        ("student.gradient_checkpointing", "false", False),
        ("training.report_to", "[wandb]", ("wandb",)),
        ("student.lora.target_modules", "[q, v]", ("q", "v")),
        ("student.model", "@odd: `name", "@odd: `name"),
        ("protocol.pace", "1e3", 1000.0),
    ],
)
def test_values_given_as_text(path: str, text: str, value: object) -> None:
    config: object = load_config(environ={}, sets=[f"{path}={text}"]).config
    for part in path.split("."):
        config = getattr(config, part)
    assert config == value
    assert type(config) is type(value)


def test_an_explicit_false_and_null_win(write: Write) -> None:
    file = write("x.yaml", "discussion: {keep_prompts: true, max_calls: 5}\n")
    config = load_config([file], {}, {"discussion.keep_prompts": False}, ["discussion.max_calls=null"]).config
    assert config.discussion.keep_prompts is False
    assert config.discussion.max_calls is None


def test_an_empty_section_changes_nothing(write: Write) -> None:
    assert load_config([write("x.yaml", "training:\n")], {}) == load_config([write("y.yaml", "")], {})


def test_variables_of_others_are_left_alone() -> None:
    others = {
        "MAGDI_DATA": "/x",
        "MAGDI_LOAD_PLUGINS": "a",
        "MAGDI_HOME": "/",
        "OTHER__X": "1",
        "MAGDI_API_KEY_A__B": "k",
    }
    assert load_config(environ=others) == load_config(environ={})
    assert "did you mean 'MAGDI_TASK'" in problems(environ={"MAGDI_TASKS": "x"})[0]
    assert "MAGDI_X__Y sets nothing; there is: discussion," in problems(environ={"MAGDI_X__Y": "x"})[0]
    assert "cannot be read as YAML" in problems(environ={"MAGDI_TEACHERS": "[a"})[0]


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGDI_SEED", "12")
    assert load_config().config.seed == 12


def test_plugin_files_lie_beside_the_configuration(write: Write) -> None:
    write("ring.py", "")
    file = write("x.yaml", "plugins: [ring.py, some.module]\n")
    assert load_config([file], {}).config.plugins == (str(file.parent / "ring.py"), "some.module")


def test_problems_of_components_are_told_with_the_rest(write: Write) -> None:
    file = write("x.yaml", "seed: x\nprotocol: {name: ring, ronds: 3}\nteachers: [odd:1]\n")

    def check(kind: str, choice: ComponentChoice | TeacherChoice) -> Iterator[Problem]:
        if kind == "protocol":
            yield Problem(("ronds",), "there is no such key; did you mean 'rounds'?")
        if kind == "teacher":
            yield Problem((), f"there is no teacher {choice.teacher}")

    assert problems([file], check=check)[1:] == (
        f"protocol.ronds: there is no such key; did you mean 'rounds'? ({file}:2)",
        f"teachers.0: there is no teacher odd:1 ({file}:3)",
    )


def test_plugins_of_all_sources_add_up(write: Write) -> None:
    file = write("x.yaml", "plugins: [a, b]\n")
    loaded = load_config([file], {"MAGDI_PLUGINS": "[c]"}, {"plugins": ["b", "d"]})
    assert loaded.config.plugins == ("a", "b", "c", "d")


def test_one_plugin_is_a_list_of_one_in_every_source(write: Write) -> None:
    write("ring.py", "")
    file = write("x.yaml", "plugins: ring.py\n")
    loaded = load_config([file], {"MAGDI_PLUGINS": "c"}, {"plugins": "d"})
    assert loaded.config.plugins == (str(file.parent / "ring.py"), "c", "d")
    assert RunConfig.model_validate({"plugins": "d"}).plugins == ("d",)
