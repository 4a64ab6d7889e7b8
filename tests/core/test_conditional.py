"""What one has already is not sent again, and what has changed is."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs.models import JobEvent, Metric, Status
from portal.teams import tokens
from portal.teams.models import Scope
from tests.graphs import run_of


@pytest.fixture
def job(seed):
    run = seed.run(seed.version(), status=Status.RUNNING)
    return seed.train(run, Status.RUNNING, epochs=2, phase="epoch 2/12", done=2, total=12).job


@pytest.fixture
def client(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def known(client, address):
    """The header of one who has the answer already."""
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-cache"
    return {"If-None-Match": answer["ETag"]}


def nothing_new(client, address, headers):
    answer = client.get(address, headers=headers)
    return answer.status_code == 304 and not answer.content and answer["ETag"] == headers["If-None-Match"]


@pytest.mark.parametrize(
    "address",
    ["runs/", "runs/{run}/", "runs/{run}/report/", "jobs/", "jobs/{job}/", "jobs/{job}/events/",
     "jobs/{job}/files/", "jobs/{job}/metrics/?after=3", "jobs/{job}/log/?offset=5", "devices/", "recipes/",
     "datasets/", "members/"],
)  # fmt: skip
def test_an_answer_that_one_has_is_not_sent_again(client, job, address):
    address = "/api/v1/" + address.format(job=job.pk, run=run_of(job).pk)
    headers = known(client, address)
    assert nothing_new(client, address, headers)
    assert nothing_new(client, address, {"If-None-Match": headers["If-None-Match"]})
    assert client.get(address, headers={"If-None-Match": '"another"'}).status_code == 200


def test_a_head_names_the_answer_as_a_get_does(client, job):
    address = f"/api/v1/jobs/{job.pk}/"
    headers = known(client, address)
    assert client.head(address)["ETag"] == headers["If-None-Match"]
    assert client.head(address, headers=headers).status_code == 304
    assert client.get(address, headers={"If-None-Match": "*"}).status_code == 304


def test_the_passing_of_time_alone_is_nothing_new(client, job):
    address = f"/api/v1/jobs/{job.pk}/"
    headers = known(client, address)
    type(job).objects.filter(pk=job.pk).update(heartbeat_at=timezone.now(), worker="another")
    assert nothing_new(client, address, headers)


def test_what_changed_is_sent(client, job, seed):
    start = f"/api/v1/jobs/{job.pk}/"
    parts = {name: known(client, start + name) for name in ("", "events/", "metrics/", "log/", "files/")}
    run = f"/api/v1/runs/{run_of(job).pk}/"
    of_run = known(client, run)
    job.phase = "epoch 3/12"
    job.save(update_fields=["phase"])
    assert not nothing_new(client, start, parts[""])
    assert not nothing_new(client, run, of_run)
    for name in ("events/", "metrics/", "log/", "files/"):
        assert nothing_new(client, start + name, parts[name]), name
    JobEvent.objects.create(job=job, old="running", new="cancelling", at=timezone.now())
    Metric.objects.create(job=job, name="train/loss", step=99, value=0.5)
    seed.log(job, "one line more\n")
    seed.artifact(job, "model.onnx")
    for name in ("events/", "metrics/", "log/", "files/"):
        assert not nothing_new(client, start + name, parts[name]), name


def test_another_offset_is_another_answer(client, job):
    headers = known(client, f"/api/v1/jobs/{job.pk}/log/?offset=0")
    assert not nothing_new(client, f"/api/v1/jobs/{job.pk}/log/?offset=9", headers)
    headers = known(client, f"/api/v1/jobs/{job.pk}/metrics/?after=0")
    assert not nothing_new(client, f"/api/v1/jobs/{job.pk}/metrics/?after=9", headers)


def test_a_log_says_that_it_is_whole_once_the_job_ends(client, job):
    address = f"/api/v1/jobs/{job.pk}/log/?offset={job.log_bytes}"
    headers = known(client, address)
    job.move_to(Status.SUCCEEDED)
    answer = client.get(address, headers=headers)
    assert (answer.status_code, answer["X-Finished"]) == (200, "yes")


def test_the_pages_scripts_are_told_as_well(job, alice):
    browser = Client()
    browser.force_login(alice)
    for address in (f"/jobs/{job.pk}/log/?offset=0", f"/jobs/{job.pk}/metrics/?after=0"):
        headers = known(browser, address)
        assert nothing_new(browser, address, headers)
    Metric.objects.create(job=job, name="train/loss", step=99, value=0.5)
    assert not nothing_new(browser, address, headers)


def test_nothing_costs_few_queries(client, job, django_assert_max_num_queries):
    for name in ("", "events/", "metrics/", "log/"):
        address = f"/api/v1/jobs/{job.pk}/{name}"
        headers = known(client, address)
        with django_assert_max_num_queries(3):
            assert nothing_new(client, address, headers)


def test_a_stranger_learns_nothing_from_a_tag(client, job, charlie):
    headers = known(client, f"/api/v1/jobs/{job.pk}/")
    client.force_authenticate(charlie)
    assert client.get(f"/api/v1/jobs/{job.pk}/", headers=headers).status_code == 404


# --- what is changed meanwhile --------------------------------------------------------------------


def test_a_change_of_what_somebody_else_has_changed_is_412_and_changes_nothing(alice, seed):
    client = APIClient()
    client.force_authenticate(alice)
    address = f"/api/v1/runs/{seed.run(seed.version()).pk}/"
    seen = client.get(address)["ETag"]
    mine, theirs = {"name": "Mine"}, {"name": "Theirs"}
    assert client.patch(address, theirs, format="json", headers={"If-Match": seen}).status_code == 200
    refused = client.patch(address, mine, format="json", headers={"If-Match": seen})
    assert refused.status_code == 412 and "read it again" in refused.json()["detail"]
    assert client.get(address).json()["name"] == "Theirs"
    now = client.get(address)["ETag"]
    assert client.patch(address, mine, format="json", headers={"If-Match": f'"x", {now}'}).status_code == 200
    assert client.patch(address, theirs, format="json", headers={"If-Match": "*"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_who_change_what_all_of_them_read_one_wins(live_server, team, alice, seed):
    _, secret = tokens.make(team, alice, "CI", Scope.values, 1)
    address = f"{live_server.url}/api/v1/runs/{seed.run(seed.version()).pk}/"
    signed = {"Authorization": f"Bearer {secret}"}
    seen = signed | {"If-Match": requests.get(address, headers=signed, timeout=60).headers["ETag"]}

    def change(name):
        return requests.patch(address, json={"name": name}, headers=seen, timeout=60).status_code

    with ThreadPoolExecutor(6) as people:
        statuses = list(people.map(change, "abcdef"))
    assert sorted(statuses) == [200] + [412] * 5
    winner = "abcdef"[statuses.index(200)]
    assert requests.get(address, headers=signed, timeout=60).json()["name"] == winner


def test_a_deletion_and_a_put_are_conditional_as_well(alice, seed):
    alice.memberships.update(role="admin")
    client = APIClient()
    client.force_authenticate(alice)
    version = seed.version()
    old = {"If-Match": 'W/"0123"'}
    assert client.delete(f"/api/v1/datasets/{version.dataset_id}/", headers=old).status_code == 412
    assert client.put("/api/v1/limits/", {"running_train": 1}, format="json", headers=old).status_code == 412
    seen = {"If-Match": client.get("/api/v1/limits/")["ETag"]}
    assert client.put("/api/v1/limits/", {"running_train": 1}, format="json", headers=seen).status_code == 200


def test_where_nothing_can_be_read_if_match_is_refused(alice):
    client = APIClient()
    client.force_authenticate(alice)
    answer = client.delete("/api/v1/sign-ins/1/", headers={"If-Match": '"x"'})
    assert answer.status_code == 400 and "If-Match" in answer.json()["errors"]
