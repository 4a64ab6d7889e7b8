"""Predictions out of a network's raw outputs, one module a network. Needs numpy and nothing else."""
