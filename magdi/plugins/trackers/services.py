"""The trackers, each told the same in its own words.

accelerate's and transformers' own integrations follow a training: they want accelerate's process state, which a run has
only meanwhile, and know of no discussions, evaluation, tables or files.
"""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from magdi.core.config.shortcuts import flatten
from magdi.core.errors import first_line
from magdi.core.run.state import STAGES
from magdi.plugins.trackers.kept import COLUMNS, Cell, Kept

PROJECT = "magdi"
SHOWN = 50  # rows of a table that is only text
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)  # of MLflow


@dataclass(frozen=True, slots=True)
class Followed:
    """The run that is followed.

    Attributes:
        name: What it is called.
        directory: Where it is.
        config: Its whole configuration, without credentials.
        warn: Told what the user should know.
        known: What the tracker called the run when it was begun; empty for one that begins.
        from_the_first: Whether all measurements are told, those again that were told before the run was held up.
    """

    name: str
    directory: Path
    config: Mapping[str, object]
    warn: Callable[[str], None]
    known: str = ""
    from_the_first: bool = False

    @property
    def flat(self) -> dict[str, object]:
        """The configuration by dotted path; what is no number is text."""
        flat = flatten(self.config).items()
        return {path: value if isinstance(value, int | float) else str(value) for path, value in flat}


class Service(ABC):
    """A tracker that follows one run; making one begins the run there, or goes on with it.

    Attributes:
        identity: What the tracker calls the run, by which it goes on; empty where that takes nothing.
        where: Where the run is found; empty where that is clear.
    """

    identity: str = ""
    where: str = ""

    @abstractmethod
    def __init__(self, run: Followed) -> None: ...

    @abstractmethod
    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Takes what a stage has measured; ``metrics`` are named ``STAGE/NAME``."""

    @abstractmethod
    def keep(self, kept: Kept) -> None:
        """Takes tables and files."""

    @abstractmethod
    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        """Says that the run has ended, and waits for what is under way.

        Args:
            status: ``done``, ``continues`` (in another process, at once), ``stopped``, ``interrupted`` or ``failed``.
            scores: The last that was measured, named as in `log`, where the run was evaluated.
        """


class TensorBoard(Service):
    """A folder of the run's directory: ``tensorboard --logdir runs`` shows all runs."""

    def __init__(self, run: Followed) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._config = run.flat
        purge = 1 if run.from_the_first else None
        self._writer: Any = SummaryWriter(str(run.directory / "tensorboard"), purge_step=purge)
        text = yaml.safe_dump(dict(run.config), sort_keys=False, allow_unicode=True)
        self._writer.add_text("configuration", f"```yaml\n{text}```")

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Writes scalars at once, for whoever is looking."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def keep(self, kept: Kept) -> None:
        """Shows the first discussions as text."""
        cells: list[list[Cell]] = [[*COLUMNS], ["---"] * len(COLUMNS), *kept.rows[:SHOWN]]
        lines = ("|".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in cells)
        self._writer.add_text("discussions", "\n".join(f"|{line}|" for line in lines))

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        """Puts the configuration beside the scores, as hyperparameters, and closes the file."""
        from torch.utils.tensorboard.summary import hparams

        if scores:
            for summary in hparams(self._config, dict(scores)):  # type: ignore[no-untyped-call]
                self._writer.file_writer.add_summary(summary)
        self._writer.close()


