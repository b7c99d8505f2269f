"""`magdi ask`: a question to a student, with what it writes shown while it writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.cli.evaluate import Base, Engine, MaxNewTokens, Prompt
from magdi.core.errors import ConfigError

if TYPE_CHECKING:
    from magdi.plugins.evaluating.asking import Asked

Model = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A run, model, adapter or openai:MODEL@URL.",
        show_default="the newest run in ./runs that has a student",
        autocompletion=propose.runs,
    ),
]
Text = Annotated[str | None, typer.Argument(metavar="QUESTION", help="What is asked, in quotes.", show_default=False)]
IN_QUOTES = 'the question goes last, in quotes: magdi ask runs/my-run "What is 2 + 2?"'
Samples = Annotated[
    int | None, typer.Option(min=1, help="Answers to draw; their vote counts.", show_default="1; a team's, as trained")
]


@opt.grouped
def ask(
    model: Model = None,
    question: Text = None,
    *,
    samples: Samples = None,
    base: Base = False,
    task: opt.Task = None,
    task_arg: opt.TaskArg = None,
    data: opt.Data = None,
    engine: Engine = "auto",
    prompt: Prompt = "auto",
    max_new_tokens: MaxNewTokens = None,
    seed: opt.Seed = None,
    plugins: opt.RunPlugins,
    json: opt.Json = False,
) -> None:
    """Ask a student a question of your own; what stands alone is the question."""
    from magdi.cli import output
    from magdi.plugins.evaluating.asking import ask as put

    model, question = _model_and_question(model, question)
    shown = Shown(named=base) if sys.stdout.isatty() and not json else None
    answers = put(
        model,
        question,
        plugins.components([model], models=True),
        task=task,
        task_settings=opt.component("task", task_arg, data=data),
        base=base,
        engine=engine,
        prompt_style=prompt,
        samples=samples,
        max_new_tokens=max_new_tokens,
        seed=seed,
        told=shown.growing if shown else None,
    )
    document = {"question": question, "answers": [answer.to_dict() for answer in answers]}
    left = [_said(each, named=base) for each in answers if shown is None or each.name not in shown.names]
    if left:
        output.show(document, as_json=json, render=lambda: "\n".join(left))
    for each in answers:
        if each.answer is None:
            output.warn(f"{each.name}: no answer could be read in it")


def _model_and_question(first: str | None, second: str | None) -> tuple[str, str]:
    """Returns who is asked what: what stands alone is the question, and the newest run's student is asked.

    Raises:
        ConfigError: There is no question.
        DataError: Nobody is named and there is no student.
    """
    from magdi.cli.newest import newest

    asked, alone = first if second is None else second, second is None
    # A run's path alone is no question; Path would raise for a long one.
    if first is None or asked is None or not asked.strip() or (alone and os.path.exists(asked)):
        raise ConfigError("nothing was asked", hint=IN_QUOTES)
    return str(newest("student")) if alone else first, asked


class Shown:
    """Answers that are shown while they are written.

    Attributes:
        names: Whose were; they are not said again.
    """

    def __init__(self, *, named: bool) -> None:
        self.names: set[str] = set()
        self._named = named

    @contextmanager
    def growing(self, name: str) -> Iterator[Callable[[str], None]]:
        """Yields what is told an answer again and again while it grows."""
        from magdi.cli.visible import visible

        def write(text: str) -> None:
            if name not in self.names:
                self.names.add(name)
                sys.stdout.write(visible(f"{name}: " if self._named else ""))
            sys.stdout.write(visible(text))

        yield growing(write, sys.stdout.flush)
        if name in self.names:
            sys.stdout.write("\n")


def growing(write: Callable[[str], object], flush: Callable[[], object]) -> Callable[[str], None]:
    """Returns a function that is told a text again and again while it grows, and writes what is new of it."""
    written = ""

    def told(text: str) -> None:
        nonlocal written
        settled = text.rstrip("\ufffd")  # half of a character whose other half is in the next token
        if settled.startswith(written):
            write(settled[len(written) :])
            flush()
            written = settled

    return told


def _said(asked: Asked, *, named: bool) -> str:
    """Returns what a model wrote, or each role of a team; of several samples what they elected, and the votes."""
    if asked.chains:
        text = "\n\n".join(f"{turn.role}: {turn.text}" for turn in asked.chains[0])
    else:
        text = asked.predictions[0].output
    if len(asked.predictions) > 1:
        votes = ", ".join(f"{answer}: {count}" for answer, count in asked.votes.items())
        elected = f"{asked.answer or 'no answer'} (votes of {len(asked.predictions)}: {votes or 'none'})"
        text = f"{text}\n\n{elected}" if asked.chains else elected
    return f"{asked.name}: {text}" if named else text
