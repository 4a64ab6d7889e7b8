"""Health probes (is the process alive, can it serve) and the metrics for Prometheus."""
