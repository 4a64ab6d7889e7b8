"""What one has already is not sent again, and what has changed is."""

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs.models import JobEvent, Metric, Status
from tests.graphs import run_of
from tests.seed import Seeder


@pytest.fixture
def seed(team, alice):
    return Seeder(team, alice)


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
