"""Plugins: files that are none, folders that hold anything, what is trusted and what a run names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import yaml

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.mutation import BOMB, VALUES, Lot, changed, in_text, torn

CODE = """from magdi.plugins import Component, hookimpl
from magdi.core.protocol import Protocol

class Mine(Protocol):
    \"\"\"Mine.\"\"\"
    def discuss(self, question, agents):
        yield [self.ask(agent, round=0) for agent in agents]

@hookimpl
def magdi_protocols():
    yield Component("mine", Mine, "Mine.")
"""
WRONG = (
    *("raise SystemExit(3)", "import nowhere", "1/0", "def f(:", "\0", "x = " + "(" * 500 + ")" * 500, BOMB),
    *("import sys; sys.exit('x')", "print('x' * 1000)", "raise BaseException('x')", "import os; os.chdir('/')"),
    *("magdi_protocols = 3", "def magdi_protocols(): return 3", "def magdi_protocols(a, b): yield 1", "# coding: nope"),
    *(
        "def magdi_protocols():\n    while True: yield None",
        "from . import x",
        "import p, q, r",
    ),
    *("async def magdi_protocols(): yield 1", "def magdi_commands(): yield 1", "class A: pass", "\ufeff", "\r\r\r"),
)


class Plugins:
    """A folder with up to four files that may be plugins, and a command that is shown it."""

    def __init__(self, folder: Path) -> None:
        self.above, self.folder = folder, folder / "plugins"
        self.run = folder / "theirs"
        self.run.mkdir()
        (self.run / "run.json").write_text("{}")

    def __call__(self, lot: Lot) -> object:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        said = [
            self.put(lot, name)
            for name in lot.sample(("p.py", "q.py", "r", "s.txt", "__init__.py"), lot.choice((1, 2, 4)))
        ]
        named = [
            lot.choice((str(self.folder / "p.py"), "plugins/p.py", "plugins/r", "p", *(in_text(v) for v in VALUES)))
        ]
        config = {
            "plugins": lot.choice((named, named * 3, changed(named, lot))),
            "protocol": lot.choice(("mine", "single")),
        }
        (self.run / "config.yaml").write_text(yaml.safe_dump(config))
        self.trusted(lot)
        first = named[0].replace("\0", "").encode("utf-8", "replace").decode()
        commands = (
            ["plugins", "list", "--plugins-dir", "plugins"],
            ["config", "schema", "--plugins-dir", lot.choice(("plugins", "plugins/p.py", ".", "", "theirs"))],
            ["plugins", "list", "--plugin", first],
            ["config", "show", "--plugin", first],
            ["config", "show", "theirs/config.yaml"],
            ["config", "validate", "theirs/config.yaml", "--trust"],
            ["run", "-n", "theirs/config.yaml"],
            ["view", "theirs"],
            ["runs", "show", "theirs"],
            ["trust", "theirs"],
            ["trust", first],
            ["trust", "--revoke", "plugins", first],
            ["trust", "--list"],
            ["plugins", "check", lot.choice(("mine", "plugins/p.py"))],
        )
        command = lot.choice(commands)
        self.said = (said, config, command)
        try:
            return invoke(command)
        finally:
            os.chdir(self.above)

    def put(self, lot: Lot, name: str) -> str:
        path = self.folder / name
        how = lot.choice(("good", "torn", "wrong", "wrong", "folder", "link", "loop", "pipe", "many"))
        if how in ("good", "torn", "wrong"):
            text = CODE if how != "wrong" else lot.choice(WRONG)
            path.write_bytes(torn(CODE, lot) if how == "torn" else text.encode())
        elif how == "folder":
            path.mkdir()
            (path / "__init__.py").write_text(lot.choice((CODE, *WRONG)))
            (path / "inner").mkdir()
            (path / "inner" / "up").symlink_to("..")
        elif how == "many":
            path.mkdir()
            for number in range(120):
                (path / f"{number}.py").write_text("import a, b, c\n")
        elif how == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(
                name if how == "loop" else lot.choice(("/dev/zero", "/proc/self/mem", "nowhere", "/usr", ".."))
            )
        return f"{name}: {how}"

    def trusted(self, lot: Lot) -> None:
        """Changes what is written down as trusted."""
        from magdi.plugins.trust import folder

        if lot.random() < 0.1:
            folder().mkdir(parents=True, exist_ok=True)
            entry = folder() / lot.choice(("abc", "f" * 64, ".x"))
            entry.write_bytes(
                lot.choice((b"", b"null", b"[1]", b"{", b"\xff", b'{"name": 1}', b'{"name": "\\u001b[2J"}'))
            )
