"""Long curves reach the page thinned, and keep their shape."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.jobs import curves
from portal.jobs.models import Metric, Status
from tests.seed import Seeder


@pytest.fixture
def job(team, alice):
    return Seeder(team, alice).job("train")


def write(job, name, count, spike=None):
    Metric.objects.bulk_create(
        Metric(job=job, name=name, step=step, value=99.0 if step == spike else 1 / (step + 1))
        for step in range(count)
    )


def test_a_short_curve_comes_whole(job):
    write(job, "train/loss", 300)
    assert [point[2] for point in curves.since(job, 0)] == list(range(300))


def test_a_long_curve_is_thinned_and_keeps_its_spike_and_its_ends(job):
    write(job, "train/loss", 20_000, spike=12_345)
    write(job, "val/top1", 50)
    points = curves.since(job, 0)
    loss = [(step, value) for _, name, step, value in points if name == "train/loss"]
    assert 500 <= len(loss) <= curves.A_CURVE + 2
    assert (12_345, 99.0) in loss and loss[0][0] == 0
    assert [step for _, name, step, _ in points if name == "val/top1"] == list(range(50))
    assert points == sorted(points) and len(points) == len(set(points))
    assert curves.since(job, points[-1][0]) == []


def test_what_comes_after_a_thinned_curve_comes_as_it_is(job, client, alice):
    client.force_login(alice)
    write(job, "train/loss", 6000)
    url = reverse("job-metrics", args=[job.pk])
    first = client.get(url).json()
    assert first["finished"] and len(first["points"]) < 1100
    write(job, "train/loss", 10)
    assert len(client.get(url, {"after": first["points"][-1][0]}).json()["points"]) == 10


def test_a_page_that_was_away_for_long_catches_up_piece_by_piece(job, client, alice):
    client.force_login(alice)
    write(job, "train/loss", 1)
    url = reverse("job-metrics", args=[job.pk])
    last = client.get(url).json()["points"][-1][0]
    write(job, "train/loss", 6000)
    piece = client.get(url, {"after": last}).json()
    assert len(piece["points"]) == curves.AT_ONCE and not piece["finished"]
    assert len(client.get(url, {"after": piece["points"][-1][0]}).json()["points"]) == 1000


def test_the_api_thins_when_asked(job, alice):
    write(job, "train/loss", 1000)
    client = APIClient()
    client.force_authenticate(alice)
    address = f"/api/v1/jobs/{job.pk}/metrics/"
    assert len(client.get(address).json()) == 1000
    assert len(client.get(address, {"most": 100}).json()) <= 102
    assert client.get(address, {"most": 5}).status_code == 400


def test_a_running_jobs_curve_never_counts_as_finished(job, client, alice):
    job.status = Status.RUNNING
    job.save()
    client.force_login(alice)
    assert client.get(reverse("job-metrics", args=[job.pk])).json() == {"points": [], "finished": False}
