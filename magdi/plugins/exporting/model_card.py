"""The model card of an exported student: what it is, what it was made from, and what is known of how good it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from magdi.core.config.models import RunConfig, name_and_revision
from magdi.core.redact import without_servers
from magdi.core.run.directory import RunDirectory
from magdi.plugins.exporting.card_data import asked, model_card_data
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.runs.result import RunDocument, document, learned_tasks
from magdi.plugins.tasks.dataset import Source


def model_card(
    directory: RunDirectory,
    *,
    base: str | None,
    merged: bool,
    sources: Mapping[str, Source],
    licence: str = "",
    lm_eval: str = "",
    serve: str = "",
    roles: Sequence[str] = (),
) -> str:
    """Returns a model card in Markdown, with the head that hubs read.

    Args:
        directory: The run.
        base: What an adapter's base is called; None where the whole model was trained.
        merged: Whether the adapter was merged into it.
        sources: Where the data is from, by task, as far as that is known.
        licence: The student's licence, as the hub names it; found out where it can be when empty.
        lm_eval: The line that evaluates it with lm-eval, typed in its folder.
        serve: Of a team, the line that serves its roles with vLLM, typed in its folder.
        roles: Of a team, the roles that have an adapter.
    """
    from huggingface_hub import ModelCard

    config, outcome = directory.config(), document(directory)
    adapter, name = base is not None and not merged, directory.path.resolve().name
    protocols = _protocols(config, outcome)
    data = model_card_data(
        config,
        outcome,
        base=base,
        adapter=adapter,
        name=name,
        sources=sources,
        protocols=protocols,
        licence=licence,
    )
    parts = [
        f"# {name}",
        _what(config, outcome, roles),
        _made_from(config, outcome, base),
        _scores(config, outcome),
        _use_of_team(base, serve, roles) if roles else _use(adapter, base),
        lm_eval and f"To measure it with lm-eval (`pip install 'lm-eval[hf]'`), in this folder:\n\n    {lm_eval}",
        _licences(config, base, sources, data.license),
        _limits(outcome),
    ]
    text = "\n\n".join(part for part in parts if part)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}\n"))


def _what(config: RunConfig, outcome: RunDocument, roles: Sequence[str]) -> str:
    talkers = "language models"
    if outcome.get("simulated"):
        talkers = "**simulated** teachers (programs that solve and err on purpose, and no language models)"
    elif some := outcome.get("mags", {}).get("simulated"):
        talkers = f"teachers, in {some:,} of them **simulated** ones (programs that solve and err on purpose)"
    tasks = " and ".join(f"`{name}`" for name in learned_tasks(config, outcome))
    if _imported(config):
        talkers = f"{talkers} that were imported"
    tasks = f"the task {tasks} " if tasks else ""
    if roles:
        return (
            f"A team on one base, an adapter for each of {', '.join(roles)}, that learned {tasks}from "
            f"search trees of {talkers} by credit assignment (MALT, COLM 2025), with magdi {version('magdi')}. An "
            "answer takes a call of each, one after the other, and a vote over several such chains."
        )
    return (
        f"A small model that learned {tasks}from discussions between {talkers}, by structured "
        f"distillation of their interaction graphs (MAGDi, ICML 2024), with magdi {version('magdi')}. It answers "
        "alone, in one call."
    )


def _made_from(config: RunConfig, outcome: RunDocument, base: str | None) -> str:
    tiny = "a tiny Llama made on the spot, see `student.tiny` in the run's configuration"
    mags = outcome.get("mags", {})
    rows = {
        "base": base or (tiny if config.student.model == "tiny" else config.student.model),
        "task": ", ".join(learned_tasks(config, outcome)) or "none is named by the discussions",
        "teachers": _teachers(config, outcome),
        "protocol": ", ".join(_protocols(config, outcome)) or "not known",
        "discussions": f"{mags.get('count', 'not known')} ({_counts(mags.get('structures', {}))}){_imported(config)}",
        "encoder, in training only": f"{config.encoder.name}, {config.training.edges} edges",
        "level": config.training.level_name,
        "objectives": ", ".join(_objective(name, each.settings) for name, each in objectives_of(config).items()),
        "adaptation": config.student.adaptation,
        "seed": config.seed,
    }
    return "## Made from\n\n| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items())


def _protocols(config: RunConfig, outcome: RunDocument) -> list[str]:
    """Returns the protocols of the discussions: of MAGs from files their own, whatever the run's settings say."""
    return list(outcome.get("mags", {}).get("protocols", {})) if _imported(config) else [config.protocol.name]


