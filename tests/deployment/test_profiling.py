"""The current release is timed on its board, kept as history, and shown beside the estimate."""

import pytest
from django.urls import reverse

from portal.core.messages import shown
from portal.deployment import profiling
from portal.deployment.models import Deployment, Profile
from portal.jobs.models import IllegalTransition, Job, Status
from portal.models import costs
from portal.models.models import CompiledModel
from tests.seed import everything


@pytest.mark.ssh
@pytest.mark.django_db(transaction=True)
def test_a_release_is_timed_on_the_board_and_kept(rows, run_jobs, alice, client):
    rows.deployed()
    row = profiling.start(rows.device, alice)
    with pytest.raises(IllegalTransition, match="already being timed"):
        profiling.start(rows.device, alice)
    run_jobs()
    row.refresh_from_db()
    assert row.job.status == Status.SUCCEEDED, row.job.message
    found = row.figures
    assert row.release and row.deployment.release == row.release
    assert found["whole"]["calls"] == found["predict"]["calls"] >= 5
    assert 0 < found["predict"]["median"] <= found["whole"]["median"]
    assert found["predict"]["p95"] <= found["predict"]["p99"] and found["load_ms"] > 0 < found["first_ms"]
    assert found["library_resizes"] and "virtual" in found["engine"]
    assert profiling.error_of(row) is None  # a virtual board says nothing about an estimate
    client.force_login(alice)
    page = client.get(reverse("device-detail", args=[rows.device.pk])).content.decode()
    assert (
        row.release in page
        and "says nothing about a device" not in page
        and "virtual board: its times" in page
    )


@pytest.fixture
def real(team, alice, db):
    """Two timings on a real board, whose estimate is half and twice of what they took."""
    everything(team, alice)
    deployment = Deployment.objects.exclude(device__profile="virtual").latest("pk")
    estimate = costs.estimate_ms(deployment.compiled_model)
    made = []
    for factor in (2.0, 4.0):
        job = Job.objects.create(team=team, created_by=alice, kind="profile", queue="deploy",
                                 status=Status.SUCCEEDED)  # fmt: skip
        spread = {"calls": 100, "median": factor * estimate, "p95": 9.0, "p99": 9.9}
        figures = {"load_ms": 40.0, "first_ms": 20.0, "whole": spread, "predict": spread,
                   "memory_before": 9_000_000, "memory_loaded": 7_000_000}  # fmt: skip
        made.append(
            Profile.objects.create(team=team, created_by=alice, device=deployment.device, job=job,
                                   deployment=deployment, release=deployment.release, figures=figures)
        )  # fmt: skip
    return made


def test_the_error_of_the_estimate_is_told_and_learnt(real, team):
    first = real[0]
    assert not first.device.is_virtual and first.memory_taken == 2_000_000
    assert shown(profiling.error_of(first)) == "estimated 50 % too fast"
    assert shown(profiling.error_of(real[1])) == "estimated 75 % too fast"
    chip = first.deployment.compiled_model.chip
    CompiledModel.objects.filter(chip=chip).first().evaluations.filter(stage="board").delete()
    factors = sorted(ms / costs.estimate_ms(one) for ms, one in profiling.measured_of(team, chip))
    assert factors == pytest.approx([2.0, 4.0])
    assert costs.board_factor(team, chip) >= 2.0


def test_operators_start_it_and_the_team_reads_it(real, alices, bob, client, charlie):
    device = real[0].device
    found = alices.get(f"/api/v1/profiles/?device={device.pk}").json()["results"]
    assert [one["release"] for one in found] == [one.release for one in real]
    assert found[0]["figures"]["predict"]["calls"] == 100 and found[0]["estimate_ms"]
    made = alices.post("/api/v1/profiles/", {"device": device.pk}, content_type="application/json")
    assert made.status_code == 202, made.content
    twice = alices.post(reverse("device-profile", args=[device.pk]), follow=True)
    assert "already being timed" in twice.content.decode()
    client.force_login(bob)
    assert client.get(reverse("device-detail", args=[device.pk])).status_code == 200
    assert client.post(reverse("device-profile", args=[device.pk])).status_code == 403
    client.force_login(charlie)
    assert client.get(f"/api/v1/profiles/{real[0].pk}/").status_code == 404
