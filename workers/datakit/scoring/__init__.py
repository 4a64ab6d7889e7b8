"""Metrics of predictions, one module a task, for every environment. Average precision needs pycocotools."""
