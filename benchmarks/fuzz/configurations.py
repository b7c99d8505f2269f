"""Configurations: YAML files, ``--set``, options' values and the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.fuzz.mutation import VALUES, Lot, as_yaml, changed, in_text


class Config:
    """Any setting, to any value."""

    def __init__(self, folder: Path) -> None:
        from magdi.core.config.models import RunConfig
        from magdi.plugins.manager import load_plugins

        self.file = folder / "c.yaml"
        self.whole = RunConfig().model_dump(mode="json")
        self.registry = load_plugins().registry
        self.paths = [".".join(p) for p in self._paths(self.whole, ())]
        self.paths += [f"{p}.x" for p in self.paths] + [f"training.{x}.0" for x in ("level", "report_to")]
        self.paths += [
            *("objectives.node.weight", "objectives.dpo.beta", "objectives.x", "objectives", "teachers.0", "teachers"),
            *("teachers.0.kind", "teachers.0.settings.temperature", "teachers", "plugins", "discussion.limits", "a..b"),
            *("objective.alpha", "objective.beta", "objective.gamma", "protocol", "task", "encoder", "training.level"),
        ]
        kinds = ("protocol", "encoder", "task", "objective", "teacher")
        self.names = {kind: [each.component.name for each in self.registry.listing(kind)] for kind in kinds}
        for kind in ("protocol", "encoder", "task"):
            for name in self.names[kind]:
                self.paths += [f"{kind}.{field}" for field in self.registry.config_of(kind, name).model_fields]

    def _paths(self, tree: Any, path: tuple[str, ...]) -> Any:
        for key, value in tree.items():
            yield (*path, key)
            if isinstance(value, dict):
                yield from self._paths(value, (*path, key))

    def __call__(self, lot: Lot) -> object:
        from magdi.plugins.setup import set_up

        sets, files, environ = [], [], {}
        for kind in ("protocol", "encoder", "task"):
            if lot.random() < 0.3:
                sets.append(f"{kind}={lot.choice(self.names[kind])}")
        for _ in range(lot.choice((0, 1, 1, 2, 4))):
            sets.append(f"{lot.choice(self.paths)}={in_text(lot.choice(VALUES))}")
        if lot.random() < 0.4:
            files.append(self.file)
            sections = {key: self.whole[key] for key in lot.sample(list(self.whole), 3)}
            self.file.write_bytes(as_yaml(changed(sections, lot, lot.choice((1, 3))), lot))
        if lot.random() < 0.2:
            name = lot.choice(self.paths).upper().replace(".", "__")
            environ[f"MAGDI_{name}"] = in_text(lot.choice(VALUES))
        self.said = (sets, environ, self.file.read_bytes() if files else b"")
        made = set_up(files, environ=environ, sets=sets, load=False)
        return made
