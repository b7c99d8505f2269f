# %% [markdown]
# # A suite on Slurm
#
# A grid of runs, each cell with several seeds, as arrays of jobs. `python examples/suite_on_slurm.py PARTITION`
# hands them to Slurm (`pip install "magdi[slurm]"`; the folder and `MAGDI_CACHE` must be shared by the nodes);
# without a partition the same suite runs on this machine. On the command line it is `magdi ablate grid.yaml --on
# slurm --partition gpu --gpus 1 --time 4:00:00 -o /shared/grid`.

# %%
import sys
from pathlib import Path

import magdi

arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]  # a notebook's are not ours
small = "--small" in arguments
partition = next((word for word in arguments if not word.startswith("-")), None)

# %% [markdown]
# ## The grid
#
# Two axes, and a reference that every cell is held against on the same seeds and questions.

# %%
Path("runs").mkdir(exist_ok=True)
Path("runs/grid.yaml").write_text("""\
title: Does the encoder's width matter?
about: A grid of one's own; the columns are those that every suite has.
reference: "64"
axes:
  encoder.hidden: [16, 64]
""")
less = {"training": {"steps": 4}, "student": {"tiny": {"epochs": 0.1}}, "evaluation": {"questions": 8}, "limit": 8}
settings = {"task": "arithmetic", "protocol": "debate"} | (less if small else {"limit": 100})

# %% [markdown]
# ## Where it runs
#
# Jobs that are ready together are one array; what dies or is preempted is begun again where it was, and what was
# finished is not. The call stays until all is done; called again, it goes on.

# %%
engine = {"on": "slurm", "resources": {"partition": partition, "gpus": 1, "time": "4:00:00"}} if partition else {}
result = magdi.ablate("runs/grid.yaml", seeds=1 if small else 2, jobs=1, out="runs/width", **engine, **settings)
for row in result.rows:
    print(f"{row.name:4} {100 * row.mean:5.1f} %")
print(result.directory)
result