def _teachers(config: RunConfig, outcome: RunDocument) -> str:
    """Returns who spoke, as the turns say or, where that is not kept, the configuration; not at which servers."""
    spoke = outcome.get("mags", {}).get("teachers", {}) or [each.teacher for each in config.teachers]
    nobody = "not known" if _imported(config) else "the task's own"
    said = ", ".join(dict.fromkeys(map(without_servers, spoke))) or nobody
    return said + (" (simulated)" if outcome.get("simulated") else "")


def _imported(config: RunConfig) -> str:
    return ", taken from files and not held by this run" if config.discussion.mag_files else ""


def _objective(name: str, settings: Mapping[str, object]) -> str:
    said = [f"{key} {value}" for key, value in settings.items()]
    return f"{name} ({', '.join(said)})" if said else name


def _counts(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "not counted"


def _scores(config: RunConfig, outcome: RunDocument) -> str:
    if "student" not in outcome:
        return "## Scores\n\nThe run that made it did not evaluate it."
    return "\n".join(["## Scores", "", *_score_lines(config, outcome)])


def _score_lines(config: RunConfig, outcome: RunDocument) -> Iterator[str]:
    yield f"Zero-shot on {outcome['student']['count']:,} {config.evaluation.split} questions of `{asked(config)}`."
    yield ""
    yield "| | accuracy | 95 % interval |"
    yield "|---|---|---|"
    for score, name in ((outcome.get("base"), "before distillation"), (outcome["student"], "this model")):
        if score:
            low, high = score["interval"]
            yield f"| {name} | {100 * score['accuracy']:.1f} % | {100 * low:.1f} to {100 * high:.1f} |"
    if "gain" in outcome:
        gain = outcome["gain"]
        low, high = gain["interval"]
        yield ""
        yield (
            f"On the same questions: {100 * gain['difference']:+.1f} points (95 % interval {100 * low:+.1f} to "
            f"{100 * high:+.1f}, paired bootstrap; McNemar's exact test p = {gain['p']:.2g})."
        )


def _use(adapter: bool, base: str | None) -> str:
    load = (
        f"""model = AutoModelForCausalLM.from_pretrained(folder)  # an adapter of {base}, which is loaded with it"""
        if adapter
        else "model = AutoModelForCausalLM.from_pretrained(folder)"
    )
    return f"""## Use

    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = "."
    tokenizer = AutoTokenizer.from_pretrained(folder)
    {load}
    chat = [{{"role": "user", "content": "your question"}}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    print(tokenizer.decode(model.generate(**inputs, max_new_tokens=300)[0]))"""


def _use_of_team(base: str | None, serve: str, roles: Sequence[str]) -> str:
    first, *others = roles
    name, revision = name_and_revision(base or "")
    named = f'"{name}"' + (f', revision="{revision}"' if revision else "")
    more = "\n".join(f'    model.load_adapter("{role}", adapter_name="{role}")' for role in others)
    teachers = [f"--teacher {role}=openai:{role}@http://localhost:8000/v1" for role in roles]
    return f"""## Use

With PEFT, in this folder:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained({named})
    model = PeftModel.from_pretrained(base, "{first}", adapter_name="{first}")
{more}
    model.set_adapter("{first}")

With vLLM, each role under its own name:

    {serve}

The roles' prompts are those of magdi's protocol `malt`, which holds the chains and the vote (`team.json` has its
settings):

    magdi discuss --protocol malt -P mode=vote {" ".join(teachers)}"""


def _licences(config: RunConfig, base: str | None, sources: Mapping[str, Source], own: str | None) -> str:
    lines = [f"* data of `{task}`: {source.licence}" for task, source in sources.items() if source.licence]
    if config.student.model != "tiny":
        lines.append(f"* base: as {base or config.student.model} says")
    if config.teachers:
        lines.append("* teachers' outputs: their providers' terms may restrict training other models on them")
    made_up = "Everything in it was made by a program; nothing was copied."
    if _imported(config):
        made_up = (
            "* discussions: taken from files, whose owners say what may be done with them; it may have memorised parts"
        )
    said = "Whoever publishes it says under which licence." if own == "other" else f"Its own: `{own}`."
    return "\n\n".join(["## Licences", "\n".join(lines) or made_up, said])


def _limits(outcome: RunDocument) -> str:
    text = (
        "It was trained to answer one kind of question, and says something about any other too. Its reasoning is what "
        "its teachers' looked like; that an answer is right does not make every step so."
    )
    if outcome.get("simulated"):
        text += " Made with simulated teachers, it shows that the program works and is of no other use."
    return f"## Limits\n\n{text}"
