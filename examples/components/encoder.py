"""A graph encoder in one file: magdi run --plugin examples/components/encoder.py --encoder agreement.

It looks at no text at all: a turn's new state is its own, beside the mean and the spread of what it was shown.
"""

import torch
from pydantic import BaseModel, Field
from torch_geometric.nn import MultiAggregation, SimpleConv

from magdi import Component, Encoder, hookimpl


class Agreement(Encoder):
    """W [h, mean of what was shown, its spread]."""

    class Config(BaseModel, extra="forbid"):
        """What can be set with -E key=value."""

        hidden: int = Field(128, ge=1, description="Width of the new states.")

    def __init__(self, dim, config=None):
        super().__init__(dim, config)
        self.shown = SimpleConv(aggr=MultiAggregation(["mean", "std"]))
        self.mix = torch.nn.Linear(3 * dim, self.config.hidden)
        self.out_dim = self.config.hidden

    def forward(self, batch):
        return self.mix(torch.cat([batch.x, self.shown(batch.x, batch.edge_index)], dim=1)).relu()


@hookimpl
def magdi_encoders():
    yield Component("agreement", Agreement, "Own state, mean and spread of what was shown.")
