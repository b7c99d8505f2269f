"""Answering with a model, grading, and statistics."""
