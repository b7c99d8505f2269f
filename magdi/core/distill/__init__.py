"""From MAGs to a student: batches, the three objectives, training."""
