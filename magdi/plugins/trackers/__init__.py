"""Trackers: a run where its user follows experiments: TensorBoard, W&B, MLflow, trackio."""
