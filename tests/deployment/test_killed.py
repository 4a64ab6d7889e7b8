"""A worker is killed with -9 at any moment of a deployment: portal and board agree at the next contact."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.deployment import running
from portal.deployment.models import Deployment
from portal.devices import services, watch
from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.runs.services import deploy
from tests.devices.boards import needs_convert_environment
from tests.devices.live import BEFORE, execute, text
from tests.graphs import deployments_of, run_of_deployment

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.ssh,
    needs_convert_environment,
    pytest.mark.django_db(transaction=True),
]
MOMENTS = ["before the upload", "in the upload", "before the switch", "after the switch", "before the rows"]


@pytest.fixture
def board(renewed_board):
    return renewed_board


def killed(job: Job, moment: str) -> None:
    """Run the job in a process of its own, which is killed at the moment."""
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
        "SLIPWAY_VAR": str(django_settings.VAR_DIR),
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
    }
    argv = [sys.executable, "-m", "tests.deployment.killed_worker", str(job.pk), moment]
    done = subprocess.run(argv, env=env, cwd=django_settings.BASE_DIR, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def reap(settings) -> None:
    """What the reaper does after a minute, now."""
    settings.JOB_LOST_AFTER = timedelta(0)
    jobs.reap()


def by_probe(rows):
    execute(services.start_probe(Device.objects.get(pk=rows.device.pk), rows.user))


def by_inference(rows):
    execute(rows.asked().job)


def by_check(rows):
    long_ago = timezone.now() - timedelta(hours=2)
    Device.objects.filter(pk=rows.device.pk).update(seen_at=long_ago, checked_at=None, busy_with=None)
    watch.watch()


def by_deployment(rows):
    other = rows.started("Third")
    execute(other.job)


CONTACTS = {"probe": by_probe, "inference": by_inference, "check": by_check, "deployment": by_deployment}


def check_they_agree(board, rows, client) -> Deployment:
    """Every page, the API and the next inference name what the board runs; returns that deployment."""
    runs = board.holds()[1]
    device = Device.objects.get(pk=rows.device.pk)
    current = running.current_deployment(device)
    assert current.release == runs
    api = APIClient()
    api.force_authenticate(rows.user)
    assert api.get(f"/api/v1/devices/{device.pk}/").json()["current_release"] == runs
    listed = api.get(f"/api/v1/deployments/?device={device.pk}").json()["results"]
    assert [row["release"] for row in listed if row["current"]] == [runs]
    client.force_login(rows.user)
    name = run_of_deployment(current).name
    assert runs in text(client, reverse("device-detail", args=[device.pk]))
    assert f">{name}</a>" in text(client, reverse("device-list"))
    lines = client.get(reverse("model-list")).context["lines"]
    assert {line.page.words: [row.name for row in line.devices] for line in lines}[name] == ["Bench"]
    assert sum(len(line.devices) for line in lines) == 1
    inference = rows.asked()
    assert execute(inference.job).status == Status.SUCCEEDED
    inference.refresh_from_db()
    assert (running.deployment_of(inference.device, inference.release), inference.release) == (current, runs)
    return current


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_the_next_contact_sets_it_right(client, board, rows, settings, moment):
    earlier = rows.deployed()
    deployment = rows.started("Second")
    killed(deployment.job, moment)
    switched = moment in ("after the switch", "before the rows")
    assert (board.holds()[1] != BEFORE) == switched
    reap(settings)
    jobs.cancel(Job.objects.get(retry_of=deployment.job), by="alice")
    by_probe(rows)
    current = check_they_agree(board, rows, client)
    assert current == (deployment if switched else earlier)


@pytest.mark.parametrize("contact", CONTACTS)
def test_whatever_the_next_contact_is_it_sets_what_runs(client, board, rows, settings, contact):
    rows.deployed()
    deployment = rows.started("Second")
    killed(deployment.job, "after the switch")
    reap(settings)
    jobs.cancel(Job.objects.get(retry_of=deployment.job), by="alice")
    CONTACTS[contact](rows)
    deployment.refresh_from_db()
    assert deployment.activated_at and deployment.placed["model_sha256"]
    check_they_agree(board, rows, client)


def test_a_resumed_deployment_is_an_attempt_of_its_own_and_becomes_current(client, board, rows, settings):
    rows.deployed()
    deployment = rows.started("Second")
    killed(deployment.job, "after the switch")
    reap(settings)
    again = Job.objects.get(retry_of=deployment.job)
    assert execute(again).status == Status.SUCCEEDED
    assert check_they_agree(board, rows, client) == again.deployment
    deployment.refresh_from_db()
    assert deployment.job != again and deployment.activated_at < again.deployment.activated_at


def test_a_release_that_the_portal_does_not_know_is_named_and_nothing_is_attributed(client, board, rows):
    rows.deployed()
    root = board.home / "slipway"
    (root / "releases" / BEFORE).rename(root / "releases" / "by-hand")
    (root / "current").unlink()
    (root / "current").symlink_to("releases/by-hand")
    inference = rows.asked()
    assert execute(inference.job).status == Status.SUCCEEDED
    inference.refresh_from_db()
    assert (running.deployment_of(inference.device, inference.release), inference.release) == (
        None,
        "by-hand",
    )
    client.force_login(rows.user)
    page = text(client, reverse("device-detail", args=[rows.device.pk]))
    assert "The board runs <code>by-hand</code>, a release that Slipway does not know" in page
    answers = text(client, reverse("inference-detail", args=[rows.device.pk, inference.pk]))
    assert "release <code>by-hand</code>, which Slipway does not know" in answers
    api = APIClient()
    api.force_authenticate(rows.user)
    assert api.get(f"/api/v1/devices/{rows.device.pk}/").json()["current_release"] == "by-hand"
    assert api.get(f"/api/v1/inferences/{inference.pk}/").json()["release"] == "by-hand"


def test_a_release_switched_back_on_the_board_by_hand_is_what_runs(client, board, rows):
    earlier = rows.deployed()
    execute(rows.started("Second").job)
    (board.home / "slipway/current").unlink()
    (board.home / "slipway/current").symlink_to(f"releases/{BEFORE}")
    by_probe(rows)
    assert check_they_agree(board, rows, client) == earlier


def test_deploying_twice_makes_two_rows_and_the_newest_runs(client, board, rows):
    run = rows.run("First")
    run.steps.filter(kind="deploy").delete()
    for number in (1, 2):
        deployment = deploy(run, rows.device, rows.user)
        assert execute(deployment.job).status == Status.SUCCEEDED
        assert deployments_of(run).exclude(activated_at=None).count() == number
        assert check_they_agree(board, rows, client) == deployment
