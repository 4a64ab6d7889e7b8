"""What ``tests.bench.faults`` is made of: the work, the faults, and the reckoning at the end."""
