"""Answers of models of transformers, made in this process: in batches that rows leave and join."""
