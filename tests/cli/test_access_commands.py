"""Keys and passwords of devices from the command line."""

import pytest
from slipway import Client

from portal.devices import services
from portal.devices.models import AccessChange, Device
from portal.jobs.models import Job, Status
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_a_password_and_the_way_back(signed_in, slipway, team, alice):
    device = Seeder(team, alice).device("Bench", "virtual")
    services.update_access(device, credentials=services.Credentials("of the factory"))
    Device.objects.update(factory_password=True)
    assert "slipway device password Bench" in slipway("device", "show", "Bench").out
    made = slipway("device", "key", "Bench", "--no-wait", "--json")
    assert made.code == 0, made.err
    assert made.json["action"] == "install-key" and made.json["public_key"].startswith("ssh-ed25519 ")
    assert "wait for it to end" in slipway("device", "password", "Bench").err
    Job.objects.update(status=Status.FAILED)
    made = slipway("device", "password", "Bench", "--no-wait")
    assert made.code == 0, made.err
    assert len(made.out.removeprefix("The new password: ").strip()) == 16
    Job.objects.update(status=Status.FAILED)
    assert "no change of access that can be undone" in slipway("device", "undo-access", "Bench").err
    row = Client().change_password(device.pk, "of my own choice", wait=False)
    assert row["password"] is None and AccessChange.objects.first().action == "change-password"
