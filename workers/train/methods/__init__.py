"""Training that starts from a model that is there, to make it fit a chip. Runs in a suite's own process."""
