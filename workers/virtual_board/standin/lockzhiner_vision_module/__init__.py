"""Stand-in for the vendor's library on the virtual board: same calls, same noise, another engine.

Never put on a real board. ``SLIPWAY_VIRTUAL_ENGINE`` says what answers; the real library has no such name.
"""

import os

from virtual_wire import ENGINE_VARIABLE

__version__ = "0.0.6-virtual"
SLIPWAY_VIRTUAL_ENGINE = os.environ.get(ENGINE_VARIABLE) or "an engine of unknown name"

# The real library prints these from native code, past sys.stdout, whether asked to or not.
os.write(1, b"LockzhinerVisionModuleLibrary Version: " + __version__.encode() + b"\n")
