# %% [markdown]
# # The student in vLLM or Ollama
#
# A student is a plain model, or a plain PEFT adapter: nothing of magdi's is needed to serve it. This trains a very
# small one, exports it both ways, loads both with transformers alone, and writes what vLLM and Ollama are given.
#
# **Not run here**: vLLM, which needs a GPU, llama.cpp's converter and Ollama. Nor would they take this toy, whose
# tokenizer is its own; with a student of Qwen, Llama, Mistral or Gemma the same files are what they load.

# %%
import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

import magdi
from magdi.plugins.exporting.export import export

small = "--small" in sys.argv
size = {"training": {"steps": 4}, "student": {"adaptation": "lora", "tiny": {"epochs": 0.1}}}
size = size if small else {"student": {"adaptation": "lora"}}
run = magdi.run(limit=8 if small else 300, evaluation={"questions": 8 if small else 100}, out="runs/served", **size)
adapter = export(Path(run.directory), Path("runs/export/adapter"))
merged = export(Path(run.directory), Path("runs/export/merged"), merge=True)
print(adapter.adapter, adapter.files)
print(merged.merged, merged.files)

# %% [markdown]
# ## With transformers, and nothing else

# %%
model, tokenizer = AutoModelForCausalLM.from_pretrained(merged.path), AutoTokenizer.from_pretrained(merged.path)
question = run.mags[0].question.text
chat = [{"role": "user", "content": question}]
asked = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
reply = model.generate(**asked, max_new_tokens=64, do_sample=False)[0, asked["input_ids"].shape[1] :]
alone = tokenizer.decode(reply, skip_special_tokens=True)
print(question, "->", alone)

# %% [markdown]
# ## vLLM
#
# One base, any number of adapters: each is a model by its name, and can be examined or teach through the same
# address. The roles of a [MALT team](https://magdi.github.io/magdi/malt/#exporting-and-serving) are served in the
# same way.

# %%
print("""\
vllm serve BASE --enable-lora --max-lora-rank 16 --lora-modules student=runs/export/adapter
vllm serve runs/export/merged --served-model-name student
magdi evaluate student@http://localhost:8000/v1 --engine openai --task gsm8k
magdi discuss --teacher student=openai:student@http://localhost:8000/v1 --teacher ...""")

# %% [markdown]
# ## Ollama
#
# Ollama imports safetensors of the usual families as they are; for others, or to choose the quantisation, llama.cpp
# makes a GGUF file first (then `FROM ./student.gguf`). The template is the student's own: it was trained with that
# and no other.

# %%
Path("runs/export/Modelfile").write_text("""\
FROM ./merged
PARAMETER temperature 0
""")
print("""\
cd runs/export && ollama create student -f Modelfile && ollama run student
python llama.cpp/convert_hf_to_gguf.py runs/export/merged --outfile runs/export/student.gguf --outtype q8_0
magdi evaluate student@http://localhost:11434/v1 --engine openai --task gsm8k""")
run
