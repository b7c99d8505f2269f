"""What a run has trained, as a teacher: its student, or a role of its team: ``local:RUN``, ``local:RUN#ROLE``."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pydantic import Field

from magdi.core.distill.prompt import PromptStyle, chat_prompt
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.inside import check_inside
from magdi.core.mag import Usage
from magdi.core.seals import digest
from magdi.core.teacher import Reply, Request
from magdi.plugins.generation.loading import Dtype, base_of, load, with_adapter
from magdi.plugins.runs.finding import open_run, open_trained
from magdi.plugins.teachers.local import Decoding, TransformersTeacher
from magdi.plugins.teams.team import UNTRAINED, Team, read_team

WEIGHTS = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")


class TrainedTeacher(TransformersTeacher):
    """Answers as `hf` does; all roles of a team speak through one base, which is loaded once."""

    class Config(Decoding):
        """Settings of `local`."""

        run: str = Field(min_length=1, description="A run's directory.")
        role: str = Field(
            "",
            description="A role of its team, ROLE.sft for what it was after that stage, base for the model before "
            "training; empty for its student.",
        )

    config: Config

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Reads ``RUN`` and ``RUN#ROLE``."""
        run, hash_, role = target.rpartition("#")
        return {"run": run, "role": role} if hash_ else {"run": target} if target else {}

    @cached_property
    def identity(self) -> str:
        """Run, role, what is in the weights, and seed: a run that is trained anew is another teacher."""
        role = f"#{self.config.role}" if self.config.role else ""
        weights = next((self._adapter / name for name in WEIGHTS if (self._adapter / name).is_file()), None)
        known = f"@{digest(weights)[:8]}" if weights else ""
        return f"local:{self.config.run}{role}{known}" + (f"#seed={self.config.seed}" if self.config.seed else "")

    def check(self) -> None:
        """Looks whether the run has such a student or role; its weights are loaded with the first request."""
        check_inside(Path(self.config.run))
        _ = self._place

    @cached_property
    def _student(self) -> Path:
        """The folder of the run's student.

        Raises:
            ConfigError: The run has none.
            DataError: It is not as its training left it.
        """
        return open_trained(Path(self.config.run)).student

    @cached_property
    def _place(self) -> tuple[str, Path | None]:
        """The model that is loaded, and the adapter that speaks through it.

        Raises:
            ConfigError: There is no such role, or none is named where there are several.
        """
        team, role = read_team(self._student), self.config.role
        if team is not None:
            return team.base, self._folder(team, role)
        if role not in ("", UNTRAINED):
            raise ConfigError(
                f"{self.config.run} has one student and no role {role!r}", hint=f"local:{self.config.run}"
            )
        base = base_of(self._student)
        if role == UNTRAINED and base is None:
            raise ConfigError(f"all weights of {self.config.run} were trained, and what they were before is not kept")
        return base or str(self._student), None if base is None or role == UNTRAINED else self._student

    def _folder(self, team: Team, role: str) -> Path | None:
        if role in team.roles or role == UNTRAINED:
            folder = team.roles.get(role)
            return None if folder is None else self._student / folder
        if role.partition(".")[0] in team.roles and (self._student / role / "adapter_config.json").is_file():
            return self._student / role
        roles = ", ".join(f"local:{self.config.run}#{name}" for name in (*team.roles, UNTRAINED))
        what = f"has no role {role!r}; {did_you_mean(role, team.roles)}" if role else "has a team, and no role is named"
        raise ConfigError(f"{self.config.run} {what}", hint=f"one of {roles}")

    @property
    def _adapter(self) -> Path:
        model, adapter = self._place
        return adapter or Path(model)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The base, adapters on it, and its tokenizer."""
        return self._base.model, self._base.tokenizer

    @cached_property
    def _base(self) -> SharedBase:
        device = None if self.config.device == "auto" else self.config.device
        return SharedBase.of(self._place[0], self.config.dtype, device)

    async def close(self) -> None:
        """Gives the base back; the last one to do so frees its memory."""
        await super().close()
        self.__dict__.pop("_base", None)

    def _answer(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        with self._base.speaking(self._place[1]):
            return super()._answer(requests)

    def _prompt(self, tokenizer: Any, request: Request) -> tuple[int, ...]:
        """Returns a prompt's token ids, as they were in training."""
        from magdi.core.distill.reading import opening

        text = chat_prompt(tokenizer, request.messages, self._style)
        ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return (*opening(tokenizer, self._style), *ids)

    @cached_property
    def _style(self) -> PromptStyle:
        return open_run(Path(self.config.run)).config().student.prompt

    def _too_long(self, prompt: Sequence[int], context: int) -> Reply:
        """A chain that has grown beyond the model's context has no answer; the discussion goes on."""
        return Reply(text="", usage=Usage(prompt_tokens=len(prompt)), finish_reason="length")


class SharedBase:
    """A model through which one adapter speaks at a time.

    Attributes:
        model: The model, with the layers of its adapters in it.
        tokenizer: Its tokenizer.
    """

    _loaded: WeakValueDictionary[tuple[str, Dtype, str | None], SharedBase] = WeakValueDictionary()
    _loading = threading.Lock()

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._peft: Any = None
        self._names: dict[Path, str] = {}
        self._turn = threading.Lock()

    @classmethod
    def of(cls, model: str, dtype: Dtype, device: str | None) -> SharedBase:
        """Returns a model that is loaded already, or loads it."""
        with cls._loading:
            found = cls._loaded.get((model, dtype, device))
            if found is None:
                found = cls._loaded[model, dtype, device] = cls(*load(model, dtype=dtype, device=device))
            return found

    @contextmanager
    def speaking(self, adapter: Path | None) -> Iterator[None]:
        """Lets an adapter speak, or the base alone, and keeps all others waiting meanwhile."""
        with self._turn:
            if adapter is not None:
                self._switch(adapter)
                yield
            elif self._peft is not None:
                with self._peft.disable_adapter():
                    yield
            else:
                yield

    def _switch(self, adapter: Path) -> None:
        if adapter not in self._names:
            base_of(adapter)  # it may ask for code to be imported
            name = f"adapter_{len(self._names)}"
            self._peft = with_adapter(self._peft or self.model, adapter, name)
            self._names[adapter] = name
        self._peft.set_adapter(self._names[adapter])
