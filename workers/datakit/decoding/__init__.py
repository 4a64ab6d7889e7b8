"""Decodes a network's raw outputs, one module per network. Needs only numpy."""
