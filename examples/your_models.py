# %% [markdown]
# # Your models in half an hour
#
# Teachers behind any OpenAI-compatible servers (OpenAI, vLLM, SGLang, Ollama, llama.cpp), your own questions, a
# student from the Hugging Face hub. `python examples/your_models.py ada=MODEL@http://host:8000/v1 ben=...`; keys
# come from the environment. Without any, a stub is asked, which echoes, so that you see what happens.

# %%
import contextlib
import sys

import magdi
from magdi.plugins.testing.stub_server import StubServer

arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]  # a notebook's are not ours
servers = [argument for argument in arguments if "=" in argument]
stack = contextlib.ExitStack()
if not servers:
    stub = stack.enter_context(StubServer())
    servers = [f"{name}=stub@{stub.url}" for name in ("ada", "ben", "cyd")]
teachers = [tuple(each.split("=", 1)) for each in servers]
teachers = [(name, f"openai:{target}") for name, target in teachers]

# %% [markdown]
# ## Your questions
#
# Pairs of a text and its answer; or `task="gsm8k"`, or a JSONL file: `task={"name": "jsonl", "data":
# "mine.jsonl"}`.

# %%
questions = [(f"What is {a} + {b}?", str(a + b)) for a in range(2, 12) for b in range(2, 5)]

# %% [markdown]
# ## What it would take, then the discussions
#
# Limits stop a run, and the same call goes on; nothing is paid for twice.

# %%
talk = magdi.discuss(task=questions, teachers=teachers, protocol="debate", max_calls=500, out="runs/your-models")
for mag in talk.mags[:3]:
    print(mag.question.text, mag.decision.answer, mag.decision.correct, [turn.answer for turn in mag.turns])
print(f"{sum(len(mag.turns) for mag in talk.mags)} calls, {sum(mag.usage.total_tokens for mag in talk.mags)} tokens")

# %% [markdown]
# ## The student
#
# With a GPU and the network: `magdi.distill(talk, student="Qwen/Qwen2.5-1.5B-Instruct")`, then `magdi.evaluate`.
# Here the stub's discussions are looked at, and no student is downloaded.

# %%
stack.close()
talk
