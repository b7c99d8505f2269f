"""Where a suite's jobs are done: processes of this machine, Slurm, Ray."""
