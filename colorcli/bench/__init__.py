"""Benchmarks as commands: python -m colorcli.bench NAME. Figures of one run compare; those of two need not."""
