"""What magdi ships, written as any plugin is: it comes in by the same hooks as a third party's."""

from __future__ import annotations

from collections.abc import Iterator

from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.hookspecs import hookimpl


@hookimpl
def magdi_protocols() -> Iterator[Component]:
    """Yields the shipped protocols."""
    yield Component(
        "reconcile",
        "magdi.protocols.reconcile:ReConcile",
        "Round table of different models, confidence-weighted vote, until consensus (Chen et al., 2024).",
    )
    yield Component("single", "magdi.protocols.single:Single", "Every agent answers alone, once.")
    yield Component(
        "self-consistency",
        "magdi.protocols.self_consistency:SelfConsistency",
        "Samples of one prompt and a plurality vote (Wang et al., 2023).",
    )
    yield Component(
        "self-refine",
        "magdi.protocols.self_refine:SelfRefine",
        "Every agent comments on its own answer and mends it (Madaan et al., 2023).",
    )
    yield Component(
        "debate",
        "magdi.protocols.debate:Debate",
        "Agents answer, read each other and answer again; any topology (Du et al., 2024).",
    )
    yield Component(
        "mad",
        "magdi.protocols.mad:Mad",
        "Two sides tit for tat, a moderator who may end it, else a judge (Liang et al., 2024).",
    )
    yield Component(
        "roundtable",
        "magdi.protocols.roundtable:Roundtable",
        "Group chat, one speaks at a time: by turns, chosen, by lot, handed over (AutoGen's pattern).",
    )
    yield Component(
        "solver-critic",
        "magdi.protocols.solver_critic:SolverCritic",
        "Solver and critic alternate until the critic approves.",
    )
    yield Component(
        "malt",
        "magdi.protocols.malt:Malt",
        "Tree of generator, verifier, refiner with values from outcomes (Motwani et al., 2025).",
    )
    yield Component(
        "dag",
        "magdi.protocols.dag:Dag",
        "Solutions flow along a graph of actors, with critics on its edges (MacNet; Qian et al., 2025).",
    )
    yield Component(
        "dialogue",
        "magdi.protocols.dialogue:Dialogue",
        "A protocol in YAML: who takes part, who speaks when, who sees what, when it stops.",
    )
    yield Component(
        "autogen",
        "magdi.protocols.autogen:Autogen",
        "A real team of AutoGen, with magdi's teachers as its model clients.",
        requires="magdi[autogen]",
    )


@hookimpl
def magdi_encoders() -> Iterator[Component]:
    """Yields the shipped encoders."""
    yield Component("gcn", "magdi.encoders.gcn:Gcn", "Two graph convolutions, ReLU(D^-1 M h W): the paper's.")
    yield Component(
        "gcn-symmetric",
        "magdi.encoders.gcn_symmetric:GcnSymmetric",
        "Graph convolutions with symmetric normalisation and dropout: the authors' code.",
    )
    yield Component(
        "node-attention",
        "magdi.encoders.node_attention:NodeAttention",
        "Self-attention over a MAG's turns; no edges.",
    )
    yield Component(
        "token-attention",
        "magdi.encoders.token_attention:TokenAttention",
        "Self-attention over all tokens of an interaction, pooled by turn; no edges.",
    )
    yield Component("none", "magdi.encoders.none:NoEncoder", "No graph: each turn is classified by its own state.")
    yield Component("sage", "magdi.encoders.sage:Sage", "GraphSAGE: own state and mean of the seen, weights for each.")
    yield Component("gin", "magdi.encoders.gin:Gin", "Graph isomorphism network: sums, which count agreement.")
    yield Component("gat", "magdi.encoders.gat:Gat", "Graph attention (GATv2): a turn weighs what it was shown.")
    yield Component(
        "graph-transformer",
        "magdi.encoders.graph_transformer:GraphTransformer",
        "Dot-product attention along the edges (PyG's TransformerConv).",
    )
    yield Component("rgcn", "magdi.encoders.rgcn:Rgcn", "Relational convolution: weights for every kind of edge.")
    yield Component("dir-gnn", "magdi.encoders.dir_gnn:DirGnn", "Both directions of the edges, weights for each.")


@hookimpl
def magdi_teachers() -> Iterator[Component]:
    """Yields the shipped teachers."""
    yield Component("openai", "magdi.plugins.teachers.openai:OpenAITeacher", "Any OpenAI-compatible server.")
    yield Component("hf", "magdi.plugins.teachers.local:LocalTeacher", "A model of transformers on this machine.")
    yield Component(
        "litellm",
        "magdi.plugins.teachers.litellm:LitellmTeacher",
        "Every vendor that LiteLLM knows.",
        requires="magdi[litellm]",
    )
    yield Component(
        "vllm",
        "magdi.plugins.teachers.vllm:VllmTeacher",
        "vLLM's offline engine in this process.",
        requires="magdi[vllm]",
    )
    yield Component(
        "replay", "magdi.plugins.teachers.replay:ReplayTeacher", "Answers from a recorded MAG file or journal."
    )
    yield Component(
        "simulated",
        "magdi.plugins.teachers.simulated:SimulatedTeacher",
        "A programmatic solver with slips, style, confidence and stubbornness; no language model.",
    )


