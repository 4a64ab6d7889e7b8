"""Deployments as the portal runs them: rows, job machine and pages, against a virtual board's process."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as configured
from django.core.management import call_command
from django.urls import reverse

from portal.deployment import attempt, running, steps
from portal.deployment.models import Deployment
from portal.devices import remote_runner, services
from portal.devices.remote_runner import program
from portal.devices.services import Credentials
from portal.jobs import execution
from portal.jobs import services as jobs
from portal.jobs.log import read_log
from portal.jobs.models import Job, Status
from portal.runs import services as runs
from tests.devices.boards import PASSWORD, PROFILE, make_release, needs_convert_environment, picture, until
from tests.devices.live import (
    BEFORE,
    change_access,
    check_told,
    execute,
    text,
)
from tests.graphs import run_of_deployment
from tests.jobs.helpers import executing, wait_for
from tests.ports import free_port

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def board(renewed_board):
    return renewed_board


@pytest.fixture
def without_resuming(monkeypatch):
    """The job gives up at the first connection that breaks."""
    monkeypatch.setattr(attempt, "RESUMES", 0)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def retried(deployment) -> Job:
    """Retry the run of a failed deployment, as its button does, and run the new attempt's job."""
    run = run_of_deployment(deployment)
    runs.retry_run(run, run.created_by)
    return execute(last_attempt(deployment).job)


def last_attempt(deployment) -> Deployment:
    return Deployment.objects.newest().get(device=deployment.device, compiled_model=deployment.compiled_model)


def check_before_answers(rows, earlier):
    """What was current before is, and the board still answers with it."""
    inference = rows.asked()
    assert execute(inference.job).status == Status.SUCCEEDED
    inference.refresh_from_db()
    assert inference.images.get().prediction.get("label") == "red"
    assert running.deployment_of(inference.device, inference.release) == earlier


def test_a_deployment_is_measured_and_shown(alices, board, rows):
    deployment = rows.started("First")
    job = execute(deployment.job)
    assert job.status == Status.SUCCEEDED, job.message
    deployment = fresh(deployment)
    assert board.holds() == ([BEFORE, deployment.release], deployment.release)
    assert deployment.engine.startswith("virtual: onnxruntime")
    measured = deployment.job.evaluations.get()
    assert (measured.images, measured.value, measured.agreement) == (6, 1, 1)
    assert run_of_deployment(deployment).status == Status.SUCCEEDED
    assert list((board.home / "slipway/inbox").iterdir()) == []
    assert not execution.job_folder(job).exists()
    page = text(alices, reverse("device-detail", args=[rows.device.pk]))
    assert deployment.release in page and "First" in page


@dataclass(frozen=True)
class Fault:
    """What is ordered of the board or changed on the device's row, and words of the sentence for it."""

    words: str
    orders: dict = field(default_factory=dict)
    device: dict = field(default_factory=dict)
    expected: dict | None = None


