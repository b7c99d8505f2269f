"""What magdi ships, written as any plugin is: it comes in by the same hooks as a third party's."""

from __future__ import annotations

from collections.abc import Iterator

from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.hookspecs import hookimpl


def _of(package: str, *rows: tuple[str, ...]) -> Iterator[Component]:
    """Yields components of a package: name, target in the package, summary, what they require, settings."""
    for name, target, *about in rows:
        yield Component(name, f"{package}.{target}", *about)


@hookimpl
def magdi_protocols() -> Iterator[Component]:
    """Yields the shipped protocols."""
    yield from _of(
        "magdi.protocols",
        (
            "reconcile",
            "reconcile:ReConcile",
            "Round table of different models, confidence-weighted vote, until consensus (Chen et al., 2024).",
        ),
        ("single", "single:Single", "Every agent answers alone, once."),
        (
            "self-consistency",
            "self_consistency:SelfConsistency",
            "Samples of one prompt and a plurality vote (Wang et al., 2023).",
        ),
        (
            "self-refine",
            "self_refine:SelfRefine",
            "Every agent comments on its own answer and mends it (Madaan et al., 2023).",
        ),
        ("debate", "debate:Debate", "Agents answer, read each other and answer again; any topology (Du et al., 2024)."),
        ("mad", "mad:Mad", "Two sides tit for tat, a moderator who may end it, else a judge (Liang et al., 2024)."),
        (
            "roundtable",
            "roundtable:Roundtable",
            "Group chat, one speaks at a time: by turns, chosen, by lot, handed over (AutoGen's pattern).",
        ),
        ("solver-critic", "solver_critic:SolverCritic", "Solver and critic alternate until the critic approves."),
        ("malt", "malt:Malt", "Tree of generator, verifier, refiner with values from outcomes (Motwani et al., 2025)."),
        (
            "dag",
            "dag:Dag",
            "Solutions flow along a graph of actors, with critics on its edges (MacNet; Qian et al., 2025).",
        ),
        (
            "dialogue",
            "dialogue:Dialogue",
            "A protocol in YAML: who takes part, who speaks when, who sees what, when it stops.",
        ),
        (
            "autogen",
            "autogen:Autogen",
            "A real team of AutoGen, with magdi's teachers as its model clients.",
            "magdi[autogen]",
        ),
        (
            "agent-framework",
            "agent_framework:AgentFramework",
            "A real team of Microsoft Agent Framework, with magdi's teachers as its chat clients.",
            "magdi[agent-framework]",
        ),
        ("ag2", "ag2:Ag2", "A real team of AG2, with magdi's teachers as its models.", "magdi[ag2]"),
    )


@hookimpl
def magdi_encoders() -> Iterator[Component]:
    """Yields the shipped encoders."""
    own = "magdi.encoders.settings"
    yield from _of(
        "magdi.encoders",
        ("gcn", "gcn:Gcn", "Two graph convolutions, ReLU(D^-1 M h W): the paper's.", "", f"{own}:GcnConfig"),
        (
            "gcn-symmetric",
            "gcn_symmetric:GcnSymmetric",
            "Graph convolutions with symmetric normalisation and dropout: the authors' code.",
            "",
            f"{own}:GcnSymmetricConfig",
        ),
        (
            "node-attention",
            "node_attention:NodeAttention",
            "Self-attention over a MAG's turns; no edges.",
            "",
            f"{own}:HeadsConfig",
        ),
        (
            "token-attention",
            "token_attention:TokenAttention",
            "Self-attention over all tokens of an interaction, pooled by turn; no edges.",
            "",
            f"{own}:HeadsConfig",
        ),
        (
            "none",
            "none:NoEncoder",
            "No graph: each turn is classified by its own state.",
            "",
            "magdi.core.configurable:NoConfig",
        ),
        ("sage", "sage:Sage", "GraphSAGE: own state and mean of the seen, weights for each.", "", f"{own}:StackConfig"),
        ("gin", "gin:Gin", "Graph isomorphism network: sums, which count agreement.", "", f"{own}:StackConfig"),
        ("gat", "gat:Gat", "Graph attention (GATv2): a turn weighs what it was shown.", "", f"{own}:HeadsConfig"),
        (
            "graph-transformer",
            "graph_transformer:GraphTransformer",
            "Dot-product attention along the edges (PyG's TransformerConv).",
            "",
            f"{own}:HeadsConfig",
        ),
        ("rgcn", "rgcn:Rgcn", "Relational convolution: weights for every kind of edge.", "", f"{own}:StackConfig"),
        ("dir-gnn", "dir_gnn:DirGnn", "Both directions of the edges, weights for each.", "", f"{own}:DirGnnConfig"),
    )


