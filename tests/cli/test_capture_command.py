"""Captures from the command line."""

import pytest

from portal.camera.models import Capture
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_device_is_let_take_pictures(signed_in, slipway, team, alice):
    Seeder(team, alice).device("East", "virtual", host="East", probe={})
    options = ("--dataset", "Bolts", "--task", "classification", "--class", "bolt", "--no-wait")
    made = slipway("capture", "East", *options, "--count", 20, "--every", 250, "--size", "320x240")
    assert made.code == 0, made.err
    capture = Capture.objects.get()
    assert made.out == f"0 images in the draft {capture.draft_id} for Bolts\n"
    assert (capture.count, capture.every_ms, capture.class_name, capture.width) == (20, 250, "bolt", 320)
    assert slipway("capture", "East", *options, "--size", "big").code == 2
    assert "multiple" in slipway("capture", "East", *options, "--size", "321x240").err
