# %% [markdown]
# # What a discussion looks like
#
# Who is right, who changes whose mind, and whether the talk was worth its calls. It reads any MAG file or run:
# `python examples/study_discussions.py runs/mine`; without one it holds some discussions of simulated teachers.

# %%
import sys
from pathlib import Path

import magdi
from magdi.plugins.corpus.statistics import describe

arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]  # a notebook's are not ours
named = [argument for argument in arguments if Path(argument).exists()]
small = "--small" in arguments
mags = magdi.load_mags(named[0]) if named else magdi.discuss(limit=60 if small else 500).mags
counted = describe(mags)
print(f"{len(mags)} discussions, {counted['totals']['turns']} turns, {counted['totals']['edges']} edges")

# %% [markdown]
# ## Right and wrong, by round and by speaker
#
# Round 0 is what each says alone. A later round has fewer turns where discussions end by consensus, and the harder
# questions are left: a falling curve need not mean that talking harms.


# %%
def bar(row):
    share = row["accuracy"]["share"]
    return "-" if share is None else f"{'#' * round(40 * share):<40} {100 * share:5.1f} %  of {row['answered']}"


for by in ("round", "agent"):
    for row in counted["turns"][by]:
        print(f"{by} {row['group']!s:12} {bar(row)}")

# %% [markdown]
# ## Who changed whose mind
#
# A turn of an agent against its own turn before: wrong to right is what discussing is for. Then, along which edges
# the reader came to the very answer that it was shown.

# %%
flips = counted["flips"]
for kind, count in flips["kinds"].items():
    print(f"{count:6} {kind}")
for row in flips["who_moved_whom"]:
    print(f"{row['mover']} moved {row['moved']}: {row['wrong-to-right']} to right, {row['right-to-wrong']} to wrong")

# %% [markdown]
# ## Was it worth its calls?
#
# The team's answer beside what other rules and other uses of as many calls would have answered.

# %%
for row in [*counted["decisions"], *counted["baselines"]]:
    share = row["accuracy"]["share"]
    print(f"{row.get('rule') or row['name']:24} {'-' if share is None else f'{100 * share:.1f} %'}")

# %% [markdown]
# ## One discussion, drawn
#
# In a notebook the last line draws it. The discussion with most rounds is the one to look at.

# %%
longest = max(mags, key=lambda mag: (mag.rounds, len(mag.turns)))
for turn in longest.turns:
    mark = {True: "right", False: "WRONG", None: "?"}[turn.correct]
    print(f"round {turn.round}  {turn.agent:10} {turn.answer!s:8} {mark:6} shown {list(turn.sources)}")
longest