@hookimpl
def magdi_teachers() -> Iterator[Component]:
    """Yields the shipped teachers."""
    yield from _of(
        "magdi.plugins.teachers",
        ("openai", "openai:OpenAITeacher", "Any OpenAI-compatible server."),
        ("hf", "local:LocalTeacher", "A model of transformers on this machine."),
        ("local", "trained:TrainedTeacher", "What a run trained: its student, a team's role."),
        ("litellm", "litellm:LitellmTeacher", "Every vendor that LiteLLM knows.", "magdi[litellm]"),
        ("vllm", "vllm:VllmTeacher", "vLLM's offline engine in this process.", "magdi[vllm]"),
        ("replay", "replay:ReplayTeacher", "Answers from a recorded MAG file or journal."),
        (
            "simulated",
            "simulated:SimulatedTeacher",
            "A programmatic solver with slips, style, confidence and stubbornness; no language model.",
        ),
    )


@hookimpl
def magdi_tasks() -> Iterator[Component]:
    """Yields the shipped tasks."""
    yield from _of(
        "magdi.plugins.tasks",
        ("arithmetic", "arithmetic:Arithmetic", "Procedural word problems, several steps."),
        ("order", "order:Order", "Instrument: a misconception that two of three share."),
        ("bugs", "bugs:Bugs", "Instrument: bugs of calculating, of three kinds."),
        ("gsm8k", "gsm8k:Gsm8k", "Grade-school mathematics (Cobbe et al., 2021)."),
        ("strategyqa", "strategyqa:StrategyQa", "Yes or no, with implicit steps."),
        ("commonsense-qa", "commonsense_qa:CommonsenseQa", "Five options, common sense."),
        ("arc-challenge", "arc:ArcChallenge", "School science, hard, with options."),
        ("math", "math:Math", "Competition mathematics, answers are expressions."),
        ("svamp", "svamp:Svamp", "One-step word problems; held out, for testing."),
        ("boolq", "boolq:BoolQ", "Yes or no, from passages; held out, for testing."),
        ("jsonl", "jsonl:Jsonl", "Your own questions from JSONL files (jsonl:PATH)."),
        ("hf", "hf:Hf", "Any dataset on the hub by its columns (hf:DATASET)."),
        ("mix", "mix:Mix", "Several tasks as one (mix:gsm8k+svamp)."),
    )


@hookimpl
def magdi_objectives() -> Iterator[Component]:
    """Yields the shipped objectives."""
    yield from _of(
        "magdi.plugins.objectives",
        ("positive", "positive:Positive", "L+: next-token loss on right reasoning (Eq. 1)."),
        ("margin", "margin:Margin", "L-: a margin between right and wrong turns (Eq. 2)."),
        ("node", "node:Node", "L_I: turns classified through the graph encoder (Eq. 3)."),
        (
            "dpo",
            "dpo:Dpo",
            "Right turns preferred to wrong ones, measured from the student before training (Rafailov et al., 2023).",
        ),
        ("unlikelihood", "unlikelihood:Unlikelihood", "Tokens of wrong turns made less likely (Welleck et al., 2020)."),
        (
            "contrast",
            "contrast:Contrast",
            "L- on the student's own log-probabilities: right turns likelier than wrong ones by a margin.",
        ),
        (
            "classification",
            "classification:Classification",
            "L_I on the student's own log-probabilities: right turns likely, wrong ones not.",
        ),
        (
            "propagation",
            "propagation:Propagation",
            "The same, corrected by what the encoder makes of the graph: what it cannot explain is learned.",
        ),
    )


@hookimpl
def magdi_decisions() -> Iterator[Component]:
    """Yields the shipped decision rules."""
    yield from _of(
        "magdi.plugins.decisions",
        ("plurality", "votes:Plurality", "The most frequent of the last answers."),
        ("weighted", "votes:Weighted", "The last answers, weighted by recalibrated confidence (ReConcile)."),
        ("last-word", "votes:LastWord", "The last answer of all."),
        ("first-round", "votes:FirstRound", "A vote before anyone was shown anything: the plain ensemble."),
        ("majority", "votes:Majority", "An answer that more than half of the agents give."),
        ("supermajority", "votes:Supermajority", "An answer that two of three, or three of four, give."),
        ("unanimity", "votes:Unanimity", "An answer that all agents give."),
        ("simple-voting", "ballots:SimpleVoting", "A ballot: every agent votes for one answer."),
        ("approval", "ballots:ApprovalVoting", "A ballot: every agent votes for all answers that may be right."),
        ("ranked", "ballots:RankedVoting", "A ballot: every agent ranks the answers (Borda count)."),
        ("cumulative", "ballots:CumulativeVoting", "A ballot: every agent shares ten points out."),
        ("judge", "judge:Judge", "One agent reads the last words of all and answers for them."),
    )


