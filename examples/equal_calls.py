# %% [markdown]
# # MAGDi, MALT and a majority vote at equal calls
#
# What a student of discussions, a trained team of generator, verifier and refiner, a vote and a debate come to when
# each is taught from as many calls of teachers, and answers in as many calls of its own: nine a question. With
# `--small` all is so little that nothing is learned: that shows that it runs, and no more. Teachers are simulated,
# so that none of this is about language models.

# %%
import sys

import magdi

small = "--small" in sys.argv
trees, asked = (2, 4) if small else (60, 200)
size = {"training": {"steps": 4}, "student": {"tiny": {"epochs": 0.1}}} if small else {}
common = {"task": "arithmetic", "evaluation": {"questions": asked}, **size}
rows = []

# %% [markdown]
# ## Taught: as many calls of teachers
#
# A search tree of MALT takes 3 + 9 + 27 calls; ReConcile holds discussions until as many have been paid for.

# %%
budget = 39 * trees
malt = magdi.run(**common, protocol="malt", method="malt", limit=trees)
magdis = magdi.run(**common, protocol="reconcile", discussion={"keep": {"calls": budget}}, limit=budget // 4)
for name, run in {"MALT": malt, "MAGDi": magdis}.items():
    print(f"{name}: learned from {run.training.mags} discussions of at most {budget} calls")

# %% [markdown]
# ## Asked: nine calls a question
#
# Students on held-out questions, and teachers on the same.

# %%
rows.append(("MALT's team, 3 chains of 3 roles, a vote", 9, malt.student.accuracy))
nine = magdi.evaluate(magdis, base=True, samples=9, limit=asked)
for name, model in zip(("untrained, 9 draws, a vote", "MAGDi's student, 9 draws, a vote"), nine.models, strict=True):
    rows.append((name, 9, model.accuracy))
rows.append(("MAGDi's student, greedy", 1, magdis.student.accuracy))
for name, protocol in {
    "a teacher, 9 draws, a vote": {"name": "self-consistency", "samples": 9},
    "teachers' debate, 3 agents, 3 rounds": {"name": "debate", "rounds": 2},
}.items():
    mags = magdi.discuss(task="arithmetic", protocol=protocol, discussion={"split": "test"}, limit=asked).mags
    calls = sum(len(mag.turns) for mag in mags) / len(mags)
    rows.append((name, round(calls), sum(bool(mag.decision.correct) for mag in mags) / len(mags)))
print(f"{'':42} {'calls':>5} {'right':>8}")
for name, calls, right in rows:
    print(f"{name:42} {calls:5} {100 * right:6.1f} %")

# %% [markdown]
# ## One of MALT's trees

# %%
malt.mags[0]
