"""Predicted images are offered to the apps above, with what the release before predicted for them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.devices import seen
from portal.jobs.models import Status
from tests.devices.boards import needs_convert_environment
from tests.devices.live import BEFORE, execute


class Watcher:
    def __init__(self, before: bool = True):
        self.before, self.offered = before, []

    def wants(self, device) -> bool:
        return True

    def wants_before(self, device) -> bool:
        return self.before

    def offer(self, device, task, release, source, images) -> int:
        self.offered.append((device, task, release, source, list(images)))
        return len(images)


class Broken(Watcher):
    def offer(self, *args) -> int:
        raise ValueError("broken")


@pytest.fixture
def watch(monkeypatch):
    def listen(watcher):
        monkeypatch.setattr(seen, "_listeners", [watcher])
        return watcher

    return listen


@pytest.mark.ssh
@needs_convert_environment
@pytest.mark.django_db(transaction=True)
def test_what_a_board_was_asked_is_offered_with_the_answer_of_the_release_before(rows, watch):
    rows.deployed()
    deployment = rows.started("Second")
    execute(deployment.job)
    watcher, inference = watch(Watcher()), rows.asked()
    job = execute(inference.job)
    deployment.refresh_from_db()
    assert job.status == Status.SUCCEEDED and job.result["before"]["release"] == BEFORE
    [(device, task, release, source, [image])] = watcher.offered
    assert (device, task, release, source) == (rows.device, "classification", deployment.release, seen.ASKED)
    assert image.prediction["label"] == image.before["label"] == "red"
    assert image.content().startswith(b"\x89PNG")


def test_a_listener_that_fails_loses_only_its_images(watch):
    watch(Broken())
    device = SimpleNamespace(pk=1)
    assert seen.offer(device, "classification", "r1", []) == 0
