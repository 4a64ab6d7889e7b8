"""A job of a kind that this release does not know: servers are upgraded one by one."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs import scheduler, services
from portal.jobs.models import IllegalTransition, Job, Status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newer(team, alice):
    return Job.objects.create(kind="levitate", queue="train", team=team, created_by=alice)


def test_it_waits_for_a_worker_of_its_release_and_others_pass_it(newer, team, alice):
    ours = Job.objects.create(kind="train", queue="train", team=team, created_by=alice)
    assert scheduler.startable_jobs("train", team.pk) == [ours.pk]
    assert scheduler.claim_next("train", "worker:1:a") == ours
    assert not scheduler.claim(newer, "worker:1:a")


def test_every_page_and_call_shows_it(newer, alices, alice):
    client = APIClient()
    client.force_authenticate(alice)
    for address in ("/api/v1/history/", "/api/v1/jobs/", f"/api/v1/jobs/{newer.pk}/"):
        assert client.get(address).status_code == 200, address
    for address in (reverse("history"), reverse("job-detail", args=[newer.pk]), reverse("job-list"), "/"):
        answer = alices.get(address)
        assert answer.status_code == 200, address
    assert "Job of a newer release (levitate)" in alices.get(reverse("history")).content.decode()


def test_it_is_not_retried_here_and_its_release_looks_after_it(newer, alice):
    then = timezone.now() - timedelta(hours=2)
    Job.objects.filter(pk=newer.pk).update(status=Status.RUNNING, heartbeat_at=then, worker="newer:1:a")
    services.reap()
    newer.refresh_from_db()
    assert newer.status == Status.RUNNING
    Job.objects.filter(pk=newer.pk).update(status=Status.FAILED)
    newer.refresh_from_db()
    with pytest.raises(IllegalTransition, match="only that release can retry it"):
        services.retry_by(alice, newer)


def test_nothing_submits_one(team, alice):
    with pytest.raises(KeyError):
        services.submit("levitate", team, alice)
