"""The application on a board from the command line."""

import io

import pytest
from slipway import Client

from portal.application.models import Application
from portal.core.encryption import unseal
from portal.jobs.models import Job, Status
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_application_is_installed_shown_and_stopped(signed_in, slipway, team, alice, monkeypatch):
    Seeder(team, alice).device("Belt", "virtual")
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert slipway("app", "show", "Belt").code == 4
    made = slipway(
        "app",
        "install",
        "Belt",
        "--to",
        "mqtt",
        "--host",
        "10.1.1.155",
        "--topic",
        "line/1",
        "--password-stdin",
    )
    assert made.code == 0 and "(install): queued" in made.out, made.err
    assert unseal(Application.objects.get().secret) == {"password": "secret"}
    assert slipway("app", "install", "Belt", "--to", "serial").code == 6
    Job.objects.update(status=Status.SUCCEEDED)
    output = {"kind": "mqtt", "place": "10.1.1.155:1883 line/1", "sent": 0, "waiting": 7, "dropped": 0}
    state = {"installed": True, "running": True, "outputs": [output | {"problem": "Connection refused"}]}
    state |= {"problem": "The camera is away.", "recent": [{"label": "crack"}], "log": ["keeper: started"]}
    Application.objects.update(state=state, told_at="2026-11-30T03:32:49Z")
    told = slipway("app", "show", "Belt").out
    assert "waiting 7, dropped 0 Connection refused" in told and "As of 2026-11-30 03:32:49 UTC" in told
    assert "The camera is away." in told and '{"label": "crack"}' in told and "keeper: started" in told
    monkeypatch.setattr("slipway.cli.follow.job", lambda *_: None)
    assert "(status): queued" in slipway("app", "show", "Belt", "--refresh").out
    Job.objects.update(status=Status.SUCCEEDED)
    assert "(stop): queued" in slipway("app", "stop", "Belt").out
    Job.objects.update(status=Status.SUCCEEDED)
    client = Client()
    assert client.application("Belt")["act"] == "stop"
    assert client.tell_application("Belt", "refresh")["act"] == "status"
    Job.objects.update(status=Status.SUCCEEDED)
    assert client.install_application("Belt", "file")["config"]["outputs"] == [{"kind": "file"}]
