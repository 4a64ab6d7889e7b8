"""Deployments of two teams to one board take turns on the board itself, and nobody holds it for ever."""

import json
import time

import pytest

from portal.deployment import boardlock
from portal.deployment.steps import deploy
from portal.devices.errors import RemoteFailed
from portal.devices.models import Device
from portal.devices.remote_runner import run_in_turn, run_release_manager
from portal.jobs.models import Job, Status
from portal.teams.models import Team
from tests.devices.boards import PROFILE, make_release, needs_convert_environment
from tests.devices.live import Rows, execute
from tests.jobs.helpers import executing, wait_for

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def board(renewed_board):
    return renewed_board


@pytest.fixture
def connection(board):
    with board.connect() as connected:
        yield connected


@pytest.fixture(autouse=True)
def asks_again_soon(monkeypatch):
    monkeypatch.setattr(boardlock, "AGAIN_SECONDS", 0.1)


def take(connection, owner, token, seconds=60):
    return run_release_manager(connection, PROFILE, "lock", owner, token, str(seconds))


def test_another_owner_is_told_how_long_it_may_take(connection):
    assert take(connection, "ours", "1") == {"type": "result", "locked": True}
    found = take(connection, "theirs", "2")
    assert found["locked"] is False and 0 < found["left"] <= 60
    run_release_manager(connection, PROFILE, "unlock", "2")
    assert take(connection, "theirs", "2")["locked"] is False, "only its holder gives it back"
    run_release_manager(connection, PROFILE, "unlock", "1")
    assert take(connection, "theirs", "2")["locked"] is True


def test_a_lock_ends_by_itself_and_is_never_longer_than_a_quarter_of_an_hour(connection, board):
    take(connection, "theirs", "2", 10**9)
    assert take(connection, "ours", "1")["left"] <= 900
    held = json.loads((board.home / "slipway/lock.json").read_text())
    held["until"] = time.monotonic() - 1
    (board.home / "slipway/lock.json").write_text(json.dumps(held))
    assert take(connection, "ours", "1")["locked"] is True


@pytest.mark.parametrize("text", ["", "{", "[]", '{"until": 1e300, "boot": "x"}', '{"until": "x"}', "null"])
def test_what_is_no_lock_locks_nobody_out(connection, board, text):
    (board.home / "slipway/lock.json").write_text(text)
    assert take(connection, "ours", "1")["locked"] is True


def test_a_job_that_was_replaced_switches_no_more(connection, board, artifacts):
    take(connection, "ours", "first")
    release = make_release(artifacts, "r1")
    with pytest.raises(RemoteFailed, match="has taken this board over"):

        def on_phase(name):
            if name == "switch":
                take(connection, "ours", "second")

        deploy(connection, PROFILE, release, on_phase, token="first")
    assert board.holds() == (["before"], "before")


def test_a_second_team_waits_for_the_first_and_then_deploys(board, rows, monkeypatch, django_user_model):
    other = Team.objects.create(name="Dock workers")
    theirs = Rows(other, django_user_model.objects.create(username="dora"), board, rows.artifacts)
    first, second = rows.started("Ours"), theirs.started("Theirs")
    board.order(bytes_per_second=10_000)
    with executing(first.job):
        wait_for(lambda: Job.objects.get(pk=first.job.pk).phase == "upload", "the upload")
        with executing(second.job):
            waiting = "waiting for another deployment"
            wait_for(
                lambda: Job.objects.get(pk=second.job.pk).phase.startswith(waiting), "the other team to wait"
            )
            board.order()
    ends = [Job.objects.get(pk=row.job.pk) for row in (first, second)]
    assert [job.status for job in ends] == [Status.SUCCEEDED] * 2, [job.message for job in ends]
    assert board.holds()[1] == Job.objects.get(pk=second.job.pk).deployment.release


def test_who_waits_too_long_is_told_so_and_nothing_changes(board, rows, monkeypatch):
    monkeypatch.setattr(boardlock, "WAIT_SECONDS", 0.3)
    with board.connect() as connection:
        take(connection, "theirs", "2", 600)
    job = execute(rows.started("Ours").job)
    assert job.status == Status.FAILED and "Another deployment is in progress on the board" in job.message
    assert board.holds() == (["before"], "before")


def test_a_row_of_another_team_for_the_same_address_blocks_nobody(rows):
    """Another team points a row at the address, and its job hangs: ours runs all the same."""
    other = Team.objects.create(name="Dock workers")
    theirs = Device.objects.create(
        team=other, name="Theirs", profile="virtual", host=rows.device.host, port=rows.device.port
    )
    hanging = Job.objects.create(kind="probe", queue="deploy", team=other, status=Status.RUNNING)
    assert Device.objects.claim(theirs.pk, hanging)
    assert execute(rows.started("Ours").job).status == Status.SUCCEEDED


def test_the_lock_is_renewed_while_the_work_goes_on_and_free_after_it(board, rows, monkeypatch):
    monkeypatch.setattr(boardlock, "RENEW_SECONDS", 0.0)
    asked = []
    monkeypatch.setattr(
        boardlock,
        "run_in_turn",
        lambda *args: asked.append(args[2][0]) or run_in_turn(*args),
    )
    assert execute(rows.started("Ours").job).status == Status.SUCCEEDED
    assert asked.count("lock") > 10
    with board.connect() as connection:
        assert take(connection, "theirs", "2", 600)["locked"]
