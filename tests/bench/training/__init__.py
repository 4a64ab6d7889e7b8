"""What ``tests/bench/train_speed.py`` starts in the training environment."""
