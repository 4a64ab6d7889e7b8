"""One training for each device of a host: the processes of Celery's pool share them out."""

from types import SimpleNamespace

import pytest

from portal.ops import supervision
from portal.training import services


@pytest.mark.parametrize("slot, device", [(0, "gpu:0"), (1, "gpu:1"), (2, "gpu:0"), (None, "gpu:0")])
def test_each_process_of_the_pool_has_a_device(settings, monkeypatch, slot, device):
    settings.TRAIN_DEVICES = ["gpu:0", "gpu:1"]
    monkeypatch.setattr(services, "current_process", lambda: SimpleNamespace(index=slot))
    assert services.device_of_slot() == device


def test_a_process_outside_of_a_pool_takes_the_first(settings):
    settings.TRAIN_DEVICES = ["gpu:0", "gpu:1"]
    assert services.device_of_slot() == "gpu:0"


def test_there_are_as_many_slots_as_devices(settings):
    settings.TRAIN_DEVICES = ["gpu:0", "gpu:1"]
    train = supervision.programs(None)["train"]
    assert train[train.index("-c") + 1] == "2"