FAULTS = {
    "unreachable": Fault("refused the connection: check the port", device={"port": free_port}),
    "wrong password": Fault(
        "refused the password of user root: correct the user name",
        device={"credentials": lambda: Credentials(password="guess")},
    ),
    "changed host key": Fault("shows another host key than the one pinned", {"other_host_key": True}),
    "full disk": Fault("delete files or old releases on it", {"disk_quota_bytes": 1_000_000}),
    "disk that fills up": Fault("is full:", {"disk_quota_bytes": 8000, "df_lies": True}),
    "no Python": Fault("has no command python: install Python 3.8", {"no_python": True}),
    "no vendor library": Fault("install the vendor's SDK", {"no_library": True}),
    "dropped connection": Fault("broke while writing", {"drop": {"match": "part/runner.py"}}),
    "power cut": Fault(
        "check its power and its cable", {"power_cut": {"match": "exec python - activate", "back_after": 0.3}}
    ),
    "wrong answers": Fault("does not predict the golden images", {"wrong_answer": True}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_leaves_nothing_and_a_retry_succeeds_once_it_is_gone(
    alices, board, rows, without_resuming, name
):
    fault = FAULTS[name]
    earlier = rows.deployed()
    untouched = Deployment.objects.filter(pk=earlier.pk).values().get()
    deployment = rows.started("Second")
    orders = dict(fault.orders)
    if "df_lies" in orders:
        orders["disk_quota_bytes"] += board.used_bytes()
    board.order(**orders)
    change_access(rows.device, **{key: make() for key, make in fault.device.items()})

    job = execute(deployment.job)
    check_told(
        alices, job, rows.device, fault.words, reverse("run-detail", args=[run_of_deployment(deployment).pk])
    )
    assert run_of_deployment(deployment).status == Status.FAILED
    assert run_of_deployment(deployment).message == job.message
    assert fresh(deployment).activated_at is None and fresh(deployment).release == ""

    board.order()
    change_access(rows.device, port=board.state["port"])
    until(board.is_back, "the board to come back")
    if name not in ("power cut", "dropped connection"):  # else the next deployment goes on from what is there
        assert board.holds() == ([BEFORE], BEFORE)
    check_before_answers(rows, earlier)

    again = retried(deployment)
    assert again.status == Status.SUCCEEDED, again.message
    assert again.retry_of == job and fresh(job).status == Status.FAILED
    assert fresh(deployment).job == job, "an attempt is never overwritten"
    release = last_attempt(deployment).release
    assert board.holds() == (sorted([BEFORE, release]), release)
    assert fresh(rows.device).problem == ""
    assert Deployment.objects.filter(pk=earlier.pk).values().get() == untouched


def test_a_model_that_answers_otherwise_than_promised_is_refused(alices, board, rows):
    earlier = rows.deployed()
    deployment = rows.started("Wrong", expected={0: 2})
    words = "check the chip and the channel order of the board's profile"
    check_told(alices, execute(deployment.job), rows.device, words)
    assert board.holds() == ([BEFORE], BEFORE)
    check_before_answers(rows, earlier)


def test_another_encryption_key_asks_for_the_credentials_again(alices, board, rows, settings):
    deployment = rows.started("Second")
    key = settings.ENCRYPTION_KEY
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    job = execute(deployment.job)
    check_told(alices, job, rows.device, "encryption key: enter them again on the device's page")
    assert board.holds() == ([BEFORE], BEFORE)
    services.update_access(rows.device, credentials=Credentials(password=PASSWORD))
    assert retried(deployment).status == Status.SUCCEEDED
    assert settings.ENCRYPTION_KEY != key


def test_a_connection_lost_right_after_the_switch_is_looked_into(alices, board, rows, without_resuming):
    rows.deployed()
    board.order(drop={"match": "exit python - activate"})
    deployment = rows.started("Second")
    job = execute(deployment.job)
    check_told(alices, job, rows.device, "broke while")
    deployment = fresh(deployment)
    assert board.holds()[1] == deployment.release, "the switch took place, and the row says so"
    assert running.current_deployment(rows.device) == deployment
    assert retried(deployment).status == Status.SUCCEEDED


@pytest.mark.parametrize(
    "moment", ["part/runner.py", "exit python - activate", "exec python slipway/current"]
)
def test_a_job_goes_on_after_a_connection_that_broke(board, rows, moment):
    rows.deployed()
    board.order(drop={"match": moment})
    deployment = rows.started("Second")
    job = execute(deployment.job)
    assert job.status == Status.SUCCEEDED, job.message
    assert "broke while" in read_log(job, 0)[0]
    deployment = fresh(deployment)
    assert board.holds() == (sorted([BEFORE, deployment.release]), deployment.release)
    assert job.evaluations.get().images == 6


def test_a_board_that_restarts_while_it_proves_the_release_gets_the_earlier_one_back(alices, board, rows):
    earlier = rows.deployed()
    board.order(power_cut={"match": "exec python slipway/current", "back_after": 0.05})
    deployment = rows.started("Second")
    job = execute(deployment.job)
    words = "restarted while the release was on trial"
    page = reverse("device-detail", args=[rows.device.pk])
    assert check_told(alices, job, rows.device, words).endswith(f"release {BEFORE} is current again.")
    deployment = fresh(deployment)
    assert deployment.state == "rolled-back" and "Rolled back" in text(alices, page)
    assert board.holds() == ([BEFORE], BEFORE)
    assert running.current_deployment(rows.device) == earlier
    check_before_answers(rows, earlier)


def test_a_connection_lost_while_measuring_leaves_the_new_release_current(
    alices, board, rows, without_resuming
):
    rows.deployed()
    board.order(drop={"match": "exec python slipway/current"})
    deployment = rows.started("Second")
    check_told(alices, execute(deployment.job), rows.device, "broke while running python")
    deployment = fresh(deployment)
    assert board.holds()[1] == deployment.release and deployment.activated_at
    assert retried(deployment).status == Status.SUCCEEDED


@pytest.mark.parametrize("no_sftp", [False, True], ids=["by SFTP", "by cat"])
def test_a_cancelled_deployment_stops_at_once_and_leaves_nothing(board, rows, no_sftp):
    earlier = rows.deployed()
    board.order(bytes_per_second=12000, no_sftp=no_sftp)
    deployment = rows.started("Second")
    with executing(deployment.job):
        wait_for(lambda: fresh(deployment.job).phase == "upload", "the upload")
        jobs.cancel(fresh(deployment.job), by="alice")
    job = fresh(deployment.job)
    assert job.status == Status.CANCELLED
    assert "verify" not in read_log(job, 0)[0]
    board.order()
    assert board.holds() == ([BEFORE], BEFORE)
    assert fresh(rows.device).problem == ""
    check_before_answers(rows, earlier)
    assert retried(deployment).status == Status.SUCCEEDED


def test_two_jobs_for_one_device_do_not_run_at_once(board, rows, alice):
    board.order(bytes_per_second=10_000)
    deployment, other = rows.started("Second"), rows.started("Third")
    probe = services.start_probe(rows.device, alice)
    with executing(deployment.job):
        wait_for(lambda: fresh(deployment.job).phase == "upload", "the upload")
        for waiting in (other.job, probe):
            assert execution.execute(waiting.pk) is False
            assert fresh(waiting).status == Status.QUEUED
        board.order()
    assert fresh(deployment.job).status == Status.SUCCEEDED
    assert execute(probe).status == execute(other.job).status == Status.SUCCEEDED
    assert board.holds()[1] == fresh(other).release


def test_old_releases_are_removed_and_failing_at_that_fails_nothing(board, rows, monkeypatch):
    with board.connect() as connection:
        for name in ("old1", "old2"):
            steps.deploy(connection, PROFILE, make_release(rows.artifacts, name))
    deployment = rows.started("Second")
    assert execute(deployment.job).status == Status.SUCCEEDED
    release = fresh(deployment).release
    assert board.holds() == (sorted(["old1", "old2", release]), release)

    source = remote_runner.program("board/release_manager.py")
    stuck = source.replace(b"removed.append(name)", b"raise OSError('the card is stuck')")
    assert stuck != source
    monkeypatch.setattr(remote_runner, "program", lambda path: stuck if "manager" in path else program(path))
    deployment = rows.started("Third")
    job = execute(deployment.job)
    assert job.status == Status.SUCCEEDED
    assert "Old releases were not removed: the card is stuck" in read_log(job, 0)[0]


def test_credentials_are_in_no_row_log_answer_or_file(alices, board, rows, alice, caplog):
    caplog.set_level("DEBUG")
    deployment = rows.started("Second")
    probe, inference = services.start_probe(rows.device, alice), rows.asked(("a.png", picture("red")))
    ends = [execute(job).status for job in (deployment.job, probe, inference.job)]
    services.update_access(rows.device, credentials=Credentials(password="mistyped horse"))
    failed = execute(services.start_probe(fresh(rows.device), alice))
    assert (ends, failed.status) == ([Status.SUCCEEDED] * 3, Status.FAILED)

    dump = io.StringIO()
    call_command("dumpdata", stdout=dump)
    assert rows.device.name in dump.getvalue()
    answers = [
        alices.get(f"/api/v1/{path}").content.decode()
        for path in (
            "devices/",
            f"devices/{rows.device.pk}/",
            "jobs/",
            f"jobs/{failed.pk}/log/",
            f"jobs/{deployment.job.pk}/log/",
            f"runs/{run_of_deployment(deployment).pk}/",
            f"runs/{run_of_deployment(deployment).pk}/report/",
        )
    ]
    stored = Path(configured.STORAGES["default"]["OPTIONS"]["location"])
    files = [
        path.read_bytes() for place in (stored, board.home) for path in place.rglob("*") if path.is_file()
    ]
    assert len(files) > 10 and all(answers)
    for word in (PASSWORD, "mistyped horse"):
        for said in (dump.getvalue(), caplog.text, *answers):
            assert word not in said
        assert not any(word.encode() in content for content in files)
