"""The shipped components, by name; they go through the same door as third-party ones."""

from __future__ import annotations

from magdi.plugins.component import Component, Kind

BUILTINS: dict[Kind, tuple[Component, ...]] = {
    "protocol": (
        Component(
            "reconcile",
            "magdi.protocols.reconcile:ReConcile",
            "Round table of different models, confidence-weighted vote, until consensus (Chen et al., 2024).",
        ),
        Component("single", "magdi.protocols.single:Single", "Every agent answers alone, once."),
        Component(
            "self-consistency",
            "magdi.protocols.self_consistency:SelfConsistency",
            "Samples of one prompt and a plurality vote (Wang et al., 2023).",
        ),
        Component(
            "self-refine",
            "magdi.protocols.self_refine:SelfRefine",
            "Every agent comments on its own answer and mends it (Madaan et al., 2023).",
        ),
        Component(
            "debate",
            "magdi.protocols.debate:Debate",
            "Agents answer, read each other and answer again; any topology (Du et al., 2024).",
        ),
        Component(
            "mad",
            "magdi.protocols.mad:Mad",
            "Two sides tit for tat, a moderator who may end it, else a judge (Liang et al., 2024).",
        ),
        Component(
            "roundtable",
            "magdi.protocols.roundtable:Roundtable",
            "Group chat, one speaks at a time: by turns, chosen, by lot, handed over (AutoGen's pattern).",
        ),
        Component(
            "solver-critic",
            "magdi.protocols.solver_critic:SolverCritic",
            "Solver and critic alternate until the critic approves.",
        ),
        Component(
            "malt",
            "magdi.protocols.malt:Malt",
            "Tree of generator, verifier, refiner with values from outcomes (Motwani et al., 2025).",
        ),
        Component(
            "dag",
            "magdi.protocols.dag:Dag",
            "Solutions flow along a graph of actors, with critics on its edges (MacNet; Qian et al., 2025).",
        ),
        Component(
            "dialogue",
            "magdi.protocols.dialogue:Dialogue",
            "A protocol in YAML: who takes part, who speaks when, who sees what, when it stops.",
        ),
        Component(
            "autogen",
            "magdi.protocols.autogen:Autogen",
            "A real team of AutoGen, with magdi's teachers as its model clients.",
            requires="magdi[autogen]",
        ),
    ),
    "encoder": (
        Component("gcn", "magdi.encoders.gcn:Gcn", "Two graph convolutions, ReLU(D^-1 M h W): the paper's."),
        Component(
            "gcn-symmetric",
            "magdi.encoders.gcn_symmetric:GcnSymmetric",
            "Graph convolutions with symmetric normalisation and dropout: the authors' code.",
        ),
        Component(
            "node-attention",
            "magdi.encoders.node_attention:NodeAttention",
            "Self-attention over a MAG's turns; no edges.",
        ),
        Component(
            "token-attention",
            "magdi.encoders.token_attention:TokenAttention",
            "Self-attention over all tokens of an interaction, pooled by turn; no edges.",
        ),
        Component("none", "magdi.encoders.none:NoEncoder", "No graph: each turn is classified by its own state."),
        Component("sage", "magdi.encoders.sage:Sage", "GraphSAGE: own state and mean of the seen, weights for each."),
        Component("gin", "magdi.encoders.gin:Gin", "Graph isomorphism network: sums, which count agreement."),
        Component("gat", "magdi.encoders.gat:Gat", "Graph attention (GATv2): a turn weighs what it was shown."),
        Component(
            "graph-transformer",
            "magdi.encoders.graph_transformer:GraphTransformer",
            "Dot-product attention along the edges (PyG's TransformerConv).",
        ),
        Component("rgcn", "magdi.encoders.rgcn:Rgcn", "Relational convolution: weights for every kind of edge."),
        Component("dir-gnn", "magdi.encoders.dir_gnn:DirGnn", "Both directions of the edges, weights for each."),
    ),
    "teacher": (
        Component("openai", "magdi.plugins.teachers.openai:OpenAITeacher", "Any OpenAI-compatible server."),
        Component("hf", "magdi.plugins.teachers.local:LocalTeacher", "A model of transformers on this machine."),
        Component(
            "litellm",
            "magdi.plugins.teachers.litellm:LitellmTeacher",
            "Every vendor that LiteLLM knows.",
            requires="magdi[litellm]",
        ),
        Component(
            "vllm",
            "magdi.plugins.teachers.vllm:VllmTeacher",
            "vLLM's offline engine in this process.",
            requires="magdi[vllm]",
        ),
        Component(
            "replay", "magdi.plugins.teachers.replay:ReplayTeacher", "Answers from a recorded MAG file or journal."
        ),
        Component(
            "simulated",
            "magdi.plugins.teachers.simulated:SimulatedTeacher",
            "A programmatic solver with slips, style, confidence and stubbornness; no language model.",
        ),
    ),
    "task": (
        Component(
            "arithmetic", "magdi.plugins.tasks.arithmetic:Arithmetic", "Procedural word problems, several steps."
        ),
        Component("order", "magdi.plugins.tasks.order:Order", "Instrument: a misconception that two of three share."),
        Component("bugs", "magdi.plugins.tasks.bugs:Bugs", "Instrument: bugs of calculating, of three kinds."),
        Component("gsm8k", "magdi.plugins.tasks.gsm8k:Gsm8k", "Grade-school mathematics (Cobbe et al., 2021)."),
        Component("strategyqa", "magdi.plugins.tasks.strategyqa:StrategyQa", "Yes or no, with implicit steps."),
        Component("commonsense-qa", "magdi.plugins.tasks.commonsense_qa:CommonsenseQa", "Five options, common sense."),
        Component("arc-challenge", "magdi.plugins.tasks.arc:ArcChallenge", "School science, hard, with options."),
        Component("math", "magdi.plugins.tasks.math:Math", "Competition mathematics, answers are expressions."),
        Component("svamp", "magdi.plugins.tasks.svamp:Svamp", "One-step word problems; held out, for testing."),
        Component("boolq", "magdi.plugins.tasks.boolq:BoolQ", "Yes or no, from passages; held out, for testing."),
        Component("jsonl", "magdi.plugins.tasks.jsonl:Jsonl", "Your own questions from JSONL files (jsonl:PATH)."),
        Component("hf", "magdi.plugins.tasks.hf:Hf", "Any dataset on the hub by its columns (hf:DATASET)."),
        Component("mix", "magdi.plugins.tasks.mix:Mix", "Several tasks as one (mix:gsm8k+svamp)."),
    ),
    "objective": (
        Component(
            "positive", "magdi.plugins.objectives.positive:Positive", "L+: next-token loss on right reasoning (Eq. 1)."
        ),
        Component(
            "margin", "magdi.plugins.objectives.margin:Margin", "L-: a margin between right and wrong turns (Eq. 2)."
        ),
        Component(
            "node", "magdi.plugins.objectives.node:Node", "L_I: turns classified through the graph encoder (Eq. 3)."
        ),
        Component(
            "dpo",
            "magdi.plugins.objectives.dpo:Dpo",
            "Right turns preferred to wrong ones, measured from the student before training (Rafailov et al., 2023).",
        ),
        Component(
            "unlikelihood",
            "magdi.plugins.objectives.unlikelihood:Unlikelihood",
            "Tokens of wrong turns made less likely (Welleck et al., 2020).",
        ),
        Component(
            "contrast",
            "magdi.plugins.objectives.contrast:Contrast",
            "L- on the student's own log-probabilities: right turns likelier than wrong ones by a margin.",
        ),
        Component(
            "classification",
            "magdi.plugins.objectives.classification:Classification",
            "L_I on the student's own log-probabilities: right turns likely, wrong ones not.",
        ),
        Component(
            "propagation",
            "magdi.plugins.objectives.propagation:Propagation",
            "The same, corrected by what the encoder makes of the graph: what it cannot explain is learned.",
        ),
    ),
}
