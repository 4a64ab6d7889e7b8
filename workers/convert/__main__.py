"""``python -m workers.convert <job folder>``: ONNX in, measured RKNN model out."""

import sys

from workers import contract
from workers.convert.program import main

sys.exit(contract.run(main))
