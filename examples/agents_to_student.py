# %% [markdown]
# # Your agents' traces into a student
#
# A team that somebody already runs, in any framework whose instrumentation records messages, becomes training data.
# Here the team is a dozen lines with spans of their own, and its "models" are programs, so that it runs anywhere;
# `magdi.record` (or, beside a program that you do not want to touch, `magdi collect`) sees nothing but the spans.

# %%
import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from opentelemetry import trace

import magdi
from magdi.core.config.models import ComponentChoice, TeacherChoice
from magdi.core.teacher import Message, Request
from magdi.plugins.registry import default_registry

small = "--small" in sys.argv
task = {"name": "arithmetic", "test": 20 if small else 500} | ({"primer_problems": 200} if small else {})
size = {"training": {"steps": 4}, "student": {"tiny": {"epochs": 1}}} if small else {}
known = default_registry()
questions = known.task(ComponentChoice(**task), seed=0).questions("train")[: 8 if small else 300]

# %% [markdown]
# ## The team
#
# Ada and Ben answer alone; Cyd is shown both and answers. Every call is a span with what was sent and what came
# back, in the attributes of the GenAI conventions: what your framework's instrumentation writes.

# %%
models = {
    name: known.teacher(TeacherChoice.model_validate(f"{name}=simulated:{profile}"), 0)
    for name, profile in {"ada": "careful", "ben": "chatty", "cyd": "hasty"}.items()
}


FORM = 'Think step by step. End with the sentence "The answer is X." where X is a single number, without units.'
elsewhere = ThreadPoolExecutor(1)  # in a notebook this thread has an event loop already


def call(name, prompt):
    """Any client of yours, within a span."""
    with trace.get_tracer("team").start_as_current_span(f"invoke_agent {name}") as span:
        asked = models[name].complete(Request(messages=(Message(role="user", content=prompt),)))
        text = elsewhere.submit(asyncio.run, asked).result().text
        said = {"gen_ai.input.messages": ("user", prompt), "gen_ai.output.messages": ("assistant", text)}
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.agent.name": name, "gen_ai.request.model": "m"})
        for key, (role, words) in said.items():
            span.set_attribute(key, json.dumps([{"role": role, "parts": [{"type": "text", "content": words}]}]))
    return text


def team(question):
    with trace.get_tracer("team").start_as_current_span("invoke_workflow"):
        ada, ben = (call(name, f"{question}\n\n{FORM}") for name in ("ada", "ben"))
        return call("cyd", f"{question}\n\nada says:\n{ada}\n\nben says:\n{ben}\n\n{FORM}")


# %% [markdown]
# ## Recorded
#
# Right answers, which no trace has, come from a table here; `task="gsm8k"` would look questions up.

# %%
Path("runs").mkdir(exist_ok=True)
Path("runs/traced.jsonl").unlink(missing_ok=True)  # discussions are added to what is there
gold = {question.text: question.gold for question in questions}
with magdi.record("runs/traced.jsonl", gold=gold) as counts:
    for question in questions:
        team(question.text)
print(f"{counts.mags} discussions of {counts.spans} spans")
mags = magdi.load_mags("runs/traced.jsonl")
for turn in mags[0].turns:
    print(turn.agent, turn.answer, turn.correct, "shown", [mags[0].turns[source].agent for source in turn.sources])

# %% [markdown]
# ## The student
#
# Trained on the traces alone, examined on questions that the team has never had.

# %%
outcome = magdi.run(task=task, mags=[Path("runs/traced.jsonl")], encoder="gcn", **size)
print(outcome.base.accuracy, "->", outcome.student.accuracy)
outcome

# %% [markdown]
# ## A discussion, as the spans tell it

# %%
mags[0]
