# %% [markdown]
# # Real discussions, studied: DyLAN's four agents on MATH
#
# 4,800 discussions of GPT-3.5 agents (Liu et al., *A Dynamic LLM-Powered Agent Network*, MIT licence, 117 MB):
# `magdi mags get dylan-math -o dylan` fetches them. `python examples/real_discussions.py FILE...` studies others,
# of any format that `magdi mags import` reads. No language model runs here, and nobody is asked.

# %%
import subprocess
import sys
from os import environ
from pathlib import Path

import magdi
from magdi.plugins.corpus.statistics import describe

arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]  # a notebook's are not ours
folder = Path(environ.get("MAGDI_DATA", ".")) / "dylan_math"


def command(*words):
    print("$ magdi", *[Path(word).name for word in words])
    print(subprocess.run([sys.executable, "-m", "magdi", *words], check=True, capture_output=True, text=True).stdout)


if not (files := [word for word in arguments if Path(word).exists()] or sorted(map(str, folder.glob("*.json.gz")))):
    command("mags", "get", "dylan-math", "-o", "dylan")
    files = sorted(map(str, Path("dylan").glob("*.json*")))
files = sorted(files, key=lambda file: Path(file).stat().st_size)[: 2 if "--small" in arguments else 12]
Path("runs").mkdir(exist_ok=True)
command("mags", "import", *files, "-o", "runs/real.jsonl")
mags = magdi.load_mags("runs/real.jsonl")
counted = describe(mags)
print(f"{len(mags)} discussions, {counted['totals']['turns']} turns, {counted['totals']['edges']} edges")


# %% [markdown]
# ## Does talking help?
#
# A later round holds the questions on which agents still differ, so a falling accuracy of turns need not mean that
# talking harms; the vote that *all* discussions would have taken, had they ended after a round, is the fairer
# column.


# %%
def share(of):
    return "    -" if of["share"] is None else f"{100 * of['share']:5.1f}"


print("round  reached  agree %  turns right %  vote right %")
for row in counted["rounds"]:
    print(
        f"{row['round']:5}  {row['reached']:7}  {share(row['consensus']):>7}  {share(row['accuracy']):>13}"
        f"  {share(row['vote']):>12}"
    )

# %% [markdown]
# ## Flips, and who moved whom
#
# An agent's answer against its own before. Then the edges along which a reader took over the very answer that it
# was shown.

# %%
flips = counted["flips"]
for kind, count in flips["kinds"].items():
    print(f"{count:6}  {kind}")
for row in sorted(flips["who_moved_whom"], key=lambda row: -row["wrong-to-right"])[:6]:
    print(f"{row['mover']} -> {row['moved']}: {row['wrong-to-right']} mended, {row['right-to-wrong']} spoilt")

# %% [markdown]
# ## Would another rule have decided better?

# %%
for row in counted["decisions"]:
    print(f"{row['rule']:14} {share(row['accuracy'])} % of {row['accuracy']['count']}")

# %% [markdown]
# ## One that was talked out of a right answer
#
# The drawing has a row a round; green circles are right, red squares wrong, lines lead from what was shown.


# %%
def spoilt(mag):
    return sum(turn.correct is False and any(mag.turns[s].correct for s in turn.sources) for turn in mag.turns)


max(mags, key=spoilt)
