"""Devices: register, look at, ask, change, remove."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portal.core.encryption import unseal
from portal.devices import services
from portal.devices.errors import Unreachable
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device, Inference
from portal.jobs.models import Job, Status
from tests.factories import png
from tests.seed import KEY, everything

OTHER = "ssh-ed25519 SHA256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
NEW = {
    "profile": "lockzhiner-vision-module", "name": "Board", "host": "10.1.1.144", "port": "22",
    "username": "root", "password": "secret word",
}  # fmt: skip


@pytest.fixture
def shown_key(monkeypatch):
    """The key that every board shows; put an error there to have none."""
    shown = {"key": KEY}

    def read(host, port):
        if isinstance(shown["key"], Exception):
            raise shown["key"]
        return HostKey.parse(shown["key"])

    monkeypatch.setattr(services, "read_host_key", read)
    return shown


def text(client, name, *args):
    return " ".join(client.get(reverse(name, args=args)).content.decode().split())


def test_registering_pins_the_key_hides_the_password_and_probes(alices, shown_key):
    answer = alices.post(reverse("device-new"), NEW, follow=True)
    device = Device.objects.get()
    page = answer.content.decode()
    assert device.host_key == KEY and KEY.replace("+", "&#x2B;") in page or KEY in page
    assert "secret word" not in page and "secret word" not in device.secret
    assert unseal(device.secret)["password"] == "secret word"
    assert device.probe_job.kind == "probe"


def test_the_profile_fills_in_its_address_and_warns_of_the_factory_password(alices):
    page = text(alices, "device-new")
    assert 'value="10.1.1.144"' in page
    assert "leave the factory with a password that everyone knows" in page
    page = alices.get(reverse("device-new"), {"profile": "virtual"}).content.decode()
    assert 'value="127.0.0.1"' in page and 'value="2222"' in page


def test_an_unreachable_board_is_refused_at_its_address(alices, shown_key):
    shown_key["key"] = Unreachable("The board at 10.1.1.144:22 did not answer: check its cable.")
    answer = alices.post(reverse("device-new"), NEW)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "did not answer: check its cable" in page and 'value="Board"' in page
    assert "secret word" not in page, "a password is never sent back"
    assert Device.objects.count() == 0


def test_no_credentials_two_credentials_and_a_bad_key_are_refused(alices, shown_key):
    for fields, sentence in (
        ({"password": ""}, "Give a password or a private key."),
        ({"private_key": "x"}, "not both"),
        ({"password": "", "private_key": "nonsense"}, "This is not a private key that can be read"),
    ):
        answer = alices.post(reverse("device-new"), NEW | fields)
        assert answer.status_code == 422 and sentence in answer.content.decode()
    assert Device.objects.count() == 0


def test_a_name_is_taken_once_in_a_team(alices, seed, shown_key):
    seed.device("Board")
    assert "has a device of this name" in alices.post(reverse("device-new"), NEW).content.decode()


def test_the_page_shows_the_probe_and_what_is_deployed(alices, team, alice):
    rows = everything(team, alice)
    page = text(alices, "device-detail", rows["virtual"].pk)
    for words in ("151.0 MB free of 216.0 MB", "lockzhiner_vision_module", "virtual-badge", "98.70 % on 308"):
        assert words in page
    assert "not a board&#x27;s time" in page or "not a board's time" in page
    assert "did not answer within 10 seconds" in text(alices, "device-detail", rows["lost"].pk)


def test_a_device_that_runs_a_model_asks_for_an_image_and_one_without_for_a_model(alices, seed):
    page = text(alices, "device-detail", seed.device().pk)
    assert "No inference yet: send an image above." in page and "deploy a model, then" not in page
    page = text(alices, "device-detail", seed.device("New", probe={}).pk)
    assert "No inference yet: deploy a model, then send an image." in page
    assert "Not connected yet." in page


def test_probing_queues_one_probe(alices, seed):
    device = seed.device()
    for _ in range(2):
        alices.post(reverse("device-probe", args=[device.pk]))
    assert Job.objects.filter(kind="probe", status=Status.QUEUED).count() == 1
    assert "hx-get" in text(alices, "device-detail", device.pk)


def test_pictures_are_sent_and_their_answers_shown(alices, seed, transactional_db):
    device = seed.device("Virtual board", "virtual")
    files = [SimpleUploadedFile(f"{n}.png", png()) for n in range(2)]
    answer = alices.post(reverse("device-infer", args=[device.pk]), {"images": files})
    inference = Inference.objects.get()
    assert answer["Location"] == reverse("inference-detail", args=[device.pk, inference.pk])
    page = text(alices, "inference-detail", device.pk, inference.pk)
    assert "waiting for the prediction" in page and "hx-get" in page
    done = seed.inference(device)
    page = text(alices, "inference-detail", device.pk, done.pk)
    assert "99.81 %" in page and "6.1 ms*" in page and "not a board" in page
    assert "The board could not read this picture." in page
    picture = alices.get(reverse("inference-image", args=[device.pk, done.pk, 0]))
    assert picture["Content-Type"] == "image/png"


def test_a_file_that_is_no_picture_is_refused_at_its_field(alices, seed, transactional_db):
    device = seed.device()
    broken = SimpleUploadedFile("broken.png", b"not a picture")
    answer = alices.post(reverse("device-infer", args=[device.pk]), {"images": [broken]})
    assert answer.status_code == 422 and "broken.png" in answer.content.decode()
    answer = alices.post(reverse("device-infer", args=[device.pk]), {})
    assert "Choose at least one image." in answer.content.decode()
    assert Inference.objects.count() == 0


def test_editing_without_a_password_keeps_the_stored_one(alices, shown_key):
    alices.post(reverse("device-new"), NEW)
    device = Device.objects.get()
    alices.post(reverse("device-edit", args=[device.pk]), NEW | {"name": "Moved", "password": ""})
    device.refresh_from_db()
    assert (device.name, device.host) == ("Moved", "10.1.1.144")
    assert unseal(device.secret)["password"] == "secret word"


def test_a_changed_key_is_accepted_only_after_both_were_shown(alices, seed, shown_key):
    device = seed.device()
    shown_key["key"] = OTHER
    page = text(alices, "device-host-key", device.pk)
    assert "They differ" in page and OTHER in page and KEY in page
    alices.post(reverse("device-host-key", args=[device.pk]), {"host_key": "ssh-ed25519 SHA256:else"})
    device.refresh_from_db()
    assert device.host_key == KEY, "not the key that was shown"
    alices.post(reverse("device-host-key", args=[device.pk]), {"host_key": OTHER, "password": "again"})
    device.refresh_from_db()
    assert device.host_key == OTHER and unseal(device.secret)["password"] == "again"


def test_removing_asks_first_and_names_what_goes(alices, team, alice):
    device = everything(team, alice)["virtual"]
    page = text(alices, "device-delete", device.pk)
    assert "2 deployments and 1 inference" in page and "signed evidence of its deployments is kept" in page
    assert Device.objects.filter(pk=device.pk).exists()
    alices.post(reverse("device-delete", args=[device.pk]))
    assert not Device.objects.filter(pk=device.pk).exists()


def test_a_busy_device_is_not_removed(alices, seed):
    device = seed.device()
    device.busy_with = seed.job("deploy", status=Status.RUNNING)
    device.save()
    answer = alices.post(reverse("device-delete", args=[device.pk]), follow=True)
    assert "is busy with job" in answer.content.decode()
    assert Device.objects.filter(pk=device.pk).exists()
