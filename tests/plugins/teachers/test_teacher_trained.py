from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from magdi.core.config.models import TeacherChoice
from magdi.core.errors import ConfigError, MagdiError
from magdi.core.mag import Message
from magdi.core.teacher import Reply, Request, Sampling, Teacher
from magdi.plugins.registry import default_registry
from tests.team_samples import ROLES, team_run

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return team_run(tmp_path, ROLES[:2])


def local(target: object) -> Teacher:
    return default_registry().teacher(TeacherChoice(teacher=f"local:{target}"), 0)


def asked(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),), sampling=Sampling(temperature=0, max_tokens=12))


def together(*teachers: Teacher, text: str = "How many?", times: int = 1) -> list[Reply]:
    """Asks all at once; what each says must not depend on who speaks beside it."""

    async def ask() -> list[Reply]:
        replies = [teacher.complete(asked(text)) for _ in range(times) for teacher in teachers]
        try:
            return await asyncio.gather(*replies)
        finally:
            for teacher in teachers:
                await teacher.close()

    return asyncio.run(ask())


def test_roles_speak_at_once_through_one_base(run: Path) -> None:
    names = ("generator", "verifier", "base")
    alone = [together(local(f"{run}#{name}"))[0] for name in names]
    assert len({reply.text for reply in alone}) == 3
    assert together(*(local(f"{run}#{name}") for name in names), times=2) == alone * 2
    assert together(local(f"{run}#refiner")) == [alone[2]]  # it has no adapter


def test_a_role_trained_anew_is_another_teacher(run: Path) -> None:
    before = local(f"{run}#verifier").identity
    assert before == local(f"{run}#verifier").identity != local(f"{run}#generator").identity
    file = run / "student" / "verifier" / "adapter_model.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(file).items()}, file)
    assert local(f"{run}#verifier").identity != before


@pytest.mark.parametrize(
    ("target", "problem", "hint"),
    [
        ("{run}", "no role is named", "local:{run}#generator"),
        ("{run}#verifyer", "did you mean 'verifier'", "local:{run}#base"),
        ("{run}/student#generator", "holds no run", ""),
        ("{run}#../../base", "has no role", "local:{run}#verifier"),
    ],
)
def test_what_is_not_there_is_said(run: Path, target: str, problem: str, hint: str) -> None:
    with pytest.raises(MagdiError, match=problem) as caught:
        local(target.format(run=run)).check()
    assert hint.format(run=run) in caught.value.hint


def test_a_run_with_one_student(run: Path) -> None:
    (run / "student" / "team.json").unlink()
    for file in (run / "student" / "generator").iterdir():
        file.rename(run / "student" / file.name)
    assert together(local(run)) != together(local(f"{run}#base"))
    with pytest.raises(ConfigError, match="has one student and no role 'generator'"):
        local(f"{run}#generator").check()


def test_what_is_longer_than_the_context_has_no_answer(run: Path) -> None:
    (reply,) = together(local(f"{run}#generator"), text="a" * 3000)
    assert (reply.text, reply.finish_reason, reply.usage.completion_tokens) == ("", "length", 0)
