"""Rollouts to running virtual boards, each deployment as a worker executes it."""

import pytest

from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.rollouts import services
from tests.devices.boards import needs_convert_environment
from tests.devices.live import BEFORE, execute
from tests.graphs import model_of

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


def deployed_next() -> Job:
    """Execute the only deployment that waits."""
    return execute(Job.objects.get(kind="deploy", status=Status.QUEUED))


def test_a_board_whose_host_key_changes_in_the_middle_stops_alone(rows, board, renewed_board, alice):
    first, run = rows.device, rows.run("New")
    changing = Device.objects.create(
        team=first.team,
        name="A board that somebody replaces",
        profile="virtual",
        host=first.host,
        port=board.state["port"],
        host_key=board.state["host_key"],
        secret=first.secret,
    )
    model, devices = model_of(run), [changing, first]
    rollout = services.create(model, alice, name="", devices=devices, may_fail=0.5, at_once=1)
    assert rollout.targets.filter(state="running").get().device == changing
    board.order(other_host_key=True)
    failed = deployed_next()
    assert failed.status == Status.FAILED and "shows another host key than the one pinned" in failed.message
    assert not (board.home / "slipway").exists(), "it was sent nothing"
    assert deployed_next().status == Status.SUCCEEDED
    assert renewed_board.holds()[1] not in (BEFORE, "")
    rollout.refresh_from_db()
    assert rollout.status == "succeeded"
    stopped, done = (rollout.targets.get(device=device) for device in devices)
    assert (stopped.state, stopped.message, done.state) == ("failed", failed.message, "succeeded")


def test_a_clock_in_1970_keeps_no_release_from_a_board(rows, renewed_board, alice):
    renewed_board.order(clock_offset=-1_790_000_000)
    services.create(model_of(rows.run("New")), alice, name="", devices=[rows.device])
    assert deployed_next().status == Status.SUCCEEDED
    assert renewed_board.holds()[1] != BEFORE
