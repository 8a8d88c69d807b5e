"""Pictures on disk to learn from and to measure with."""
