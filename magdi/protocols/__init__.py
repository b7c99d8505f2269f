"""The shipped interaction protocols, one a file."""
