"""Every command with any value of any option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import VALUES, Lot, in_text


class Options:
    """A command with up to three options."""

    def __init__(self, folder: Path) -> None:
        import typer
        from typer.main import get_command

        from magdi.cli.app import app

        self.folder = folder
        self.commands: dict[tuple[str, ...], Any] = {}
        todo: list[tuple[tuple[str, ...], Any]] = [((), get_command(app))]
        while todo:
            path, command = todo.pop()
            inner = getattr(command, "commands", None)
            if inner:
                todo += [((*path, name), each) for name, each in inner.items()]
            else:
                self.commands[path] = command
        del typer
        self.mags = folder / "mags.jsonl"
        from magdi.core.mag import write_mags
        from magdi.plugins.testing.objective_checks import sample_mags

        write_mags(self.mags, sample_mags())
        (folder / "file").write_text("x")
        (folder / "locked").mkdir(exist_ok=True)

    def __call__(self, lot: Lot) -> object:
        path = lot.choice([*self.commands])
        command = self.commands[path]
        arguments = list(path)
        if path in (("mags", "convincing"), ("collect",)):
            return None  # asks teachers; ends by Ctrl-C
        if path[0] in ("run", "discuss", "distill", "ablate"):
            arguments.append("-n")
        for parameter in lot.sample(command.params, min(len(command.params), lot.choice((1, 2, 3)))):
            name = parameter.opts[0] if parameter.param_type_name == "option" else ""
            if name in (
                "--open",
                "--install-completion",
                "--show-completion",
                "--processes",
                "--rescore",
                "--jobs",
                "--live",
            ):
                continue
            if name and getattr(parameter, "is_flag", False):
                arguments.append(name)
            else:
                arguments += [name, self.value(lot, name)] if name else [self.value(lot, name)]
        if path[0] in ("evaluate", "ask") and "--task" not in arguments:
            arguments += ["--task", "arithmetic"]
        self.said = arguments
        if any("\0" in each for each in arguments):
            return None  # no shell can say that
        return invoke(arguments, MAGDI_CACHE=str(self.folder / "cache"))

    def value(self, lot: Lot, name: str) -> str:
        places = ("", ".", "..", "/", "/dev/null", "/proc/self/x", "nowhere", "a" * 300, "é", "~", str(self.mags))
        places = (*places, str(self.folder), str(self.folder / "file"), str(self.folder / "file" / "x"), "-", "--")
        words = (
            "gsm8k",
            "arithmetic",
            "jsonl:",
            "jsonl:nowhere",
            "mix:",
            "mix:a+b",
            "hf:",
            "hf:x/y",
            "replay:",
            "openai:",
            "local:",
            "x:y@z",
            "debate",
            "gcn",
            "positive",
            "a=b",
            "a.b=c",
            "=",
            "1",
            "0",
            "-1",
            "1e9",
            "99999999999999999999",
            "nan",
            "inf",
            "1,2",
            ",",
            "#1",
            "#0",
            "simulated:",
            "simulated:x#y",
            "a=openai:x@http://[",
            "openai:x@http://:x",
            "openai:x@ftp://x",
            "rounds=10000000000",
            "rounds=-1",
            "weight=nan",
        )
        return lot.choice((*places, *words, in_text(lot.choice(VALUES))[:2000]))
