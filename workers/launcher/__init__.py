"""Starts worker programs with limits and isolated from the rest of the machine. Standard library only."""
