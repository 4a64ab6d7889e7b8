"""Jobs that talk to a hostile board: they end in time, as what they are, once, and store nothing harmful."""

from __future__ import annotations

import dataclasses
import json
import time

import pytest
from django.urls import reverse

from portal.devices import connection, services
from portal.jobs import context as contexts
from portal.jobs import kinds
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from tests.devices.live import Rows, check_sentence, execute, text, without_broker
from tests.jobs.helpers import executing, wait_for

pytestmark = [pytest.mark.ssh, pytest.mark.django_db(transaction=True)]
HUNG_SECONDS = 45.0


@pytest.fixture
def rows(team, alice, board, tmp_path, monkeypatch):
    without_broker(monkeypatch)
    (tmp_path / "model.rknn").write_bytes(b"RKNN\0\0\0\0" + b'{"target_platform":["rv1106"]}')
    for name in ("build.onnx", "calibration.zip"):
        (tmp_path / name).write_bytes(b"x" * 1000)
    return Rows(team, alice, board, tmp_path)


@pytest.fixture
def probe(rows, alice):
    def start() -> Job:
        rows.device.refresh_from_db()
        return services.start_probe(rows.device, alice)

    return start


def limited(monkeypatch, name: str, seconds: int) -> None:
    kind = dataclasses.replace(kinds.get(name), time_limit=seconds)
    monkeypatch.setitem(kinds._kinds, name, kind)


def deployed(rows) -> Job:
    return rows.started("Frozen").job


def asked(rows) -> Job:
    return rows.asked().job


# mode, at which command, which job, and the phase in which it is then stuck
STUCK = {
    "login": ("freeze-auth", "", "probe", "connecting"),
    "greeting": ("tarpit-greeting", "", "probe", "connecting"),
    "command": ("freeze-exec", "uname", "probe", "checking the board"),
    "output": ("endless-stderr", "runner.py", "infer", "running inference"),
    "answer": ("silent-exec", "runner.py", "infer", "running inference"),
    "upload": ("freeze-sftp-write", "", "deploy", "upload"),
    "switch": ("freeze-exec", "activate", "deploy", "switch"),
    "confirmation": ("silent-exec", "python - confirm", "deploy", "confirm"),
    "measuring": ("freeze-exec", "answer --list", "deploy", "measuring"),
}


@pytest.fixture(params=STUCK)
def stuck(request, rows, board, probe, monkeypatch):
    """A job that is about to get stuck, and the phase that it reaches."""
    mode, at, kind, phase = STUCK[request.param]
    job = {"probe": probe, "infer": lambda: asked(rows), "deploy": lambda: deployed(rows)}[kind]()
    board.order(mode, at)
    monkeypatch.setattr("portal.devices.channel.MAX_STREAMED_BYTES", 2**40)
    return job, phase


def reaches(job: Job, phase: str) -> bool:
    return Job.objects.get(pk=job.pk).phase.startswith(phase)


def test_a_cancel_frees_the_worker_whatever_the_job_is_stuck_in(stuck):
    job, phase = stuck
    with executing(job):
        wait_for(lambda: reaches(job, phase), phase)
        start = time.monotonic()
        jobs.cancel(Job.objects.get(pk=job.pk), by="alice")
        wait_for(lambda: Job.objects.get(pk=job.pk).status == Status.CANCELLED, "the end")
        assert time.monotonic() - start < HUNG_SECONDS


def test_a_time_limit_ends_the_job_whatever_it_is_stuck_in(stuck, monkeypatch):
    job, _phase = stuck
    limited(monkeypatch, job.kind, 2)
    monkeypatch.setattr(contexts, "LIMIT_GRACE_SECONDS", 1.0)
    job = execute(job)
    assert job.status == Status.FAILED and job.message.startswith("It ran longer than")


def test_a_cancelled_upload_leaves_nothing_on_the_board(rows, board):
    job = deployed(rows)
    board.order("silent-exec", "=runner.py")
    with executing(job):
        wait_for(lambda: reaches(job, "golden"), "the golden images")
        jobs.cancel(Job.objects.get(pk=job.pk), by="alice")
    assert Job.objects.get(pk=job.pk).status == Status.CANCELLED
    board.order("good")
    with board.connect() as line:
        assert line.run(["sh", "-c", "ls slipway/releases | wc -l"]).stdout.strip() == "0"


@pytest.mark.parametrize(
    "mode", ["nan", "label-list", "label-huge", "label-negative", "deep", "other-image", "twice"]
)
def test_an_answer_that_makes_no_sense_fails_the_job_once(alices, rows, board, mode):
    inference = rows.asked()
    board.order(mode)
    job = execute(inference.job)
    assert job.status == Status.FAILED and job.error_kind == "input", job.message
    assert "makes no sense" in job.message
    check_sentence(job.message)
    assert not Job.objects.filter(retry_of=job).exists()
    page = reverse("inference-detail", args=[inference.device_id, inference.pk])
    assert "makes no sense" in text(alices, page)


def test_a_label_with_control_characters_is_stored_without_them(rows, board):
    inference = rows.asked()
    board.order("control")
    assert execute(inference.job).status == Status.SUCCEEDED
    assert inference.images.get().prediction.get("label") == "[31mred alert"


@pytest.mark.parametrize("mode", ["giant-answer", "nan", "deep", "endless-stdout"])
def test_what_a_probe_stores_is_small_and_the_pages_stay_fast(alices, rows, board, probe, mode):
    assert execute(probe()).status == Status.SUCCEEDED
    board.order(mode)
    job = execute(probe())
    assert job.status == Status.FAILED and len(job.message) < 1000
    check_sentence(job.message)
    rows.device.refresh_from_db()
    assert rows.device.probe["python"] == "3.11.1", "what an earlier probe found stays"
    assert len(json.dumps(rows.device.probe)) < 5000
    for page in ("/", reverse("device-detail", args=[rows.device.pk])):
        response = alices.get(page)
        assert response.status_code == 200 and len(response.content) < 200_000


def test_a_board_that_starts_anew_is_tried_again(rows, board, probe, settings):
    settings.SSH_RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0)
    job = probe()
    board.leave()
    with executing(job):
        wait_for(lambda: "again in" in Job.objects.get(pk=job.pk).phase, "the second try")
        board.come_back()
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED
    log = "".join(chunk.text for chunk in job.log_chunks.all())
    assert "again in 0.5 s" in log and "refused the connection" in log


def test_waiting_for_a_board_that_is_away_can_be_cancelled(rows, board, probe, settings):
    settings.SSH_RETRY_DELAYS = (20.0,)
    job = probe()
    board.leave()
    with executing(job):
        wait_for(lambda: "again in" in Job.objects.get(pk=job.pk).phase, "the second try")
        jobs.cancel(Job.objects.get(pk=job.pk), by="alice")
        wait_for(lambda: Job.objects.get(pk=job.pk).status == Status.CANCELLED, "the end")


@pytest.mark.parametrize("mode", ["changed-key", "interactive-endless"])
def test_a_wrong_key_or_password_is_not_tried_again(rows, board, probe, settings, mode):
    settings.SSH_RETRY_DELAYS = (600.0,)
    board.order(mode)
    assert execute(probe()).status == Status.FAILED


def test_a_board_that_only_asks_questions_is_signed_in_to(rows, board, probe):
    board.order("interactive-only")
    assert execute(probe()).status == Status.SUCCEEDED
    assert connection.OPEN_SECONDS > 1, "with the ordinary deadlines"
