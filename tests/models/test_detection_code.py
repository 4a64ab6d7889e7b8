"""The program that a page offers for larger boards finds the boxes that the reference decoder finds."""

import json
from pathlib import Path
from string import Template

import pytest

from portal.models import board_code
from tests.devices.boards import needs_convert_environment
from tests.workers.convert.conftest import run_python

COMPARE = """
import json, re, sys, types
import numpy as np
for name in ("rknnlite", "rknnlite.api"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["rknnlite.api"].RKNNLite = None
text = open(sys.argv[1], encoding="utf-8").read()
program = {}
exec(text[: text.index("rknn = RKNNLite()")], program)
from workers.datakit.decoding.detector import decode
noise = np.random.default_rng(7)
told = []
for channels in ((32,), (4,), (2, 2)):
    outputs = []
    for cells in (8, 4, 2, 1):
        outputs.append(noise.random((1, 2, cells, cells)).astype("float32"))
        outputs += [noise.random(size=(1, one, cells, cells)).astype("float32") for one in channels]
    found = [list(box[:2]) for box in program["boxes"](outputs, (640, 320))]
    expected = decode(outputs, (64, 64), (640, 320), least_score=0.25, overlap=0.6)
    expected = [["ab"[box["label"]], box["score"]] for box in expected]
    told.append([sorted(boxes, key=lambda box: (-box[1], box[0])) for boxes in (found, expected)])
print(json.dumps(told))
"""


@pytest.mark.toolchain
@needs_convert_environment
def test_it_finds_the_boxes_of_the_reference_decoder(tmp_path):
    template = Path(board_code.__file__).parent / "detection_rknnlite.py.txt"
    values = {"script": "detect.py", "model": '"m.rknn"', "labels": '["a", "b"]', "order": "RGB", "width": 64}
    text = Template(template.read_text("utf-8")).substitute(
        values, height=64, score=0.25, to_channel_order=""
    )
    (tmp_path / "detect.py").write_text(text, "utf-8")
    done = run_python("-c", COMPARE, tmp_path / "detect.py")
    assert done.returncode == 0, done.stderr
    for found, expected in json.loads(done.stdout.splitlines()[-1]):
        assert len(expected) > 10 and found[: len(expected)] == expected
