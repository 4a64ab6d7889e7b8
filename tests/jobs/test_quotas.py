"""What a team may use, and how it is told that it uses as much."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets import uploads
from portal.jobs.models import Checkpoint, Job, Status
from portal.teams import quota_usage, quotas
from portal.teams.models import Quota
from tests.factories import class_zip
from tests.seed import Seeder, everything

SENTENCE = "1 job of the team Harbour waits already, and at most 1 may"


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


@pytest.fixture
def full(rows, team, alice):
    """A team with as many jobs waiting as it may."""
    Seeder(team, alice).job("probe", "deploy", Status.QUEUED)
    quotas.set_quota(team, Quota.By.TEAM, {"queued": 1})
    return rows


def test_every_form_that_starts_something_says_so_and_starts_nothing(full, alices):
    before = Job.objects.count()
    run = {"dataset_version": full["version"].pk, "preset": "fast", "chips": ["rv1106"], "name": "Keep me"}
    for name, data in (("run-new", run), ("dataset-new", {"name": "Keep me", "file": class_zip()})):
        answer = alices.post(reverse(name), data)
        page = answer.content.decode()
        assert answer.status_code == 422 and SENTENCE in page and "Keep me" in page, name
    refused = Job.objects.get(kind="ingest", status=Status.FAILED)
    for address in (
        reverse("dataset-digits"),
        reverse("run-retry", args=[full["failed"].pk]),
        reverse("job-retry", args=[refused.pk]),
    ):
        assert SENTENCE in alices.post(address, follow=True).content.decode(), address
    assert Job.objects.count() == before


def test_the_api_answers_409_with_the_sentence(full, alice):
    client = APIClient()
    client.force_authenticate(alice)
    body = {"dataset_version": full["version"].pk, "preset": "fast", "chips": ["rv1106"]}
    for path, data in (
        ("runs/", body),
        ("datasets/samples/digits/", {}),
        (f"runs/{full['failed'].pk}/retry/", {}),
    ):
        answer = client.post(f"/api/v1/{path}", data, format="json")
        assert answer.status_code == 409 and SENTENCE in answer.json()["detail"], path


def test_what_a_team_stored_is_counted_by_what_it_is(rows, team, alice):
    use = quota_usage.storage_of(team)
    assert use["datasets"] == rows["version"].bytes
    assert use["artifacts"] > 0 and use["uploads"] == 0
    uploads.create(team, alice, 1000, "a.zip")
    assert quota_usage.storage_of(team)["uploads"] == 1000


def test_the_checkpoint_of_a_running_job_counts(rows, team):
    job = rows["job"]
    before = sum(quota_usage.storage_of(team).values())
    Checkpoint.objects.create(job=job, file="checkpoints/1.tar", size=7, made_at=job.queued_at)
    assert sum(quota_usage.storage_of(team).values()) == before + 7


def test_a_run_is_refused_when_nothing_is_left_of_the_storage(rows, team, alices):
    quotas.set_quota(team, Quota.By.SERVER, {"storage_mb": 1})
    assert quota_usage.left(team) == 0
    run = {"dataset_version": rows["version"].pk, "preset": "fast", "chips": ["rv1106"]}
    page = alices.post(reverse("run-new"), run).content.decode()
    assert "has used all of its 1.0 MB of storage" in page


def test_the_teams_own_value_lowers_the_servers(team, settings):
    settings.TEAM_QUOTA_BYTES = 1000
    assert quota_usage.left(team) == 1000
    quotas.set_quota(team, Quota.By.TEAM, {"storage_mb": 5})
    assert quota_usage.left(team) == 1000, "the setting is the ceiling"
    settings.TEAM_QUOTA_BYTES = 0
    assert quota_usage.left(team) == 5 * 1024 * 1024