@hookimpl
def magdi_tasks() -> Iterator[Component]:
    """Yields the shipped tasks."""
    yield Component(
        "arithmetic", "magdi.plugins.tasks.arithmetic:Arithmetic", "Procedural word problems, several steps."
    )
    yield Component("gsm8k", "magdi.plugins.tasks.gsm8k:Gsm8k", "Grade-school mathematics (Cobbe et al., 2021).")
    yield Component("strategyqa", "magdi.plugins.tasks.strategyqa:StrategyQa", "Yes or no, with implicit steps.")
    yield Component("commonsense-qa", "magdi.plugins.tasks.commonsense_qa:CommonsenseQa", "Five options, common sense.")
    yield Component("arc-challenge", "magdi.plugins.tasks.arc:ArcChallenge", "School science, hard, with options.")
    yield Component("math", "magdi.plugins.tasks.math:Math", "Competition mathematics, answers are expressions.")
    yield Component("svamp", "magdi.plugins.tasks.svamp:Svamp", "One-step word problems; held out, for testing.")
    yield Component("boolq", "magdi.plugins.tasks.boolq:BoolQ", "Yes or no, from passages; held out, for testing.")
    yield Component("jsonl", "magdi.plugins.tasks.jsonl:Jsonl", "Your own questions from JSONL files (jsonl:PATH).")
    yield Component("hf", "magdi.plugins.tasks.hf:Hf", "Any dataset on the hub by its columns (hf:DATASET).")
    yield Component("mix", "magdi.plugins.tasks.mix:Mix", "Several tasks as one (mix:gsm8k+svamp).")


@hookimpl
def magdi_objectives() -> Iterator[Component]:
    """Yields the shipped objectives."""
    yield Component(
        "positive", "magdi.plugins.objectives.positive:Positive", "L+: next-token loss on right reasoning (Eq. 1)."
    )
    yield Component(
        "margin", "magdi.plugins.objectives.margin:Margin", "L-: a margin between right and wrong turns (Eq. 2)."
    )
    yield Component(
        "node", "magdi.plugins.objectives.node:Node", "L_I: turns classified through the graph encoder (Eq. 3)."
    )
    yield Component(
        "dpo",
        "magdi.plugins.objectives.dpo:Dpo",
        "Right turns preferred to wrong ones, measured from the student before training (Rafailov et al., 2023).",
    )
    yield Component(
        "unlikelihood",
        "magdi.plugins.objectives.unlikelihood:Unlikelihood",
        "Tokens of wrong turns made less likely (Welleck et al., 2020).",
    )


@hookimpl
def magdi_decisions() -> Iterator[Component]:
    """Yields the shipped decision rules."""
    yield Component("plurality", "magdi.plugins.decisions.votes:Plurality", "The most frequent of the last answers.")
    yield Component(
        "weighted",
        "magdi.plugins.decisions.votes:Weighted",
        "The last answers, weighted by recalibrated confidence (ReConcile).",
    )
    yield Component("last-word", "magdi.plugins.decisions.votes:LastWord", "The last answer of all.")
    yield Component(
        "first-round",
        "magdi.plugins.decisions.votes:FirstRound",
        "A vote before anyone was shown anything: the plain ensemble.",
    )
    yield Component(
        "majority", "magdi.plugins.decisions.votes:Majority", "An answer that more than half of the agents give."
    )
    yield Component(
        "supermajority",
        "magdi.plugins.decisions.votes:Supermajority",
        "An answer that two of three, or three of four, give.",
    )
    yield Component("unanimity", "magdi.plugins.decisions.votes:Unanimity", "An answer that all agents give.")
    yield Component(
        "simple-voting", "magdi.plugins.decisions.ballots:SimpleVoting", "A ballot: every agent votes for one answer."
    )
    yield Component(
        "approval",
        "magdi.plugins.decisions.ballots:ApprovalVoting",
        "A ballot: every agent votes for all answers that may be right.",
    )
    yield Component(
        "ranked",
        "magdi.plugins.decisions.ballots:RankedVoting",
        "A ballot: every agent ranks the answers (Borda count).",
    )
    yield Component(
        "cumulative", "magdi.plugins.decisions.ballots:CumulativeVoting", "A ballot: every agent shares ten points out."
    )
    yield Component(
        "judge", "magdi.plugins.decisions.judge:Judge", "One agent reads the last words of all and answers for them."
    )


