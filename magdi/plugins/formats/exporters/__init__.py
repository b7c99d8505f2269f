"""The shipped exporters, each with what reads it back."""
