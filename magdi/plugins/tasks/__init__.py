"""The shipped tasks, one a file."""
