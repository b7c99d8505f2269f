# %% [markdown]
# # A student, a vote and a debate, at the calls that each takes
#
# Questions are answered by three teachers alone, by a vote over several draws, by a team that discusses, and by the
# student that was distilled from the discussions: accuracy beside the calls that an answer takes. With `--small` all is
# so little that the student learns nothing: that shows that it runs, and no more.

# %%
import sys

import magdi

small = "--small" in sys.argv
train, test = (40, 40) if small else (1000, 500)
size = {"training": {"steps": 20}, "student": {"tiny": {"epochs": 1}}} if small else {}
task = {"name": "arithmetic", "train": train, "test": test} | ({"primer_problems": 200} if small else {})
rows = []

# %% [markdown]
# ## What teachers do: alone, voting, discussing
#
# `magdi.discuss` asks the training questions; what is compared here is how often the answer is right.

# %%
for name, protocol in {
    "each alone, a vote": {"name": "single"},
    "5 draws of one, a vote": {"name": "self-consistency", "samples": 5},
    "debate": {"name": "debate", "rounds": 2},
    "reconcile": {"name": "reconcile", "rounds": 3},
}.items():
    mags = magdi.discuss(task=task, protocol=protocol, limit=train).mags
    right = sum(bool(mag.decision.correct) for mag in mags) / len(mags)
    rows.append((name, right, sum(len(mag.turns) for mag in mags) / len(mags)))

# %% [markdown]
# ## What the student does: one call
#
# Held-out questions, so that this row is of other questions than those above; the task is the same.

# %%
outcome = magdi.run(task=task, protocol="reconcile", encoder="gcn", limit=train, **size)
rows.append(("student (held out)", outcome.student.accuracy, 1.0))
print(f"{'':24} {'right':>7} {'calls':>6}")
for name, right, calls in rows:
    print(f"{name:24} {100 * right:5.1f} % {calls:6.1f}")
outcome
