from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from magdi.core.config.problems import dotted, keys_at, validate


class Inner(BaseModel, extra="forbid"):
    width: int = Field(1, ge=1)
    mode: Literal["1", "2"] = "1"

    @field_validator("width")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("Width must be odd")
        return value


class Outer(BaseModel, extra="forbid"):
    name: str
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    level: str = "1"
    either: Literal["auto"] | tuple[str, ...] = "auto"

    @field_validator("level")
    @classmethod
    def _known(cls, level: str) -> str:
        if level != "1":
            raise ValueError(f"There is no level {level!r}")
        return level


def said(data: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in validate(Outer, data)[1]]


def test_valid_data_has_no_problems() -> None:
    model, problems = validate(Outer, {"name": "x", "inner": {"width": 3}})
    assert problems == []
    assert model == Outer(name="x", inner=Inner(width=3))


def test_numbers_are_text_where_text_is_wanted_at_any_depth() -> None:
    model, problems = validate(Outer, {"name": 4, "inner": {"mode": 2}, "many": [{"mode": 1}, {"mode": 2}]})
    assert problems == []
    assert (model.name, model.inner.mode, model.many[1].mode) == ("4", "2", "2")


def test_a_truth_value_is_no_text() -> None:
    assert said({"name": True}) == ["name: input should be a valid string, not True"]


def test_problems_name_the_path_in_the_data_and_what_was_meant() -> None:
    assert said({"nam": "x", "inner": {"widht": 1}, "many": [{}, {"mod": 1}]}) == [
        "name: must be given",
        "inner.widht: there is no such key; did you mean 'width'?",
        "many.1.mod: there is no such key; did you mean 'mode'?",
        "nam: there is no such key; did you mean 'name'?",
    ]


def test_what_a_validator_says_is_kept() -> None:
    assert said({"name": "x", "inner": {"width": 4}}) == ["inner.width: width must be odd, not 4"]


def test_what_was_given_is_said_once() -> None:
    assert said({"name": "x", "level": "5"}) == ["level: there is no level '5'"]


def test_what_is_written_as_a_list_is_called_so() -> None:
    assert said({"name": "x", "many": "abc"}) == ["many: input should be a list, not 'abc'"]


def test_members_of_a_union_are_no_part_of_the_path() -> None:
    assert all(problem.startswith("either: ") for problem in said({"name": "x", "either": 3.5}))


def test_long_values_are_shortened() -> None:
    (problem,) = said({"name": ["y" * 200]})
    assert len(problem) < 120


def test_keys_at_a_path() -> None:
    assert keys_at(Outer, ["many", "0"]) == ["width", "mode"]
    assert keys_at(Outer, ["nothing", "here"]) == []
    assert dotted(("a", 0, "b")) == "a.0.b"
