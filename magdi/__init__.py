"""magdi turns conversations between language models into a small model."""

__version__ = "0.1.0"
