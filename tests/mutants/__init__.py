"""Planted faults: patches of the real code that some test must notice (README.md)."""
