"""What docs/teachers.md shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from magdi.core.config.models import RunConfig, TeacherChoice
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.registry import default_registry
from magdi.plugins.teachers.endpoint import KEY_VARIABLES, find_endpoint
from magdi.plugins.teachers.openai import OpenAITeacher

PAGE = (Path(__file__).parents[3] / "docs" / "teachers.md").read_text("utf-8")
SPECIFICATIONS = re.findall(r"--teacher (\S+)", PAGE) + re.findall(r"`((?:openai|hf|replay):[^`\[ ]+[^`\] ])`", PAGE)


def test_every_kind_of_teacher_is_in_the_table() -> None:
    assert {component.name for component in BUILTINS["teacher"]} == set(
        re.findall(r"^\| `([a-z]+)` \| `", PAGE, re.M)[:7]
    )


@pytest.mark.parametrize("specification", sorted(set(SPECIFICATIONS)))
def test_teachers_that_are_named_can_be_made(specification: str) -> None:
    assert default_registry().teacher(TeacherChoice.model_validate(specification), 0)


def test_the_configuration_is_one() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    config = RunConfig.model_validate(yaml.safe_load(block))
    settings = [default_registry().teacher(choice, 0).config for choice in config.teachers]
    assert [choice.name for choice in config.teachers] == ["ann", "bob", "cyd"]
    assert isinstance(settings[0], OpenAITeacher.Config)
    assert settings[0].tokens_per_minute == 200_000


def test_settings_and_key_variables_are_those_there_are() -> None:
    section = PAGE.partition("### Settings of `openai`")[2].partition("### Keys")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert named == set(OpenAITeacher.Config.model_fields) - {"model", "base_url"}
    assert all(f"`{variable}`" in PAGE for variable in KEY_VARIABLES.values())
    from pydantic import SecretStr

    variables = find_endpoint(SecretStr("https://api.example.com:8443/v1")).variables
    assert all(f"`{variable}`" in PAGE for variable in variables)
