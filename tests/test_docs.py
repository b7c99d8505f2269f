"""Every block of code in the documentation is what it says it is.

Python runs, YAML is a configuration (a grid, a dialogue), JSON is JSON. What a shell would start is started here, in
this process, against small stand-ins for the runs and files that a line names. The rule, without exceptions:

1. Every line of magdi's is parsed: the command is there, and so is each option, with a value that it takes.
2. Of a command that has ``--dry-run``, the plan is made: components, settings, questions and costs are real, and
   nobody is asked.
3. Every other command is run to its end, unless it names what is not on this machine (a server, a model of the hub, a
   file that somebody else has), fetches it or sends it there, waits for somebody to stop it, or settles in the user's
   shell. Where an extra is not installed, it has to say so.
4. Blocks of ``console`` show what a command prints: they are run as they stand, whatever the command, and compared.
5. Of other programs' lines, what is this repository's exists: files, targets of make, extras of pip.

Python that imports what is not installed, or that turns tracing on for a whole process, has its imports looked up.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import json
import re
import shutil
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import magdi
from magdi.cli.app import app
from tests.doc_blocks import OTHERS, ROOT, Block, Line, blocks, run_command, shell
from tests.made_once import made_once

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "examples" / "README.md"]
OUTSIDE = re.compile(r"https?://|^(openai|hf|vllm):|^[A-Z][\w.-]+/[\w.-]+$|\.pkl$")
TASK = {"name": "arithmetic", "train": 12, "validation": 4, "test": 4, "primer_problems": 50}
TINY = {"hidden": 32, "layers": 1, "heads": 2, "epochs": 1}
SMALL: dict[str, Any] = {"task": TASK, "evaluation": {"max_new_tokens": 16}, "student": {"tiny": TINY}}
CHAT = [{"role": "user", "content": "What is 2 + 3?"}, {"role": "assistant", "content": "It is \\boxed{5}."}]
FEWER = {"TRAINING__STEPS": "4", "EVALUATION__QUESTIONS": "8"} | {
    f"STUDENT__TINY__{name.upper()}": str(value) for name, value in (TINY | {"epochs": 0.1}).items()
}
"""What a page's Python has less of where it does not say how much: by the environment, as anybody could."""

HUB = {
    **{"openai/gsm8k": "gsm8k", "ChilleD/StrategyQA": "strategyqa", "tau/commonsense_qa": "commonsense_qa"},
    **{"allenai/ai2_arc": "arc_challenge", "DigitalLearningGmbH/MATH-lighteval": "math", "ChilleD/SVAMP": "svamp"},
}
STAND_INS = {
    r"runs/(malt|mine#\w+)": "runs/team",
    r"suites/[\w-]+": "suite",
    r"(runs|talks)/[\w-]+|RUN|student": "runs/small",
    r"spans\.jsonl": "spans.jsonl",
    r"answers\.csv": "answers.csv",
    r"(dylan|debates)/\*\.json": "debate.json",
    r"held\.jsonl": "held.jsonl",
    r"(predictions/)[\w-]+\.jsonl": "runs/small/evaluation/student.jsonl",
    r"([\w-]+/)*[\w-]+\.jsonl": "runs/small/mags.jsonl",
    r"[\w-]+\.yaml": "some.yaml",
}
"""Names that lines have, and which of the small things stands in for them where a page does not make it itself."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run, a small team and small files, made once for all workers."""
    return made_once(tmp_path_factory, "world", _make_world)


def _make_world(folder: Path) -> None:
    magdi.run(**SMALL, limit=12, training={"steps": 2}, out=folder / "runs" / "small")
    training = {"method": "malt", "steps": 2, "dpo": {"steps": 1}}
    tree = {"name": "malt", "samples": 3}
    magdi.run(**SMALL, limit=12, protocol=tree, training=training, out=folder / "runs" / "team")
    shutil.copy(ROOT / "tests" / "frameworks" / "recorded" / "crewai.spans.jsonl", folder / "spans.jsonl")
    (folder / "answers.csv").write_text(
        'question,answer\n"Tom has 3 boxes with 4 apples each and eats 2 of them. How many apples are left?",72\n'
    )
    held = (json.dumps({"question": f"What is {number} + 3?", "answer": f"{number + 3}"}) for number in range(4))
    (folder / "held.jsonl").write_text("\n".join(held))
    (folder / "debate.json").write_text(
        json.dumps({f"What is 2 + 3 ({number})?": [[CHAT], "5"] for number in range(4)})
    )
    (folder / "some.yaml").write_text("seed: 1\n")
    for cell in ("contrast", "l+-alone"):
        for seed in ("seed-0", "seed-1"):
            file = folder / "suite" / f"{cell}-abcdef" / seed / "cell.json"
            file.parent.mkdir(parents=True)
            file.write_text('{"figures": {"procedure": 0.5}}')


