"""A stand-in for the vendor's library in plain Python, for boards that are only a shell. It knows 3 colours.

It starts within milliseconds and needs no engine. As the virtual board's stand-in it says what it is.
"""

SLIPWAY_VIRTUAL_ENGINE = "three colours in plain Python"
__version__ = "0.0.1-tiny"
