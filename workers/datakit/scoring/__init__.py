"""Metrics of predictions, one module per task, for every environment. Average precision needs pycocotools."""