@pytest.fixture
def page_folder(tmp_path: Path, world: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, empty but for a run, with a hub of some questions a data set, and no browser."""
    import webbrowser

    import datasets

    def rows(path: str, *_: object, split: str) -> list[dict[str, Any]]:
        lines = next((data / HUB[path]).glob("*.jsonl")).read_text("utf-8").splitlines()
        return [json.loads(line) for line in (lines[:20] if split == "train" else lines[20:40])]

    monkeypatch.setattr(datasets, "load_dataset", rows)
    monkeypatch.setattr(webbrowser, "open", lambda *_, **__: True)
    monkeypatch.setenv("MAGDI_LOAD_PLUGINS", "")
    monkeypatch.setenv("HOME", str(tmp_path))  # what a page has one write there is not the user's
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_does_what_it_says(page: Path, request: pytest.FixtureRequest) -> None:
    found = list(blocks(page))
    if found:
        Reader(page, found, request).read()


class Reader:
    """Somebody who types what a page says, from its top to its end, in one folder."""

    def __init__(self, page: Path, found: list[Block], request: pytest.FixtureRequest) -> None:
        self.page, self.blocks = page, found
        self.monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        self.folder: Path = request.getfixturevalue("page_folder")
        self.world: Path = request.getfixturevalue("world")
        self.names: dict[str, Any] = {"__name__": "documentation", "run_my_team": lambda _: None}

    def read(self) -> None:
        self.stand_in("runs/first")
        for block in reversed(self.blocks):
            if block.file:
                Path(block.file).write_text(block.text)
        for block in self.blocks:
            where = f"{self.page.name}:{block.line}"
            if block.file:
                Path(block.file).write_text(block.text)
            kind: Callable[[Block, str], None] = getattr(self, f"read_{block.language or 'nothing'}")
            kind(block, where)

    def read_text(self, block: Block, where: str) -> None:
        """What a program has printed, or a formula."""

    def read_toml(self, block: Block, where: str) -> None:
        tomllib.loads(block.text)

    def read_json(self, block: Block, where: str) -> None:
        json.loads(block.text)

    def read_yaml(self, block: Block, where: str) -> None:
        """Grids are planned, and what else there is has to be a valid configuration."""
        file = Path(block.file or "block.yaml")
        file.write_text(block.text)
        if "axes" in yaml.safe_load(block.text):
            self.run(where, "ablate", str(file), "-n", "--seeds", "1")
        elif "cast" not in yaml.safe_load(block.text):
            self.run(where, "config", "validate", str(file), "--trust")

    def read_python(self, block: Block, where: str) -> None:
        if not runnable(block.text):
            look_imports_up(block.text)
        elif not block.file:
            with self.monkeypatch.context() as patched:
                for name, value in FEWER.items():
                    patched.setenv(f"MAGDI_{name}", value)
                exec(compile(block.text, where, "exec"), self.names)

    def read_console(self, block: Block, where: str) -> None:
        for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
            command, _, expected = part.partition("\n")
            if command.split()[0] in OTHERS:
                continue
            code, printed = run_command(command, self.monkeypatch)
            got = "".join(line.rstrip() + "\n" for line in printed.splitlines())
            assert (code != 0) == ("error:" in expected), f"{where}: {command} ended with {code}\n{got}"
            matches = doctest.OutputChecker().check_output(expected, got, doctest.ELLIPSIS)
            assert matches, f"{where}: {command}\nexpected\n{expected}\ngot\n{got}"

    def read_sh(self, block: Block, where: str) -> None:
        for line in shell(block.text, self.folder):
            if line.program == "magdi":
                self.type(line, where)
            else:
                check_other(line, where)

    def type(self, line: Line, where: str) -> None:
        """Does with a line of magdi's what the rule says."""
        for word in inputs(line.arguments):
            self.stand_in(word)
        parse(line.arguments, where)
        done = how(line.arguments)
        with self.monkeypatch.context() as patched:
            for name, value in line.environment.items():
                if name.startswith(("MAGDI_", "OPENAI_")):
                    patched.setenv(name, value)
            if "PYTHONPATH" in line.environment:
                patched.syspath_prepend(self.folder)
            if done == "run":
                self.run(where, *line.arguments)
            elif done == "plan":
                fresh = line.arguments[0] in ("run", "discuss", "distill")  # where another run stands in
                anew = ["--fresh"] if fresh else []
                self.run(where, *line.arguments, *fewer(line.arguments), "--dry-run", *anew)
                for word in outputs(line.arguments):
                    self.stand_in(word)

    def run(self, where: str, *arguments: str) -> None:
        code, printed = run_command(["magdi", *arguments], self.monkeypatch)
        missing = re.search(r"error: .* (is not installed\nhint: pip install|and the hub cannot be asked)", printed)
        assert code == 0 or missing, f"{where}: magdi {' '.join(arguments)} ended with {code}\n{printed}"

    def stand_in(self, word: str) -> None:
        target = Path(word)
        name = next((name for name_of, name in STAND_INS.items() if re.fullmatch(name_of, word)), None)
        source = ROOT / word if word.startswith("examples/") else self.world / name if name else None
        if source and source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, target)


