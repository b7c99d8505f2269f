"""The shipped graph encoders, one a file."""
