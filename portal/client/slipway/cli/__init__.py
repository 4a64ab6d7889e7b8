"""The command ``slipway``, built on ``slipway.Client``."""
