"""Training: data, losses, objectives, the loop and its checkpoints."""
