"""Metrics of predictions, one module a task. Standard library only, so every environment can use them."""
