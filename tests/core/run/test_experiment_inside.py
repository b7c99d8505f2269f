"""Links in a run never lead out of it: nothing elsewhere is read, shown, exported or written for their sake."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import magdi
from magdi.cli.app import app
from magdi.core.errors import MagdiError, RunDirectoryError
from magdi.core.inside import check_inside

CONFIG: dict[str, Any] = {"preset": "quick", "discussion": {"questions": 2}, "protocol": "single"}
SECRET = "the secret of somebody"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A run as far as a link is concerned."""
    folder = tmp_path / "theirs"
    (folder / "student").mkdir(parents=True)
    (folder / "evaluation").mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "run.json").write_text("{}")
    (tmp_path / "secret").write_text(SECRET)
    return folder


PLACES = ("mags.jsonl", "failures.jsonl", "metrics.jsonl", "student/adapter_config.json", "evaluation/student.jsonl")
COMMANDS = (
    ("view",),
    ("evaluate",),
    ("export",),
    ("ask", "What is 2 + 2?"),
    ("runs", "compare"),
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("target", ["../secret", "{}/secret", "/proc/self/environ", "../../../../../../../etc/passwd"])
def test_a_link_that_leads_out_is_refused(theirs: Path, place: str, target: str) -> None:
    (theirs / place).symlink_to("../" * place.count("/") + target if target[0] == "." else target.format(theirs.parent))
    with pytest.raises(RunDirectoryError, match=f"{place} is a link that leads out of"):
        check_inside(theirs)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_command_follows_it(theirs: Path, command: tuple[str, ...]) -> None:
    (theirs / "student" / "adapter_model.safetensors").symlink_to(theirs.parent / "secret")
    name, *rest = command
    arguments = [name, *rest, theirs, theirs] if name == "runs" else [name, theirs, *rest]
    outcome = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(outcome.exception, MagdiError)
    assert "leads out of" in outcome.exception.message
    assert "\n" not in outcome.exception.message
    written = [file for file in theirs.rglob("*") if file.is_file() and not file.is_symlink()]
    assert not any(SECRET in file.read_text() for file in written)


@pytest.mark.parametrize("name", ["mags.jsonl", "journal.sqlite", "run.json", "config.yaml", "checkpoints"])
def test_a_run_that_is_resumed_writes_through_no_link(theirs: Path, name: str) -> None:
    (theirs / name).unlink(missing_ok=True)
    (theirs / name).symlink_to(theirs.parent / "secret")
    (theirs / "config.yaml").exists()
    with pytest.raises(RunDirectoryError, match="leads out of"):
        magdi.discuss(out=theirs, **CONFIG)
    assert (theirs.parent / "secret").read_text() == SECRET


def test_mags_of_a_folder_are_in_the_folder(theirs: Path) -> None:
    (theirs / "mags.jsonl").symlink_to(theirs.parent / "secret")
    for command in (("mags", "stats"), ("mags", "check"), ("distill", "-n")):
        outcome = CliRunner().invoke(app, [*command, str(theirs)])
        assert isinstance(outcome.exception, MagdiError)
        assert "leads out of" in outcome.exception.message


def test_what_never_ends_is_not_read(theirs: Path) -> None:
    os.mkfifo(theirs / "failures.jsonl")
    with pytest.raises(RunDirectoryError, match="neither a file nor a folder"):
        check_inside(theirs)


def test_no_crowd_of_files_hides_a_link(theirs: Path) -> None:
    for number in range(150):
        (theirs / f"{number:05}").mkdir()
        for inner in range(70):
            (theirs / f"{number:05}" / str(inner)).touch()
    (theirs / "student" / "adapter_config.json").symlink_to("../../secret")
    with pytest.raises(RunDirectoryError, match="leads out of"):
        check_inside(theirs)


def test_links_within_and_to_the_run_itself_are_followed(theirs: Path) -> None:
    (theirs / "newest.jsonl").symlink_to("evaluation/student.jsonl")
    (theirs / "itself").symlink_to(".")
    linked = theirs.parent / "linked"
    linked.symlink_to(theirs)
    check_inside(linked)
    check_inside(theirs.parent / "nowhere")
