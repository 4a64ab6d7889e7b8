"""The hosts of the workers, as they report themselves, on a page and in the API."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.jobs import hosts
from portal.jobs.models import Job, Status, Worker
from portal.teams import tokens
from portal.version import VERSION


@pytest.fixture
def server_administrator(alice):
    alice.is_superuser = True
    alice.save()
    return alice


@pytest.fixture
def workers(team, alice):
    """One host trains, with the portal's version; another was lost, and had an older one."""
    now = timezone.now()
    Worker.objects.create(
        name="train@gpu-1", host="gpu-1", queues=["train"], slots=2, device="gpu:0,gpu:1", version=VERSION,
        cached=3, started_at=now, seen_at=now,
    )  # fmt: skip
    Worker.objects.create(
        name="convert@old", host="old", queues=["convert"], slots=1, version="0.0.9",
        started_at=now - timedelta(days=2), seen_at=now - timedelta(hours=2),
    )  # fmt: skip
    Job.objects.create(
        team=team, created_by=alice, kind="train", queue="train", status=Status.RUNNING, worker="gpu-1:7:abc",
        started_at=now, phase="epoch 3/12",
    )  # fmt: skip


def reporter():
    consumer = SimpleNamespace(
        hostname="train@host",
        pool=SimpleNamespace(limit=2),
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"train": None}))),
    )
    hosts.on_ready(consumer)
    found = hosts._reporters[-1]
    found._stop.set()
    found._thread.join()
    return found


@pytest.fixture
def quiet(monkeypatch):
    """The connection of the test must stay open, and the thread writes nothing of its own."""
    monkeypatch.setattr(hosts.connection, "close", lambda: None)
    monkeypatch.setattr(hosts.Reporter, "_run", lambda reporter: None)


def test_a_worker_tells_that_it_is_there_that_it_stops_and_is_forgotten_when_it_has(db, quiet):
    found = reporter()
    found.report()
    row = Worker.objects.get()
    assert (row.name, row.queues, row.slots, row.version) == ("train@host", ["train"], 2, VERSION)
    assert row.device == "cpu"
    hosts.on_stopping()
    assert Worker.objects.get().is_stopping
    hosts.on_stopped()
    assert not Worker.objects.exists()


def test_a_host_that_is_gone_for_a_week_is_forgotten(db, quiet, workers):
    Worker.objects.filter(host="old").update(seen_at=timezone.now() - timedelta(days=8))
    reporter().report()
    hosts._reporters.clear()
    assert not Worker.objects.filter(host="old").exists()


def test_what_each_host_runs_and_whether_it_is_alive(db, workers):
    gpu, old = hosts.hosts()
    assert (gpu.name, gpu.is_alive, gpu.cached, len(gpu.jobs)) == ("gpu-1", True, 3, 1)
    assert (old.name, old.is_alive, old.jobs) == ("old", False, [])
    assert [worker["is_current"] for worker in (*gpu.workers, *old.workers)] == [True, False]


def test_the_page_shows_them_to_administrators_of_the_server_only(client, server_administrator, workers):
    client.force_login(server_administrator)
    page = client.get("/jobs/hosts/").content.decode()
    assert "train@gpu-1" in page and "gpu:0,gpu:1" in page
    assert f"the portal has {VERSION}" in page and "No sign of life for" in page
    assert "/jobs/hosts/" in client.get("/jobs/").content.decode()
    server_administrator.is_superuser = False
    server_administrator.save()
    assert client.get("/jobs/hosts/").status_code == 403
    assert "/jobs/hosts/" not in client.get("/jobs/").content.decode()


def test_the_api_tells_the_same(client, team, server_administrator, workers):
    def call(*scopes):
        _, secret = tokens.make(team, server_administrator, "Ops", list(scopes), 30)
        return client.get("/api/v1/hosts/", headers={"Authorization": f"Bearer {secret}"})

    assert call("read").status_code == 403
    gpu, old = call("admin").json()
    assert gpu["workers"][0]["queues"] == ["train"]
    assert gpu["jobs"][0] | {"id": 0, "started_at": ""} == {
        "id": 0, "started_at": "", "kind": "train", "team": team.name, "phase": "epoch 3/12",
    }  # fmt: skip
    assert (old["is_alive"], old["workers"][0]["state"]) == (False, "lost")
