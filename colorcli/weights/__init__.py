"""Weights files: known, fetched, verified, loaded, written."""
