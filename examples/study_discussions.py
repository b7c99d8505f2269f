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
# A turn of an agent against its own turn before: wrong to right is what discussing is for.

# %%
before = {True: "right", False: "wrong", None: "unread"}
moved = {}
for mag in mags:
    last = {}
    for turn in mag.turns:
        if turn.agent in last and turn.correct is not None:
            kind = f"{before[last[turn.agent].correct]} -> {before[turn.correct]}"
            moved[kind] = moved.get(kind, 0) + 1
            if last[turn.agent].correct is False and turn.correct:  # who was shown, and had been right
                for source in turn.sources:
                    teacher = mag.turns[source]
                    if teacher.agent != turn.agent and teacher.correct:
                        key = f"{teacher.agent} convinced {turn.agent}"
                        moved[key] = moved.get(key, 0) + 1
        last[turn.agent] = turn
for kind, count in sorted(moved.items(), key=lambda each: -each[1]):
    print(f"{count:6} {kind}")

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
