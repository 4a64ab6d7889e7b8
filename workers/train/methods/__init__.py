"""Training methods that adapt an existing model to a chip. They run in a suite's own process."""
