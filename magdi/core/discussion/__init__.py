"""Holding discussions: many protocols at once, durable replies, budgets."""
