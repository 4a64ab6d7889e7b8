"""Training methods that adapt an existing model to a chip. They run in the suite's own process."""
