"""The command ``slipway``: what it does, ``slipway.Client`` can do, and so can any other program."""
