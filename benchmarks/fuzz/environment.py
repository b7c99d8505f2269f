"""Variables of the environment: settings, and what steers the program."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz.commands import invoke
from benchmarks.fuzz.configurations import Config
from benchmarks.fuzz.mutation import VALUES, Lot, in_text

CONTROLS = (
    *("MAGDI_CACHE", "MAGDI_DATA", "MAGDI_PRICES", "MAGDI_API_KEY", "MAGDI_TRUST", "MAGDI_LOAD_PLUGINS"),
    *("MAGDI_DISABLE_PLUGINS", "MAGDI_STRICT_PLUGINS", "MAGDI_TRACE_PLUGINS", "MAGDI_PLUGINS", "MAGDI_TEACHERS"),
    *("MAGDI_SEED", "MAGDI_PRESET", "MAGDI_OUT", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HF_HOME", "NO_COLOR"),
    *("COLUMNS", "TERM", "LANG", "HTTPS_PROXY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"),
)
COMMANDS = (
    ["config", "show"],
    ["config", "validate"],
    ["config", "schema"],
    ["plugins", "list"],
    ["run", "-n"],
    ["discuss", "-n", "--teacher", "openai:x@http://127.0.0.1:9/v1"],
    ["discuss", "-n", "--max-cost", "1", "--teacher", "openai:gpt-4o"],
    ["runs", "list"],
    ["trust", "--list"],
    ["doctor"],
)


class Environment:
    """Up to three variables, and a command that reads them."""

    def __init__(self, folder: Path) -> None:
        self.paths = Config(folder).paths
        self.places = [str(folder), str(folder / "file"), str(folder / "nowhere"), "/proc/self", "relative/path"]
        (folder / "file").write_text("x")

    def __call__(self, lot: Lot) -> object:
        environ = {}
        for _ in range(lot.choice((1, 1, 3))):
            name = f"MAGDI_{lot.choice(self.paths).upper().replace('.', '__')}"
            name = lot.choice(CONTROLS) if lot.random() < 0.6 else name
            value = lot.choice((in_text(lot.choice(VALUES)), lot.choice(self.places), "1", "a,b", "[a, b]"))
            environ[name] = value.replace("\0", "").encode("utf-8", "replace").decode()
        command = lot.choice(COMMANDS)
        self.said = (command, environ)
        return invoke([*command], **environ)
