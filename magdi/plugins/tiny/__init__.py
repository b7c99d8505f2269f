"""Tiny base models, made on this machine: a student for whoever has none."""