class WandB(Service):
    """Weights & Biases; offline where nobody is logged in, or nobody answers."""

    def __init__(self, run: Followed) -> None:
        import wandb

        try:
            _check_login()
            self._run = wandb.init(**_wandb_options(run))
        except wandb.errors.Error as error:
            run.warn(f"{first_line(error)}; what it is told is kept offline")
            self._run = wandb.init(**_wandb_options(run), mode="offline")
        self.identity = str(self._run.id)
        folder = Path(self._run.dir).parent
        self.where = f"{folder}, for wandb sync" if self._run.offline else str(self._run.url)
        self._title = run.name
        for stage in STAGES:  # each counts steps of its own, and W&B's can only grow
            self._run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Sends figures, the step among them."""
        self._run.log({**metrics, f"{stage}/step": step})

    def keep(self, kept: Kept) -> None:
        """Shows the table, and keeps it with the files as one artifact."""
        import wandb

        table = wandb.Table(columns=COLUMNS, data=kept.rows)
        artifact = wandb.Artifact(f"run-{self._run.id}", "run", description=self._title)
        artifact.add(table, "discussions")
        for file in kept.files:
            artifact.add_file(str(file))
        self._run.log_artifact(artifact)
        self._run.log({"discussions": table})

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        """Says whether it reached its end."""
        self._run.finish(exit_code=int(status not in ("done", "continues")))


def _wandb_options(run: Followed) -> dict[str, Any]:
    """Returns name, configuration and settings: nothing is printed, and no network is waited for without end."""
    own = {"console": "off", "silent": True, "init_timeout": 30.0, "finish_timeout": 300.0}
    return {
        "project": os.environ.get("WANDB_PROJECT", PROJECT),
        "name": run.name,
        "config": dict(run.config),
        "settings": {name: value for name, value in own.items() if f"WANDB_{name.upper()}" not in os.environ},
    } | ({"id": run.known, "resume": "allow"} if run.known else {})


def _check_login() -> None:
    """Asks nobody for a key: whoever has begun the run may not be there.

    Raises:
        wandb.errors.UsageError: There is none, and one is needed.
    """
    import wandb

    with suppress(TypeError):  # a version that cannot be asked
        if wandb.setup().settings.mode == "online" and not wandb.login(prompt=False):
            raise wandb.errors.UsageError("nobody is logged in (wandb login)")


class MLflow(Service):
    """MLflow: the server or store that the environment names, else the database that it makes."""

    def __init__(self, run: Followed) -> None:
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        import mlflow

        self._mlflow = mlflow
        self.where = str(mlflow.get_tracking_uri())
        if self.where.startswith(
            ("file:", "/", "./")
        ):  # asked for by name, and refused by MLflow 3 unless this is said
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        nested, begun = mlflow.active_run() is not None, None
        with suppress(mlflow.exceptions.MlflowException):  # the store is another one than before
            begun = mlflow.start_run(run_id=run.known, nested=nested) if run.known else None
        if begun is None:
            mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT))
            begun = mlflow.start_run(run_name=run.name, nested=nested)
            self._configure(run.flat)
        self.identity = str(begun.info.run_id)

    def _configure(self, config: Mapping[str, object]) -> None:
        most, longest = 100, self._mlflow.utils.validation.MAX_PARAM_VAL_LENGTH
        names = [*config]
        for start in range(0, len(names), most):
            some = names[start : start + most]
            self._mlflow.log_params({NOT_IN_NAMES.sub("_", name): str(config[name])[:longest] for name in some})

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Sends figures under names that MLflow takes."""
        self._mlflow.log_metrics({NOT_IN_NAMES.sub("_", name): value for name, value in metrics.items()}, step=step)

    def keep(self, kept: Kept) -> None:
        """Keeps table and files as artifacts."""
        table = "discussions.json"  # written as `log_table` does, which would add to what an earlier try has left
        self._mlflow.log_dict({"columns": COLUMNS, "data": kept.rows}, table)
        self._mlflow.set_tag("mlflow.loggedArtifacts", json.dumps([{"path": table, "type": "table"}]))
        for file in kept.files:
            self._mlflow.log_artifact(str(file))

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        """Says how it ended."""
        self._mlflow.end_run({"done": "FINISHED", "continues": "FINISHED", "failed": "FAILED"}.get(status, "KILLED"))


class Trackio(Service):
    """trackio: a database of this machine, or a space of the hub where ``TRACKIO_SPACE_ID`` names one."""

    def __init__(self, run: Followed) -> None:
        import trackio

        how = "allow" if run.known else "never"
        self._run = trackio.init(project=PROJECT, name=run.known or run.name, config=run.flat, resume=how)
        self.identity = str(self._run.name)

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Sends figures."""
        self._run.log(dict(metrics), step=step)

    def keep(self, kept: Kept) -> None:
        """Shows the table, and keeps the files as one artifact."""
        import trackio

        self._run.log({"discussions": trackio.Table(columns=COLUMNS, data=kept.rows)})
        artifact = trackio.Artifact(re.sub(r"[^\w.-]", "-", f"run-{self._run.name}", flags=re.ASCII), "run")
        for file in kept.files:
            artifact.add_file(file)
        self._run.log_artifact(artifact)

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        """Writes what is left."""
        import trackio

        trackio.finish()  # a run's own leaves it to be ended, and talked of, once more as the process ends


SERVICES: dict[str, type[Service]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
    "trackio": Trackio,
}
