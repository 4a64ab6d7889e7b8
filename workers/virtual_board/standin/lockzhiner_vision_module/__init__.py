"""Stand-in for the vendor's library on the virtual board: same calls, same output, another engine.

Never put on a real board. ``SLIPWAY_VIRTUAL_ENGINE`` names its engine; the real library has no such name.
"""

import os

from virtual_wire import ENGINE_VARIABLE

__version__ = "0.0.6-virtual"
SLIPWAY_VIRTUAL_ENGINE = os.environ.get(ENGINE_VARIABLE) or "an engine of unknown name"

# The real library always prints these from native code, past sys.stdout.
os.write(1, b"LockzhinerVisionModuleLibrary Version: " + __version__.encode() + b"\n")
