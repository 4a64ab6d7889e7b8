"""The settings of the application, by page and by call; who may."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.application import services
from portal.application.forms import AppForm
from portal.application.models import Application
from portal.jobs.models import Job, Status
from tests.seed import Seeder

pytestmark = pytest.mark.django_db
BASE = {"source": "camera", "width": "640", "height": "480", "every_ms": "0"}


@pytest.fixture
def device(team, alice):
    return Seeder(team, alice).device()


@pytest.mark.parametrize("fields, field, words", [
    ({"output": "mqtt", "topic": "a"}, "host", "needed"),
    ({"output": "mqtt", "host": "h", "topic": "a/#"}, "topic", "neither"),
    ({"output": "mqtt", "host": "h", "topic": "a", "tls": "on", "ca": "x"}, "ca", "PEM text"),
    ({"output": "serial", "device": "/etc/passwd"}, "device", "valid"),
    ({"output": "http", "url": "ftp://h/"}, "url", "full address"),
    ({"output": "http", "url": "http://[::1"}, "url", "full address"),
    ({"output": "http", "url": "http://h:port/"}, "url", "full address"),
    ({"output": "http", "url": "http://me:secret@h/"}, "url", "full address"),
    ({"output": "file", "width": "641"}, "width", "step size"),
    ({"output": "pigeon"}, "output", "no “pigeon” to choose"),
    ({"output": "file", "source": "folder", "folder": "../x"}, "folder", "valid"),
])  # fmt: skip
def test_settings_that_cannot_be_are_refused_at_their_field(fields, field, words):
    form = AppForm(BASE | fields)
    assert not form.is_valid() and words in str(form.errors[field])


def test_only_what_the_output_needs_is_kept():
    form = AppForm(BASE | {"output": "mqtt", "host": "h", "topic": "t", "qos": "1", "url": "http://x/"})
    assert form.is_valid() and form.config["outputs"] == [
        {"kind": "mqtt", "host": "h", "topic": "t", "qos": 1}
    ]


def test_the_api_installs_and_refuses_a_second_act_meanwhile(alice, bob, charlie, device):
    api = APIClient()
    api.force_login(alice)
    body = {
        "device": device.pk,
        "output": "mqtt",
        "host": "10.1.1.155",
        "topic": "belt",
        "password": "secret",
    }
    made = api.post("/api/v1/device-apps/", body, format="json")
    assert made.status_code == 202 and "secret" not in made.content.decode()
    row = made.json()
    assert row["act"] == "install" and row["config"]["outputs"][0]["topic"] == "belt"
    busy = api.post(f"/api/v1/device-apps/{row['id']}/stop/")
    assert busy.status_code == 409 and "in progress" in busy.json()["detail"]
    Job.objects.update(status=Status.SUCCEEDED)
    assert api.post(f"/api/v1/device-apps/{row['id']}/stop/").json()["act"] == "stop"
    wrong = api.post("/api/v1/device-apps/", {"device": device.pk, "output": "serial"}, format="json")
    assert wrong.status_code == 400 and "serial_port" in wrong.json()["errors"]
    package = api.get(f"/api/v1/device-apps/{row['id']}/package/")
    assert package.content.startswith(b"PK") and b"secret" not in package.content
    for person, status in ((bob, 403), (charlie, 404)):
        api.force_login(person)
        assert api.post(f"/api/v1/device-apps/{row['id']}/start/").status_code == status


def test_a_stored_password_goes_to_no_other_broker_or_user(alice, device):
    def install(password=None, **changed):
        Job.objects.update(status=Status.SUCCEEDED)
        output = {"kind": "mqtt", "host": "broker", "topic": "t", "user": "me", **changed}
        config = {"source": {"kind": "camera"}, "outputs": [output]}
        return services.with_password(services.install(device, alice, config, password))["outputs"][0]

    assert install("secret")["password"] == "secret"
    assert install(topic="other", port=1883)["password"] == "secret"
    for changed in ({"host": "elsewhere"}, {"port": 1884}, {"user": "you"}, {"tls": True, "port": 1883}):
        with pytest.raises(services.ApplicationRefused, match="enter the password"):
            install(**changed)
    assert "password" not in install(host="elsewhere", user="")
    assert "password" not in install()


def test_bob_sees_the_page_and_cannot_install(client, bob, device):
    client.force_login(bob)
    assert "Set it up" not in client.get(f"/devices/{device.pk}/").text
    page = reverse("app-detail", args=[device.pk])
    assert client.get(page).status_code == 200
    client.post(page, BASE | {"output": "file"})
    assert not Application.objects.exists()
