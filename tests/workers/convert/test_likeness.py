"""Calibration images that look unlike the measured ones: other light, other sizes, noise."""

import numpy as np
import pytest

from workers.convert.likeness import look, unlike_share

SIDE = 32


def photograph(seed, light=0):
    """A soft gradient of a colour of its own."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(0, random.uniform(40, 90), SIDE)[:, None, None]
    return np.clip(ramp + random.uniform(60, 120, 3) + light + np.zeros((SIDE, SIDE, 3)), 0, 255).astype(
        np.uint8
    )


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def looks(make, count, start=0, **more):
    return [look(make(seed, **more)) for seed in range(start, start + count)]


def test_images_of_one_kind_are_alike():
    assert unlike_share(looks(photograph, 40), looks(photograph, 60, start=100)) < 0.1
    assert unlike_share(looks(noise, 20), looks(noise, 20, start=100)) < 0.1


@pytest.mark.parametrize("calibration", [looks(noise, 40), looks(photograph, 40, light=110)])
def test_noise_and_other_light_are_unlike(calibration):
    assert unlike_share(calibration, looks(photograph, 60, start=100)) > 0.9


def test_enlarged_small_images_lack_the_detail_of_large_ones():
    small = [np.kron(noise(seed)[:4, :4], np.ones((8, 8, 1), np.uint8)) for seed in range(40)]
    assert unlike_share(map(look, small), looks(noise, 20)) > 0.9


def test_too_few_images_tell_nothing():
    assert unlike_share(looks(noise, 1), looks(photograph, 20)) is None
    assert unlike_share(looks(noise, 20), []) is None
    assert look(np.zeros((1, 1, 3), np.uint8)) == (0.0, 0.0, 0.0)
