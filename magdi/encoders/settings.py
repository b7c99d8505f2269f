"""Settings of the shipped encoders, apart from them: a configuration is checked without torch."""

from __future__ import annotations

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats


class GcnConfig(BaseModel, extra="forbid"):
    """Settings of ``gcn``."""

    layers: Repeats = Field(2, ge=1, description="Graph layers, L.")
    hidden: int | None = Field(
        None, ge=1, description="Width of every h^(l), l > 0; the student's, at most 1,024, when null."
    )


class StackConfig(GcnConfig):
    """Settings that every stack of graph layers has."""

    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout after every layer, in training.")


class HeadsConfig(StackConfig):
    """Settings of a stack with attention heads."""

    heads: int = Field(4, ge=1, description="Attention heads; the width must be a multiple of it.")


class DirGnnConfig(StackConfig):
    """Settings of ``dir-gnn``."""

    backward: float = Field(0.5, gt=0, lt=1, description="Share a of the messages from target to source.")


class GcnSymmetricConfig(BaseModel, extra="forbid"):
    """Settings of ``gcn-symmetric``."""

    layers: Repeats = Field(2, ge=2, description="Graph convolutions, the classifying one included.")
    hidden: int = Field(512, ge=1, description="Width of the states between them.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout after every convolution but the last.")
