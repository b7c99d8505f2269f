"""The shipped teachers, one kind a file."""
