"""Runs from outside: what one will take, what it came to, which there are, how two differ."""
