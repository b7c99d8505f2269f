"""A protocol whose module loads torch."""

import torch

from tests.plugins.testing.mutant_protocols import Honest


class LoadsTorch(Honest):
    seed = torch.initial_seed()
