"""The deployments on a device's page."""

import pytest
from django.urls import reverse

from portal.devices import running
from tests.seed import Seeder

pytestmark = pytest.mark.django_db


def test_only_the_newest_attempt_of_the_current_release_is_marked(client, team, alice):
    """A rollback makes the release of an earlier deployment current again."""
    seed = Seeder(team, alice)
    run, device = seed.run(seed.version()), seed.device()
    seed.train(run)
    compiled = seed.convert(run)
    first, again = seed.deploy(run, compiled, device), seed.deploy(run, compiled, device, planned=False)
    type(first).objects.filter(pk=again.pk).update(release=first.release, source=first)
    running.record(device, first.release)
    client.force_login(alice)
    page = client.get(reverse("device-detail", args=[device.pk])).content.decode()
    assert page.count("text-bg-success") == 1