@hookimpl
def magdi_importers() -> Iterator[Component]:
    """Yields the shipped importers."""
    yield Component("magdi", "magdi.plugins.formats.importers.magdi_lines:MagdiLines", "MAGs as magdi writes them.")
    yield Component(
        "reconcile",
        "magdi.plugins.formats.importers.magdi_json:ReconcileResults",
        "Result files of MAGDi and ReConcile.",
    )
    yield Component(
        "solutions", "magdi.plugins.formats.importers.solutions:Solutions", "example_model_solutions of GSM8K."
    )
    yield Component(
        "eot", "magdi.plugins.formats.importers.eot:ExchangeOfThought", "Records of EoT (Exchange-of-Thought)."
    )
    yield Component(
        "mallm", "magdi.plugins.formats.importers.mallm:Mallm", "Discussions of MALLM, memory_ids as edges."
    )
    yield Component(
        "mad",
        "magdi.plugins.formats.importers.mad:MadDebates",
        "Debates of MAD: affirmative, negative, moderator, judge.",
    )
    yield Component("autogen", "magdi.plugins.formats.importers.autogen:AutogenResults", "TaskResult of AutoGen.")
    yield Component(
        "du", "magdi.plugins.formats.importers.du:DuDebates", "Multi-agent debates of Du et al., and of DyLAN."
    )


@hookimpl
def magdi_exporters() -> Iterator[Component]:
    """Yields the shipped exporters."""
    yield Component("magdi", "magdi.plugins.formats.exporters.magdi_lines:MagdiLines", "Own JSONL of magdi.")
    yield Component(
        "node-link",
        "magdi.plugins.formats.exporters.graphs:NodeLink",
        "JSONL of the node-link form of networkx, one graph a line.",
    )
    yield Component(
        "graphml", "magdi.plugins.formats.exporters.graphs:GraphMl", "A folder of GraphML files, one a graph."
    )
    yield Component(
        "pyg",
        "magdi.plugins.formats.exporters.tensors:PyG",
        "Safetensors of all graphs, read as torch_geometric Data by load_pyg.",
    )
    yield Component(
        "parquet", "magdi.plugins.formats.exporters.tables:Parquet", "One Parquet file, one discussion a row."
    )
    yield Component(
        "dataset",
        "magdi.plugins.formats.exporters.tables:Dataset",
        "A folder for the Hugging Face hub: Parquet and a card.",
    )


@hookimpl
def magdi_commands() -> Iterator[Component]:
    """Yields the shipped commands."""
    yield Component(
        "run",
        "magdi.cli.run:run",
        "Teachers discuss, a student learns from the graph, and is evaluated. The same command again resumes.",
    )
    yield Component("discuss", "magdi.cli.run:discuss", "Hold the discussions of a run and no more: its mags.jsonl.")
    yield Component(
        "distill", "magdi.cli.run:distill", "Train a student on a MAG file (--mags), or on the discussions of a run."
    )
    yield Component(
        "ablate",
        "magdi.cli.ablate:ablate",
        "Run every cell of a grid with several seeds, compare them in pairs, and print one table.",
    )
    yield Component(
        "evaluate",
        "magdi.cli.evaluate:evaluate",
        "Measure accuracy on held-out questions; several models are compared on the same ones.",
    )
    yield Component(
        "ask", "magdi.cli.ask:ask", "Ask a student a question of your own; what stands alone is the question."
    )
    yield Component(
        "view",
        "magdi.cli.view:view",
        "Write one HTML file that shows a run, a suite or a MAG file; it needs no server and no network.",
    )
    yield Component(
        "export",
        "magdi.cli.export:export",
        "Write a run's student as a plain model or adapter, with a model card and a line for lm-eval.",
    )
    yield Component("mags", "magdi.cli.mags:app", "Import, look at, check and export files of discussions (MAGs).")
    yield Component("runs", "magdi.cli.runs:app", "List runs, show one, compare two.")
    yield Component("plugins", "magdi.cli.plugins:app", "Look at plugins and components, check them, start a new one.")
    yield Component("config", "magdi.cli.config:app", "Look at configurations and check them.")
    yield Component(
        "doctor", "magdi.cli.doctor:doctor", "Look at this machine: versions, devices, extras, keys, cache, plugins."
    )
    yield Component(
        "trust",
        "magdi.cli.trust:trust",
        "Trust plugins as they are now: what files name is run only once its content is trusted. Look at it first.",
    )


BUILTINS: dict[Kind, tuple[Component, ...]] = {kind: tuple(globals()[f"magdi_{kind}s"]()) for kind in KINDS}
"""The shipped components by kind."""

COMMANDS: tuple[Component, ...] = tuple(magdi_commands())
"""The shipped commands, in the order of the help."""
