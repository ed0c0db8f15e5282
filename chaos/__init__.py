"""Chaos: many clients, faults drawn by a seed, and the history checked against a model; see README.md."""
