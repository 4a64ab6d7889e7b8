"""Starts worker programs with limits and without sight of the rest of the machine. Standard library only."""
