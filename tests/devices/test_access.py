"""A key in place of the password, another password, and back: on a running virtual board."""

import dataclasses

import pytest
from django.urls import reverse

from portal.core import configs
from portal.devices import access, authorizing, fitness, services
from portal.devices.credentials import Credentials, sign_in, sign_in_with, stored
from portal.devices.errors import WrongPassword
from portal.devices.models import AccessChange, Device
from portal.jobs.models import IllegalTransition, Job, LogChunk, Status
from tests.devices.boards import PASSWORD, needs_convert_environment
from tests.devices.live import change_access, execute, text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.ssh, needs_convert_environment]
NEW = "a new pass:word"


def fresh(rows):
    return Device.objects.get(pk=rows.device.pk)


def refused(device, **secret):
    with pytest.raises(WrongPassword):
        sign_in_with(device, Credentials(**secret))
    return True


@pytest.fixture
def factory(monkeypatch):
    """Boards of this kind leave the factory with the password of these tests."""
    book = dataclasses.replace(configs.boards()["virtual"], default_password=PASSWORD)
    monkeypatch.setattr(Device, "board_profile", book)


def test_a_key_replaces_the_password_and_the_change_is_undone(rows, renewed_board, alices):
    keys = renewed_board.home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o777)
    keys.write_text("ssh-ed25519 AAAA of a person", "utf-8")
    alices.post(reverse("device-install-key", args=[rows.device.pk]))
    change = AccessChange.objects.get()
    assert "PRIVATE" not in change.secret and change.public_key.startswith("ssh-ed25519 ")
    assert execute(change.job).status == Status.SUCCEEDED
    device = fresh(rows)
    assert device.auth == "key" and stored(device).password == ""
    assert keys.read_text("utf-8") == f"ssh-ed25519 AAAA of a person\n{change.public_key}\n"
    assert keys.stat().st_mode & 0o777 == 0o600 and keys.parent.stat().st_mode & 0o777 == 0o700
    sign_in(device).close()
    assert "As root, with a private key." in text(alices, reverse("device-access", args=[device.pk]))

    alices.post(reverse("device-undo-access", args=[device.pk]))
    assert execute(AccessChange.objects.first().job).status == Status.SUCCEEDED
    assert fresh(rows).auth == "password" and keys.read_text("utf-8") == "ssh-ed25519 AAAA of a person\n"
    sign_in(fresh(rows)).close()
    assert access.undoable(fresh(rows)) is None
    assert not AccessChange.objects.exclude(secret="", previous="").exists(), "no secret is left behind"


def test_a_key_without_effect_is_removed_and_the_password_stays(rows, renewed_board, monkeypatch):
    monkeypatch.setattr(authorizing, "KEY_FILES", (".ssh/other", "/nowhere/authorized_keys"))
    job = execute(access.install_key(rows.device, rows.user).job)
    assert job.status == Status.FAILED and "does not take the new key, and the earlier sign-in" in job.message
    assert (renewed_board.home / ".ssh" / "other").read_text("utf-8") == ""
    assert fresh(rows).auth == "password"
    sign_in(fresh(rows)).close()


def test_the_factory_password_is_told_of_until_it_is_changed(rows, factory, alices):
    assert execute(services.start_probe(rows.device, rows.user)).status == Status.SUCCEEDED
    assert fresh(rows).factory_password is True
    page = reverse("device-detail", args=[rows.device.pk])
    assert "its factory password, which anyone" in text(alices, page)
    assert "Factory password" in text(alices, reverse("device-list"))
    assert alices.get(f"/api/v1/devices/{rows.device.pk}/").json()["factory_password"] is True
    lines = {line.name: line for line in fitness.of_device(fresh(rows))}
    assert lines["password"].verdict == fitness.Verdict.WARNING

    assert execute(access.install_key(rows.device, rows.user).job).status == Status.SUCCEEDED
    assert fresh(rows).factory_password is True, "the key does not change it"
    answer = alices.post(f"/api/v1/devices/{rows.device.pk}/access/password/", {}, "application/json")
    assert answer.status_code == 202, answer.content
    made_up = answer.json()["password"]
    job = execute(Job.objects.get(pk=answer.json()["job"]["id"]))
    assert job.status == Status.SUCCEEDED
    assert fresh(rows).factory_password is False and fresh(rows).auth == "key"
    sign_in_with(fresh(rows), Credentials(made_up)).close()
    assert refused(rows.device, password=PASSWORD)
    assert "its factory password, which anyone" not in text(alices, page)
    log = LogChunk.objects.values_list("text", flat=True)
    told = [str(value) for value in (job.message, job.result, *log)]
    assert not any(made_up in words for words in told)

    for _change in range(2):  # the password, then the key
        assert execute(access.undo(fresh(rows), rows.user).job).status == Status.SUCCEEDED
    assert fresh(rows).factory_password is True and stored(fresh(rows)).password == PASSWORD


def test_the_next_contact_finds_out_what_a_killed_worker_left(rows, renewed_board, monkeypatch):
    change = access.change_password(rows.device, rows.user, NEW)
    monkeypatch.setattr(access, "adopt", lambda change: None)  # killed after the board was changed
    execute(change.job)
    assert refused(rows.device, password=PASSWORD) and stored(fresh(rows)).password == PASSWORD
    sign_in(fresh(rows)).close()
    assert stored(fresh(rows)).password == NEW
    assert AccessChange.objects.get().done_at and AccessChange.objects.get().secret == ""


def test_a_password_that_the_board_does_not_take_is_put_back(rows, monkeypatch):
    real = access.sign_in_with
    monkeypatch.setattr(
        access,
        "sign_in_with",
        lambda device, secret: real(device, Credentials("no") if secret.password == NEW else secret),
    )
    monkeypatch.setattr(authorizing, "SETTERS", authorizing.SETTERS[:1])
    job = execute(access.change_password(rows.device, rows.user, NEW).job)
    assert job.status == Status.FAILED and "could not be changed" in job.message and NEW not in job.message
    sign_in(fresh(rows)).close()
    assert stored(fresh(rows)).password == PASSWORD


def test_one_change_at_a_time_and_typed_credentials_end_all_undoing(rows):
    change = access.change_password(rows.device, rows.user, NEW)
    with pytest.raises(IllegalTransition, match="wait for it to end"):
        access.install_key(rows.device, rows.user)
    with pytest.raises(services.BoardError, match="wait for it to end"):
        change_access(rows.device)
    execute(change.job)
    assert access.undoable(fresh(rows)) == change
    change_access(fresh(rows), credentials=Credentials(NEW))
    assert access.undoable(fresh(rows)) is None
    assert not AccessChange.objects.exclude(secret="", previous="").exists()


@pytest.mark.parametrize("password", ["short", "ö" * 12, "two\nlines here", PASSWORD])
def test_a_bad_password_is_refused_at_its_field(rows, factory, alices, password):
    page = alices.post(reverse("device-change-password", args=[rows.device.pk]), {"password": password})
    assert page.status_code == 422 and page.context["form"].errors["password"]
    call = alices.post(
        f"/api/v1/devices/{rows.device.pk}/access/password/", {"password": password}, "application/json"
    )
    assert call.status_code == 400 and list(call.json()["errors"]) == ["password"]
    assert not AccessChange.objects.exists()
