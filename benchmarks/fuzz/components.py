"""Components by name, their settings (``-P``, ``-E``, ``-O``, ``--task-arg``) and teachers, planned and held."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import NUMBERS, VALUES, Lot, alike, in_text

KINDS = ("openai", "simulated", "local", "replay", "litellm", "vllm", "x", "")
TARGETS = ("", "gpt-4o", "ada", "x/y", "../..", "a#b", "#", "a:b", "m@", "nowhere.jsonl", "a" * 3000, "\x1b]0;x\a", "é")
PLACES = (
    *("", "http://127.0.0.1:9/v1", "https://h", "http://[", "http://:x", "ftp://x", "http://u:p@h/v1", "//", "http://"),
    *(
        "http://a,http://b",
        "http://127.0.0.1:9/v1,",
        ",",
        "http://h:99999/",
        "http://h/?key=abcdef",
        "unix:/x",
        "\u2028",
    ),
)
NAMES = ("", "ada=", "=", "a b=", "ada=ada=", "\x1b[2J=", "../x=", "é=", "all=")
SMALL = (0, 1, 2, 3, -1, 0.5, "yes", "no", "null", "[]", "{}", "1,2", "all")


class Components:
    """A command with components, settings of theirs, and teachers."""

    def __init__(self, folder: Path) -> None:
        from magdi.core.mag import write_mags
        from magdi.plugins.manager import load_plugins
        from magdi.plugins.testing.objective_checks import sample_mags

        self.folder, self.registry = folder, load_plugins().registry
        kinds = ("protocol", "encoder", "task", "objective", "decision")
        self.names = {kind: [each.component.name for each in self.registry.listing(kind)] for kind in kinds}
        write_mags(folder / "mags.jsonl", sample_mags())

    def __call__(self, lot: Lot) -> object:
        arguments: list[str] = []
        for kind, option in (("protocol", "-P"), ("encoder", "-E"), ("task", "--task-arg")):
            if lot.random() < 0.5:
                name = lot.choice(self.names[kind])
                arguments += [f"--{kind}", name]
                for _ in range(lot.choice((0, 1, 2))):
                    arguments += [option, self.setting(lot, kind, name)]
        if lot.random() < 0.4:
            name = lot.choice(self.names["objective"])
            arguments += [
                "-O",
                lot.choice((name, f"{name}.{self.setting(lot, 'objective', name)}", f"{name}=0", f"{name}.")),
            ]
        if lot.random() < 0.2:
            arguments += ["--decision", lot.choice(self.names["decision"])]
        for _ in range(lot.choice((0, 0, 0, 0, 1, 3))):
            arguments += ["--teacher", self.teacher(lot)]
        if lot.random() < 0.2:
            how = in_text(lot.choice((*NUMBERS, *SMALL)))
            arguments += [lot.choice(("--max-cost", "--max-calls", "--max-tokens", "--max-time", "--price")), how]
        command = lot.choice((["run", "-n"], ["discuss", "-n"], ["distill", "-n", "--mags", "mags.jsonl"], ["held"]))
        if command == ["held"]:
            out = self.folder / f"held-{lot.random()}"
            command = ["discuss", "--limit", "1", "--max-calls", "60", "--max-time", "20", "-o", str(out)]
            arguments = [each for each in arguments if "openai" not in each]
        arguments = [each.replace("\0", "") for each in (*command, *arguments)]
        self.said = arguments
        return invoke(arguments)

    def setting(self, lot: Lot, kind: str, name: str) -> str:
        fields = self.registry.config_of(kind, name).model_fields
        if fields and lot.random() < 0.7:
            field = lot.choice([*fields])
            default = fields[field].get_default(call_default_factory=True)
            if isinstance(default, bool | int | float | str):
                return f"{field}={in_text(alike(default, lot))[:2000]}"
        value = lot.choice((lot.choice(SMALL), lot.choice(VALUES), lot.choice(NUMBERS)))
        text = value if isinstance(value, str) else json.dumps(value)
        return f"{lot.choice([*fields, 'x'])}{lot.choice(('', '', '.0', '.x'))}={text[:2000]}"

    def teacher(self, lot: Lot) -> str:
        place = lot.choice(PLACES)
        target = lot.choice(("profile", "ada", "ben", *TARGETS))
        return f"{lot.choice(NAMES)}{lot.choice(KINDS)}:{target}{f'@{place}' if place or lot.random() < 0.2 else ''}"
