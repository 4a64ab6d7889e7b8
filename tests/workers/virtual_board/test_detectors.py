"""The stand-in for the vendor's detector, which decodes by itself, beside the reference decoder."""

from __future__ import annotations

import numpy as np
import pytest

from workers.datakit.decoding.detector import decode
from workers.datakit.scoring.matching import match
from workers.virtual_board import library

INPUT, IMAGE = (320, 320), (640, 480)


@pytest.fixture(scope="module")
def outputs():
    """Noise of a network's shapes."""
    noise = np.random.default_rng(5)
    outputs = []
    for stride in (8, 16, 32, 64):
        shape = (INPUT[1] // stride, INPUT[0] // stride)
        outputs.append(noise.random((1, 3, *shape)) ** 20)
        outputs.append(4 * noise.normal(size=(1, 32, *shape)))
    return outputs


def found_by(outputs, score=0.5, overlap=0.3):
    found = library.detect(outputs, IMAGE, {"input_size": INPUT, "score": score, "overlap": overlap})
    return [{**one, "score": round(one["score"], 4)} for one in found]


@pytest.mark.parametrize("thresholds", [(0.5, 0.3), (0.3, 0.6)])
def test_it_finds_the_boxes_of_the_reference_decoder_in_whole_pixels(outputs, thresholds):
    expected = decode(outputs, INPUT, IMAGE, *thresholds)
    whole = [{**box, "box": [int(value) for value in box["box"]]} for box in expected]
    found = found_by(outputs, *thresholds)[:100]
    assert len(found) == len(whole) > 20
    assert [box["score"] for box in found] == [box["score"] for box in whole]
    matched = [partner is not None for partner in match(whole, found, 0.98)]
    assert sum(matched) >= 0.99 * len(found)


def test_a_missing_threshold_hides_unsure_boxes(outputs):
    assert min(box["score"] for box in found_by(outputs)) >= 0.5
