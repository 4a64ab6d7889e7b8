"""Stand-in for rknn-toolkit-lite2 on the virtual board: same calls, another engine.

Never put on a real board. ``SLIPWAY_VIRTUAL_ENGINE`` names its engine; the real library has no such name.
"""

import os

from virtual_wire import ENGINE_VARIABLE

SLIPWAY_VIRTUAL_ENGINE = os.environ.get(ENGINE_VARIABLE) or "an engine of unknown name"
