"""The encoder `loudest`."""

from pydantic import BaseModel
from torch import Tensor, relu
from torch_geometric.nn import SAGEConv

from magdi.core.encoder import Encoder, GraphBatch


class Loudest(Encoder):
    """ReLU(W1 h_v + W2 max of h_u over the turns u that v was shown)."""

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.convolution = SAGEConv(dim, dim, aggr="max")

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, dim] states."""
        return relu(self.convolution(batch.x, batch.edge_index))