@hookimpl
def magdi_importers() -> Iterator[Component]:
    """Yields the shipped importers."""
    yield from _of(
        "magdi.plugins.formats.importers",
        ("magdi", "magdi_lines:MagdiLines", "MAGs as magdi writes them."),
        ("otel", "otel:OtelSpans", "OpenTelemetry spans of any agent framework."),
        ("reconcile", "magdi_json:ReconcileResults", "Result files of MAGDi and ReConcile."),
        ("solutions", "solutions:Solutions", "example_model_solutions of GSM8K."),
        ("who-when", "who_when:WhoWhen", "Who&When's failed runs, the guilty step labelled."),
        ("drift-eval", "drift_eval:DriftEval", "Debates of DRIFTEval that drift off, with why."),
        ("eot", "eot:ExchangeOfThought", "Records of EoT (Exchange-of-Thought)."),
        ("mallm", "mallm:Mallm", "Discussions of MALLM, memory_ids as edges."),
        ("mad", "mad:MadDebates", "Debates of MAD: affirmative, negative, moderator, judge."),
        ("autogen", "autogen:AutogenResults", "TaskResult of AutoGen."),
        ("du", "du:DuDebates", "Multi-agent debates of Du et al., and of DyLAN."),
        ("chat", "chats:Chats", "Transcripts of any system: who said what, whatever the fields are called."),
    )


@hookimpl
def magdi_exporters() -> Iterator[Component]:
    """Yields the shipped exporters."""
    yield from _of(
        "magdi.plugins.formats.exporters",
        ("magdi", "magdi_lines:MagdiLines", "Own JSONL of magdi."),
        ("node-link", "graphs:NodeLink", "JSONL of the node-link form of networkx, one graph a line."),
        ("graphml", "graphs:GraphMl", "A folder of GraphML files, one a graph."),
        ("pyg", "tensors:PyG", "Safetensors of all graphs, read as torch_geometric Data by load_pyg."),
        ("parquet", "tables:Parquet", "One Parquet file, one discussion a row."),
        ("dataset", "tables:Dataset", "A folder for the Hugging Face hub: Parquet and a card."),
        ("sft", "lessons:Sft", "Prompt-completion rows for TRL: right turns after what they were asked."),
        ("dpo", "lessons:Dpo", "Preferences for TRL: right and wrong turns after the same prompt."),
        ("kto", "lessons:Kto", "Unpaired preferences for TRL: right and wrong turns."),
        ("prm", "lessons:Prm", "Stepwise rows for TRL: what led to an answer, each turn right or wrong."),
    )


@hookimpl
def magdi_commands() -> Iterator[Component]:
    """Yields the shipped commands."""
    yield from _of(
        "magdi.cli",
        (
            "run",
            "run:run",
            "Teachers discuss, a student learns from the graph, and is evaluated. The same command again resumes.",
        ),
        ("discuss", "run:discuss", "Hold the discussions of a run and no more: its mags.jsonl."),
        ("distill", "run:distill", "Train a student on a MAG file (--mags), or on the discussions of a run."),
        (
            "ablate",
            "ablate:ablate",
            "Run every cell of a grid with several seeds, compare them in pairs, and print one table.",
        ),
        (
            "evaluate",
            "evaluate:evaluate",
            "Measure accuracy on held-out questions; several models are compared on the same ones.",
        ),
        ("ask", "ask:ask", "Ask a student a question of your own; what stands alone is the question."),
        (
            "view",
            "view:view",
            "Write one HTML file that shows a run, a suite or a MAG file; it needs no server and no network.",
        ),
        (
            "export",
            "export:export",
            "Write a run's student as a plain model or adapter, with a model card and a line for lm-eval.",
        ),
        ("mags", "mags:app", "Import, look at, check and export files of discussions (MAGs)."),
        (
            "collect",
            "collect:collect",
            "Receive OpenTelemetry spans and write discussions (MAGs), until Ctrl-C.",
        ),
        ("runs", "runs:app", "List runs, show one, compare two."),
        ("plugins", "plugins:app", "Look at plugins and components, check them, start a new one."),
        ("config", "config:app", "Look at configurations and check them."),
        ("doctor", "doctor:doctor", "Look at this machine: versions, devices, extras, keys, cache, plugins."),
        (
            "trust",
            "trust:trust",
            "Trust plugins as they are now: what files name is run only once its content is trusted. Look at it first.",
        ),
    )


BUILTINS: dict[Kind, tuple[Component, ...]] = {kind: tuple(globals()[f"magdi_{kind}s"]()) for kind in KINDS}
"""The shipped components by kind."""

COMMANDS: tuple[Component, ...] = tuple(magdi_commands())
"""The shipped commands, in the order of the help."""
