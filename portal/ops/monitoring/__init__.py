"""What a watchman asks: does the process live, can it serve, and the figures for Prometheus."""
