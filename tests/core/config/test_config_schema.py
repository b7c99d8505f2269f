import json
from typing import Any

from pydantic import BaseModel, Field

from magdi.plugins.config_schema import json_schema


class Prompts(BaseModel, extra="forbid"):
    first: str = Field("x", description="The first.")


class Ring(BaseModel, extra="forbid"):
    rounds: int = Field(description="Rounds.")
    prompts: Prompts = Prompts()


SCHEMA = json.loads(json.dumps(json_schema({"protocol": {"ring": Ring}, "encoder": {}})))


def resolved(reference: dict[str, Any]) -> dict[str, Any]:
    return SCHEMA["$defs"][reference["$ref"].removeprefix("#/$defs/")]


def test_every_setting_is_described_and_unknown_keys_are_refused() -> None:
    assert SCHEMA["additionalProperties"] is False
    training = resolved(SCHEMA["properties"]["training"])
    assert training["additionalProperties"] is False
    assert training["properties"]["learning_rate"]["description"] == "Peak learning rate."


def test_a_component_may_be_a_name_or_a_name_with_its_settings_or_one_that_is_not_known() -> None:
    name, ring, other = SCHEMA["properties"]["protocol"]["anyOf"]
    assert name == {"type": "string", "examples": ["ring"]}
    assert ring["properties"]["name"] == {"const": "ring"}
    assert ring["required"] == ["name", "rounds"]
    assert ring["additionalProperties"] is False
    assert resolved(ring["properties"]["prompts"])["properties"]["first"]["description"] == "The first."
    assert other["properties"]["name"]["not"] == {"enum": ["ring"]}
    assert SCHEMA["properties"]["protocol"]["description"]


def test_teachers_may_be_written_short() -> None:
    teachers = SCHEMA["properties"]["teachers"]["items"]
    assert {"type": "string"} in resolved(teachers)["anyOf"]


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(SCHEMA)
    references = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert references <= set(SCHEMA["$defs"])
    assert "protocol.ring.Prompts" in references
