"""The stand-in for the vendor's detector, which decodes by itself, beside the reference decoder."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from tests.devices.boards import PROJECT
from workers.datakit.decoding.picodet import decode
from workers.datakit.scoring.matching import match

INPUT, IMAGE = (320, 320), (640, 480)


@pytest.fixture
def detector(monkeypatch):
    """One that answers with noise of a network's shapes; the outputs are ``detector.outputs``."""
    monkeypatch.syspath_prepend(PROJECT / "workers" / "virtual_board" / "standin")
    from lockzhiner_vision_module import vision

    detector = vision.PaddleDet()
    detector._width, detector._height = INPUT
    detector._wrong, detector._takes_thresholds = False, True
    noise = np.random.default_rng(5)
    detector.outputs = []
    for stride in (8, 16, 32, 64):
        shape = (INPUT[1] // stride, INPUT[0] // stride)
        detector.outputs.append(noise.random((1, 3, *shape)) ** 20)
        detector.outputs.append(4 * noise.normal(size=(1, 32, *shape)))
    detector._outputs = lambda mat: detector.outputs
    yield detector
    for name in [name for name in sys.modules if name.startswith(("lockzhiner", "virtual_wire"))]:
        del sys.modules[name]


def found_by(detector):
    mat = types.SimpleNamespace(_pixels=np.zeros((IMAGE[1], IMAGE[0], 3)))
    return [
        {
            "label": one.label_id,
            "score": round(one.score, 4),
            "box": [one.box.x, one.box.y, one.box.width, one.box.height],
        }
        for one in detector.predict(mat)
    ]


@pytest.mark.parametrize("thresholds", [(0.5, 0.3), (0.3, 0.6)])
def test_it_finds_the_boxes_of_the_reference_decoder_in_whole_pixels(detector, thresholds):
    detector.set_threshold(*thresholds)
    expected = decode(detector.outputs, INPUT, IMAGE, *thresholds)
    whole = [{**box, "box": [int(value) for value in box["box"]]} for box in expected]
    found = found_by(detector)[:100]
    assert len(found) == len(whole) > 20
    assert [box["score"] for box in found] == [box["score"] for box in whole]
    matched = [partner is not None for partner in match(whole, found, 0.98)]
    assert sum(matched) >= 0.99 * len(found)


def test_it_gives_sure_boxes_only_unless_it_is_asked_for_others(detector):
    assert min(box["score"] for box in found_by(detector)) >= 0.5


def test_the_published_librarys_way_to_set_thresholds_raises(detector):
    detector._takes_thresholds = False
    with pytest.raises(TypeError):
        detector.set_threshold(0.1, 0.6)
