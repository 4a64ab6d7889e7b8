"""Boards whose library does not decode a model are left alone."""

from portal.core.messages import shown
from portal.devices.models import Device
from portal.models.models import CompiledModel, Model
from portal.rollouts import planning


def test_a_detector_that_the_vendors_library_does_not_decode_leaves_its_boards_alone():
    def why(profile, family):
        model = Model(facts={"detector": family} if family else {})
        return shown(planning._left_alone(Device(profile=profile), CompiledModel(), model, None, False))

    assert "decodes PicoDet only" in why("lockzhiner-vision-module", "yolov8")
    assert why("virtual", "ssd") and not why("rk3588", "ssd")
    assert not why("virtual", "picodet") and not why("virtual", "")
