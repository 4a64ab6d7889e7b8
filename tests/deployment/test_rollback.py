"""Back to an earlier release, the trial of every release after the switch, and one deployment on a board."""

import shutil

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from portal.deployment import attempt, boardlock, running, services
from portal.deployment.models import Deployment
from portal.devices import health
from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs.log import read_log
from portal.jobs.models import IllegalTransition, Job, Status
from portal.teams.models import Team
from tests.devices.boards import needs_convert_environment
from tests.devices.live import BEFORE, Rows, execute, text
from tests.jobs.helpers import executing, wait_for

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def board(renewed_board):
    return renewed_board


@pytest.fixture
def deployed(rows):
    """Two releases on the board, the second one current."""
    found = [rows.started(name) for name in ("First", "Second")]
    for deployment in found:
        assert execute(deployment.job).status == Status.SUCCEEDED
    return [Deployment.objects.get(pk=deployment.pk) for deployment in found]


def test_one_click_makes_an_earlier_release_current_again(alices, board, rows, deployed):
    first, second = deployed
    page = reverse("device-detail", args=[rows.device.pk])
    assert f'action="{reverse("deployment-rollback", args=[first.pk])}"' in text(alices, page)
    alices.post(reverse("deployment-rollback", args=[first.pk]))
    made = Deployment.objects.latest("pk")
    assert execute(made.job).status == Status.SUCCEEDED
    made.refresh_from_db()
    assert board.holds()[1] == first.release == made.release and made.source == first
    assert "upload" not in read_log(made.job, 0)[0]
    assert running.current_deployment(Device.objects.get()) == made
    assert Deployment.objects.get(pk=second.pk).state == "replaced"
    shown = text(alices, page)
    assert f'action="{reverse("deployment-rollback", args=[second.pk])}"' in shown
    assert "on 6 images" in shown.split("What runs on it")[1].split("Device details")[0], "as it was measured"


def test_the_api_rolls_back_and_says_what_it_does_not(rows, deployed, alice):
    first, second = deployed
    api = APIClient()
    api.force_authenticate(alice)
    row = api.post(f"/api/v1/deployments/{first.pk}/rollback/").json()
    assert (row["state"], row["source"]) == ("under-way", first.pk)
    assert execute(Job.objects.get(pk=row["job"]["id"])).status == Status.SUCCEEDED
    listed = {one["id"]: one for one in api.get("/api/v1/deployments/").json()["results"]}
    assert listed[row["id"]]["state"] == "current" and listed[second.pk]["state"] == "replaced"
    assert listed[second.pk]["kept"] is True
    answer = api.post(f"/api/v1/deployments/{row['id']}/rollback/")
    assert answer.status_code == 409 and "is current already" in answer.content.decode()


def test_a_release_that_is_not_on_the_board_any_more_is_not_rolled_back_to(rows, deployed, alice):
    device = Device.objects.get()
    device.probe["releases"] = []
    device.save()
    with pytest.raises(IllegalTransition, match="not on the board any more: deploy its model again"):
        services.roll_back(Deployment.objects.get(pk=deployed[0].pk), alice)


def test_a_release_that_somebody_removed_on_the_board_is_said_so_and_offered_no_more(
    board, rows, deployed, alice
):
    first, second = deployed
    made = services.roll_back(first, alice)
    shutil.rmtree(board.root / "home" / rows.device.board_profile.root / "releases" / first.release)
    job = execute(made.job)
    assert job.message == f"{first.release} is not on the board any more: deploy its model again."
    assert board.holds()[1] == second.release
    assert not Deployment.objects.get(pk=first.pk).is_kept and Deployment.objects.get(pk=second.pk).is_kept


def test_a_retry_of_a_rollback_is_a_rollback(board, rows, deployed, alice):
    made = services.roll_back(deployed[0], alice)
    board.order(wrong_answer=True)
    job = execute(made.job)
    assert job.status == Status.FAILED and board.holds()[1] == deployed[1].release
    board.order()
    again = execute(jobs.retry(job, created_by=alice))
    assert again.status == Status.SUCCEEDED and again.deployment.source == deployed[0]
    assert board.holds()[1] == deployed[0].release


