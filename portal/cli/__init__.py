"""The command-line client ``slipway``: it uses nothing of the portal but its public API.

So it imports neither Django nor the portal's apps (a lint rule in ``ruff.toml`` and a test hold it to that),
and what it does, any other program can do.
"""
