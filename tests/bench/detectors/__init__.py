"""What ``tests/bench/detector_costs.py`` runs in the environments of the worker programs."""
