"""The JSON Schema of a configuration file, for editors that complete and check YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from magdi.core.config.models import RunConfig

Settings = Mapping[str, type[BaseModel]]
"""By name of a component, the model of its settings."""


def json_schema(components: Mapping[str, Settings] | None = None) -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of a configuration.

    Args:
        components: By kind (protocol, encoder, task, objective), the settings of the components that are known; other
            names are allowed, since plugins may bring them, and theirs are not checked.
    """
    schema = RunConfig.model_json_schema()
    definitions = schema["$defs"]
    for name in ("ComponentChoice", "TeacherChoice", "Student"):
        definitions[name] = {"anyOf": [{"type": "string"}, definitions[name]]}
    known = dict(components or {})
    objectives = known.pop("objective", {})
    one = {"anyOf": [{"type": "null"}, *_choices("objective", objectives, definitions)]}
    by_name = {
        name: {"anyOf": [{"type": "null"}, _object("objectives", name, model, definitions)]}
        for name, model in objectives.items()
    }
    schema["properties"]["objectives"] |= {
        "type": ["object", "array"],
        "properties": by_name,
        "additionalProperties": {"type": ["object", "null"]},
        "items": one,
    }
    for section, settings in known.items():
        about = {
            key: value for key, value in schema["properties"][section].items() if key in ("description", "default")
        }
        schema["properties"][section] = {**about, "anyOf": list(_choices(section, settings, definitions))}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "magdi run"}


def _choices(section: str, settings: Settings, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what a component's section may be: a name, settings with a known name, or settings without one."""
    names = sorted(settings)
    by_name = [_object(section, name, settings[name], definitions) for name in names]
    open_ = {"type": "object", "properties": {"name": {"type": "string", "not": {"enum": names}}}}
    return [{"type": "string", "examples": names}, *by_name, open_]


def _object(section: str, name: str, model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    prefix = f"{section}.{name}."
    schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    definitions |= {prefix + inner: definition for inner, definition in schema.pop("$defs", {}).items()}
    properties = {"name": {"const": name}, **schema.get("properties", {})}
    return {
        "title": name,
        "type": "object",
        "properties": properties,
        "required": ["name", *schema.get("required", ())],
        "additionalProperties": False,
    }