@pytest.fixture
def watching(settings, monkeypatch):
    settings.DEPLOY_WATCH_SECONDS = 600
    monkeypatch.setattr(attempt, "WATCH_EVERY_SECONDS", 0.2)


FAULTS = {
    "memory": ({health.MEMORY: "MemTotal: 200000 kB\nMemAvailable: 900 kB"}, "0 MB of memory left"),
    "heat": ({health.HEAT: "112500"}, "is at 112 °C with this model"),
    "restart": ({health.BOOT: "another boot"}, "restarted while the release was on trial"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_board_that_is_not_well_during_the_watch_time_gets_the_earlier_release_back(
    board, rows, watching, fault
):
    earlier = rows.deployed()
    files, words = FAULTS[fault]
    deployment = rows.started("Second")
    with executing(deployment.job):
        wait_for(lambda: Job.objects.get(pk=deployment.job.pk).phase == "watching the board", "the watch")
        board.order(files=files)
    job = Job.objects.get(pk=deployment.job.pk)
    assert job.status == Status.FAILED and words in job.message, job.message
    assert job.message.endswith(f"The earlier release {BEFORE} is current again.")
    assert board.holds() == ([BEFORE], BEFORE)
    assert running.current_deployment(Device.objects.get()) == earlier
    assert Deployment.objects.get(pk=deployment.pk).state == "rolled-back"


@pytest.mark.parametrize(
    "before, now, restarted", [("a", "b", True), ("a", "a", False), ("a", "", False), ("", "b", False)]
)
def test_a_boot_that_is_not_known_is_no_restart(before, now, restarted):
    assert attempt.another_boot(before, now) is restarted


def test_a_release_that_a_person_cancels_in_its_watch_time_is_rolled_back(board, rows, watching):
    rows.deployed()
    deployment = rows.started("Second")
    with executing(deployment.job):
        wait_for(lambda: Job.objects.get(pk=deployment.job.pk).phase == "watching the board", "the watch")
        jobs.cancel(Job.objects.get(pk=deployment.job.pk), by="alice")
    assert Job.objects.get(pk=deployment.job.pk).status == Status.CANCELLED
    assert board.holds() == ([BEFORE], BEFORE)
    assert Deployment.objects.get(pk=deployment.pk).state == "rolled-back"


class TestOneDeploymentOnABoard:
    @pytest.fixture
    def theirs(self, board, artifacts, django_user_model):
        """Rows of another team for the same board."""
        other = Team.objects.create(name="Dock workers")
        return Rows(other, django_user_model.objects.create(username="dora"), board, artifacts)

    def test_two_rows_of_one_board_cannot_be_worked_at_at_once(self, board, rows, theirs):
        first, second = rows.started("Ours"), theirs.started("Theirs")
        with board.connect() as connection:
            boards = {boardlock.identity(row.device, health.boot_of(connection)) for row in (first, second)}
        assert len(boards) == 1
        assert Deployment.objects.hold(first, *boards)
        assert not Deployment.objects.hold(second, *boards)
        with pytest.raises(IntegrityError), transaction.atomic():
            Deployment.objects.filter(pk=second.pk).update(holds=boards.pop())

    def test_a_deployment_that_died_holds_nothing(self, rows, theirs):
        first, second = rows.started("Ours"), theirs.started("Theirs")
        assert Deployment.objects.hold(first, "board")
        Job.objects.filter(pk=first.job.pk).update(status=Status.FAILED)
        assert Deployment.objects.hold(second, "board")

    def test_who_waits_too_long_is_told_so(self, rows, theirs, board, monkeypatch):
        monkeypatch.setattr(boardlock, "WAIT_SECONDS", 0.1)
        monkeypatch.setattr(boardlock, "AGAIN_SECONDS", 0.05)
        first, second = rows.started("Ours"), theirs.started("Theirs")
        with board.connect() as connection:
            Deployment.objects.hold(first, boardlock.identity(first.device, health.boot_of(connection)))
        job = execute(second.job)
        assert job.status == Status.FAILED and "Another deployment is in progress" in job.message

    def test_nothing_is_held_once_it_has_ended(self, rows):
        assert execute(rows.started("Ours").job).status == Status.SUCCEEDED
        assert not Deployment.objects.exclude(holds="").exists()
