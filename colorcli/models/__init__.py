"""The networks, one file a system; catalog.py lists them all as data."""