def outputs(arguments: Sequence[str]) -> list[str]:
    """Returns where a line writes to."""
    return [word for before, word in pairwise(arguments) if before in ("-o", "--out")]


def inputs(arguments: Sequence[str]) -> list[str]:
    """Returns what of a line's words may name a file that is read: neither options nor what is written."""
    words = [word for word in arguments if not word.startswith("-") and word not in outputs(arguments)]
    return [re.sub(r"^(\w+=)?(local|replay|jsonl):|#\w+(\.\w+)?$", "", word) for word in words]


@cache
def commands() -> Any:
    return get_command(app)


def context(arguments: Sequence[str]) -> Any:
    """Parses a line as the command line does; returns click's context of its innermost command."""
    command = commands()
    parent = command.make_context("magdi", list(arguments), resilient_parsing=arguments[0].startswith("--"))
    while hasattr(command, "commands") and parent._protected_args + parent.args:
        name, command, rest = command.resolve_command(parent, [*parent._protected_args, *parent.args])
        parent = command.make_context(name, list(rest), parent=parent)
    return parent


def parse(arguments: Sequence[str], where: str) -> None:
    try:
        context(arguments)
    except SystemExit:
        pass
    except Exception as error:
        raise AssertionError(f"{where}: magdi {' '.join(arguments)}: {error}") from error


def fewer(arguments: Sequence[str]) -> list[str]:
    """Returns options for a plan of fewer questions and seeds; what was said is parsed before."""
    options = {"limit": "20", "seeds": "1"}
    taken = {option.name for option in context(arguments).command.params}
    return [word for name in options if name in taken for word in (f"--{name}", options[name])]


def how(arguments: Sequence[str]) -> str:
    """What is done with a line: ``run``, ``plan``, or no more than to ``parse`` it."""
    if any(re.match(r"(s3|gs|hf)://|/shared/\w+$", word) for word in inputs(arguments)):
        return "parse"
    if any(option.name == "dry_run" for option in context(arguments).command.params):
        return "plan"
    waits = arguments[0] == "collect" or "--live" in arguments
    fetches = (arguments[:2] == ["mags", "get"] and len(arguments) > 2) or "--push" in arguments
    settles = arguments[0] == "--install-completion"  # in the shell of whoever runs the tests
    return "parse" if waits or fetches or settles or any(OUTSIDE.search(word) for word in arguments) else "run"


def check_other(line: Line, where: str) -> None:
    """Files, targets and extras of this repository that another program is told to use are there."""
    if line.program in ("python", "pytest"):
        ours = [word for word in line.arguments if word.startswith(("benchmarks/", "examples/", "tests/"))]
        assert all((ROOT / name.partition("::")[0]).exists() for name in ours), where
    if line.program == "make":
        assert f"\n{line.arguments[0]}:" in (ROOT / "Makefile").read_text(), where
    named = [found[1] for word in line.arguments if (found := re.match(r"magdi\[(.*)\]", word))]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(",".join(named).split(",")) <= {"", *project["optional-dependencies"]}, where


def imports(code: str) -> list[tuple[str, str]]:
    """Modules, and the name that is taken from each or ""."""
    nodes = list(ast.walk(ast.parse(code)))
    whole = [(name.name, "") for node in nodes if isinstance(node, ast.Import) for name in node.names]
    return whole + [(str(n.module), a.name) for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names]


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # what it is a part of is not there
        return False


def runnable(code: str) -> bool:
    return "set_tracer_provider(" not in code and all(installed(module) for module, _ in imports(code))


def look_imports_up(code: str) -> None:
    for module, name in imports(code):
        if installed(module):
            found = importlib.import_module(module)
            assert not name or hasattr(found, name) or installed(f"{module}.{name}"), f"{module} has no {name}"


def test_no_block_is_without_a_language() -> None:
    """Indented code has no colours, no button to copy it, and no test."""
    for page in [each for each in PAGES if DOCS in each.parents and each.parent.name != "api"]:
        text = re.sub(r"^( *)```.*?^\1```", "", page.read_text("utf-8"), flags=re.M | re.S)
        assert not re.findall(r"^(?![ \d]*[-*.] ).*\n\n {4}(?! )\S.*", text, re.M), page


def test_most_lines_are_more_than_parsed(tmp_path: Path) -> None:
    """A rule that let most lines through unseen would be none."""
    scripts = [block.text for page in PAGES for block in blocks(page) if block.language == "sh"]
    lines = [line.arguments for script in scripts for line in shell(script, tmp_path) if line.program == "magdi"]
    done = [how(line) for line in lines]
    assert len(done) > 60
    assert done.count("parse") < len(done) / 4
    assert {"run", "plan"} <= set(done)
